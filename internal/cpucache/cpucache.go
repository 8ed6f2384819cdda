// Package cpucache reads the size of the last-level cache.
package cpucache

// Default is the size for CPUs that do not report one, as in some virtual machines:
// that of an AMD core complex, the largest cache that few cores of common CPUs share.
const Default = 32 << 20

// A reported size outside these bounds is taken for a mistake of a hypervisor.
const (
	least = 256 << 10
	most  = 1 << 30
)

// Types of caches in the leaves.
const (
	noMore      = 0
	instruction = 2
)

// size returns the size of the largest cache that the CPU reports, or [Default]. It reads
// the leaf of cache parameters: 4 on Intel CPUs (Software Developer's Manual, volume 2A,
// CPUID), and 0x8000001d, of the same layout, on AMD CPUs (Architecture Programmer's
// Manual, volume 3, E.4.15), which lack leaf 4.
func size(cpuid func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)) int {
	var largest uint64
	for _, leaf := range []uint32{4, 0x8000001d} {
		// Above the last leaf Intel CPUs return the data of another one.
		if last, _, _, _ := cpuid(leaf&0x80000000, 0); last < leaf || last>>31 != leaf>>31 {
			continue
		}
		for i := range uint32(8) {
			eax, ebx, ecx, _ := cpuid(leaf, i)
			kind := eax & 0x1f
			if kind == noMore {
				break
			}
			if kind == instruction {
				continue
			}
			ways, partitions, line := ebx>>22+1, ebx>>12&0x3ff+1, ebx&0xfff+1
			// The product with a number of sets, at most 2³², fits 64 bits.
			if bytes := uint64(ways) * uint64(partitions) * uint64(line); bytes <= most {
				if bytes *= uint64(ecx) + 1; bytes <= most {
					largest = max(largest, bytes)
				}
			}
		}
	}
	if largest < least {
		return Default
	}
	return int(largest)
}
