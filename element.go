package dropblock

import "unsafe"

// Float is an element type of feature maps. A map of float64 is multiplied by
// the mask's scale as it is, one of float32 by the nearest float32.
type Float interface{ float32 | float64 }

// An element is a type of what a mask is applied to or written as. The code below the
// public functions is not generic: to it a type is data. The two lowest bits are the
// logarithm of its size in bytes.
type element uint8

const (
	elementByte    element = 0 // 0 or 1
	elementFloat32 element = 2
	elementFloat64 element = 3
)

// log is the logarithm to base 2 of the size in bytes.
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

// part is the elements from from on and up to to.
func (s *span) part(from, to int) span {
	return span{unsafe.Add(s.at, from<<s.element.log()), to - from, s.element}
}

func (s *span) bools() []bool { return unsafe.Slice((*bool)(s.at), s.n) }
func (s *span) bytes() []byte { return unsafe.Slice((*byte)(s.at), s.n<<s.element.log()) }

// overlaps reports whether spans of one length and type share memory without being
// the same.
func (s *span) overlaps(t *span) bool {
	a, b, bytes := uintptr(s.at), uintptr(t.at), uintptr(s.n)<<s.element.log()
	return a != b && a < b+bytes && b < a+bytes
}
