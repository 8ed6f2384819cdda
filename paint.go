package dropblock

import (
	"fmt"
	"math/bits"
)

// eachSeed calls visit with the plane, row and column of each seed until it
// returns false.
func (g *geometry) eachSeed(seeds []uint64, visit func(plane, row, col int) bool) {
	perCol, perRow := uint64(g.w), uint64(g.h)
	for i, w := range seeds {
		for ; w != 0; w &= w - 1 {
			bit := uint64(i)*64 + uint64(bits.TrailingZeros64(w))
			row := bit / perCol
			if !visit(int(row/perRow), int(row%perRow), int(bit%perCol)) {
				return
			}
		}
	}
}

// paint sets the blocks of the seeds in words, clipped at the borders of their
// planes. Its cost is that of the seeds' block rows, which at the drop
// probabilities of training is less than that of a dilation with a mask for
// every border and step.
func (g *geometry) paint(words, seeds []uint64) {
	g.eachSeed(seeds, func(plane, row, col int) bool {
		top, bottom := max(row-g.ah, 0), min(row-g.ah+g.bh, g.h)
		left, right := max(col-g.aw, 0), min(col-g.aw+g.bw, g.w)
		at := (plane*g.h+top)*g.w + left
		for range bottom - top {
			setRun(words, at, right-left)
			at += g.w
		}
		return true
	})
}

// setRun sets n bits from bit at on.
func setRun(words []uint64, at, n int) {
	for n > 0 {
		s := at & 63
		run := min(n, 64-s)
		words[at>>6] |= ^uint64(0) >> (64 - run) << s
		at += run
		n -= run
	}
}

// checkSeeds checks the length of the words of a mask.
func checkSeeds(bits Shape, words []uint64) error {
	if n := wordsLen(bits.Len()); len(words) != n {
		return fmt.Errorf("dropblock: seeds has %d words, want %d for the %d elements of a mask of %v",
			len(words), n, bits.Len(), bits)
	}
	return nil
}

// checkWhole checks that the block of every seed lies in the map.
func (g *geometry) checkWhole(s Shape, seeds []uint64) (err error) {
	n := s.Len()
	g.eachSeed(seeds, func(plane, row, col int) bool {
		if (plane*g.h+row)*g.w+col >= n {
			return false
		}
		if r, c := row-g.ah, col-g.aw; r < 0 || c < 0 || r >= g.vh || c >= g.vw {
			err = fmt.Errorf("dropblock: the block of the seed at n %d, c %d, h %d, w %d leaves the map, want h %d to %d and w %d to %d in the valid region of %dx%d blocks",
				plane/g.planes, plane%g.planes, row, col, g.ah, g.ah+g.vh-1, g.aw, g.aw+g.vw-1, g.bh, g.bw)
		}
		return err == nil
	})
	return err
}
