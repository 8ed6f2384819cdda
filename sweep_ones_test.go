package dropblock

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
)

type onesCase struct {
	n     int // words
	first uint32
	kind  int
	at    layout
}

// sweepOnes lists the ones of words with few of them, many, or all.
func sweepOnes(t testing.TB, kernel onesKernel) error {
	a := newArena(t, 8*sweepLen+64)
	layouts := append(middles(4, 8), edges([2]int{4, 8}, 4)...)
	cases := func(yield func(onesCase) bool) {
		for n := range lengths(100) {
			for kind := range 6 {
				for at := range turns(layouts, n+kind, 4) {
					if !yield(onesCase{n, uint32(n * 64 * kind), kind, at}) {
						return
					}
				}
			}
		}
	}
	return sweep(cases, func(c *onesCase) error {
		positions := lay[[gapCallLen]uint32](a, &c.at, 0, 1)
		words := lay[uint64](a, &c.at, 1, c.n)
		copy(words, mixedWords(c.n, uint64(c.n+c.kind)))
		for i := range words {
			switch c.kind {
			case 0:
				words[i] = ^uint64(0)
			case 1:
				words[i] &= 0x0101_0101_0101_0101 << (i % 8)
			case 2:
				words[i] = 1<<(17*i%64) | 1<<63
			}
		}
		source := slices.Clone(words)
		var want []uint32
		used := 0
		for used < c.n && len(want) <= gapCallLen-64 {
			for bit := range 64 {
				if words[used]>>bit&1 != 0 {
					want = append(want, c.first+uint32(64*used+bit))
				}
			}
			used++
		}
		n, gotUsed := kernel(&positions[0], words, c.first)
		if n != len(want) || gotUsed != used {
			return fmt.Errorf("%d ones of %d words, want %d of %d", n, gotUsed, len(want), used)
		}
		if err := sameWords(positions[0][:n], want); err != nil {
			return err
		}
		return errors.Join(unchanged("words", words, source), guard.Check(a[0], positions), guard.Check(a[1], words))
	})
}

func TestKernelOnes(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepOnes(t, k.ones)) })
}
