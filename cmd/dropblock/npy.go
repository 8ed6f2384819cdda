package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/sbinet/npyio/npy"
)

// An array is the content of a .npy file. Package npy reads the header; it
// does not check a header before it cuts it up, takes a short file for zeros,
// has no float16 and writes one dimension at most, so that the rest is here.
type array struct {
	dtype
	order binary.ByteOrder
	dims  []int
	elems []byte // in C order
}

// A dtype is one that seeds may have.
type dtype struct {
	descr string // as in the file: byte order, kind and size
	name  string
	size  int
	one   uint64 // the bits of 1
	sign  uint64 // the sign bit of a float, which 0 may have
}

var dtypes = []dtype{
	{"b1", "bool", 1, 1, 0},
	{"i1", "int8", 1, 1, 0},
	{"i2", "int16", 2, 1, 0},
	{"i4", "int32", 4, 1, 0},
	{"i8", "int64", 8, 1, 0},
	{"u1", "uint8", 1, 1, 0},
	{"u2", "uint16", 2, 1, 0},
	{"u4", "uint32", 4, 1, 0},
	{"u8", "uint64", 8, 1, 0},
	{"f2", "float16", 2, 0x3C00, 1 << 15},
	{"f4", "float32", 4, 0x3F800000, 1 << 31},
	{"f8", "float64", 8, 0x3FF0000000000000, 1 << 63},
}

// npyHeader is how NumPy writes the dictionary; package npy cuts it at these
// places.
var npyHeader = regexp.MustCompile(`^\{'descr': '[<>|]?[A-Za-z][^'\\{}]*', 'fortran_order': (?:True|False), 'shape': (?:\(\)|\(\d+,\)|\(\d+(?:, \d+)+\)), \} *\n$`)

