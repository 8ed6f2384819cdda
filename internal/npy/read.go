// Package npy reads and writes NumPy's files of one array, .npy, versions 1 to
// 3 (numpy/lib/format.py). The extents that a header states are compared with
// the length of the file before anything is computed or allocated by them.
package npy

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Header describes an array.
type Header struct {
	Dtype                  // without a name if this package does not read it
	Order binary.ByteOrder // of the bytes of an element
	Shape []int            // the extents; none for a scalar

	descr   string // the dtype as in the file
	fortran bool   // the first index runs fastest
}

// Type names the dtype for an error: "int32 (<i4)", or as in the file alone.
func (h *Header) Type() string {
	if h.Name == "" {
		return h.descr
	}
	return fmt.Sprintf("%s (%s)", h.Name, h.descr)
}

// An Array is the content of a file.
type Array struct {
	Header
	Elems []byte // in C order: the last index runs fastest
}

var (
	magic = []byte("\x93NUMPY")

	// dictionary is how NumPy writes it. Neither a record nor anything that
	// only Python's parser reads matches.
	dictionary = regexp.MustCompile(`^\{'descr': '([<>|]?[A-Za-z][^'\\{}]*)', 'fortran_order': (True|False), 'shape': \((|\d+,|\d+(?:, \d+)+)\), \} *\n$`)
)

// ReadFile reads the array in the file with the given name. If check is not
// nil, it is called with the header before the elements are looked at, and may
// refuse it. Errors begin with the name.
func ReadFile(name string, check func(*Header) error) (*Array, error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	a, err := Parse(file, check)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// Parse is ReadFile for the content of a file, which the array shares if it is
// in C order.
func Parse(file []byte, check func(*Header) error) (*Array, error) {
	h, elems, err := split(file)
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
	if n, ok := count(h.Shape); !ok || n != uint64(len(elems)/h.size) || len(elems)%h.size != 0 {
		want := "more than 2⁶⁴"
		if ok {
			want = strconv.FormatUint(n, 10)
		}
		return nil, fmt.Errorf("has %d bytes of elements; want %s times %d for the shape %s of %s", len(elems), want, h.size, cmp.Or(join(h.Shape, "x"), "()"), h.Name)
	}
	if h.fortran {
		elems = fromFortran(elems, h.size, h.Shape)
	}
	return &Array{h, elems}, nil
}

// split separates the header from the bytes behind it.
func split(file []byte) (h Header, elems []byte, err error) {
	rest, ok := bytes.CutPrefix(file, magic)
	if !ok || len(rest) < 4 {
		return h, nil, errors.New("is not a .npy file")
	}
	major, minor, rest := rest[0], rest[1], rest[2:]
	var size uint64
	switch {
	case major == 1:
		size, rest = uint64(binary.LittleEndian.Uint16(rest)), rest[2:]
	case major != 2 && major != 3:
		return h, nil, fmt.Errorf("has version %d.%d of the .npy format; want 1.0, 2.0 or 3.0", major, minor)
	case len(rest) >= 4:
		size, rest = uint64(binary.LittleEndian.Uint32(rest)), rest[4:]
	default:
		size = uint64(len(file)) // More than the rest.
	}
	if size > uint64(len(rest)) {
		return h, nil, errors.New("is truncated in its header")
	}
	m := dictionary.FindSubmatch(rest[:size])
	if m == nil {
		return h, nil, fmt.Errorf("has a header other than NumPy writes for a plain array: %.80q", rest[:size])
	}
	h = Header{Order: binary.LittleEndian, descr: string(m[1]), fortran: string(m[2]) == "True"}
	h.Dtype = dtypeIn(h.descr)
	if h.descr[0] == '>' {
		h.Order = binary.BigEndian
	}
	for _, digits := range strings.FieldsFunc(string(m[3]), func(r rune) bool { return r == ',' || r == ' ' }) {
		extent, err := strconv.Atoi(digits)
		if err != nil {
			return h, nil, fmt.Errorf("has a header with extents that are too large: %w", err)
		}
		h.Shape = append(h.Shape, extent)
	}
	return h, rest[size:], nil
}

// count is the number of elements, if it fits.
func count(shape []int) (n uint64, ok bool) {
	if slices.Contains(shape, 0) {
		return 0, true
	}
	n = 1
	for _, extent := range shape {
		over, product := bits.Mul64(n, uint64(extent))
		if over != 0 {
			return 0, false
		}
		n = product
	}
	return n, true
}

// fromFortran puts the elements of a Fortran-ordered array in C order.
func fromFortran(src []byte, size int, shape []int) []byte {
	dst := make([]byte, 0, len(src))
	strides := make([]int, len(shape))
	stride := size
	for axis, n := range shape {
		strides[axis] = stride
		stride *= n
	}
	index := make([]int, len(shape))
	for at := 0; len(dst) < len(src); {
		dst = append(dst, src[at:at+size]...)
		for axis := len(shape) - 1; axis >= 0; axis-- {
			index[axis]++
			at += strides[axis]
			if index[axis] < shape[axis] {
				break
			}
			at -= index[axis] * strides[axis]
			index[axis] = 0
		}
	}
	return dst
}

// Values returns a copy of the elements. The array's dtype has to be that of E,
// or bool for uint8.
func Values[E Element](a *Array) ([]E, error) {
	if want := dtypeOf[E](); a.Dtype != want && (a.Dtype.Name != "bool" || want.Name != "uint8") {
		return nil, fmt.Errorf("has dtype %s; want %s", a.Type(), want.Name)
	}
	data := make([]E, len(a.Elems)/a.size)
	_, err := binary.Decode(a.Elems, a.Order, data)
	return data, err
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
		return uint64(a.Order.Uint16(e))
	case 4:
		return uint64(a.Order.Uint32(e))
	}
	return a.Order.Uint64(e)
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
