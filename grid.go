package dropblock

import "math/bits"

// grid maps the positions at which a sample may have a seed, numbered plane by
// plane and row by row, to bits of the mask. In the valid region a position is
// the first corner of a block, otherwise a cell.
type grid struct {
	rows, cols int // positions of a plane
	positions  int // positions of a sample
	skipRow    int // bits from the end of a row of positions to the next row
	skipPlane  int // bits from the end of a plane of positions to the next plane, in addition
	sampleBits int // bits of a sample
	perCol     uint64
	perRow     uint64
}

// dense reports whether positions and bits have the same numbers.
func (g *grid) dense() bool { return g.skipRow == 0 && g.skipPlane == 0 }

func (g *geometry) grid() grid {
	rows, cols := g.vh, g.vw
	if g.full {
		rows, cols = g.h, g.w
	}
	return grid{
		rows: rows, cols: cols,
		positions:  g.planes * rows * cols,
		skipRow:    g.w - cols,
		skipPlane:  (g.h - rows) * g.w,
		sampleBits: g.planes * g.h * g.w,
		perCol:     reciprocal(cols),
		perRow:     reciprocal(rows),
	}
}

// reciprocal is ⌈2⁶⁴/d⌉, or 0 for d = 1, with which divide is exact for n and
// d below 2³².
func reciprocal(d int) uint64 {
	return ^uint64(0)/uint64(d) + 1
}

func divide(n int, reciprocal uint64) int {
	if reciprocal == 0 {
		return n
	}
	q, _ := bits.Mul64(uint64(n), reciprocal)
	return int(q)
}
