package dropblock

import "math/bits"

// drawing is what it takes to draw samples beside the words that they go to.
type drawing struct {
	*Bernoulli
	k     isa
	ks    roundKeys
	drawn [gapCallLen]uint32     // the words of the residual
	seeds [2 * gapCallLen]uint32 // positions of seeds, then bits
	head  []uint64               // the bits of a chunk's head, made at first use
	// Blocks to drop instead of seeds to set, of stamped words each, if that is
	// not 0.
	stamps   stamps
	stampsOf [3]int // the row and the block that they are for
	stamped  int
	dropped  int      // the ones that stamps have dropped
	aside    []uint64 // what the last pieces of a part make before it is moved to the mask
	over     []uint64 // of that, what is left for words of the next part
}

func (d *drawing) begin(b *Bernoulli, k isa, key *Key) {
	d.Bernoulli, d.k = b, k
	expandKey(&d.ks, key[0], key[1])
}

// stamp has the drawing drop blocks, from words that are ones, where that is
// possible and costs less than to set seeds and dilate.
func (d *drawing) stamp(g *geometry, b *Bernoulli, k isa) {
	d.stamped = 0
	span := (g.bh-1)*g.w + g.bw
	cells, positions := float64(g.h*g.w), float64(g.vh*g.vw)
	touched := (63 + span + 63) / 64
	if g.full || span == 1 || touched > stampWords || b.gamma*positions*k.stampFrom(touched) > cells {
		return
	}
	d.stamped = touched
	if block := [3]int{g.w, g.bh, g.bw}; d.stampsOf != block {
		d.stampsOf, d.stamps = block, stamps{}
		for bit := range d.stamps {
			s := &d.stamps[bit]
			for row := range g.bh {
				setRun(s[:], bit+row*g.w, g.bw)
			}
			for i := range s {
				s[i] = ^s[i]
			}
		}
	}
}

// Masks are drawn in pieces, which do not depend on each other: the chunks of the
// first sample, those of the second one, and so on.

// pieces adds the seeds of pieces to words, which are zero, or drops their blocks
// from words, which are ones. words begin with word origin of the mask.
func (d *drawing) pieces(words []uint64, origin int, g *grid, from, to int, sample uint64) (seeds int) {
	if g.positions == 0 || d.sparse() && d.delta == 0 {
		return 0
	}
	if g.chunks > 1 {
		for p := from; p < to; p++ {
			n := p / g.chunks
			seeds += d.piece(words, n*g.sampleBits-64*origin, g, sample+uint64(n), p%g.chunks, 1)
		}
		return seeds
	}
	together := g.unit
	if !d.sparse() {
		together = g.denseUnit
	}
	for n := from; n < to; n += together {
		seeds += d.piece(words, n*g.sampleBits-64*origin, g, sample+uint64(n), 0, min(together, to-n))
	}
	return seeds
}

// drawLen is how many words, about, are made zero or ones and drawn on together, in
// a 32 KiB first-level cache. Of samples of several chunks it is a chunk.
const drawLen = 1 << 10

// draw is pieces with words that hold anything: it makes those from that of the first
// piece on zero, or ones, and returns up to which.
func (d *drawing) draw(words []uint64, origin int, g *grid, from, to int, sample uint64) (seeds, filled int) {
	filled, _ = g.begin(from)
	filled -= origin
	for ; from < to; from += g.unit {
		end := min(from+g.unit, to)
		fill, _ := g.begin(end)
		fill = min(fill+d.room()-origin, len(words))
		d.fill(words[filled:fill])
		filled = fill
		seeds += d.pieces(words, origin, g, from, end, sample)
	}
	return seeds, filled
}

// fill makes words what a drawing begins with.
func (d *drawing) fill(words []uint64) {
	if d.stamped > 0 {
		setOnes(words)
	} else {
		clear(words)
	}
}

// room is how many words, from that in which the next piece begins on, a piece may
// write to.
func (d *drawing) room() int {
	if d.stamped > 0 {
		return stampRoom(d.stamped)
	}
	return 1
}

// part is draw for pieces behind which another goroutine draws. What they have for
// words of that goes to over.
func (d *drawing) part(words []uint64, g *grid, from, to int, sample uint64) (seeds int) {
	end, bit := g.begin(to)
	if bit == 0 && d.stamped == 0 {
		d.over = nil
		seeds, _ = d.draw(words[:end], 0, g, from, to, sample)
		return seeds
	}
	split, origin := to, end // Pieces from here on are drawn aside.
	for split > from && origin+d.room() > end {
		split--
		origin, _ = g.begin(split)
	}
	n := end - origin
	if cap(d.aside) < n+d.room() {
		d.aside = make([]uint64, n+d.room())
	}
	aside := d.aside[:n+d.room()]
	first, filled := d.draw(words, 0, g, from, split, sample)
	second, _ := d.draw(aside, origin, g, split, to, sample)
	d.fill(words[filled:end])
	d.merge(words[origin:end], aside[:n])
	d.over = aside[n:]
	return first + second
}

