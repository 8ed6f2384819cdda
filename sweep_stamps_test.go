package dropblock

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

type stampsCase struct {
	n     int // bits
	touch int // words that a block may touch
	apart int // bits from one to the next, on average
	at    layout
}

// sweepStamps drops blocks of every number of words, the last one as far back as
// it may be, in two calls: the second goes on among the words of the first.
func sweepStamps(t testing.TB, kernel stampsKernel) error {
	a := newArena(t, 64*64*8)
	layouts := append(middles(8, 16), edges([2]int{8, 4}, 4)...)
	cases := func(yield func(stampsCase) bool) {
		for n := range lengths(70) {
			for touch := 1; touch <= stampWords; touch++ {
				for _, apart := range []int{1, 20, 64, 200, 700} {
					for at := range turns(layouts, n+touch+apart, 3) {
						if !yield(stampsCase{n, touch, apart, at}) {
							return
						}
					}
				}
			}
		}
	}
	return sweep(cases, func(c *stampsCase) error {
		gaps := mixedWords(c.n+1, uint64(c.n*c.touch))
		total := 0
		for i := range c.n {
			total += int(gaps[i] % uint64(2*c.apart))
		}
		words := lay[uint64](a, &c.at, 0, total/64+stampRoom(c.touch))
		bits := lay[uint32](a, &c.at, 1, c.n)
		tables := lay[stampTable](a, &c.at, 2, 1)
		st := &tables[0]
		bitstring.SetAll(words)
		for bit := range st {
			bitstring.SetAll(st[bit][:])
			for i := range c.touch { // not a block, but as good
				st[bit][i] = 0xd1b54a32d192ed03 * uint64(64*i+bit+1)
			}
		}
		table := *st
		want := slices.Clone(words)
		bit := 0
		for i := range bits {
			bit += int(gaps[i] % uint64(2*c.apart))
			bits[i] = uint32(bit)
			for k := range c.touch {
				want[bit/64+k] &= st[bit%64][k]
			}
		}
		source := slices.Clone(bits)
		half := c.n * 2 / 5
		dropped := kernel(words, bits[:half], st, c.touch)
		dropped += kernel(words, bits[half:], st, c.touch)
		if err := sameWords(words, want); err != nil {
			return err
		}
		if ones := countGeneric(words); dropped != 64*len(words)-ones {
			return fmt.Errorf("dropped is %d, want %d", dropped, 64*len(words)-ones)
		}
		if *st != table {
			return errors.New("the stamps are changed")
		}
		return errors.Join(unchanged("bits", bits, source),
			guard.Check(a[0], words), guard.Check(a[1], bits), guard.Check(a[2], tables))
	})
}

func TestKernelStamps(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepStamps(t, k.stamps)) })
}
