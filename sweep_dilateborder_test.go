package dropblock

import (
	"errors"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// sweepDilateBorder compares with the definition, bit by bit.
func sweepDilateBorder(t testing.TB, kernel dilateBorderKernel) error {
	words := mixedWords(2*dilateLead(largestShift)+sweepLen, 10)
	masks := [2][]uint64{mixedWords(sweepLen, 11), mixedWords(sweepLen, 12)}
	bits, up, down := reference.Bits(words, 64*len(words)), reference.Bits(masks[0], 64*sweepLen), reference.Bits(masks[1], 64*sweepLen)
	a := newArena(t, 8*len(words)+16)
	var want []uint64
	wantBy := -1
	return sweep(dilateCases(shifts, func(by int) bool { return by == 7 || by == 64 || by == 70 }), func(c *dilateCase) error {
		lead := dilateLead(c.by)
		if wantBy != c.by {
			grown := make([]bool, 64*sweepLen)
			for i := range grown {
				at := 64*lead + i
				grown[i] = bits[at] || bits[at-c.by] && up[i] || bits[at+c.by] && down[i]
			}
			want, wantBy = reference.Words(grown), c.by
		}
		dst := lay[uint64](a, &c.at, 0, c.n)
		src := lay[uint64](a, &c.at, 1, c.n+2*lead)
		copy(src, words)
		ups, downs := lay[uint64](a, &c.at, 2, c.n), lay[uint64](a, &c.at, 3, c.n)
		copy(ups, masks[0])
		copy(downs, masks[1])
		kernel(dst, src, ups, downs, c.by)
		if err := sameWords(dst, want[:c.n]); err != nil {
			return err
		}
		return errors.Join(unchanged("src", src, words[:len(src)]), unchanged("up", ups, masks[0][:c.n]), unchanged("down", downs, masks[1][:c.n]),
			guard.Check(a[0], dst), guard.Check(a[1], src), guard.Check(a[2], ups), guard.Check(a[3], downs))
	})
}

func TestKernelDilateBorder(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateBorder(t, k.dilateBorder)) })
}