// merge adds seeds, or what blocks have dropped.
func (d *drawing) merge(words, more []uint64) {
	if d.stamped == 0 {
		for i, v := range more {
			words[i] |= v
		}
		return
	}
	for i, v := range more {
		d.dropped -= bits.OnesCount64(^(words[i] | v)) // is counted twice
		words[i] &= v
	}
}

// drawTask draws a batch on several goroutines, each with a drawing of its own.
type drawTask struct {
	team
	drawings []drawing // of the parts from 1 on, the second one first
	first    *drawing
	seeds    []int // of the parts

	words  []uint64
	grid   *grid
	pieces int
	sample uint64
}

// run draws seeds to words, or keep masks if the drawing stamps. It returns how many
// seeds there are and how many ones stamps have dropped. Behind their last bit seeds
// have zeros and keep masks ones; these need spareWords behind them too, which then hold
// anything.
func (t *drawTask) run(d *drawing, words []uint64, g *grid, samples int, sample uint64, of int) (seeds, dropped int) {
	d.dropped = 0
	pieces := samples * g.chunks
	if pieces == 1 {
		return d.only(words, g, sample), d.dropped
	}
	if of = min(of, pieces); of <= 1 {
		seeds, _ = d.draw(words, 0, g, 0, pieces, sample)
		return seeds, d.dropped
	}
	t.prepare(d, words, g, pieces, sample, of)
	t.team.run(t, of, of)
	seeds, dropped = t.join(of)
	t.words, t.grid = nil, nil
	return seeds, dropped
}

// only is draw for the only piece of a small map, which notices what draw looks at.
func (d *drawing) only(words []uint64, g *grid, sample uint64) (seeds int) {
	d.fill(words)
	switch {
	case !d.sparse():
		return d.piece(words, 0, g, sample, 0, 1)
	case d.delta == 0:
		return 0
	}
	w := g.first
	return d.drawGaps(words, &w, g.positions, 0, sample, d.stamped, 1)
}

func (t *drawTask) prepare(d *drawing, words []uint64, g *grid, pieces int, sample uint64, of int) {
	for len(t.seeds) < of {
		t.seeds = append(t.seeds, 0)
	}
	for len(t.drawings) < of-1 {
		t.drawings = append(t.drawings, drawing{})
	}
	t.first, t.words, t.grid, t.pieces, t.sample = d, words, g, pieces, sample
}

// drawing is that of a part.
func (t *drawTask) drawing(i int) *drawing {
	if i == 0 {
		return t.first
	}
	return &t.drawings[i-1]
}

func (t *drawTask) part(i, of int) {
	d := t.drawing(i)
	if i > 0 {
		d.Bernoulli, d.k, d.ks = t.first.Bernoulli, t.first.k, t.first.ks
		if d.stamped, d.dropped = t.first.stamped, 0; d.stamped > 0 && d.stampsOf != t.first.stampsOf {
			d.stamps, d.stampsOf = t.first.stamps, t.first.stampsOf
		}
	}
	from, to := share(t.pieces, 1, i, of), share(t.pieces, 1, i+1, of)
	if i < of-1 {
		t.seeds[i] = d.part(t.words, t.grid, from, to, t.sample)
	} else {
		t.seeds[i], _ = d.draw(t.words, 0, t.grid, from, to, t.sample)
	}
}

// join brings together what the parts have left.
func (t *drawTask) join(of int) (seeds, dropped int) {
	for i := range of {
		d := t.drawing(i)
		if i < of-1 {
			end, _ := t.grid.begin(share(t.pieces, 1, i+1, of))
			d.merge(t.words[end:], d.over)
		}
		seeds += t.seeds[i]
		dropped += d.dropped
	}
	return seeds, dropped
}

// piece is that of a chunk, whose sample's bits begin at base, or of the only chunks
// of several samples that are drawn together.
func (d *drawing) piece(words []uint64, base int, g *grid, sample uint64, chunk, together int) (seeds int) {
	var w walk
	word := g.walk(&w, base, chunk)
	n := int(w.end)
	w.end *= uint32(together)
	// To the word of the last position, as the sanitizers are told that all
	// of dst is written and the words behind may be another goroutine's.
	end := word + int(walkBitOf(&w, w.end-1)/64) + d.room()
	dst := words[word:end]
	switch {
	case d.sparse():
		return d.drawGaps(dst, &w, n, chunk, sample, d.stamped, together)
	case g.dense() && w.bit == 0 && n%headGroupLen == 0:
		dst = dst[:n/64]
		d.drawDense(dst, n, chunk, sample)
		return d.k.count(dst)
	case g.dense():
		drawn := d.headWords(n)
		d.drawDense(drawn, n, chunk, sample)
		orShifted(dst, int(w.bit), drawn)
		return d.k.count(drawn)
	}
	drawn := d.headWords(int(w.end))
	for i := range together {
		// What is drawn behind the end of a sample is the next one's place.
		d.drawDense(drawn[i*n/64:][:wordsLen(n)], n, chunk, sample+uint64(i))
	}
	return d.move(dst, drawn, &w)
}

