// Package guard makes memory in which tests catch accesses outside a slice: a
// write anywhere else in a buffer is seen afterwards, and next to a buffer of
// [Pages] lies memory whose every access faults.
package guard

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"unsafe"
)

const (
	// Align is the alignment of a buffer: a cache line, which is also the
	// widest vector.
	Align = 64
	// Margin is the room that a buffer has on either side of a slice that is
	// laid by [Middle].
	Margin = 128

	fill = 0xa5
)

// A Buffer is memory to lay slices in.
type Buffer struct {
	mem   []byte
	blank []byte // what mem is while nothing is written
}

// Heap returns a buffer of at least size bytes and a margin on either side.
func Heap(size int) *Buffer {
	words := make([]uint64, (size+2*Margin+Align)/8+1)
	mem := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 8*len(words))
	skip := int(-uintptr(unsafe.Pointer(&mem[0])) % Align)
	return newBuffer(mem[skip:])
}

func newBuffer(mem []byte) *Buffer {
	b := &Buffer{mem: mem, blank: bytes.Repeat([]byte{fill}, len(mem))}
	copy(mem, b.blank)
	return b
}

// Front lays a slice of n elements so that it begins skip bytes after the
// first byte of the buffer.
func Front[E any](b *Buffer, skip, n int) []E {
	return lay[E](b, skip, n)
}

// Back lays a slice of n elements so that it ends skip bytes before the end of
// the buffer.
func Back[E any](b *Buffer, skip, n int) []E {
	var e E
	return lay[E](b, len(b.mem)-skip-n*int(unsafe.Sizeof(e)), n)
}

// Middle lays a slice of n elements so that it begins skip bytes after a
// multiple of [Align], with a margin on either side.
func Middle[E any](b *Buffer, skip, n int) []E {
	return lay[E](b, Margin+skip, n)
}

func lay[E any](b *Buffer, from, n int) []E {
	var e E
	size := n * int(unsafe.Sizeof(e))
	if from < 0 || from+size > len(b.mem) {
		panic(fmt.Sprintf("guard: %d bytes from %d on do not fit in a buffer of %d", size, from, len(b.mem)))
	}
	// An empty slice keeps its place too, even that at the very end.
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(b.mem)), from)
	return unsafe.Slice((*E)(p), n)
}

// Bytes returns the memory of a slice.
func Bytes[E any](s []E) []byte {
	var e E
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(e)))
}

// Check returns an error if a byte of the buffer outside s, which lies in it,
// was written, and blanks s for the next use.
func Check[E any](b *Buffer, s []E) error {
	in := Bytes(s)
	from := int(uintptr(unsafe.Pointer(unsafe.SliceData(in))) - uintptr(unsafe.Pointer(unsafe.SliceData(b.mem))))
	to := from + len(in)
	copy(in, b.blank)
	if bytes.Equal(b.mem, b.blank) {
		return nil
	}
	for i, v := range b.mem {
		if v != fill {
			copy(b.mem, b.blank)
			if i < from {
				return fmt.Errorf("wrote %d bytes before the slice", from-i)
			}
			return fmt.Errorf("wrote %d bytes behind the slice", i-to+1)
		}
	}
	return nil
}

// Fault runs f and returns an error if it touched memory that faults, as the
// pages around a buffer do.
func Fault(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }:
			err = fmt.Errorf("touched memory outside its slices, at %#x", r.Addr())
		default:
			panic(r)
		}
	}()
	f()
	return nil
}
