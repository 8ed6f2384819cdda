package dropblock

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

var sweepKey = Key{0x89abcdef, 0x01234567}

// layKey lays round keys and a counter in buffers 1 and 2 and returns a check
// that a kernel has left them alone.
func layKey(a *arena, at *layout, counter [4]uint32) (ks *roundKeys, ctr *[4]uint32, check func() error) {
	keys, counters := lay[roundKeys](a, at, 1, 1), lay[[4]uint32](a, at, 2, 1)
	expandKey(&keys[0], sweepKey[0], sweepKey[1])
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
				want = reference.PhiloxWords(n, counter, sweepKey)
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

// sweepHead draws whole groups, a chunk at most. That every fraction is exact
// is TestHeadExact's.
func sweepHead(t testing.TB, kernel headKernel) error {
	const most = chunkLen / 64
	a := newArena(t, 8*most+64)
	layouts := append(middles(8, 64), edges([2]int{8, 8}, 4)...)
	counter := [4]uint32{8, 3, 1<<32 - 1, 1 << 31}
	var want []uint64
	cases := func(yield func(headCase) bool) {
		for k := 1; k <= maxHeadBits; k++ {
			for _, frac := range []uint32{1, 1<<k - 1, 1<<(k-1) | 1, 0b1011001101>>(maxHeadBits-k) | 1} {
				seeds := make([]bool, 64*most)
				reference.Head(seeds, frac, k, sweepKey, counter)
				want = reference.Words(seeds)
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
		kernel(dst, ks, ctr, c.by.t, c.by.levels)
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

type placeCase struct {
	shape Shape
	block Block
	full  bool
	base  int // bit of the sample's first cell
	chunk int
	n     int
	at    layout
}

// sweepPlace maps positions from one end of a chunk to the other.
func sweepPlace(t testing.TB, kernel placeKernel) error {
	a := newArena(t, 4*sweepLen+64)
	layouts := append(middles(4, 16), edges([2]int{4, 4}, 4)...)
	cases := func(yield func(placeCase) bool) {
		turn := 0
		for _, s := range []Shape{
			NCHW(1, 1, 1, 1), NCHW(1, 1, 7, 7), NCHW(1, 5, 7, 7), NCHW(1, 9, 14, 14), NCHW(1, 1, 9, 70),
			NCHW(1, 2, 31, 200), NCHW(1, 300, 2, 1), NCHW(1, 3, 1, 333), NCHW(1, 9, 200, 50), NCHW(1, 1<<23, 8, 30),
		} {
			for _, block := range []Block{Square(1), Square(7), Rect(7, 3), Rect(2, 6)} {
				for _, full := range []bool{false, true} {
					for n := range lengths(67) {
						for at := range turns(layouts, turn, 3) {
							turn++
							c := placeCase{s, block, full, turn * 37 % 200, 0, n, at}
							if !yield(c) {
								return
							}
							if c.chunk = turn % (s.Len()/chunkLen + 1); c.chunk > 0 && !yield(c) {
								return
							}
						}
					}
				}
			}
		}
	}
	return sweep(cases, func(c *placeCase) error {
		cfg := Config{Block: c.block}
		if c.full {
			cfg.Region = RegionFull
		}
		g := cfg.geometry(c.shape)
		p := g.places()
		from := c.chunk * chunkLen
		end := min(p.positions-from, chunkLen)
		if end <= 0 {
			return nil // no such chunk in the valid region
		}
		bits := lay[uint32](a, &c.at, 0, c.n)
		walks := lay[walk](a, &c.at, 3, 1)
		var r route
		word := r.set(&p, c.base, c.chunk, nil)
		walks[0] = r.walk
		first := walks[0]
		want := make([]uint32, c.n)
		for i := range bits {
			position := i * (end - 1) / max(c.n-1, 1)
			bits[i] = uint32(position)
			position += from
			plane, row, col := position/(p.rows*p.cols), position/p.cols%p.rows, position%p.cols
			want[i] = uint32(c.base + (plane*c.shape.h+row)*c.shape.w + col - 64*word)
		}
		kernel(bits, &walks[0])
		if err := sameWords(bits, want); err != nil {
			return err
		}
		if walks[0] != first {
			return errors.New("the walk is changed")
		}
		return errors.Join(guard.Check(a[0], bits), guard.Check(a[3], walks))
	})
}

type divideCase struct {
	cols, rows int
	last       bool // position 0 is the last cell of a plane
}

// sweepDivide maps the positions on both sides of where rows and planes end, up to the
// last that there are, where a quotient is off by one if at all.
func sweepDivide(t testing.TB, kernel placeKernel) error {
	const most = 2 * chunkLen
	divisors := func(yield func(int) bool) {
		for d := 1; d <= 300; d++ {
			if !yield(d) {
				return
			}
		}
		for power := 1 << 9; power <= 2*maxInverse; power <<= 1 {
			for _, d := range []int{power - 1, power, power + 1, power/3*2 - 1} {
				if !yield(d) {
					return
				}
			}
		}
	}
	cases := func(yield func(divideCase) bool) {
		for d := range divisors {
			for _, c := range []divideCase{{d, 3, false}, {d, 1, true}, {1, d, false}, {7, d, true}} {
				if !yield(c) {
					return
				}
			}
		}
	}
	bits := make([]uint32, 0, gapCallLen)
	return sweep(cases, func(c *divideCase) error {
		w := newWalk(c.cols, c.rows, 3, 5)
		first := 0 // the number that position 0 has in its plane
		if c.last {
			w.col, w.row = uint32(c.cols-1), uint32(c.rows-1)
			first = c.cols*c.rows - 1
		}
		bits = bits[:0]
		for _, period := range []int{c.cols, c.cols * c.rows} {
			ends := (first + most - 1) / period
			for i := range min(ends, gapCallLen/8) {
				end := period*(ends-i*ends/(gapCallLen/8)) - first
				bits = append(bits, uint32(max(end-1, 0)), uint32(max(end, 0)))
			}
		}
		bits = append(bits, 0, most-1)
		want := make([]uint32, len(bits))
		for i, p := range bits {
			row := int(w.col+p) / c.cols
			plane := (int(w.row) + row) / c.rows
			want[i] = p + uint32(3*row+5*plane)
		}
		kernel(bits, &w)
		return sameWords(bits, want)
	})
}

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

func TestKernelPhilox(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepPhilox(t, k.philox, k.philoxStride())) })
}

func TestKernelHead(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepHead(t, k.head)) })
}

func TestKernelGaps(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepGaps(t, k.gaps)) })
}

func TestKernelOnes(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepOnes(t, k.ones)) })
}

func TestKernelPlace(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		pass(t, sweepPlace(t, k.place))
		pass(t, sweepDivide(t, k.place))
	})
}

func TestKernelSeeds(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepSeeds(t, k.seeds)) })
}
