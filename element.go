package dropblock

import (
	"math"
	"unsafe"
)

// Float is an element type of feature maps. The scale of a mask is a float64. Maps of
// float64 are multiplied by it, those of float32 by the nearest float32. Half-precision
// elements are widened to float32, multiplied by the same float32, and the product is
// rounded to the nearest half, ties to even. Subnormal numbers are computed with exactly,
// and a NaN stays a NaN, whose payload may differ between CPUs.
type Float interface {
	float32 | float64 | Float16 | BFloat16
}

// Float16 is the binary16 format of IEEE 754-2019, section 3.6, as a word of its bits:
// the sign, 5 bits of exponent and 10 of significand. [AsFloat16] sees a slice of such
// words as one of Float16.
type Float16 uint16

// BFloat16 is the upper half of a float32: the sign, 8 bits of exponent and 7 of
// significand. [AsBFloat16] sees a slice of such words as one of BFloat16.
type BFloat16 uint16

// AsFloat16 returns the elements of s, the words of a binary16 format, as Float16, in the
// same memory.
func AsFloat16[T ~uint16](s []T) []Float16 {
	return unsafe.Slice((*Float16)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

// AsBFloat16 returns the elements of s, the upper halves of float32, as BFloat16, in the
// same memory.
func AsBFloat16[T ~uint16](s []T) []BFloat16 {
	return unsafe.Slice((*BFloat16)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

const float32Inf = 0xff << 23 // the bits of +Inf, the greatest of a number that is not NaN

// NewFloat16 returns the Float16 nearest to x, ties to even: ±Inf from 65520 on, where the
// next one would be 65536. Of a NaN it keeps the sign and the upper bits of the payload,
// and makes it quiet, as VCVTPS2PH and FCVTN do.
func NewFloat16(x float32) Float16 {
	b := math.Float32bits(x)
	sign := Float16(b >> 16 & 0x8000)
	b &= 1<<31 - 1
	switch {
	case b < 113<<23: // below the least normal number, 0x1p-14
		// The last bits of floats about .5 and of subnormal halves both count 0x1p-24.
		b = math.Float32bits(math.Float32frombits(b)+.5) - math.Float32bits(.5)
	case b < 0x477ff000: // 65520
		b = (b - 112<<23 + 0xfff + b>>13&1) >> 13 // The carry may go into the exponent.
	case b <= float32Inf:
		b = 0x7c00
	default:
		b = 0x7e00 | b>>13&0x1ff
	}
	return sign | Float16(b)
}

// Float32 returns the value of x, which every float32 format has. It makes a NaN quiet,
// with the same sign and payload.
func (x Float16) Float32() float32 {
	b := uint32(x&0x7fff) << 13
	if b >= 0x7c00<<13 {
		b += (0xff - 0x1f) << 23
		if b > float32Inf {
			b |= 1 << 22
		}
	} else {
		// By the difference of the exponents' biases; exact for subnormal halves too.
		b = math.Float32bits(math.Float32frombits(b) * 0x1p112)
	}
	return math.Float32frombits(b | uint32(x&0x8000)<<16)
}

// NewBFloat16 returns the BFloat16 nearest to x, ties to even. Of a NaN it keeps the sign
// and the upper bits of the payload, and makes it quiet.
func NewBFloat16(x float32) BFloat16 {
	b := math.Float32bits(x)
	if b&(1<<31-1) > float32Inf {
		return BFloat16(b>>16 | 0x40)
	}
	return BFloat16((b + 0x7fff + b>>16&1) >> 16)
}

// Float32 returns the value of x, which is exact.
func (x BFloat16) Float32() float32 { return math.Float32frombits(uint32(x) << 16) }

// float64Of returns the value of x.
func float64Of[E Float](x E) float64 {
	if unsafe.Sizeof(x) == 2 {
		switch x := any(x).(type) {
		case Float16:
			return float64(x.Float32())
		case BFloat16:
			return float64(x.Float32())
		}
	}
	return float64(x)
}

// An element is the type of the elements of a feature map or of a written mask. Only the
// public functions are generic: below them a type is data. The two lowest bits are the
// base-2 logarithm of its size in bytes.
type element uint8

const (
	elementByte     element = 0 // 0 or 1
	elementFloat16  element = 1
	elementFloat32  element = 2
	elementFloat64  element = 3
	elementBFloat16 element = 1<<2 | 1
)

// log returns the base-2 logarithm of the size in bytes.
func (e element) log() uint { return uint(e & 3) }

// A span is a slice of elements.
type span struct {
	at      unsafe.Pointer
	n       int
	element element
}

func spanOf[E Float | bool | uint8](s []E) span {
	e := elementByte
	switch unsafe.Sizeof(*new(E)) { // a constant
	case 2:
		e = elementFloat16
		if _, ok := any(*new(E)).(BFloat16); ok {
			e = elementBFloat16
		}
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
