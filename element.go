package dropblock

import "unsafe"

// Float is an element type of feature maps. A map of float64 is multiplied by
// the mask's scale as it is, one of float32 by the nearest float32.
type Float interface{ float32 | float64 }

// isFloat32 reports whether E is float32. It is a constant of each instance.
func isFloat32[E Float]() bool { return unsafe.Sizeof(*new(E)) == 4 }

// view is the memory of s as elements of another type, of the same size.
func view[T, E any](s []E) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

// outputOf is the output of a mask applied to src, or as factors without one.
func outputOf[E Float](dst, src []E) output {
	if isFloat32[E]() {
		return output{dst: view[float32](dst), src: view[float32](src)}
	}
	return output{dst64: view[float64](dst), src64: view[float64](src)}
}

// mustApply checks what a mask is applied to.
func mustApply[E Float](call string, dst, src []E, m *Mask) {
	m.mustHold(call, "dst", len(dst))
	m.mustHold(call, "src", len(src))
	mustNotOverlap(call, dst, src)
}

// mustNotOverlap panics if the slices, which are of one length, share memory
// without being the same.
func mustNotOverlap[E Float](call string, dst, src []E) {
	d, s := uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(unsafe.Pointer(unsafe.SliceData(src)))
	size := uintptr(len(dst)) * unsafe.Sizeof(*new(E))
	if d != s && d < s+size && s < d+size {
		panic("dropblock: " + call + ": dst and src overlap in part")
	}
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
