package dropblock

import (
	"iter"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

func sweepStretch(t testing.TB, kernel stretchKernel) error { return sweepStretchBy(t, 1, kernel) }

func sweepStretchBytes(t testing.TB, kernel stretchBytesKernel) error {
	return sweepStretchBy(t, 8, func(dst, src []uint64, lanes []stretchLanes) { kernel(dst, src, lanes, nil, nil) })
}

// sweepStretchBy has every number of lanes, each of so many equal bits.
func sweepStretchBy(t testing.TB, equal int, kernel stretchKernel) error {
	words := mixedWords(sweepLen, 7)
	bits := reference.Bits(words, 64*sweepLen)
	a := newArena(t, 8*sweepLen+16)
	counts := iter.Seq[int](func(yield func(int) bool) {
		for n := max(2/equal, 1); n <= maxLanes && yield(n); n++ {
		}
	})
	var want []uint64
	wantBy := -1
	cases := dilateCases(counts, func(by int) bool { return by == 3 })
	return sweep(cases, func(c *dilateCase) error {
		if c.n%equal > 0 {
			return nil
		}
		if each := c.by * equal; wantBy != c.by {
			repeated := make([]bool, 64*sweepLen)
			for i := range repeated {
				repeated[i] = bits[i/each]
			}
			want, wantBy = reference.Words(repeated), c.by
		}
		dst := lay[uint64](a, &c.at, 0, c.n)
		src := lay[uint64](a, &c.at, 1, (bitstring.Words(64*c.n)+c.by*equal-1)/(c.by*equal))
		lanes := lay[stretchLanes](a, &c.at, 2, c.by)
		copy(src, words)
		copy(lanes, lanesOf(c.by))
		kernel(dst, src, lanes)
		if err := unchanged("src", src, words[:len(src)]); err != nil {
			return err
		}
		if err := unchanged("lanes", lanes, lanesOf(c.by)); err != nil {
			return err
		}
		if err := sameWords(dst, want[:c.n]); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		return guard.Check(a[1], src)
	})
}

func TestKernelStretch(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepStretch(t, k.stretch)) })
}

func TestKernelStretchBytes(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepStretchBytes(t, k.stretchBytes)) })
}
