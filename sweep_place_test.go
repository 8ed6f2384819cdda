package dropblock

import (
	"errors"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
)

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

func TestKernelPlace(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		pass(t, sweepPlace(t, k.place))
		pass(t, sweepDivide(t, k.place))
	})
}
