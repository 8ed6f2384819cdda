package dropblock

import "math/bits"

// cursor is where in a grid a chunk of positions begins.
type cursor struct {
	bit      int // of the mask, for the chunk's first position
	row, col int // of its plane
	n        int // positions in the chunk
}

func (g *grid) cursor(base, position int) cursor {
	row := position / g.cols
	return cursor{
		bit: base + position + row*g.skipRow + row/g.rows*g.skipPlane,
		row: row % g.rows,
		col: position % g.cols,
		n:   min(g.positions-position, chunkLen),
	}
}

// bitOf maps the chunk's position i to its bit of the mask.
func (g *grid) bitOf(c *cursor, i int) int {
	rows := divide(c.col+i, g.perCol)
	return c.bit + i + rows*g.skipRow + divide(c.row+rows, g.perRow)*g.skipPlane
}

// drawSample adds to words the seeds of one sample, whose bits begin at base,
// and returns their number.
func (b *Bernoulli) drawSample(k isa, words []uint64, base int, g *grid, key Key, sample uint64) (seeds int) {
	var ks roundKeys
	expandKey(&ks, key)
	for chunk := 0; chunk*chunkLen < g.positions; chunk++ {
		c := g.cursor(base, chunk*chunkLen)
		switch {
		case b.head.k == 0 && !b.ones:
			seeds += b.drawGaps(k, words, g, &c, &ks, chunk, sample)
		case g.dense() && c.bit%64 == 0 && c.n%headGroupLen == 0:
			dst := words[c.bit/64:][:c.n/64]
			seeds += b.drawDense(k, dst, c.n, &ks, chunk, sample)
		default:
			seeds += b.drawMapped(k, words, g, &c, &ks, chunk, sample)
		}
	}
	return seeds
}

// Fill writes n bits to dst: those of the positions 0 to n−1 of the stream of
// a key and a sample. Bits from n to the end of word (n−1)/64 become zero; the
// words behind it are left alone. It returns the number of ones. It panics if
// n is negative or dst is shorter than n bits.
func (b *Bernoulli) Fill(kernels KernelSet, dst []uint64, n int, key Key, sample uint64) (ones int) {
	dst = wordsFor("Fill", "dst", dst, n)
	clear(dst)
	g := grid{rows: 1, cols: max(n, 1), positions: n, perCol: reciprocal(max(n, 1)), sampleBits: n}
	return b.drawSample(kernels.resolve(), dst, 0, &g, key, sample)
}

// drawDense writes the bits of a chunk of n positions to dst, whole groups of
// the head, and returns the number of ones in the first n.
func (b *Bernoulli) drawDense(k isa, dst []uint64, n int, ks *roundKeys, chunk int, sample uint64) int {
	ctr := chunkCounter(domainHead, chunk, sample)
	if b.ones {
		for i := range dst {
			dst[i] = ^uint64(0)
		}
	} else {
		k.bernoulliHead(dst, ks, &ctr, b.head)
	}
	if b.delta != 0 {
		flat := grid{rows: 1, cols: chunkLen, perCol: reciprocal(chunkLen)}
		b.drawGaps(k, dst, &flat, &cursor{n: n}, ks, chunk, sample)
	}
	if n%64 != 0 {
		dst[n/64] &= 1<<(n%64) - 1
	}
	return k.count(dst[:(n+63)/64])
}

// drawMapped draws a chunk densely and moves its ones to where the grid has
// them.
//
//go:noinline
func (b *Bernoulli) drawMapped(k isa, words []uint64, g *grid, c *cursor, ks *roundKeys, chunk int, sample uint64) int {
	var buf [chunkLen / 64]uint64
	groups := (c.n + headGroupLen - 1) / headGroupLen
	seeds := b.drawDense(k, buf[:groups*headGroupWords], c.n, ks, chunk, sample)
	bitWords := buf[:(c.n+63)/64]
	if g.dense() {
		orShifted(words, c.bit, bitWords)
		return seeds
	}
	for j, w := range bitWords {
		for ; w != 0; w &= w - 1 {
			bit := g.bitOf(c, j*64+bits.TrailingZeros64(w))
			words[bit>>6] |= 1 << (bit & 63)
		}
	}
	return seeds
}

// orShifted ORs src into dst from bit on. Ones of src lie inside dst.
func orShifted(dst []uint64, bit int, src []uint64) {
	dst = dst[bit/64:]
	shift := bit % 64
	var carry uint64
	for i, w := range src {
		if v := w<<shift | carry; v != 0 {
			dst[i] |= v
		}
		carry = w >> (64 - shift)
	}
	if carry != 0 {
		dst[len(src)] |= carry
	}
}

// drawGaps adds the residual of a chunk to words and returns the number of
// seeds that it drew.
func (b *Bernoulli) drawGaps(k isa, words []uint64, g *grid, c *cursor, ks *roundKeys, chunk int, sample uint64) (seeds int) {
	var buf [128]uint32
	ctr := chunkCounter(domainGaps, chunk, sample)
	next := 0
	for next < c.n {
		// A few words above the mean; what is short is drawn in another turn.
		want := int(float64(c.n-next)*b.wordsPerPosition) + 2
		want += int(uint(want) / 8)
		stride := 4 * k.philoxStride()
		drawn := buf[:min((want+stride-1)/stride*stride, len(buf))]
		k.philox(drawn, ks, &ctr)
		ctr[0] += uint32(len(drawn) / 4)
		var n int
		next, n = b.gaps.draw(words, drawn, g, c, next)
		seeds += n
	}
	return seeds
}

// draw sets the seeds that the words of drawn give from position next on and
// returns the position behind the last one.
func (t *gapTable) draw(words []uint64, drawn []uint32, g *grid, c *cursor, next int) (after, seeds int) {
	for _, w := range drawn {
		gap := int(t.gap(w))
		next += gap
		if next >= c.n {
			break
		}
		seed := 1
		if gap == gapEscape {
			seed = 0
		}
		bit := g.bitOf(c, next)
		words[bit>>6] |= uint64(seed) << (bit & 63)
		next += seed
		seeds += seed
	}
	return next, seeds
}
