package dropblock

import "math/bits"

// drawing is what it takes to draw samples beside the words that they go to.
type drawing struct {
	*Bernoulli
	k     isa
	ks    roundKeys
	drawn [gapCallLen]uint32 // the words of the residual
	seeds [gapCallLen]uint32 // positions of seeds, then bits
	head  []uint64           // the bits of a chunk's head, made at first use
	// Blocks to drop instead of seeds to set, of stamped words each, if that is
	// not 0.
	stamps   stamps
	stampsOf [3]int // the row and the block that they are for
	stamped  int
	dropped  int      // the ones that stamps have dropped
	aside    []uint64 // what stamps make before it is moved to the mask
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

// stampLen is how many words, at least, go from ones to blocks together, in a
// 32 KiB first-level cache.
const stampLen = 1 << 10

// stampSamples makes words the keep mask of the samples from, which begins with a
// word, and up to to. Bits past their end are ones, and stampRoom words behind
// them hold anything, before and after.
func (d *drawing) stampSamples(words []uint64, g *grid, from, to int, sample uint64) (seeds int) {
	unit := g.samplesIn(stampLen)
	set := from * g.sampleBits / 64
	for ; from < to; from += unit {
		end := min(from+unit, to)
		// Words behind these are filled anew, whatever a stamp has left there.
		fill := wordsLen(end * g.sampleBits)
		setOnes(words[set:fill])
		set = fill
		seeds += d.samples(words, g, from, end, sample)
	}
	return seeds
}

// stampPart is stampSamples for samples that begin and end with a word, as each unit
// of them does. The words behind are another goroutine's: the last samples, with as
// many words as stamps may touch, are made aside.
func (d *drawing) stampPart(words []uint64, g *grid, from, to, unit int, sample uint64) (seeds int) {
	unitWords := unit * g.sampleBits / 64
	last := min((spareWords+unitWords-1)/unitWords*unit, to-from)
	seeds = d.stampSamples(words, g, from, to-last, sample)
	n := last * g.sampleBits / 64
	if cap(d.aside) < n+spareWords {
		d.aside = make([]uint64, n+spareWords)
	}
	aside := d.aside[:n+spareWords]
	seeds += d.stampSamples(aside, g, 0, last, sample+uint64(to-last))
	copy(words[(to-last)*g.sampleBits/64:], aside[:n])
	return seeds
}

// samples adds the seeds of the samples from and up to to to words, which are
// zero, or drops their blocks from words, which are ones, and stampRoom behind
// those of the mask.
func (d *drawing) samples(words []uint64, g *grid, from, to int, sample uint64) (seeds int) {
	together := d.together(g)
	for n := from; n < to; n += together {
		seeds += d.sample(words, n*g.sampleBits, g, sample+uint64(n), min(together, to-n))
	}
	return seeds
}

// together is how many samples have their ones moved together, which costs less.
// Their positions have the numbers of one sample of as many planes, if the bits
// that are drawn densely for a sample are whole words.
func (d *drawing) together(g *grid) int {
	if d.sparse() || g.dense() || g.positions%64 != 0 {
		return 1
	}
	const room = chunkLen - headGroupLen // whole groups of the last one are drawn
	return max(min(g.samplesIn(stampLen), room/g.positions), 1)
}

// drawTask draws a batch on several goroutines, each with a drawing of its own.
type drawTask struct {
	team
	drawings []drawing // of the parts from 1 on, the second one first
	first    *drawing
	seeds    []int // of the parts

	words   []uint64
	grid    *grid
	samples int
	unit    int // samples that begin and end with a word
	sample  uint64
}

// run draws seeds, or keep masks if the drawing stamps, and returns how many seeds
// there are and how many ones stamps have dropped.
func (t *drawTask) run(d *drawing, words []uint64, g *grid, samples int, sample uint64, of int) (seeds, dropped int) {
	d.dropped = 0
	t.unit = 64 >> min(bits.TrailingZeros(uint(g.sampleBits)), 6)
	if of = min(of, samples/t.unit); of <= 1 {
		if d.stamped > 0 {
			seeds = d.stampSamples(words, g, 0, samples, sample)
		} else {
			seeds = d.samples(words, g, 0, samples, sample)
		}
		return seeds, d.dropped
	}
	t.prepare(d, words, g, samples, sample, of)
	t.team.run(t, of, of)
	for _, n := range t.seeds[:of] {
		seeds += n
	}
	dropped = d.dropped
	for i := range of - 1 {
		dropped += t.drawings[i].dropped
	}
	t.words, t.grid = nil, nil
	return seeds, dropped
}

func (t *drawTask) prepare(d *drawing, words []uint64, g *grid, samples int, sample uint64, of int) {
	for len(t.seeds) < of {
		t.seeds = append(t.seeds, 0)
	}
	for len(t.drawings) < of-1 {
		t.drawings = append(t.drawings, drawing{})
	}
	t.first, t.words, t.grid, t.samples, t.sample = d, words, g, samples, sample
}

func (t *drawTask) part(i, of int) {
	d := t.first
	if i > 0 {
		d = &t.drawings[i-1]
		d.Bernoulli, d.k, d.ks = t.first.Bernoulli, t.first.k, t.first.ks
		if d.stamped, d.dropped = t.first.stamped, 0; d.stamped > 0 && d.stampsOf != t.first.stampsOf {
			d.stamps, d.stampsOf = t.first.stamps, t.first.stampsOf
		}
	}
	from, to := share(t.samples, t.unit, i, of), share(t.samples, t.unit, i+1, of)
	switch {
	case d.stamped == 0:
		t.seeds[i] = d.samples(t.words, t.grid, from, to, t.sample)
	case i == of-1:
		t.seeds[i] = d.stampSamples(t.words, t.grid, from, to, t.sample)
	default:
		t.seeds[i] = d.stampPart(t.words, t.grid, from, to, t.unit, t.sample)
	}
}

// sample adds to words, zero there, the seeds of one sample, whose bits begin
// at base, or drops its blocks, and returns their number. It does the same for
// several samples, of one chunk each, that are drawn together.
func (d *drawing) sample(words []uint64, base int, g *grid, sample uint64, together int) (seeds int) {
	if g.positions == 0 || d.sparse() && d.delta == 0 {
		return 0
	}
	var w walk
	for chunk := range (g.positions-1)/chunkLen + 1 {
		word := g.walk(&w, base, chunk)
		n := int(w[walkEnd])
		w[walkEnd] *= uint32(together)
		// To the word of the last position, as the sanitizers are told that all
		// of dst is written and the words behind may be another goroutine's.
		end := word + int(walkBitOf(&w, w[walkEnd]-1)/64) + 1
		if d.stamped > 0 {
			end += stampRoom(d.stamped) - 1
		}
		dst := words[word:end]
		switch {
		case d.sparse():
			seeds += d.drawGaps(dst, &w, chunk, sample, d.stamped)
		case g.dense() && w[walkBit] == 0 && n%headGroupLen == 0:
			dst = dst[:n/64]
			d.drawDense(dst, n, chunk, sample)
			seeds += d.k.count(dst)
		case g.dense():
			drawn := d.headWords(n)
			d.drawDense(drawn, n, chunk, sample)
			drawn = drawn[:wordsLen(n)]
			orShifted(dst, int(w[walkBit]), drawn)
			seeds += d.k.count(drawn)
		default:
			drawn := d.headWords(int(w[walkEnd]))
			for i := range together {
				// What is drawn behind the end of a sample is the next one's place.
				d.drawDense(drawn[i*n/64:][:wordsLen(n)], n, chunk, sample+uint64(i))
			}
			seeds += d.move(dst, drawn[:wordsLen(int(w[walkEnd]))], &w)
		}
	}
	return seeds
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
		return d.sample(dst, 0, &g, sample, 1)
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
	return d.sample(dst, 0, g, sample, 1)
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
		d.k.bernoulliHead(dst, &d.ks, &ctr, d.threshold)
	}
	if d.delta != 0 {
		w := flat
		w[walkEnd] = uint32(n)
		d.drawGaps(dst, &w, chunk, sample, 0)
	}
	if n%64 != 0 {
		dst[n/64] &= 1<<(n%64) - 1
	}
}

