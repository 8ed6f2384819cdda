package dropblock

import (
	"math"
	"math/bits"
)

// grid maps the positions at which a sample may have a seed, numbered plane by
// plane and row by row, to bits of the mask. In the valid region a position is
// the first corner of a block, otherwise a cell.
type grid struct {
	rows, cols int // positions of a plane
	positions  int // positions of a sample
	skipRow    int // bits from the end of a row of positions to the next row
	skipPlane  int // bits from the end of a plane of positions to the next plane, in addition
	sampleBits int // bits of a sample

	chunks    int  // of a sample
	unit      int  // pieces that are drawn on the same filled words, and placed and set together
	denseUnit int  // the same for those that are drawn densely
	first     walk // what all walks have in common
}

func (g *geometry) grid() grid {
	rows, cols := g.vh, g.vw
	if g.full {
		rows, cols = g.h, g.w
	}
	return makeGrid(grid{
		rows: rows, cols: cols,
		positions:  g.planes * rows * cols,
		skipRow:    g.w - cols,
		skipPlane:  (g.h - rows) * g.w,
		sampleBits: g.planes * g.h * g.w,
	})
}

// flatGrid is n positions that are the bits themselves.
func flatGrid(n int) grid {
	return makeGrid(grid{rows: 1, cols: max(n, 1), positions: n, sampleBits: n})
}

// flat is what walks have in common whose positions, of one chunk, are the
// bits themselves.
var flat = flatGrid(chunkLen).first

func makeGrid(g grid) grid {
	g.chunks = g.positions/chunkLen + (g.positions%chunkLen+chunkLen-1)/chunkLen // without overflow
	g.unit, g.denseUnit = 1, 1
	if g.chunks == 1 {
		g.unit = (64*drawLen-1)/g.sampleBits + 1
		// Together they are numbered like one sample of as many planes. What is drawn
		// densely for each has to be whole words for that.
		const most = chunkLen - headGroupLen // whole groups of the last one are drawn
		if !g.dense() && g.positions%64 == 0 {
			g.denseUnit = max(min(g.unit, most/g.positions), 1)
		}
	}
	w := &g.first
	w.perCol, w.colShift = reciprocal(uint32(g.cols))
	w.perRow, w.rowShift = reciprocal(uint32(g.rows))
	w.skipRow = uint32(g.skipRow)
	w.skipPlane = uint32(g.skipPlane)
	if max(g.rows, g.cols) <= maxInverse {
		w.inverseCol, w.inverseRow = inverse(g.cols), inverse(g.rows)
	}
	return g
}

// begin is the word in which a piece begins, and the bit of it. Behind the last piece
// that is where another sample would.
func (g *grid) begin(piece int) (word, bit int) {
	if g.chunks == 1 {
		bit = piece * g.sampleBits
		return bit / 64, bit % 64
	}
	var w walk
	word = g.walk(&w, piece/g.chunks*g.sampleBits, piece%g.chunks)
	return word, int(w.bit)
}

// dense reports whether positions and bits have the same numbers.
func (g *grid) dense() bool { return g.skipRow == 0 && g.skipPlane == 0 }

// walk is a walk through the positions of a chunk, which it numbers from 0. All but
// the reciprocals and inverses is below 2³¹, as a sample is. The generators in gen/ read
// this declaration, and have the assembly's offsets from it.
type walk struct {
	next       uint32 // the position to draw on from
	end        uint32 // the number of positions
	bit        uint32 // bit of position 0 in its word
	col        uint32 // column of position 0
	row        uint32 // row of position 0 in its plane
	perCol     uint32 // reciprocal of the columns of a row
	colShift   uint32 // and its shift
	perRow     uint32 // reciprocal of the rows of a plane
	rowShift   uint32 // and its shift
	skipRow    uint32 // bits from the end of a row to the next one
	skipPlane  uint32 // bits from the end of a plane to the next one, in addition
	inverseCol uint32 // of the columns of a row, as a float32; 0 above maxInverse
	inverseRow uint32 // of the rows of a plane, likewise
}

// walk sets w to the walk through a chunk of a sample whose bits begin at base,
// and returns the word in which the chunk begins.
func (g *grid) walk(w *walk, base, chunk int) (word int) {
	*w = g.first
	bit, position := base, chunk*chunkLen
	if chunk > 0 {
		row := position / g.cols
		bit += position + row*g.skipRow + row/g.rows*g.skipPlane
		w.col = uint32(position % g.cols)
		w.row = uint32(row % g.rows)
	}
	w.end = uint32(min(g.positions-position, chunkLen))
	w.bit = uint32(bit % 64)
	return bit / 64
}

// walkBitOf maps a position to its bit, counted from the word in which the
// chunk begins.
func walkBitOf(w *walk, position uint32) uint32 {
	rows := divide(w.col+position, w.perCol, w.colShift)
	planes := divide(w.row+rows, w.perRow, w.rowShift)
	return w.bit + position + rows*w.skipRow + planes*w.skipPlane
}

// reciprocal is m = ⌈2^shift/d⌉ below 2³², with which n/d is n·m/2^shift,
// exactly for n < 2³¹: m·d exceeds 2^shift by e < d ≤ 2^(shift−31), which adds
// n·e/(d·2^shift) to the quotient, less than the 1/d that would be seen.
func reciprocal(d uint32) (m, shift uint32) {
	shift = 31 + uint32(bits.Len32(d-1))
	return uint32((1<<shift + uint64(d) - 1) / uint64(d)), shift
}

func divide(n, m, shift uint32) uint32 {
	return uint32(uint64(n) * uint64(m) >> (shift & 63))
}

// maxInverse is the most columns and rows that inverses are for.
const maxInverse = 1 << 20

// maxTogether bounds the positions of a chunk, and of the samples of a unit.
const maxTogether = 64*drawLen + chunkLen

// n is below 2²¹ in inverse.
const _ = uint(1<<21 - maxInverse - maxTogether)

// inverse is 1/d as a float32's bits, by which n/d is (n+½)·(1/d), rounded to float32
// and then down: as n is below 2²¹, n+½ is exact, two roundings by 2⁻²⁴ each move the
// product by less than ⅓/d, and from (n+½)/d the next integers are ½/d away.
func inverse(d int) uint32 { return math.Float32bits(1 / float32(d)) }
