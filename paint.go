package dropblock

import (
	"fmt"
	"math/bits"
)

// eachSeed calls visit with the bit of each seed, and with the first bit of its
// plane and its row and column there, until it returns false.
func (g *geometry) eachSeed(seeds []uint64, visit func(bit, plane, row, col int) bool) {
	size, plane := g.h*g.w, 0
	perCol, shift := reciprocal(uint32(g.w))
	for i, w := range seeds {
		for ; w != 0; w &= w - 1 {
			bit := i*64 + bits.TrailingZeros64(w)
			for bit-plane >= size {
				plane += size
			}
			row := int(divide(uint32(bit-plane), perCol, shift))
			if !visit(bit, plane, row, bit-plane-row*g.w) {
				return
			}
		}
	}
}

// paintWords is how many words the brush of a block may take. A painted block
// touches one more.
const paintWords = 3

// brush is a block's bits from its first one on, all rows of one width.
type brush [paintWords]uint64

// paint sets the blocks of the seeds in words, clipped at the borders of their
// planes. words has paintWords spare words behind those of the mask. The cost
// is that of the seeds; where they are not few it is more than that of a border's
// steps.
func (g *geometry) paint(words, seeds []uint64) {
	if span := (g.bh-1)*g.w + g.bw; span <= 64*paintWords {
		g.paintBrushes(words, seeds)
		return
	}
	g.eachSeed(seeds, func(_, plane, row, col int) bool {
		top, left, height, width := g.clip(row, col)
		at := plane + top*g.w + left
		for range height {
			setRun(words, at, width)
			at += g.w
		}
		return true
	})
}

// clip is the part of a seed's block that lies in the map.
func (g *geometry) clip(row, col int) (top, left, height, width int) {
	top, left = max(row-g.ah, 0), max(col-g.aw, 0)
	height = min(row-g.ah+g.bh, g.h) - top
	width = min(col-g.aw+g.bw, g.w) - left
	return top, left, height, width
}

// paintBrushes paints blocks that have few bits from the first to the last, each
// in one go. There is a brush for every width; lower blocks take the first
// bits of it.
func (g *geometry) paintBrushes(words, seeds []uint64) {
	var brushes [64*paintWords + 1]brush
	for width := 1; width <= g.bw; width++ {
		for row := range g.bh {
			setRun(brushes[width][:], row*g.w, width)
		}
	}
	g.eachSeed(seeds, func(_, plane, row, col int) bool {
		top, left, height, width := g.clip(row, col)
		at, span := plane+top*g.w+left, (height-1)*g.w+width
		st := &brushes[width]
		a, b, c := st[0]&ones(span), st[1]&ones(span-64), st[2]&ones(span-128)
		s := uint(at & 63)
		dst := words[at>>6:][:paintWords+1]
		dst[0] |= a << s
		dst[1] |= b<<s | a>>1>>(63-s)
		dst[2] |= c<<s | b>>1>>(63-s)
		dst[3] |= c >> 1 >> (63 - s)
		return true
	})
}

// ones is a word whose first n bits are ones: all from 64 on, none from 0 down.
func ones(n int) uint64 {
	n = min(max(n, 0), 64)
	return ^(^uint64(0) << n)
}

// setRun sets n bits from bit at on.
func setRun(words []uint64, at, n int) {
	for n > 0 {
		s := at & 63
		run := min(n, 64-s)
		words[at>>6] |= ones(run) << s
		at += run
		n -= run
	}
}

// checkWords checks the length of the words of a mask.
func checkWords(name string, bits Shape, words []uint64) error {
	if n := wordsLen(bits.Len()); len(words) != n {
		return fmt.Errorf("dropblock: %s has %d words, want %d for the %d elements of a mask of %v",
			name, len(words), n, bits.Len(), bits)
	}
	return nil
}

// checkWhole checks that the block of every seed of a mask lies in the map.
func (g *geometry) checkWhole(mask Shape, seeds []uint64) (err error) {
	n := mask.Len()
	g.eachSeed(seeds, func(bit, plane, row, col int) bool {
		if bit >= n {
			return false
		}
		if r, c := row-g.ah, col-g.aw; r < 0 || c < 0 || r >= g.vh || c >= g.vw {
			index := plane / (g.h * g.w)
			err = fmt.Errorf("dropblock: the block of the seed at n %d, c %d, h %d, w %d leaves the map, want h %d to %d and w %d to %d in the valid region of %dx%d blocks",
				index/g.planes, index%g.planes, row, col, g.ah, g.ah+g.vh-1, g.aw, g.aw+g.vw-1, g.bh, g.bw)
		}
		return err == nil
	})
	return err
}
