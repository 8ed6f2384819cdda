package dropblock

import (
	"math"
	"math/bits"
)

// places maps the positions at which a sample may have a seed, numbered in memory order,
// to bits of the mask. In the valid region a position is the first cell of a block (and
// one of its bits), otherwise any cell. Positions follow each other bit by bit in a row;
// behind each row, slice and volume of them bits are skipped.
type places struct {
	cols, rows, slices             int // positions of a row, rows of a slice, slices of a volume
	skipRow, skipSlice, skipVolume int // bits, in addition to those inside
	positions                      int // of a sample
	sampleBits                     int

	chunks        int  // of a sample
	together      int  // samples that are filled, drawn, placed and set as one
	denseTogether int  // the same for those that are drawn densely
	first         walk // what the walks of all chunks have in common
	volume        walk // likewise for the third level
}

func (g *geometry) places() places {
	size := [axes]int{}
	for i := range g.axes {
		if size[i] = g.axes[i].valid(); g.full {
			size[i] = g.axes[i].size
		}
	}
	skip := func(i int) int { return (g.axes[i].size - size[i]) * g.axes[i].stride }
	return makePlaces(places{
		cols: g.inner * size[0], rows: size[1], slices: size[2],
		skipRow: skip(0), skipSlice: skip(1), skipVolume: skip(2),
		positions:  g.planes * g.inner * size[0] * size[1] * size[2],
		sampleBits: g.sampleBits(),
	})
}

// flatPlaces is n positions that are the bits themselves.
func flatPlaces(n int) places {
	return makePlaces(places{cols: max(n, 1), rows: 1, slices: 1, positions: n, sampleBits: n})
}

// flat is what the walks through positions have in common that are the bits themselves,
// of one chunk.
var flat = flatPlaces(chunkLen).first

func makePlaces(p places) places {
	p.chunks = p.positions/chunkLen + (p.positions%chunkLen+chunkLen-1)/chunkLen // without overflow
	p.together, p.denseTogether = 1, 1
	if p.chunks == 1 {
		p.together = (64*togetherWords-1)/p.sampleBits + 1
		// Together they are numbered like one sample of as many volumes. What is drawn
		// densely for each has to be whole words for that.
		const most = chunkLen - headGroupLen // whole groups of the last one are drawn
		if !p.dense() && p.positions%64 == 0 {
			p.denseTogether = max(min(p.together, most/p.positions), 1)
		}
	}
	p.first = newWalk(p.cols, p.rows, p.skipRow, p.skipSlice)
	if p.skipVolume > 0 {
		bits := p.slices * p.sliceBits()
		p.volume = newWalk(bits, 1, p.skipVolume, 0)
		if uint64(bits)+uint64(p.sampleBits)*uint64(max(p.together, p.denseTogether)) >= 1<<21 { // see inverse
			p.volume.inverseCol = 0
		}
	}
	return p
}

// newWalk is a walk through rows of so many columns.
func newWalk(cols, rows, skipRow, skipPlane int) (w walk) {
	w.perCol, w.colShift = reciprocal(uint32(cols))
	w.perRow, w.rowShift = reciprocal(uint32(rows))
	w.skipRow = uint32(skipRow)
	w.skipPlane = uint32(skipPlane)
	if max(rows, cols) <= maxInverse {
		w.inverseCol, w.inverseRow = inverse(cols), inverse(rows)
	}
	return w
}

// sliceBits is how many bits a slice of positions takes with those skipped.
func (p *places) sliceBits() int { return p.rows*(p.cols+p.skipRow) + p.skipSlice }

// begin is the word in which a chunk of the samples begins, and the bit of it.
// Behind the last chunk that is where another sample would.
func (p *places) begin(chunk int) (word, bit int) {
	if p.chunks == 1 {
		bit = chunk * p.sampleBits
		return bit / 64, bit % 64
	}
	bit = chunk/p.chunks*p.sampleBits + p.bit(chunk%p.chunks*chunkLen)
	return bit / 64, bit % 64
}

// bit is that of a position of a sample.
func (p *places) bit(position int) int {
	row := position / p.cols
	slice := row / p.rows
	return position + row*p.skipRow + slice*p.skipSlice + slice/p.slices*p.skipVolume
}

// dense reports whether positions and bits have the same numbers.
func (p *places) dense() bool { return p.skipRow|p.skipSlice|p.skipVolume == 0 }

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

// route is the way from the positions of a chunk to bits: a walk through rows and
// slices, which places them once, and, where volumes skip bits too, a second one. To that
// one the bits of a volume's slices are the columns of a row.
type route struct {
	walk
	volume *walk // of the drawer, or nil
}

// set makes the route through a chunk of a sample whose bits begin at base. It returns
// the word in which the chunk begins. volume is for the second walk.
func (r *route) set(p *places, base, chunk int, volume *walk) (word int) {
	r.walk = p.first
	position := chunk * chunkLen
	bit := base
	if chunk > 0 {
		bit += p.bit(position)
		r.walk.col = uint32(position % p.cols)
		r.walk.row = uint32(position / p.cols % p.rows)
	}
	r.walk.end = uint32(min(p.positions-position, chunkLen))
	r.walk.bit = uint32(bit % 64)
	if p.skipVolume > 0 {
		// How far into its volume the chunk begins, slices being whole.
		row := position / p.cols
		*volume = p.volume
		volume.col = uint32(position%p.cols + row%p.rows*(p.cols+p.skipRow) + row/p.rows%p.slices*p.sliceBits())
		volume.bit, r.walk.bit = r.walk.bit, 0
		r.volume = volume
	}
	return bit / 64
}

// first is the bit of position 0 in its word.
func (r *route) first() uint32 {
	if r.volume != nil {
		return r.volume.bit
	}
	return r.walk.bit
}

// bit maps a position to its bit, counted from the word in which the chunk begins.
func (r *route) bit(position uint32) uint32 {
	bit := walkBitOf(&r.walk, position)
	if r.volume != nil {
		bit = walkBitOf(r.volume, bit)
	}
	return bit
}

// walkBitOf maps a position to its bit, as the kernel place does with many.
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

// maxTogether bounds the positions of a chunk, and of the samples that are drawn together.
const maxTogether = 64*togetherWords + chunkLen

// n is below 2²¹ in inverse.
const _ = uint(1<<21 - maxInverse - maxTogether)

// inverse is 1/d as a float32's bits, by which n/d is (n+½)·(1/d), rounded to float32
// and then down: as n is below 2²¹, n+½ is exact, two roundings by 2⁻²⁴ each move the
// product by less than ⅓/d, and from (n+½)/d the next integers are ½/d away.
func inverse(d int) uint32 { return math.Float32bits(1 / float32(d)) }
