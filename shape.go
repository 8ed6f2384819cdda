package dropblock

import (
	"fmt"
	"math/bits"
)

const (
	// maxExtent bounds one axis, so that the products of the seed kernel's
	// reciprocals stay exact in 64 bits (see grid).
	maxExtent = 1<<31 - 1
	// maxPositions bounds the positions of one sample: the stream numbers
	// its chunks of 2¹⁶ with 32 bits.
	maxPositions = 1 << 48
)

// Shape gives the extents of a feature map: a flat slice of N samples, each of
// C channels, each a plane of H rows of W elements. Use [NCHW] to make one. A
// shape with a zero extent is valid and has no elements.
type Shape struct {
	N, C, H, W int

	_ struct{}
}

// NCHW returns the shape of a feature map stored sample by sample, channel by
// channel, row by row.
func NCHW(n, c, h, w int) Shape { return Shape{N: n, C: c, H: h, W: w} }

func (s Shape) String() string { return fmt.Sprintf("%dx%dx%dx%d", s.N, s.C, s.H, s.W) }

// Len returns the number of elements. It is meaningful only for a shape that
// passes [Shape.Check].
func (s Shape) Len() int { return s.N * s.C * s.H * s.W }

// Check returns an error if an extent is negative or too large, or if the
// number of elements overflows an int.
func (s Shape) Check() error {
	for _, axis := range []struct {
		name   string
		extent int
	}{{"N", s.N}, {"C", s.C}, {"H", s.H}, {"W", s.W}} {
		if axis.extent < 0 || axis.extent > maxExtent {
			return fmt.Errorf("dropblock: shape %v: %s is %d, want 0 to %d", s, axis.name, axis.extent, maxExtent)
		}
	}
	if s.N == 0 || s.C == 0 || s.H == 0 || s.W == 0 {
		return nil
	}
	sample, ok := product(s.C, s.H, s.W)
	if _, all := product(s.N, s.C, s.H, s.W); !ok || !all {
		return fmt.Errorf("dropblock: shape %v: the number of elements overflows an int", s)
	}
	if uint64(sample) > maxPositions {
		return fmt.Errorf("dropblock: shape %v: a sample has %d elements, want at most 2^48", s, sample)
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
