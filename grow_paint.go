package dropblock

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// locator maps bits to cells.
type locator struct {
	*geometry
	per, shift [axes]uint32 // reciprocals of the bits of a cell, the cells of a row, the rows of a slice
}

func (g *geometry) locator() locator {
	l := locator{geometry: g}
	for i, n := range [axes]int{g.inner, g.axes[0].size, g.axes[1].size} {
		l.per[i], l.shift[i] = reciprocal(uint32(n))
	}
	return l
}

// cell returns the cell of a bit of a plane, by its coordinates, and the number of the bit
// in the cell.
func (l *locator) cell(bit int) (cell [axes]int, inner int) {
	divide := func(n, i, by int) (quotient, rest int) {
		q := int(divide(uint32(n), l.per[i], l.shift[i]))
		return q, n - q*by
	}
	if l.inner > 1 {
		bit, inner = divide(bit, 0, l.inner)
	}
	bit, cell[0] = divide(bit, 1, l.axes[0].size)
	cell[2], cell[1] = divide(bit, 2, l.axes[1].size)
	return cell, inner
}

// eachSeed calls visit with the first bit of each seed's plane and the seed's bit in the
// plane, until it returns false.
func (g *geometry) eachSeed(seeds []uint64, visit func(plane, bit int) bool) {
	size, plane := g.plane(), 0
	for i, v := range seeds {
		for ; v != 0; v &= v - 1 {
			bit := i*64 + bits.TrailingZeros64(v)
			for bit-plane >= size {
				plane += size
			}
			if !visit(plane, bit-plane) {
				return
			}
		}
	}
}

// brushWords bounds the words of a brush. A painted block touches one more.
const brushWords = 3

// brush has the bits of a block from its first one.
type brush [brushWords]uint64

// painter sets the blocks of seeds one by one, clipped at the borders of their planes. The
// time is linear in the number of seeds.
type painter struct {
	locator
	// brushes holds a brush for every width of a clipped block, if blocks have two axes
	// and span at most brushWords words. A block of fewer rows takes the first bits.
	// Other blocks are painted row by row, and brushes is nil.
	brushes []brush
}

func newPainter(g *geometry) *painter {
	p := &painter{locator: g.locator()}
	if w, h, d := &g.axes[0], &g.axes[1], &g.axes[2]; g.inner == 1 && d.size == 1 && g.span() <= 64*brushWords {
		p.brushes = make([]brush, w.block+1)
		for width := range p.brushes {
			for row := range h.block {
				bitstring.SetRun(p.brushes[width][:], row*h.stride, width)
			}
		}
	}
	return p
}

// paint sets the blocks in words. Behind the mask words has brushWords words more.
func (p *painter) paint(words, seeds []uint64) {
	p.eachSeed(seeds, func(plane, bit int) bool {
		cell, inner := p.cell(bit)
		var n [axes]int
		at := plane + inner
		for i := range p.axes {
			a := &p.axes[i]
			from, to := a.clip(cell[i])
			n[i] = to - from
			at += from * a.stride
		}
		if p.brushes != nil {
			p.stroke(words, at, n[0], (n[1]-1)*p.axes[1].stride+n[0])
		} else {
			p.rows(words, at, n)
		}
		return true
	})
}

// cost returns the approximate time to paint a block, in units of one stroke.
func (p *painter) cost() float64 {
	if p.brushes != nil {
		return 1
	}
	w := &p.axes[0]
	row := 1 + float64(w.block)/256 // whole words are set several at a time
	if w.stride > 1 {
		row = float64(w.block)
	}
	return 1 + row*float64(p.axes[1].block)*float64(p.axes[2].block)/2
}

// stroke sets the first span bits of the brush for a width, from bit at.
func (p *painter) stroke(words []uint64, at, width, span int) {
	b := &p.brushes[width]
	x, y, z := b[0]&bitstring.Low(span), b[1]&bitstring.Low(span-64), b[2]&bitstring.Low(span-128)
	s := uint(at & 63)
	dst := words[at>>6:][:brushWords+1]
	dst[0] |= x << s
	dst[1] |= y<<s | x>>1>>(63-s)
	dst[2] |= z<<s | y>>1>>(63-s)
	dst[3] |= z >> 1 >> (63 - s)
}

// rows sets a block of n cells along each axis, from bit at.
func (p *painter) rows(words []uint64, at int, n [axes]int) {
	w, h, d := &p.axes[0], &p.axes[1], &p.axes[2]
	for slice := range n[2] {
		for row := range n[1] {
			begin := at + slice*d.stride + row*h.stride
			if w.stride == 1 {
				bitstring.SetRun(words, begin, n[0])
				continue
			}
			for col := range n[0] {
				bit := begin + col*w.stride
				words[bit>>6] |= 1 << (bit & 63)
			}
		}
	}
}

// checkWhole returns an error if the block of a seed of a mask leaves the map.
func (g *geometry) checkWhole(mask Shape, seeds []uint64) (err error) {
	n, l := mask.Len(), g.locator()
	g.eachSeed(seeds, func(plane, bit int) bool {
		if plane+bit >= n {
			return false
		}
		cell, inner := l.cell(bit)
		for i := range g.axes {
			a := &g.axes[i]
			if first := cell[i] - a.before; first < 0 || first >= a.valid() {
				err = g.leaves(mask, plane/g.plane()*g.inner+inner, cell)
			}
		}
		return err == nil
	})
	return err
}

// leaves returns the error for a seed whose block leaves the map. channel is numbered
// through all samples of the mask.
func (g *geometry) leaves(mask Shape, channel int, cell [axes]int) error {
	var at, want, block []string
	for i := mask.layout.axes() - 1; i >= 0; i-- {
		a, name := &g.axes[i], "whd"[i]
		at = append(at, fmt.Sprintf("%c %d", name, cell[i]))
		want = append(want, fmt.Sprintf("%c %d to %d", name, a.before, a.before+a.valid()-1))
		block = append(block, fmt.Sprint(a.block))
	}
	return fmt.Errorf("dropblock: the block of the seed at n %d, c %d, %s leaves the map, want %s in the valid region of %s blocks",
		channel/mask.c, channel%mask.c, strings.Join(at, ", "), strings.Join(want, " and "), strings.Join(block, "x"))
}
