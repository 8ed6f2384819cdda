// Package cpucache tells the size of the last-level cache.
package cpucache

// Default is the size that is taken where the CPU does not tell its own, as
// in virtual machines: that of a core complex of AMD's, the largest piece of
// cache that common CPUs share between few cores.
const Default = 32 << 20

// A last-level cache of another size is taken for a hypervisor's mistake.
const (
	least = 256 << 10
	most  = 1 << 30
)

// Types of caches in the leaves.
const (
	noMore      = 0
	instruction = 2
)

// size is the largest cache that the CPU tells of, or [Default]. It asks the leaf of
// cache parameters: 4 on Intel's CPUs (Software Developer's Manual, volume 2A, CPUID),
// 0x8000001d, laid out alike, on AMD's (Architecture Programmer's Manual, volume 3,
// E.4.15), which has none of the former.
func size(cpuid func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)) int {
	var largest uint64
	for _, leaf := range []uint32{4, 0x8000001d} {
		// Behind the last leaf Intel's CPUs answer with that of another one.
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
