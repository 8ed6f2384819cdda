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

// partialOverlap reports whether slices of n elements of size bytes each share memory
// without being the same.
func partialOverlap(dst, src unsafe.Pointer, n int, size uintptr) bool {
	d, s, bytes := uintptr(dst), uintptr(src), uintptr(n)*size
	return d != s && d < s+bytes && s < d+bytes
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
