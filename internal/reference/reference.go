// Package reference holds reference implementations of all that package
// dropblock computes, for its tests and fuzz targets to compare with, bit for
// bit.
//
// The references are there to be checked by eye against docs/stream.md: an
// element is a bool, a loop goes over elements, and nothing is done for speed.
// They do not use package dropblock, so that its own tests can use them.
package reference

import (
	"fmt"
	"math"
)

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
	return Float32.Scale(src, keep, float64(scale))
}

// Expand returns the scale where an element is kept, and +0 elsewhere.
func Expand(keep []bool, scale float32) []float32 {
	return Float32.Expand(keep, float64(scale))
}

// SpecialFloats are the float32 that a product by zero, a comparison or a
// conversion would treat otherwise than a choice between x·scale and +0.
var SpecialFloats = floats(
	0, 1<<31, // ±0
	1, 1<<31|1, 0x400000, 0x7fffff, 0x807fffff, // denormals from the smallest to the largest
	0x800000, 0x80800000, // the smallest normals
	0x3f800000, 0xbf800000, // ±1
	0x7f7fffff, 0xff7fffff, // the largest
	0x7f800000, 0xff800000, // ±Inf
	0x7fc00000, 0xffc00000, 0xffc12345, 0x7f800001, // NaN, the last one signalling
)

func floats(bits ...uint32) []float32 {
	floats := make([]float32, len(bits))
	for i, b := range bits {
		floats[i] = math.Float32frombits(b)
	}
	return floats
}

// SameFloats returns an error if the elements differ in a bit, but for the sign
// and the payload of a NaN.
func SameFloats(got, want []float32) error { return Float32.Same(got, want) }

// SameBits returns an error if words are not those of the bits, the bits past
// their end being 0.
func SameBits(words []uint64, want []bool) error {
	all := Words(want)
	if len(words) != len(all) {
		return fmt.Errorf("%d words for %d bits, want %d", len(words), len(want), len(all))
	}
	for i, w := range all {
		if words[i] != w {
			return fmt.Errorf("word %d for %d bits is %#016x, want %#016x", i, len(want), words[i], w)
		}
	}
	return nil
}
