package reference

import "math"

// Noise is the variate of an element of a sample, both counted from 0, before it is
// converted to the type of the elements (docs/stream.md, section 12).
func Noise(key [2]uint32, sample uint64, element int) float32 {
	return NoiseBlock([4]uint32{uint32(element / 4), 1 << 31, lo(sample), hi(sample)}, key)[element%4]
}

// NoiseBlock is the variates of four elements.
func NoiseBlock(counter [4]uint32, key [2]uint32) [4]float32 {
	w := Philox(counter, key)
	r, x, y := Normal(w[0], w[1])
	s, u, v := Normal(w[2], w[3])
	return [4]float32{times(r, x), times(s, u), times(r, y), times(s, v)}
}

// Normal is the radius that word a stands for, and the point on the unit circle that word b
// stands for.
func Normal(a, b uint32) (r, x, y float32) { return radius(a), cosine(b), sine(b) }

// Noise is the variates of a feature map where it is dropped, and 0 where it is kept: one for
// each element, by its sample and its number there, whatever bits of the mask elements share.
func (p *Params) Noise(keep []bool) []float32 {
	noise := make([]float32, len(keep))
	for i := range noise {
		if !keep[i] {
			length := len(keep) / p.N
			sample := p.Sample + uint64(i/length)*max(p.Stride, 1)
			noise[i] = Noise(Key(p.Seed, p.Layer, p.Step), sample, i%length)
		}
	}
	return noise
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
	c := times(plus(signed(a), .5), 1.0/(1<<32)) // u or u−1, whichever is nearer to 0
	u := c
	if a >= 1<<31 {
		u = plus(1, c)
	}
	// u = m·2^e, m from √½ to √2
	half, e := math.Frexp(float64(u))
	m := float32(half)
	if m < rootHalf {
		m, e = 2*m, e-1
	}
	f := plus(m, -1)
	if e == 0 {
		f = c
	}
	l := plus(times(polynomial(logCoefficients, f), f), times(float32(e), minus2Ln2))
	return float32(math.Sqrt(float64(l)))
}

// signed is a as a number from −2³¹ to 2³¹−1, rounded.
func signed(a uint32) float32 {
	if a >= 1<<31 {
		return float32(int64(a) - 1<<32)
	}
	return float32(a)
}

// angle is that of b in right angles.
func angle(b uint32) float32 { return times(signed(b), 1.0/(1<<31)) }

func cosine(b uint32) float32 {
	y := angle(b)
	c := polynomial(cosineCoefficients, times(y, y))
	if b%2 == 1 {
		return -c
	}
	return c
}

func sine(b uint32) float32 {
	y := angle(b)
	return times(polynomial(sineCoefficients, times(y, y)), y)
}
