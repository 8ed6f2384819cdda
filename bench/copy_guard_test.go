//go:build unix

package main

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestCopyGuard copies every length from 0 to 1024 between pages that cannot
// be touched: against the end of the memory, and against its beginning. A read
// or write outside ends the test with a fault.
func TestCopyGuard(t *testing.T) {
	const maxLen = 1024 // the elements of the smallest page
	src, dst := guarded(t), guarded(t)
	n := len(src)
	copy(src, patterns(n, 1))
	for _, l := range loops() {
		want := l.want(src)
		t.Run(l.name, func(t *testing.T) {
			for length := range maxLen + 1 {
				for _, from := range []int{0, n - length} {
					for _, to := range []int{0, n - length} {
						clear(dst)
						l.run(dst[to:][:length], src[from:][:length])
						if i := differ(dst[to:][:length], want[from:][:length]); i >= 0 {
							t.Fatalf("%d elements to %d from %d: wrong at element %d", length, to, from, i)
						}
					}
				}
			}
		})
	}
}

// guarded is a page of elements with a page on either side that faults.
func guarded(t *testing.T) []float32 {
	size := unix.Getpagesize()
	mem, err := unix.Mmap(-1, 0, 3*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mem) })
	for _, guard := range [][]byte{mem[:size], mem[2*size:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[size])), size/4)
}
