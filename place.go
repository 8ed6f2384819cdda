package dropblock

import (
	"math"
	"math/bits"
)

// places maps the positions at which a sample may have a seed, numbered in memory order,
// to bits of the mask. In the valid region the position of a seed is the first bit of its
// block, otherwise the bit of the seed itself. The positions of a row are adjacent bits;
// after each row, slice and volume of positions some bits are skipped.
type places struct {
	cols, rows, slices             int // positions of a row, rows of a slice, slices of a volume
	skipRow, skipSlice, skipVolume int // bits skipped after each; those of nested levels add up
	positions                      int // of a sample
	sampleBits                     int

	chunks        int  // of a sample
	together      int  // samples of a together (draw.go), 1 if they have several chunks
	denseTogether int  // of these, the samples that are drawn at once where there is a head
	first         walk // of chunk 0
	volume        walk // of chunk 0, from bits without skipped volumes to bits
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

// flatPlaces maps n positions to the bits of the same numbers.
func flatPlaces(n int) places {
	return makePlaces(places{cols: max(n, 1), rows: 1, slices: 1, positions: n, sampleBits: n})
}

// flat is the walk of a chunk that maps positions to the bits of the same numbers.
var flat = flatPlaces(chunkLen).first

func makePlaces(p places) places {
	p.chunks = p.positions/chunkLen + (p.positions%chunkLen+chunkLen-1)/chunkLen // without overflow
	p.together, p.denseTogether = 1, 1
	if p.chunks == 1 {
		p.together = (64*togetherWords-1)/p.sampleBits + 1
		// The samples are numbered like one sample of as many volumes. The head draws
		// whole words for each, so that positions then has to be a multiple of 64, and
		// whole groups for the last one.
		const most = chunkLen - headGroupLen
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

// newWalk returns the walk that begins with the first position of a sample.
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

// sliceBits returns the number of bits of a slice, the skipped ones included.
func (p *places) sliceBits() int { return p.rows*(p.cols+p.skipRow) + p.skipSlice }

// begin returns the bit at which a chunk of the call begins, as a word and the bit in it.
// The chunk after the last one begins where another sample would.
func (p *places) begin(chunk int) (word, bit int) {
	if p.chunks == 1 {
		bit = chunk * p.sampleBits
	} else {
		bit = chunk/p.chunks*p.sampleBits + p.bit(chunk%p.chunks*chunkLen)
	}
	return bit / 64, bit % 64
}

// bit maps a position of a sample to its bit.
func (p *places) bit(position int) int {
	row := position / p.cols
	slice := row / p.rows
	return position + row*p.skipRow + slice*p.skipSlice + slice/p.slices*p.skipVolume
}

// dense reports whether no bits are skipped: positions and bits have the same numbers.
func (p *places) dense() bool { return p.skipRow|p.skipSlice|p.skipVolume == 0 }

// walk maps the positions of a chunk, numbered from 0, to bits, by rows of positions and
// planes of rows. All fields but the reciprocals and inverses are below 2³¹, the bound of a
// sample. The generators in gen/ read the offsets of the fields from this declaration.
type walk struct {
	next       uint32 // the position at which drawing continues
	end        uint32 // the number of positions
	bit        uint32 // bit of position 0 in its word
	col        uint32 // column of position 0
	row        uint32 // row of position 0 in its plane
	perCol     uint32 // reciprocal of the columns of a row
	colShift   uint32 // and its shift
	perRow     uint32 // reciprocal of the rows of a plane
	rowShift   uint32 // and its shift
	skipRow    uint32 // bits skipped after a row
	skipPlane  uint32 // bits skipped after a plane, in addition
	inverseCol uint32 // inverse of the columns of a row, as a float32; 0 above maxInverse
	inverseRow uint32 // inverse of the rows of a plane, likewise
}

// route maps the positions of a chunk to bits: by a walk through rows and slices and, if
// bits are skipped after volumes too, by a second walk, whose rows are volumes of bits.
type route struct {
	walk
	volume *walk // the second walk, which the drawer holds, or nil
}

// set makes the route for a chunk of a sample whose bits begin at base. It returns the word
// in which the chunk begins. volume is memory for the second walk.
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
		// The column is the offset of the chunk in its volume, in bits.
		row := position / p.cols
		*volume = p.volume
		volume.col = uint32(position%p.cols + row%p.rows*(p.cols+p.skipRow) + row/p.rows%p.slices*p.sliceBits())
		volume.bit, r.walk.bit = r.walk.bit, 0
		r.volume = volume
	}
	return bit / 64
}

// bit maps a position to its bit, counted from the word in which the chunk begins.
func (r *route) bit(position uint32) uint32 {
	bit := walkBitOf(&r.walk, position)
	if r.volume != nil {
		bit = walkBitOf(r.volume, bit)
	}
	return bit
}

// walkBitOf maps a position to its bit, as the kernel place does for a slice of them.
func walkBitOf(w *walk, position uint32) uint32 {
	rows := divide(w.col+position, w.perCol, w.colShift)
	planes := divide(w.row+rows, w.perRow, w.rowShift)
	return w.bit + position + rows*w.skipRow + planes*w.skipPlane
}

// reciprocal returns m = ⌈2^shift/d⌉ < 2³², with which ⌊n/d⌋ is ⌊n·m/2^shift⌋ for
// n < 2³¹: m·d exceeds 2^shift by e < d ≤ 2^(shift−31), which adds n·e/(d·2^shift) < 1/d
// to the quotient, too little to reach the next integer.
func reciprocal(d uint32) (m, shift uint32) {
	shift = 31 + uint32(bits.Len32(d-1))
	return uint32((1<<shift + uint64(d) - 1) / uint64(d)), shift
}

// divide returns ⌊n/d⌋ by the reciprocal m and shift of d.
func divide(n, m, shift uint32) uint32 {
	return uint32(uint64(n) * uint64(m) >> (shift & 63))
}

// maxInverse bounds the columns and rows that have inverses.
const maxInverse = 1 << 20

// maxTogether bounds the positions of a together (draw.go).
const maxTogether = 64*togetherWords + chunkLen

// n is below 2²¹ in inverse.
const _ = uint(1<<21 - maxInverse - maxTogether)

// inverse returns the bits of 1/d as a float32, with which ⌊n/d⌋ is (n+½)·(1/d) rounded
// to float32 and then down: for n < 2²¹, n+½ is exact, two roundings by 2⁻²⁴ each move the
// product by less than ⅓/d, and the integers nearest to (n+½)/d are ½/d away or more.
func inverse(d int) uint32 { return math.Float32bits(1 / float32(d)) }