// move moves the ones of words that were drawn densely to where the walk's grid has
// them, and returns their number.
func (d *drawing) move(words, drawn []uint64, w *walk) (seeds int) {
	for from := 0; from < len(drawn); {
		n, used := d.k.bernoulliOnes(&d.seeds, drawn[from:], uint32(64*from))
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

// drawGaps draws a chunk's residual: it sets the bits of seeds or, if stamped is
// not 0, drops blocks of so many words. It returns the number of seeds.
func (d *drawing) drawGaps(words []uint64, w *walk, chunk int, sample uint64, stamped int) (seeds int) {
	ctr := chunkCounter(domainGaps, chunk, sample)
	stride := 4 * d.k.philoxStride()
	for w[walkNext] < w[walkEnd] {
		// Little above the mean: what is short is drawn in another turn.
		want := int(float64(w[walkEnd]-w[walkNext])*d.wordsPerPosition*(1+1./32)) + 4
		drawn := d.drawn[:min((want+stride-1)/stride*stride, gapCallLen)]
		d.k.philox(drawn, &d.ks, &ctr)
		ctr[0] += uint32(len(drawn) / 4)
		n := d.k.bernoulliGaps(&d.seeds, drawn, &d.gaps, w)
		d.set(words, d.seeds[:n], w, stamped)
		seeds += n
	}
	return seeds
}

// set sets the seeds at positions, which ascend, or drops their blocks.
func (d *drawing) set(words []uint64, positions []uint32, w *walk, stamped int) {
	if w[walkSkipRow]|w[walkSkipPlane]|w[walkBit] != 0 {
		d.k.bernoulliPlace(positions, w)
	}
	if stamped > 0 {
		d.dropped += d.k.bernoulliStamps(words, positions, &d.stamps, stamped)
	} else {
		d.k.bernoulliSeeds(words, positions)
	}
}
