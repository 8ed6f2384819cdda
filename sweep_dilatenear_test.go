package dropblock

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// nearShifts are those of blocks on small maps, of one step, and some whose
// second ones add up to 63 in all orders.
var nearShifts = [][]uint64{
	{1, 1}, {1, 2}, {63, 63}, {31, 63}, {1, 2, 7, 14}, {1, 2, 2, 2, 7, 14, 14, 14}, {1, 2, 14, 28}, {1, 2, 3, 4, 8, 16, 24, 32},
	{1, 2, 3, 6, 8, 16, 20, 39}, {20, 39, 8, 16, 3, 6, 1, 2}, {62, 62, 1, 1}, {1, 1, 62, 62}, {16, 32, 16, 31}, {1, 2, 31, 61},
}

// sweepDilateNear compares with one shift after the other over all the words,
// the first of which stays as it was.
func sweepDilateNear(t testing.TB, kernel dilateNearKernel) error {
	words := mixedWords(1+sweepLen, 9)
	words[0] = 1<<63 | 1<<40 | 1<<7 | 1
	a := newArena(t, 8*len(words)+16)
	var want []uint64
	var kept []int
	wantBy := -1
	sizes := func(yield func(int) bool) {
		for i := range nearShifts {
			if !yield(i) {
				return
			}
		}
	}
	return sweep(dilateCases(sizes, func(by int) bool { return by == 4 }), func(c *dilateCase) error {
		if wantBy != c.by {
			bits := reference.Bits(words, 64*len(words))
			for s := nearShifts[c.by]; len(s) > 0; s = s[2:] {
				once := reference.Dilate(bits, int(s[0]), 2)
				for i, b := range reference.Dilate(bits, int(s[1]), 2) {
					once[i] = once[i] || b
				}
				bits = once
			}
			bits = reference.Complement(bits)[64:]
			want, kept, wantBy = reference.Words(bits), prefixCounts(bits), c.by
		}
		got := lay[uint64](a, &c.at, 0, c.n+1)
		copy(got, words)
		if n := kernel(got, nearShifts[c.by]); n != kept[c.n] {
			return fmt.Errorf("kept is %d, want %d", n, kept[c.n])
		}
		if err := sameWords(got[1:], want[:c.n]); err != nil {
			return err
		}
		return errors.Join(unchanged("words[0]", got[:1], words[:1]), guard.Check(a[0], got))
	})
}

func TestKernelDilateNear(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateNear(t, k.dilateNear)) })
}
