package dropblock

import "unsafe"

// Float is an element type of feature maps. The scale of a mask is a float64; maps
// of float32 are multiplied by the nearest float32.
type Float interface{ float32 | float64 }

// An element is the type of the elements of a feature map or of a written mask. Only the
// public functions are generic: below them a type is data. The two lowest bits are the
// base-2 logarithm of its size in bytes.
type element uint8

const (
	elementByte    element = 0 // 0 or 1
	elementFloat32 element = 2
	elementFloat64 element = 3
)

// log returns the base-2 logarithm of the size in bytes.
func (e element) log() uint { return uint(e & 3) }

// A span is a slice of elements.
type span struct {
	at      unsafe.Pointer
	n       int
	element element
}

func spanOf[E float32 | float64 | bool | uint8](s []E) span {
	e := elementByte
	switch unsafe.Sizeof(*new(E)) {
	case 4:
		e = elementFloat32
	case 8:
		e = elementFloat64
	}
	return span{unsafe.Pointer(unsafe.SliceData(s)), len(s), e}
}

// part returns the elements [from, to).
func (s *span) part(from, to int) span {
	return span{unsafe.Add(s.at, from<<s.element.log()), to - from, s.element}
}

func (s *span) bools() []bool { return unsafe.Slice((*bool)(s.at), s.n) }
func (s *span) bytes() []byte { return unsafe.Slice((*byte)(s.at), s.n<<s.element.log()) }

// overlaps reports whether spans of equal length and type overlap in part: they share
// memory and do not begin at the same address.
func (s *span) overlaps(t *span) bool {
	a, b, bytes := uintptr(s.at), uintptr(t.at), uintptr(s.n)<<s.element.log()
	return a != b && a < b+bytes && b < a+bytes
}
