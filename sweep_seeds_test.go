package dropblock

import (
	"errors"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

type seedsCase struct {
	n, apart int
	at       layout
}

// sweepSeeds sets seeds up to the last bit, among others.
func sweepSeeds(t testing.TB, kernel seedsKernel) error {
	a := newArena(t, 8*sweepLen+64)
	layouts := append(middles(8, 16), edges([2]int{8, 4}, 4)...)
	cases := func(yield func(seedsCase) bool) {
		for n := range lengths(gapCallLen) {
			for _, apart := range []int{1, 3, 40, 64, 113} {
				for at := range turns(layouts, n+apart, 4) {
					if !yield(seedsCase{n, apart, at}) {
						return
					}
				}
			}
		}
	}
	return sweep(cases, func(c *seedsCase) error {
		words := lay[uint64](a, &c.at, 0, bitstring.Words(c.n*c.apart))
		bits := lay[uint32](a, &c.at, 1, c.n)
		copy(words, mixedWords(len(words), uint64(c.n)))
		want := slices.Clone(words)
		for i := range bits {
			bit := 64*len(words) - 1 - (c.n-1-i)*c.apart
			bits[i] = uint32(bit)
			want[bit/64] |= 1 << (bit % 64)
		}
		source := slices.Clone(bits)
		kernel(words, bits)
		if err := sameWords(words, want); err != nil {
			return err
		}
		return errors.Join(unchanged("bits", bits, source), guard.Check(a[0], words), guard.Check(a[1], bits))
	})
}

func TestKernelSeeds(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepSeeds(t, k.seeds)) })
}
