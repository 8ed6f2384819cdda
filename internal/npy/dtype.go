package npy

import (
	"fmt"
	"strings"
)

// A Dtype is an element type.
type Dtype struct {
	Name string // NumPy's, as in float32
	code string // kind and size, as in a header
	size int    // bytes
	one  uint64 // the bits of 1
	sign uint64 // the sign bit of a float
}

var dtypes = []Dtype{
	{"bool", "b1", 1, 1, 0},
	{"int8", "i1", 1, 1, 0},
	{"int16", "i2", 2, 1, 0},
	{"int32", "i4", 4, 1, 0},
	{"int64", "i8", 8, 1, 0},
	{"uint8", "u1", 1, 1, 0},
	{"uint16", "u2", 2, 1, 0},
	{"uint32", "u4", 4, 1, 0},
	{"uint64", "u8", 8, 1, 0},
	{"float16", "f2", 2, 0x3C00, 1 << 15},
	{"float32", "f4", 4, 0x3F800000, 1 << 31},
	{"float64", "f8", 8, 0x3FF0000000000000, 1 << 63},
}

// IsFloat tells whether the elements are floats.
func (d Dtype) IsFloat() bool { return d.sign != 0 }

// dtypeIn finds the type of a header's descr, which an order of bytes may
// precede, or returns the zero Dtype.
func dtypeIn(descr string) Dtype {
	code := strings.TrimLeft(descr, "<>|")
	for _, d := range dtypes {
		if d.code == code {
			return d
		}
	}
	return Dtype{}
}

// Element is a type of Go, of the same name as NumPy's, in which elements are
// read and written.
type Element interface {
	bool | uint8 | float32 | float64
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
