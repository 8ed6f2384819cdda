// Package measured counts the work of the library. TestBounds builds the library so that
// it copies and clears memory by this package, and tells it of kernel calls and of turns of
// loops.
package measured

import (
	"fmt"
	"unsafe"
)

// The runtime cannot preempt a goroutine in one of its memory routines, or in assembly:
// the bytes of a call are bounded, at some GB/s to tens of microseconds.
const (
	mostMemory   = 1 << 17 // 16,384 float64
	mostWords    = 1 << 16 // 8,192 words of bits
	mostElements = 1 << 19 // 65,536 float64, stored around the caches
)

// Work is what has been done since it was set: turns of loops, and words of memory that
// were copied or cleared or that kernels were called for. It is counted by one goroutine.
var Work int

// Words is the part of Work that was not turns of loops.
var Words int

func count(call string, bytes, most int) {
	if bytes > most {
		panic(fmt.Sprintf("a call of %s for %d bytes, want %d at most", call, bytes, most))
	}
	Work += bytes / 8
	Words += bytes / 8
}

// Copy is copy.
func Copy[E any](dst, src []E) int {
	n := copy(dst, src)
	count("copy", n*int(unsafe.Sizeof(*new(E))), mostMemory)
	return n
}

// Clear is clear.
func Clear[E any](s []E) {
	count("clear", len(s)*int(unsafe.Sizeof(*new(E))), mostMemory)
	clear(s)
}

// Kernel is told of a kernel's call, with the bytes of the bits, random words or positions
// that it goes through.
func Kernel(name string, bytes int) { count(name, bytes, mostWords) }

// Elements is told of a call with the bytes of elements.
func Elements(name string, bytes int) { count(name, bytes, mostElements) }
