package dropblock

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

type gapsCase struct {
	delta uint64
	end   int
	call  int // words that a call draws with
	at    layout
}

// sweepGaps walks to the end of chunks, a few calls each.
func sweepGaps(t testing.TB, kernel gapsKernel) error {
	a := newArena(t, 4*gapLen+64)
	layouts := append(middles(4, 16), edges([2]int{4, 4}, 4)...)
	cases := func(yield func(gapsCase) bool) {
		turn := 0
		for _, delta := range []uint64{1, 1 << 44, 0x00058d5c9d1e1234, 0x00858d5c9d1e1234, 0x01c7 << 48, 1 << 63, 1<<64 - 1} {
			for _, end := range []int{1, 2, 7, 8, 64, 200, 1023, 1024, 5000, chunkLen} {
				for call := 0; call <= gapCallLen; call += 8 {
					for at := range turns(layouts, turn, 3) {
						turn++
						if !yield(gapsCase{delta, end, call, at}) {
							return
						}
					}
				}
			}
		}
	}
	tables := map[uint64]*reference.GapTable{}
	return sweep(cases, func(c *gapsCase) error {
		if tables[c.delta] == nil {
			tables[c.delta] = reference.NewGapTable(c.delta)
		}
		return c.check(a, kernel, tables[c.delta])
	})
}

func (c *gapsCase) check(a *arena, kernel gapsKernel, gaps *reference.GapTable) error {
	positions := lay[[gapCallLen]uint32](a, &c.at, 0, 1)
	drawn := lay[uint32](a, &c.at, 1, c.call)
	tables := lay[gapTable](a, &c.at, 2, 1)
	walks := lay[walk](a, &c.at, 3, 1)
	buildGaps(&tables[0], c.delta)
	table := tables[0]
	w := flat
	w.end = uint32(c.end)
	walks[0] = w

	next := 0
	counter := [4]uint32{uint32(c.end), uint32(c.call)}
	for call := 0; call < 6 && next < c.end; call++ {
		source := reference.PhiloxWords(c.call/4, counter, sweepKey)
		counter[2]++
		for i := 3; i < len(source); i += 4 { // at a threshold, or just below
			own := source[i] >> (32 - gapBits)
			source[i] = own<<(32-gapBits) | max(table[own]>>gapBits, 1) - uint32(i/4%2)
		}
		copy(drawn, source)
		var want []uint32
		for _, word := range source {
			gap := int(gaps.Gap(word))
			next += gap
			if gap == gapEscape {
				continue
			}
			if next < c.end {
				want = append(want, uint32(next))
			}
			next++
		}
		n := kernel(&positions[0], drawn, &tables[0], &walks[0])
		if n != len(want) {
			return fmt.Errorf("call %d: %d seeds, want %d", call, n, len(want))
		}
		if err := sameWords(positions[0][:n], want); err != nil {
			return fmt.Errorf("call %d: %w", call, err)
		}
		w.next = uint32(next)
		got := walks[0]
		if next >= c.end && got.next >= uint32(c.end) {
			got.next = uint32(next) // past the end it does not matter where
		}
		if got != w {
			return fmt.Errorf("call %d: the walk is %d, want %d", call, got, w)
		}
		if err := unchanged("drawn", drawn, source); err != nil {
			return err
		}
	}
	if tables[0] != table {
		return errors.New("the table is changed")
	}
	return errors.Join(
		guard.Check(a[0], positions), guard.Check(a[1], drawn), guard.Check(a[2], tables), guard.Check(a[3], walks))
}

func TestKernelGaps(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepGaps(t, k.gaps)) })
}
