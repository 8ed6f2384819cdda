package reference

import "math"

// Noise is the variate of an element of a sample, both counted from 0, before it is
// converted to the type of the elements (docs/stream.md, section 12).
func Noise(key [2]uint32, sample uint64, element int) float32 {
	w := Philox([4]uint32{uint32(element / 4), 1 << 31, lo(sample), hi(sample)}, key)
	switch element % 4 {
	case 0:
		return times(radius(w[0]), cosine(w[1]))
	case 1:
		return times(radius(w[2]), cosine(w[3]))
	case 2:
		return times(radius(w[0]), sine(w[1]))
	default:
		return times(radius(w[2]), sine(w[3]))
	}
}

// Coefficients of polynomials, from that of the highest power to the constant.
var (
	logCoefficients    = floats(0x3e4efcaa, 0xbea61e64, 0x3eb0a60e, 0xbecbc71c, 0x3effb11e, 0xbf2aacee, 0x3f80003d, 0xbfffffff)
	sineCoefficients   = floats(0x391ed7fb, 0xbb992665, 0x3da33458, 0xbf255de1, 0x3fc90fdb)
	cosineCoefficients = floats(0x3a60f833, 0xbcaa7b0d, 0x3e81de83, 0xbf9de9d3, 0x3f7fffff)
	minus2Ln2          = floats(0xbfb17218)[0]
)

// plus and times round once, and are never fused: of two float32 the product is exact in
// float64, and the sum precise enough for the second rounding not to matter (Figueroa,
// "When is double rounding innocuous?", 1995).
func plus(x, y float32) float32  { return float32(float64(x) + float64(y)) }
func times(x, y float32) float32 { return float32(float64(x) * float64(y)) }

func polynomial(coefficients []float32, x float32) float32 {
	p := coefficients[0]
	for _, c := range coefficients[1:] {
		p = plus(times(p, x), c)
	}
	return p
}

// rootHalf is √½ rounded to float32.
var rootHalf = floats(0x3f3504f3)[0]

// radius is √(−2 ln u), u = (a+½)/2³².
func radius(a uint32) float32 {
	x := a // from the nearer end of the range
	if a >= 1<<31 {
		x = 1<<32 - 1 - a
	}
	d := times(plus(float32(x), .5), 1.0/(1<<32)) // u or 1−u
	u := d
	if a >= 1<<31 {
		u = plus(1, -d)
	}
	// u = m·2^e, m from √½ to √2
	half, e := math.Frexp(float64(u))
	m := float32(half)
	if m < rootHalf {
		m, e = 2*m, e-1
	}
	f := plus(m, -1)
	if a >= 3<<30 {
		f = -d
	}
	l := plus(times(polynomial(logCoefficients, f), f), times(float32(e), minus2Ln2))
	return float32(math.Sqrt(float64(l)))
}

// angle is that of b, in right angles, and negative says on which half of the circle.
func angle(b uint32) (y float32, negative bool) {
	n := 2*int64(b%(1<<31)) + 1
	if n >= 1<<31 {
		n -= 1 << 32
	}
	return times(float32(n), 1.0/(1<<31)), b >= 1<<31
}

func cosine(b uint32) float32 {
	y, negative := angle(b)
	c := polynomial(cosineCoefficients, times(y, y))
	if negative {
		return -c
	}
	return c
}

func sine(b uint32) float32 {
	y, _ := angle(b)
	return times(polynomial(sineCoefficients, times(y, y)), y)
}