// Fill writes n bits to dst: those of the positions 0 to n−1 of the stream of
// a key and a sample. Bits from n to the end of word (n−1)/64 become zero; the
// words behind it are left alone. It returns the number of ones. It panics if
// n is negative or above 2³¹−1, or dst is shorter than n bits.
func (b *Bernoulli) Fill(kernels KernelSet, dst []uint64, n int, key Key, sample uint64) (ones int) {
	dst = wordsFor("Fill", "dst", dst, n)
	if n > maxSample {
		panic("dropblock: Fill: n is above 2147483647")
	}
	clear(dst)
	g := flatGrid(n)
	if b.sparse() {
		var d drawing
		d.begin(b, kernels.resolve(), &key)
		return d.pieces(dst, 0, &g, 0, g.chunks, sample)
	}
	return b.fillDense(kernels.resolve(), dst, &g, key, sample)
}

// fillDense has its buffers on the stack, so that a Bernoulli can be shared.
//
//go:noinline
func (b *Bernoulli) fillDense(k isa, dst []uint64, g *grid, key Key, sample uint64) int {
	var head [chunkLen / 64]uint64
	d := drawing{head: head[:]}
	d.begin(b, k, &key)
	return d.pieces(dst, 0, g, 0, g.chunks, sample)
}

// headWords returns room for n positions that are drawn densely.
func (d *drawing) headWords(n int) []uint64 {
	if d.head == nil {
		d.head = make([]uint64, chunkLen/64)
	}
	return d.head[:wordsLen(n)]
}

// drawDense writes the bits of a chunk of n positions to dst, whole groups of
// the head, for which dst has room.
func (d *drawing) drawDense(dst []uint64, n int, chunk int, sample uint64) {
	dst = dst[:(n+headGroupLen-1)/headGroupLen*headGroupWords]
	if d.ones {
		setOnes(dst)
	} else {
		ctr := chunkCounter(domainHead, chunk, sample)
		d.k.head(dst, &d.ks, &ctr, d.threshold.t, d.threshold.k)
	}
	if d.delta != 0 {
		w := flat
		d.drawGaps(dst, &w, n, chunk, sample, 0, 1)
	}
	if n%64 != 0 {
		dst[n/64] &= 1<<(n%64) - 1
	}
}

// move moves the ones of words that were drawn densely to where the walk's grid has
// them, and returns their number.
func (d *drawing) move(words, drawn []uint64, w *walk) (seeds int) {
	for from := 0; from < len(drawn); {
		n, used := d.k.ones((*[gapCallLen]uint32)(d.seeds[:]), drawn[from:], uint32(64*from))
		d.set(words, d.seeds[:n], w, d.stamped)
		seeds += n
		from += used
	}
	return seeds
}

// orShifted ORs src into dst from a bit of its first word on. Ones of src lie
// inside dst.
func orShifted(dst []uint64, bit int, src []uint64) {
	var carry uint64
	for i, v := range src {
		if w := v<<(bit&63) | carry; w != 0 {
			dst[i] |= w
		}
		carry = v >> 1 >> (63 - bit&63)
	}
	if carry != 0 {
		dst[len(src)] |= carry
	}
}

// drawGaps draws a chunk's residual, or those of the only chunks of several samples,
// of n positions each: it sets the bits of seeds or, if stamped is not 0, drops blocks
// of so many words. It returns the number of seeds.
func (d *drawing) drawGaps(words []uint64, w *walk, n, chunk int, sample uint64, stamped, together int) (seeds int) {
	stride := 4 * d.k.philoxStride()
	held := 0 // positions in d.seeds
	for i := range together {
		ctr := chunkCounter(domainGaps, chunk, sample+uint64(i))
		w.next, w.end = uint32(i*n), uint32(i*n+n)
		for w.next < w.end {
			// Little above the mean: what is short is drawn in another turn.
			want := int(float64(w.end-w.next)*d.wordsPerPosition*(1+1./32)) + 4
			drawn := d.drawn[:min((want+stride-1)/stride*stride, gapCallLen)]
			d.k.philox(drawn, &d.ks, &ctr)
			ctr[0] += uint32(len(drawn) / 4)
			more := d.k.gaps((*[gapCallLen]uint32)(d.seeds[held:]), drawn, &d.gaps, w)
			held += more
			seeds += more
			if held > len(d.seeds)-gapCallLen {
				d.set(words, d.seeds[:held], w, stamped)
				held = 0
			}
		}
	}
	d.set(words, d.seeds[:held], w, stamped)
	return seeds
}

// set sets the seeds at positions, which ascend, or drops their blocks.
func (d *drawing) set(words []uint64, positions []uint32, w *walk, stamped int) {
	if w.skipRow|w.skipPlane|w.bit != 0 {
		d.k.place(positions, w)
	}
	if stamped > 0 {
		d.dropped += d.k.stamps(words, positions, &d.stamps, stamped)
	} else {
		d.k.seeds(words, positions)
	}
}
