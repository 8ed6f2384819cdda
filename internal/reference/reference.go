// Package reference holds reference implementations of all that package
// dropblock computes, for its tests and fuzz targets to compare with, bit for
// bit.
//
// The references are there to be checked by eye against docs/stream.md: an
// element is a bool, a loop goes over elements, and nothing is done for speed.
// They do not use package dropblock, so that its own tests can use them.
package reference

// Bits returns the first n bits of words: bit i is bit i mod 64 of word i/64
// (docs/stream.md, section 10).
func Bits(words []uint64, n int) []bool {
	bits := make([]bool, n)
	for i := range bits {
		bits[i] = words[i/64]>>(i%64)&1 == 1
	}
	return bits
}

// Words is the inverse of [Bits]. Bits past the end are 0 (docs/stream.md,
// section 10).
func Words(bits []bool) []uint64 {
	words := make([]uint64, (len(bits)+63)/64)
	for i, b := range bits {
		if b {
			words[i/64] |= 1 << (i % 64)
		}
	}
	return words
}

// Count returns how many of the bits are 1.
func Count(bits []bool) (n int) {
	for _, b := range bits {
		if b {
			n++
		}
	}
	return n
}

// Dilate returns bits in which bit i is the OR of the bits i, i−stride, …,
// i−(size−1)·stride, those that exist.
func Dilate(bits []bool, stride, size int) []bool {
	out := make([]bool, len(bits))
	for i := range bits {
		for j := 0; j < size && j*stride <= i; j++ {
			if bits[i-j*stride] {
				out[i] = true
			}
		}
	}
	return out
}

// Complement returns the bits' opposites.
func Complement(bits []bool) []bool {
	out := make([]bool, len(bits))
	for i, b := range bits {
		out[i] = !b
	}
	return out
}

// Scale multiplies the elements that are kept. The others become +0, whatever
// they were (docs/stream.md, section 11).
func Scale(src []float32, keep []bool, scale float32) []float32 {
	dst := make([]float32, len(src))
	for i, x := range src {
		if keep[i] {
			dst[i] = x * scale
		}
	}
	return dst
}

// Expand returns the scale where an element is kept, and +0 elsewhere.
func Expand(keep []bool, scale float32) []float32 {
	dst := make([]float32, len(keep))
	for i, k := range keep {
		if k {
			dst[i] = scale
		}
	}
	return dst
}