func readNpy(path string) (*array, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a, err := parseNpy(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// parseNpy allocates no more than data is long, whatever the header says.
func parseNpy(data []byte) (*array, error) {
	header, elems, err := splitNpy(data)
	if err != nil {
		return nil, err
	}
	a := &array{order: binary.LittleEndian, dims: header.Descr.Shape}
	if err := a.setDtype(header.Descr.Type); err != nil {
		return nil, err
	}
	if n := len(a.dims); n < 2 || n > 4 {
		state := ""
		if n == 5 {
			state = ", which is not built yet"
		}
		return nil, fmt.Errorf("has %d dimensions%s; want 2 to 4: (H,W), (C,H,W) or (N,C,H,W)", n, state)
	}
	if err := a.shape().Check(); err != nil {
		return nil, libraryError(err)
	}
	if n := a.shape().Len(); n != len(elems)/a.size || len(elems)%a.size != 0 { // A product may overflow.
		return nil, fmt.Errorf("has %d bytes of elements; want %d times %d for the shape %s of %s", len(elems), n, a.size, join(a.dims), a.name)
	}
	a.elems = elems
	if header.Descr.Fortran {
		a.elems = fromFortran(elems, a.size, a.dims)
	}
	return a, nil
}

// splitNpy checks what package npy takes for granted.
func splitNpy(data []byte) (h npy.Header, elems []byte, err error) {
	if len(data) < 12 || !bytes.Equal(data[:6], npy.Magic[:]) {
		return h, nil, fmt.Errorf("is not a .npy file")
	}
	var end uint64
	switch data[6] {
	case 1:
		end = 10 + uint64(binary.LittleEndian.Uint16(data[8:]))
	case 2:
		end = 12 + uint64(binary.LittleEndian.Uint32(data[8:]))
	default:
		return h, nil, fmt.Errorf("has version %d.%d of the .npy format; want 1.0 or 2.0", data[6], data[7])
	}
	if end > uint64(len(data)) {
		return h, nil, fmt.Errorf("is truncated in its header")
	}
	dict := data[8+2*data[6] : end]
	if !npyHeader.Match(dict) {
		return h, nil, fmt.Errorf("has a header other than NumPy writes for a plain array: %.80q", dict)
	}
	r, err := npy.NewReader(bytes.NewReader(data[:end]))
	if err != nil {
		return h, nil, fmt.Errorf("has a header with extents that are too large: %w", err)
	}
	return r.Header, data[end:], nil
}

func (a *array) setDtype(descr string) error {
	if descr[0] == '>' {
		a.order = binary.BigEndian
	}
	for _, d := range dtypes {
		if strings.TrimLeft(descr, "<>|") == d.descr {
			a.dtype = d
			a.descr = descr
			return nil
		}
	}
	return fmt.Errorf("has dtype %s; want float32 for a feature map, for seeds bool, an integer or a float of 16, 32 or 64 bits", descr)
}

// shape is the feature map's, its missing axes 1.
func (a *array) shape() dropblock.Shape {
	d := append([]int{1, 1, 1, 1}[:4-len(a.dims)], a.dims...)
	return dropblock.NCHW(d[0], d[1], d[2], d[3])
}

// floats are the elements of a float32 array.
func (a *array) floats() ([]float32, error) {
	if a.name != "float32" {
		state := ""
		if a.sign != 0 {
			state = ", which is not built yet"
		}
		return nil, fmt.Errorf("has dtype %s (%s)%s; want float32", a.name, a.descr, state)
	}
	data := make([]float32, len(a.elems)/4)
	for i := range data {
		data[i] = math.Float32frombits(a.order.Uint32(a.elems[4*i:]))
	}
	return data, nil
}

// writeFloats writes data as a .npy of the array's dtype and shape.
func (a *array) writeFloats(w io.Writer, data []float32) error {
	if err := writeNpyHeader(w, a.descr, a.dims); err != nil {
		return err
	}
	var buf [4 << 10]byte
	for len(data) > 0 {
		n := min(len(data), len(buf)/4)
		for i, v := range data[:n] {
			a.order.PutUint32(buf[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(buf[:4*n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// bits are the elements as a string of bits. Each has to be 0 or 1.
func (a *array) bits() ([]uint64, error) {
	n := len(a.elems) / a.size
	words := make([]uint64, (n+63)/64)
	for i := range n {
		switch v := a.element(i); v {
		case a.one:
			words[i/64] |= 1 << (i % 64)
		case 0, a.sign:
		default:
			return nil, fmt.Errorf("has a value other than 0 and 1 at %s", a.index(i))
		}
	}
	return words, nil
}

// element is the bits of element i.
func (a *array) element(i int) uint64 {
	e := a.elems[i*a.size:]
	switch a.size {
	case 1:
		return uint64(e[0])
	case 2:
		return uint64(a.order.Uint16(e))
	case 4:
		return uint64(a.order.Uint32(e))
	}
	return a.order.Uint64(e)
}

// index is where element i is, as in "(0, 3, 5)".
func (a *array) index(i int) string {
	at := make([]string, len(a.dims))
	for axis := len(at) - 1; axis >= 0; axis-- {
		at[axis] = fmt.Sprint(i % a.dims[axis])
		i /= a.dims[axis]
	}
	return "(" + strings.Join(at, ", ") + ")"
}

// fromFortran puts the elements of a Fortran-ordered array, whose first index
// runs fastest, in C order.
func fromFortran(src []byte, size int, dims []int) []byte {
	dst := make([]byte, 0, len(src))
	strides := make([]int, len(dims))
	stride := size
	for axis, n := range dims {
		strides[axis] = stride
		stride *= n
	}
	index := make([]int, len(dims))
	for at := 0; len(dst) < len(src); {
		dst = append(dst, src[at:at+size]...)
		for axis := len(dims) - 1; axis >= 0; axis-- {
			index[axis]++
			at += strides[axis]
			if index[axis] < dims[axis] {
				break
			}
			at -= index[axis] * strides[axis]
			index[axis] = 0
		}
	}
	return dst
}

// writeMask writes the first n bits of words as a .npy of uint8.
func writeMask(w io.Writer, words []uint64, dims []int) error {
	if err := writeNpyHeader(w, "|u1", dims); err != nil {
		return err
	}
	n := 1
	for _, d := range dims {
		n *= d
	}
	var buf [64]byte
	for i, word := range words[:(n+63)/64] {
		for j := range buf {
			buf[j] = byte(word >> j & 1)
		}
		if _, err := w.Write(buf[:min(n-64*i, 64)]); err != nil {
			return err
		}
	}
	return nil
}

// writeNpyHeader writes a header of version 1.0, padded as NumPy pads it.
func writeNpyHeader(w io.Writer, descr string, dims []int) error {
	tuple := make([]string, len(dims))
	for i, d := range dims {
		tuple[i] = fmt.Sprint(d)
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.Join(tuple, ", "))
	h := append(npy.Magic[:], 1, 0, 0, 0)
	h = append(h, dict...)
	for len(h)%64 != 63 {
		h = append(h, ' ')
	}
	h = append(h, '\n')
	binary.LittleEndian.PutUint16(h[8:], uint16(len(h)-10))
	_, err := w.Write(h)
	return err
}

// join is "2x3x4".
func join(dims []int) string {
	s := make([]string, len(dims))
	for i, d := range dims {
		s[i] = fmt.Sprint(d)
	}
	return strings.Join(s, "x")
}

// libraryError is an error of the library without its name, which the line on
// standard error begins with.
func libraryError(err error) error {
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "dropblock: "))
}
