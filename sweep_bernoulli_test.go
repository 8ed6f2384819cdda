package dropblock

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dropblock-go/dropblock/fuzz"
	"github.com/dropblock-go/dropblock/internal/guard"
)

var sweepKey = Key{0x89abcdef, 0x01234567}

// layKey lays round keys and a counter in buffers 1 and 2 and returns a check
// that a kernel has left them alone.
func layKey(a *arena, at *layout, counter [4]uint32) (ks *roundKeys, ctr *[4]uint32, check func() error) {
	keys, counters := lay[roundKeys](a, at, 1, 1), lay[[4]uint32](a, at, 2, 1)
	expandKey(&keys[0], sweepKey)
	before := keys[0]
	counters[0] = counter
	return &keys[0], &counters[0], func() error {
		if keys[0] != before || counters[0] != counter {
			return errors.New("the round keys or the counter are changed")
		}
		if err := guard.Check(a[1], keys); err != nil {
			return err
		}
		return guard.Check(a[2], counters)
	}
}

type philoxCase struct {
	blocks  int
	counter [4]uint32
	at      layout
}

// sweepPhilox draws multiples of stride blocks, also up to the last counter
// before word 0 overflows.
func sweepPhilox(t testing.TB, kernel philoxKernel, stride int) error {
	const blocks = sweepLen / 4
	a := newArena(t, 4*sweepLen+64)
	layouts := append(middles(4, 16), edges([2]int{4, 8}, 4)...)
	var want []uint32
	cases := func(yield func(philoxCase) bool) {
		for n := 0; n <= blocks; n += stride {
			for _, counter := range [][4]uint32{{}, {1<<31 + 77, 65535, 1<<32 - 1, 1}, {-uint32(n), 1<<32 - 1}} {
				want = fuzz.PhiloxWords(n, counter, sweepKey)
				for _, at := range layouts {
					if !yield(philoxCase{n, counter, at}) {
						return
					}
				}
			}
		}
	}
	return sweep(cases, func(c *philoxCase) error {
		dst := lay[uint32](a, &c.at, 0, 4*c.blocks)
		ks, ctr, check := layKey(a, &c.at, c.counter)
		kernel(dst, ks, ctr)
		if err := sameWords(dst, want); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		return guard.Check(a[0], dst)
	})
}

type headCase struct {
	n  int
	by threshold
	at layout
}

type headMethod func(dst []uint64, ks *roundKeys, ctr *[4]uint32, h threshold)

// sweepHead draws whole groups, a chunk at most. That every fraction is exact
// is TestHeadExact's.
func sweepHead(t testing.TB, kernel headMethod) error {
	const most = chunkLen / 64
	a := newArena(t, 8*most+64)
	layouts := append(middles(8, 64), edges([2]int{8, 8}, 4)...)
	counter := [4]uint32{8, 3, 1<<32 - 1, 1 << 31}
	var want []uint64
	cases := func(yield func(headCase) bool) {
		for k := 1; k <= maxHeadBits; k++ {
			for _, frac := range []uint32{1, 1<<k - 1, 1<<(k-1) | 1, 0b1011001101>>(maxHeadBits-k) | 1} {
				seeds := make([]bool, 64*most)
				fuzz.Head(seeds, frac, k, sweepKey, counter)
				want = fuzz.Words(seeds)
				for n := 0; n <= most; n += headGroupWords {
					few := 1
					if n <= 4*headGroupWords {
						few = every
					}
					for at := range turns(layouts, n/headGroupWords+k, few) {
						if !yield(headCase{n, threshold{frac, k}, at}) {
							return
						}
					}
				}
			}
		}
	}
	return sweep(cases, func(c *headCase) error {
		dst := lay[uint64](a, &c.at, 0, c.n)
		ks, ctr, check := layKey(a, &c.at, counter)
		kernel(dst, ks, ctr, c.by)
		if err := sameWords(dst, want[:c.n]); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		return guard.Check(a[0], dst)
	})
}

type gapsCase struct {
	shape Shape
	block Block
	full  bool
	base  int // bit of the sample's first cell
	chunk int
	delta uint64
	call  int // words that a call draws with
	at    layout
}

