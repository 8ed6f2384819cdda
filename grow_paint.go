package dropblock

import (
	"fmt"
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// locator finds the cells of bits.
type locator struct {
	*geometry
	per, shift [axes]uint32 // reciprocals: of the bits of a cell, of the cells of a row, of the rows of a slice
}

func (g *geometry) locator() locator {
	l := locator{geometry: g}
	for i, n := range [axes]int{g.inner, g.axes[0].size, g.axes[1].size} {
		l.per[i], l.shift[i] = reciprocal(uint32(n))
	}
	return l
}

// cell is that of a bit of a plane, its number on each axis, and which of the bits of the
// cell it is.
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

// eachSeed calls visit with the bit of each seed, and with the first bit of its plane and
// its bit there, until it returns false.
func (g *geometry) eachSeed(seeds []uint64, visit func(plane, bit int) bool) {
	size, plane := g.plane(), 0
	for i, w := range seeds {
		for ; w != 0; w &= w - 1 {
			bit := i*64 + bits.TrailingZeros64(w)
			for bit-plane >= size {
				plane += size
			}
			if !visit(plane, bit-plane) {
				return
			}
		}
	}
}

// brushWords is how many words the brush of a block may take. A painted block touches one
// more.
const brushWords = 3

// brush is a block's bits from its first one on.
type brush [brushWords]uint64

// painter sets the blocks of seeds, clipped at the borders of their planes. Its time is
// that of the seeds.
type painter struct {
	locator
	// brushes paint blocks of two axes that have few bits from the first to the last in
	// one go. There is one for every width; lower blocks take the first bits of it. Other
	// blocks, which have none, are painted row by row.
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

// paint sets the blocks in words, which have brushWords spare words behind those of the
// mask.
func (p *painter) paint(words, seeds []uint64) {
	p.eachSeed(seeds, func(plane, bit int) bool {
		cell, inner := p.cell(bit)
		var from, n [axes]int
		at := plane + inner
		for i := range p.axes {
			a := &p.axes[i]
			from[i], n[i] = a.clip(cell[i])
			at += from[i] * a.stride
		}
		if p.brushes != nil {
			p.stroke(words, at, n[0], (n[1]-1)*p.axes[1].stride+n[0])
		} else {
			p.rows(words, at, n)
		}
		return true
	})
}

// cost is about what it takes to paint a block, in blocks that are painted by a brush.
func (p *painter) cost() float64 {
	if p.brushes != nil {
		return 1
	}
	w := &p.axes[0]
	row := 1 + float64(w.block)/256 // of words, which are set many at a time
	if w.stride > 1 {
		row = float64(w.block)
	}
	return 1 + row*float64(p.axes[1].block)*float64(p.axes[2].block)/2
}

// stroke sets the first span bits of the brush of a width.
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

// rows sets the n cells of a block on each axis, from a bit on.
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

// checkWhole checks that the block of every seed of a mask lies in the map.
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

// leaves is the error for a seed whose block leaves the map, in a channel of the call's
// mask.
func (g *geometry) leaves(mask Shape, channel int, cell [axes]int) error {
	names := []byte("whd")
	var at, want, block string
	join := func(to *string, by, format string, args ...any) {
		if *to != "" {
			*to += by
		}
		*to += fmt.Sprintf(format, args...)
	}
	for i := mask.layout.axes() - 1; i >= 0; i-- {
		a := &g.axes[i]
		join(&at, ", ", "%c %d", names[i], cell[i])
		join(&want, " and ", "%c %d to %d", names[i], a.before, a.before+a.valid()-1)
		join(&block, "x", "%d", a.block)
	}
	return fmt.Errorf("dropblock: the block of the seed at n %d, c %d, %s leaves the map, want %s in the valid region of %s blocks",
		channel/mask.c, channel%mask.c, at, want, block)
}
