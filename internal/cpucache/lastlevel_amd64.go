//go:build gc && !purego && !noasm

package cpucache

import "sync"

// LastLevel returns the bytes of the last-level cache. It asks the CPU at the
// first call: CPUID takes long in a virtual machine.
func LastLevel() int { return lastLevel() }

var lastLevel = sync.OnceValue(func() int { return size(cpuid) })
