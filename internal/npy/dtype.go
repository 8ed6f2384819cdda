package npy

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unsafe"
)

// A Dtype is an element type.
type Dtype struct {
	Name string // NumPy's, as in float32
	code string // kind and size, as in a header
	char string // what else NumPy reads in a header
	size int    // bytes
	one  uint64 // the bits of 1
	sign uint64 // the sign bit of a float
}

var dtypes = []Dtype{
	{"bool", "b1", "?", 1, 1, 0},
	{"int8", "i1", "b", 1, 1, 0},
	{"int16", "i2", "h", 2, 1, 0},
	{"int32", "i4", "i", 4, 1, 0},
	{"int64", "i8", "q", 8, 1, 0},
	{"uint8", "u1", "B", 1, 1, 0},
	{"uint16", "u2", "H", 2, 1, 0},
	{"uint32", "u4", "I", 4, 1, 0},
	{"uint64", "u8", "Q", 8, 1, 0},
	{"float16", "f2", "e", 2, 0x3C00, 1 << 15},
	{"float32", "f4", "f", 4, 0x3F800000, 1 << 31},
	{"float64", "f8", "d", 8, 0x3FF0000000000000, 1 << 63},
}

// void2 is what ml_dtypes' bfloat16 is in a header. NumPy reads two bytes of no meaning.
const void2 = "V2"

// nativeOrder is the order of bytes of this machine.
var nativeOrder = func() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}()

// cutMark separates the mark of the order of bytes, which may be missing, from a descr.
func cutMark(descr string) (mark, code string) {
	if descr != "" && strings.Contains("<>|=", descr[:1]) {
		return descr[:1], descr[1:]
	}
	return "", descr
}

// describe sets the dtype that a descr names, if it is one of this package, and the order
// of bytes.
func (h *Header) describe(descr string) {
	mark, code := cutMark(descr)
	h.descr, h.Dtype, h.Order = descr, Dtype{}, nativeOrder
	switch {
	case mark == ">":
		h.Order = binary.BigEndian
	case mark == "<" || code == void2:
		h.Order = binary.LittleEndian
	}
	for _, d := range dtypes {
		if code == d.code || code == d.char || descr == d.Name {
			h.Dtype = d
		}
	}
}

// AsBFloat16 takes the elements for bfloat16 if they are words of 16 bits: V2, which
// ml_dtypes writes, or u2. Otherwise it returns false.
func (h *Header) AsBFloat16() bool {
	code := h.code
	if _, c := cutMark(h.descr); c == void2 {
		code = c
	} else if h.Name != "uint16" {
		return false
	}
	h.Dtype = Dtype{"bfloat16", code, "", 2, 0x3F80, 1 << 15}
	return true
}

// mark is the first character of the descr that is written.
func (h *Header) mark() string {
	switch mark, _ := cutMark(h.descr); {
	case h.size == 1 || h.code == void2 && mark != "<" && mark != ">":
		return "|"
	case h.Order == binary.BigEndian:
		return ">"
	}
	return "<"
}

// swap puts elements in the order of bytes of the file into that of this machine, and the
// other way round.
func (h *Header) swap(elems []byte) {
	if h.Order == nativeOrder {
		return
	}
	switch h.size {
	case 2:
		for i := 0; i+2 <= len(elems); i += 2 {
			elems[i], elems[i+1] = elems[i+1], elems[i]
		}
	case 4:
		for e := elems; len(e) >= 4; e = e[4:] {
			binary.BigEndian.PutUint32(e, binary.LittleEndian.Uint32(e))
		}
	case 8:
		for e := elems; len(e) >= 8; e = e[8:] {
			binary.BigEndian.PutUint64(e, binary.LittleEndian.Uint64(e))
		}
	}
}

// Element is a type of Go, of the same name as NumPy's.
type Element interface {
	uint8 | float32 | float64
}

func dtypeOf[E Element]() Dtype {
	name := fmt.Sprintf("%T", *new(E))
	for _, d := range dtypes {
		if d.Name == name {
			return d
		}
	}
	panic("npy: no dtype " + name)
}

// NewElems is a slice of bytes that is aligned for elements of any type.
func NewElems(n int) []byte { return Bytes(make([]uint64, (n+7)/8))[:n:n] }

// Bytes is the memory of s.
func Bytes[E Element | uint64](s []E) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(*new(E))))
}

// View is the memory of the elements of an [Array] as elements of type E, without copying.
func View[E Element | ~uint16 | uint32 | uint64](elems []byte) []E {
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(elems))), len(elems)/int(unsafe.Sizeof(*new(E))))
}
