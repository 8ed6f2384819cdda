package reference

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/dropblock-go/dropblock/internal/guard"
)

// An Element is a type of the elements of feature maps.
type Element[E any] struct {
	// Special are values that a product by zero, a comparison or a conversion would treat
	// otherwise than a choice between x·scale and something else.
	Special []E
	Value   func(x E) float64 // exact
	Nearest func(v float64) E // ties to even
	product func(x E, scale float64) E
	sum     func(y, x E, scale float64) E // y + x·scale
}

// The elements that are Go's.
var (
	Float32 = Element[float32]{
		Special: SpecialFloats,
		Value:   func(x float32) float64 { return float64(x) },
		Nearest: func(v float64) float32 { return float32(v) },
		product: func(x float32, scale float64) float32 { return x * float32(scale) },
		sum: func(y, x float32, scale float64) float32 {
			p := float32(x * float32(scale))
			return y + p
		},
	}
	Float64 = Element[float64]{
		Special: doubles(
			0, 1<<63, // ±0
			1, 1<<51, 0x800fffffffffffff, 1<<52, // subnormal, and the smallest normal
			0x3ff<<52, 0x7fefffffffffffff, 0xffefffffffffffff, // 1 and the largest
			0x7ff<<52, 0xfff<<52, // ±Inf
			0x7ff8<<48, 0xfff8000000000001, 0x7ff0000000000001, // NaN, the last one signalling
		),
		Value:   func(x float64) float64 { return x },
		Nearest: func(v float64) float64 { return v },
		product: func(x, scale float64) float64 { return x * scale },
		sum: func(y, x, scale float64) float64 {
			p := float64(x * scale)
			return y + p
		},
	}
)

func doubles(bits ...uint64) []float64 {
	doubles := make([]float64, len(bits))
	for i := range doubles {
		doubles[i] = math.Float64frombits(bits[i])
	}
	return doubles
}

// A Format is a binary format of 16 bits: a sign, an exponent and a significand
// (IEEE 754-2019, section 3.4).
type Format struct {
	exponent, significand int // bits
	values                []float64
}

// The formats of halves.
var (
	Binary16 = newFormat(5, 10)
	Brain16  = newFormat(8, 7) // the upper half of a float32
)

func newFormat(exponent, significand int) *Format {
	f := &Format{exponent: exponent, significand: significand}
	// Those of no sign up to infinity, in whose place is what would follow if
	// exponents had no bound: it is what rounding to infinity begins half-way to.
	for b := range 1<<15 - 1<<significand + 1 {
		bias := 1<<(exponent-1) - 1
		e, s := b>>significand, b%(1<<significand)
		if e == 0 {
			e = 1 // subnormal: no hidden bit
		} else {
			s += 1 << significand
		}
		f.values = append(f.values, math.Ldexp(float64(s), e-bias-significand))
	}
	return f
}

// infinity is that of no sign.
func (f *Format) infinity() uint16 { return uint16(len(f.values) - 1) }

// Value returns the value of a half.
func (f *Format) Value(half uint16) float64 {
	sign := 1 - 2*float64(half>>15)
	switch b := half & 0x7fff; {
	case b > f.infinity():
		return math.NaN()
	case b == f.infinity():
		return math.Inf(int(sign))
	default:
		return math.Copysign(f.values[b], sign)
	}
}

// Nearest returns the half nearest to a number, ties to the even one. Of a NaN it
// keeps the sign, and the upper bits of the payload but for the first, which makes
// it quiet.
func (f *Format) Nearest(v float64) uint16 {
	sign := uint16(math.Float64bits(v) >> 63 << 15)
	if v != v {
		payload := uint16(math.Float64bits(v) >> (52 - f.significand) & (1<<f.significand - 1))
		return sign | f.infinity() | 1<<(f.significand-1) | payload
	}
	v = math.Abs(v)
	above := sort.SearchFloat64s(f.values, v)
	switch {
	case above == len(f.values):
		return sign | f.infinity()
	case f.values[above] == v:
		return sign | uint16(above)
	}
	below := above - 1
	switch middle := (f.values[below] + f.values[above]) / 2; { // which is exact
	case v < middle || v == middle && below%2 == 0:
		return sign | uint16(below)
	default:
		return sign | uint16(above)
	}
}

// Half is the element that has a format. It is computed with in float32.
func Half[E ~uint16](f *Format) Element[E] {
	single := func(x E) float32 { return float32(f.Value(uint16(x))) }
	e := Element[E]{
		Value:   func(x E) float64 { return f.Value(uint16(x)) },
		Nearest: func(v float64) E { return E(f.Nearest(v)) },
		product: func(x E, scale float64) E { return E(f.Nearest(float64(Float32.product(single(x), scale)))) },
		sum: func(y, x E, scale float64) E {
			return E(f.Nearest(float64(Float32.sum(single(y), single(x), scale))))
		},
	}
	one := E(f.Nearest(1))
	inf := E(f.infinity())
	normal := E(1) << f.significand
	for _, x := range []E{0, 1, normal / 2, normal - 1, normal, normal + 1, one, one + 1, inf - 1, inf, inf + 1, inf + normal/2, inf + normal - 1} {
		e.Special = append(e.Special, x, 1<<15|x)
	}
	return e
}

// Product is x·scale.
func (e *Element[E]) Product(x E, scale float64) E { return e.product(x, scale) }

// Sum is y + x·scale.
func (e *Element[E]) Sum(y, x E, scale float64) E { return e.sum(y, x, scale) }

// Scale multiplies the elements that are kept. The others become +0, whatever
// they were (docs/stream.md, section 11).
func (e *Element[E]) Scale(src []E, keep []bool, scale float64) []E {
	return e.Fill(src, make([]E, len(src)), keep, scale)
}

// Fill multiplies the elements that are kept. The others become those of fill.
func (e *Element[E]) Fill(src, fill []E, keep []bool, scale float64) []E {
	dst := slices.Clone(fill)
	for i, x := range src {
		if keep[i] {
			dst[i] = e.product(x, scale)
		}
	}
	return dst
}

// Add adds the product of a kept element to that of old. Where none is kept, it
// stays as it is.
func (e *Element[E]) Add(old, src []E, keep []bool, scale float64) []E {
	dst := slices.Clone(old)
	for i, x := range src {
		if keep[i] {
			dst[i] = e.sum(dst[i], x, scale)
		}
	}
	return dst
}

// Expand returns what is nearest to the scale where an element is kept, and +0
// elsewhere. If elements are computed with in float32, the scale is rounded to that
// first.
func (e *Element[E]) Expand(keep []bool, scale float64) []E {
	one := slices.Repeat([]E{e.Nearest(1)}, len(keep))
	return e.Scale(one, keep, scale)
}

// Same returns an error if the elements differ in a bit, but for the sign and the
// payload of a NaN.
func (e *Element[E]) Same(got, want []E) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d elements, want %d", len(got), len(want))
	}
	if bytes.Equal(guard.Bytes(got), guard.Bytes(want)) {
		return nil
	}
	for i := range want {
		g, w := got[i:i+1], want[i:i+1]
		if !bytes.Equal(guard.Bytes(g), guard.Bytes(w)) && !(math.IsNaN(e.Value(g[0])) && math.IsNaN(e.Value(w[0]))) {
			return fmt.Errorf("element %d of %d is %v (%x), want %v (%x)",
				i, len(want), e.Value(g[0]), guard.Bytes(g), e.Value(w[0]), guard.Bytes(w))
		}
	}
	return nil
}
