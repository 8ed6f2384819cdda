//go:build gc && !purego && !noasm

package cpucache

import "sync"

// LastLevel returns the size of the last-level cache in bytes. It executes CPUID, which
// is slow in a virtual machine, in the first call only.
func LastLevel() int { return lastLevel() }

var lastLevel = sync.OnceValue(func() int { return size(cpuid) })
