package dropblock

import "unsafe"

// Float is an element type of feature maps. A map of float64 is multiplied by
// the mask's scale as it is, one of float32 by the nearest float32.
type Float interface{ float32 | float64 }

// span is a feature map of some element type.
type span struct {
	p    unsafe.Pointer
	n    int     // elements
	size uintptr // bytes of an element
}

func spanOf[E Float](s []E) span {
	return span{unsafe.Pointer(unsafe.SliceData(s)), len(s), unsafe.Sizeof(*new(E))}
}

// floats is the span as float32, nil if it is of another type.
func (s *span) floats() []float32 {
	if s.size != 4 {
		return nil
	}
	return unsafe.Slice((*float32)(s.p), s.n)
}

// doubles is the span as float64, nil if it is of another type.
func (s *span) doubles() []float64 {
	if s.size != 8 {
		return nil
	}
	return unsafe.Slice((*float64)(s.p), s.n)
}

// overlaps reports whether spans of one length and type share memory without being
// the same.
func (s *span) overlaps(t *span) bool {
	a, b, bytes := uintptr(s.p), uintptr(t.p), uintptr(s.n)*s.size
	return a != b && a < b+bytes && b < a+bytes
}

// bools is the memory of s as booleans.
func bools[T bool | uint8](s []T) []bool {
	return unsafe.Slice((*bool)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

func scale64(dst, src []float64, keep []uint64, scale float64) {
	for i, x := range src {
		if keep[i/64]>>(i%64)&1 != 0 {
			dst[i] = x * scale
		} else {
			dst[i] = 0
		}
	}
}

func expand64(dst []float64, keep []uint64, scale float64) {
	for i := range dst {
		if keep[i/64]>>(i%64)&1 != 0 {
			dst[i] = scale
		} else {
			dst[i] = 0
		}
	}
}