// sweepGaps walks through chunks, a few calls each.
func sweepGaps(t testing.TB, kernel bernoulliGapsKernel) error {
	a := newArena(t, 4*chunkLen)
	layouts := append(middles(8, 16), edges([2]int{8, 4}, 4)...)
	cases := func(yield func(gapsCase) bool) {
		turn := 0
		for _, s := range []Shape{
			NCHW(1, 1, 1, 1), NCHW(1, 1, 7, 7), NCHW(1, 5, 7, 7), NCHW(1, 9, 14, 14), NCHW(1, 1, 9, 70),
			NCHW(1, 2, 31, 200), NCHW(1, 300, 2, 1), NCHW(1, 3, 1, 333), NCHW(1, 9, 200, 50),
		} {
			for _, block := range []Block{Square(1), Rect(7, 3), Rect(2, 6)} {
				for _, full := range []bool{false, true} {
					for _, delta := range []uint64{1, 1 << 44, 0x00858d5c9d1e1234, 0x01c7 << 48, 1 << 63, 1<<64 - 1} {
						for _, call := range []int{0, 8, 16, 24, 120, gapCallLen} {
							few := 2
							if s.Len() <= 49 {
								few = 10
							}
							for at := range turns(layouts, turn, few) {
								turn++
								c := gapsCase{s, block, full, turn * 37 % 200, 0, delta, call, at}
								if !yield(c) {
									return
								}
								if c.chunk = 1; s.Len() > chunkLen && !yield(c) {
									return
								}
							}
						}
					}
				}
			}
		}
	}
	tables := map[uint64]*fuzz.GapTable{}
	return sweep(cases, func(c *gapsCase) error {
		if tables[c.delta] == nil {
			tables[c.delta] = fuzz.NewGapTable(c.delta)
		}
		return c.check(a, kernel, tables[c.delta])
	})
}

func (c *gapsCase) check(a *arena, kernel bernoulliGapsKernel, gaps *fuzz.GapTable) error {
	cfg := Config{Block: c.block}
	if c.full {
		cfg.Region = RegionFull
	}
	g := cfg.geometry(c.shape)
	grid := g.grid()
	from := c.chunk * chunkLen
	end := min(grid.positions-from, chunkLen)
	if end <= 0 {
		return nil // no such chunk in the valid region
	}
	first, word := grid.walk(c.base, c.chunk)
	// bitOf is the bit of a position of the chunk, from its first word on.
	bitOf := func(position int) int {
		position += from
		plane, row, col := position/(grid.rows*grid.cols), position/grid.cols%grid.rows, position%grid.cols
		return c.base + (plane*c.shape.H+row)*c.shape.W + col - 64*word
	}

	words := lay[uint64](a, &c.at, 0, bitOf(end-1)/64+1)
	drawn := lay[uint32](a, &c.at, 1, c.call)
	tables := lay[gapTable](a, &c.at, 2, 1)
	walks := lay[walk](a, &c.at, 3, 1)
	clear(words)
	words[0] = 0x5a5a5a5a5a5a5a5a & (1<<bitOf(0) - 1) // of the sample before
	buildGaps(&tables[0], c.delta)
	walks[0] = first

	table := tables[0]
	want := make([]uint64, len(words))
	want[0] = words[0]
	wantWalk := first
	next := 0
	counter := [4]uint32{uint32(c.base), uint32(c.call)}
	for call := 0; call < 6 && next < end; call++ {
		source := fuzz.PhiloxWords(c.call/4, counter, sweepKey)
		counter[2]++
		for i := 3; i < len(source); i += 4 { // at a threshold, or just below
			own := source[i] >> (32 - gapBits)
			source[i] = own<<(32-gapBits) | max(table[own]>>gapBits, 1) - uint32(i/4%2)
		}
		copy(drawn, source)
		for _, w := range source {
			gap := int(gaps.Gap(w))
			next += gap
			if gap == gapEscape {
				continue
			}
			if next < end {
				bit := bitOf(next)
				want[bit/64] |= 1 << (bit % 64)
				wantWalk[walkSeeds]++
			}
			next++
		}
		kernel(words, drawn, &tables[0], &walks[0])
		if err := sameWords(words, want); err != nil {
			return fmt.Errorf("call %d: %w", call, err)
		}
		got := walks[0]
		wantWalk[walkNext] = uint32(next)
		if next >= end && got[walkNext] >= uint32(end) {
			got[walkNext] = uint32(next) // past the end it does not matter where
		}
		got[walkWord] = 0 // may be that of an escape: what the next call makes of it is what counts
		if got != wantWalk {
			return fmt.Errorf("call %d: the walk is %d, want %d", call, got, wantWalk)
		}
		if err := unchanged("drawn", drawn, source); err != nil {
			return err
		}
	}
	if tables[0] != table {
		return errors.New("the table is changed")
	}
	return errors.Join(
		guard.Check(a[0], words), guard.Check(a[1], drawn), guard.Check(a[2], tables), guard.Check(a[3], walks))
}

func TestKernelPhilox(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepPhilox(t, k.philox, k.philoxStride())) })
}

func TestKernelHead(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepHead(t, k.bernoulliHead)) })
}

func TestKernelGaps(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepGaps(t, k.bernoulliGaps)) })
}
