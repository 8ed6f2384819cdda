//go:build gc && !purego

package dropblock

import (
	"cmp"
	"sync"
)

// lastLevelCache returns the size of the last-level cache in bytes. Virtual
// machines may not tell it; there it is taken to be that of a core complex of
// AMD's, the largest piece of cache that common CPUs share between few cores.
// It is asked for at first use: CPUID takes long in a virtual machine.
var lastLevelCache = sync.OnceValue(func() int { return cmp.Or(cacheSize(), 32<<20) })

// cacheSize is the largest cache that the CPU tells of, or 0. It asks the leaf
// of cache parameters: 4 on Intel's CPUs, 0x8000001d, laid out alike, on AMD's.
func cacheSize() (size int) {
	for _, leaf := range []uint32{4, 0x8000001d} {
		if last, _, _, _ := cpuid(leaf&0x80000000, 0); last < leaf {
			continue
		}
		for i := range uint32(8) {
			eax, ebx, ecx, _ := cpuid(leaf, i)
			if eax&0x1f == 0 { // no more caches
				break
			}
			ways, partitions, line := ebx>>22+1, ebx>>12&0x3ff+1, ebx&0xfff+1
			size = max(size, int(ways)*int(partitions)*int(line)*int(ecx+1))
		}
	}
	return size
}
