// Package npy reads and writes NumPy's files of one array, .npy, versions 1 to
// 3 (numpy/lib/format.py). The extents that a header states are compared with
// the length of the file before anything is computed or allocated by them. An array
// is held in memory once, unless a pipe brings it in Fortran order.
package npy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// An Array is the content of a file.
type Array struct {
	Header
	Elems []byte // in C order, the last index running fastest, and this machine's order of bytes
}

// ReadFile reads the array in the file with the given name, like [Read]. Errors begin
// with the name.
func ReadFile(name string, check func(*Header) error) (*Array, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := Read(f, Size(f), check)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// Size is how many bytes of a file are ahead, or −1 if it is not a regular file.
func Size(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	return max(info.Size()-at, 0)
}

// Read reads an array. size is how many bytes there are, or negative if that is not known:
// then memory is allocated as bytes arrive. If check is not nil, it is called with the
// header before the elements are looked at, and may refuse it or change the dtype.
func Read(r io.Reader, size int64, check func(*Header) error) (*Array, error) {
	h, at, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	if check != nil {
		if err := check(&h); err != nil {
			return nil, err
		}
	}
	if h.Name == "" {
		return nil, fmt.Errorf("has dtype %s; want bool, an integer, or a float of 16, 32 or 64 bits", h.Type())
	}
	n, fits := count(h.Shape)
	total := n * uint64(h.size)
	fits = fits && n <= math.MaxUint64/uint64(h.size)
	if size >= 0 && (!fits || total != uint64(size-at)) {
		return nil, h.lengthError(strconv.FormatInt(size-at, 10))
	}
	if fits && total > math.MaxInt {
		fits = false
		if size >= 0 {
			return nil, fmt.Errorf("has %d bytes of elements, more than this machine addresses", total)
		}
	}
	want := math.MaxInt // of a promise that no pipe keeps
	if fits {
		want = int(total)
	}
	a := &Array{Header: h}
	switch {
	case !h.inFortran():
		a.Elems, err = h.readElems(r, want, size >= 0)
	case size >= 0:
		a.Elems = NewElems(want)
		err = h.scatter(a.Elems, r)
	default:
		var elems []byte
		if elems, err = h.readElems(r, want, false); err == nil {
			if want > minRoom {
				debug.FreeOSMemory() // what elems has outgrown, for there will be two of it
			}
			a.Elems = NewElems(want)
			swapped := h
			swapped.Order = nativeOrder
			err = swapped.scatter(a.Elems, bytes.NewReader(elems))
		}
	}
	if err == nil && size < 0 {
		if k, _ := io.ReadFull(r, make([]byte, 1)); k > 0 {
			err = h.lengthError("more than " + strconv.Itoa(want))
		}
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// lengthError is that of a file that has other bytes of elements than its header says.
func (h *Header) lengthError(has string) error {
	want := "more than 2⁶⁴"
	if n, ok := count(h.Shape); ok {
		want = strconv.FormatUint(n, 10)
	}
	return fmt.Errorf("has %s bytes of elements; want %s times %d for the shape %s of %s", has, want, h.size, cmp.Or(join(h.Shape, "x"), "()"), h.Name)
}

const (
	// chunkBytes is how much is read, and its bytes swapped, at once: some of it stays in
	// the cache.
	chunkBytes = 1 << 18
	// minRoom is what is allocated on a header's word alone, growth the factor by which
	// memory grows from there as bytes arrive. All that is outgrown is a seventh of the
	// last.
	minRoom = 1 << 20
	growth  = 8
)

// readElems reads elements of so many bytes, in this machine's order of bytes. If known is
// false, there may be fewer.
func (h *Header) readElems(r io.Reader, total int, known bool) ([]byte, error) {
	room := total
	for !known && room > minRoom {
		room = (room/growth + 63) &^ 63
	}
	elems := NewElems(room)
	for n := 0; n < total; {
		if n == len(elems) {
			larger := NewElems(min(total, growth*n))
			copy(larger, elems)
			elems = larger
		}
		chunk := elems[n:min(n+chunkBytes, len(elems))]
		k, err := io.ReadFull(r, chunk)
		if n += k; err != nil {
			return nil, h.readError(err, n)
		}
		h.swap(chunk)
	}
	return elems, nil
}

// readError is err, or after n bytes of elements the error of too few.
func (h *Header) readError(err error, n int) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return h.lengthError(strconv.Itoa(n))
	}
	return err
}

// inFortran tells whether the order of the elements is Fortran's and not C's as well.
func (h *Header) inFortran() bool {
	axes := 0
	for _, n := range h.Shape {
		if n != 1 {
			axes++
		}
	}
	return h.fortran && axes > 1 && !slices.Contains(h.Shape, 0)
}

// scatter reads elements in Fortran order and writes them to dst in C order: as many whole
// boxes of the first axes at once as the cache holds.
func (h *Header) scatter(dst []byte, r io.Reader) error {
	rank := len(h.Shape)
	cStrides, fStrides := make([]int, rank), make([]int, rank+1) // in elements
	stride := 1
	for axis := rank - 1; axis >= 0; axis-- {
		cStrides[axis] = stride
		stride *= h.Shape[axis]
	}
	split := 0 // the axis of which a part is read at once, and all of those before it
	fStrides[0] = 1
	for axis, n := range h.Shape {
		fStrides[axis+1] = fStrides[axis] * n
		if axis < rank-1 && fStrides[axis+1]*h.size <= boxBytes {
			split = axis + 1
		}
	}
	box := fStrides[split] * h.size
	buf := NewElems(min(max(boxBytes/box, 1), h.Shape[split]) * box)
	index := make([]int, rank)
	for n := 0; n < len(dst); {
		chunk := buf[:min(len(buf), (h.Shape[split]-index[split])*box)]
		k, err := io.ReadFull(r, chunk)
		if n += k; err != nil {
			return h.readError(err, n)
		}
		h.swap(chunk)
		at := 0
		for axis := split; axis < rank; axis++ {
			at += index[axis] * cStrides[axis]
		}
		count := len(chunk) / box
		place := map[int]func(dst, src []byte, shape, to, from []int, n int){
			1: placeAs[uint8], 2: placeAs[uint16], 4: placeAs[uint32], 8: placeAs[uint64],
		}[h.size]
		place(dst[at*h.size:], chunk, h.Shape[:split], cStrides, fStrides, count)
		index[split] += count
		for axis := split; axis < rank-1 && index[axis] == h.Shape[axis]; axis++ {
			index[axis] = 0
			index[axis+1]++
		}
	}
	return nil
}

// boxBytes is how much is read in Fortran order at once.
const boxBytes = 1 << 20

func placeAs[E uint8 | uint16 | uint32 | uint64](dst, src []byte, shape, to, from []int, n int) {
	place(View[E](dst), View[E](src), shape, to, from, n)
}

// place copies a box of elements of a shape, and n of the axis behind, between two orders.
func place[E uint8 | uint16 | uint32 | uint64](dst, src []E, shape, to, from []int, n int) {
	if len(shape) == 0 {
		for i := range n {
			dst[i*to[0]] = src[i*from[0]]
		}
		return
	}
	for i := range shape[0] {
		place(dst[i*to[0]:], src[i*from[0]:], shape[1:], to[1:], from[1:], n)
	}
}

// Values returns the elements, which share the memory of a. The array's dtype has to be
// that of E, or bool for uint8.
func Values[E Element](a *Array) ([]E, error) {
	if want := dtypeOf[E](); a.Dtype != want && (a.Dtype.Name != "bool" || want.Name != "uint8") {
		return nil, fmt.Errorf("has dtype %s; want %s", a.Type(), want.Name)
	}
	return View[E](a.Elems), nil
}

// Bits returns the elements, each of which has to be 0 or 1, as a string of
// bits: element i is bit i%64 of word i/64.
func (a *Array) Bits() ([]uint64, error) {
	n := len(a.Elems) / a.size
	words := make([]uint64, (n+63)/64)
	for i := range n {
		switch v := a.element(i); v {
		case a.one:
			words[i/64] |= 1 << (i % 64)
		case 0, a.sign:
		default:
			return nil, fmt.Errorf("has a value other than 0 and 1 at (%s)", join(a.index(i), ", "))
		}
	}
	return words, nil
}

// element is the bits of element i.
func (a *Array) element(i int) uint64 {
	e := a.Elems[i*a.size:]
	switch a.size {
	case 1:
		return uint64(e[0])
	case 2:
		return uint64(nativeOrder.Uint16(e))
	case 4:
		return uint64(nativeOrder.Uint32(e))
	}
	return nativeOrder.Uint64(e)
}

// index is where element i is.
func (a *Array) index(i int) []int {
	at := make([]int, len(a.Shape))
	for axis := len(at) - 1; axis >= 0; axis-- {
		at[axis] = i % a.Shape[axis]
		i /= a.Shape[axis]
	}
	return at
}

// join is "2x3x4" for a separator x.
func join(shape []int, separator string) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", separator)
}
