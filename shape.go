package dropblock

import (
	"fmt"
	"math/bits"
)

// maxSample bounds the elements of one sample, so that kernels can number them
// with 32 bits.
const maxSample = 1<<31 - 1

// Shape gives the extents of a feature map: a flat slice of N samples, each of
// C channels, each a plane of H rows of W elements. Use [NCHW] to make one. A
// shape with a zero extent is valid and has no elements.
type Shape struct {
	_ struct{} // Field names are required: new fields will come.

	N, C, H, W int
}

// NCHW returns the shape of a feature map stored sample by sample, channel by
// channel, row by row.
func NCHW(n, c, h, w int) Shape { return Shape{N: n, C: c, H: h, W: w} }

func (s Shape) String() string { return fmt.Sprintf("%dx%dx%dx%d", s.N, s.C, s.H, s.W) }

// Len returns the number of elements. It is meaningful only for a shape that
// passes [Shape.Check].
func (s Shape) Len() int { return s.N * s.C * s.H * s.W }

// Check returns an error if an extent is negative, if a sample has more than
// 2³¹−1 elements, or if the number of elements overflows an int.
func (s Shape) Check() error {
	for _, axis := range []struct {
		name   string
		extent int
	}{{"N", s.N}, {"C", s.C}, {"H", s.H}, {"W", s.W}} {
		if axis.extent < 0 {
			return fmt.Errorf("dropblock: shape %v: %s is %d, want 0 or more", s, axis.name, axis.extent)
		}
	}
	if s.N == 0 || s.C == 0 || s.H == 0 || s.W == 0 {
		return nil
	}
	sample, ok := product(s.C, s.H, s.W)
	if !ok || sample > maxSample {
		return fmt.Errorf("dropblock: shape %v: a sample of C·H·W has more than %d elements", s, maxSample)
	}
	if _, ok := product(s.N, sample); !ok {
		return fmt.Errorf("dropblock: shape %v: the number of elements overflows an int", s)
	}
	return nil
}

// product multiplies positive ints and reports whether the result is an int.
func product(factors ...int) (int, bool) {
	p := uint64(1)
	for _, f := range factors {
		hi, lo := bits.Mul64(p, uint64(f))
		if hi != 0 || int(lo) < 0 || uint64(int(lo)) != lo {
			return 0, false
		}
		p = lo
	}
	return int(p), true
}

func (s Shape) mustCheck() {
	if err := s.Check(); err != nil {
		panic(err.Error())
	}
}
