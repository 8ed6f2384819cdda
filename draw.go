package dropblock

import (
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// Granularities, from the largest to the smallest:
//
//	call         the samples of one mask
//	part         consecutive chunks of a call, the work of one worker
//	together     consecutive chunks of a part whose words are filled at once, some KiB:
//	             several samples of one chunk each, which are then drawn, placed and set
//	             like one sample where possible; or one chunk
//	sample       one sample of the mask; its positions are numbered from 0 (place.go)
//	chunk        65,536 positions of a sample, or the rest at its end. It has a range of
//	             counters of its own, so that chunks are independent
//	group        1,024 positions of a chunk: the bits of eight counters at each level of
//	             the head
//	kernel call  at most gapCallLen random words or positions of the residual, or the head
//	             of a chunk (tune.go)
//
// The chunks of a call are numbered through: those of sample 0, of sample 1, and so on.
//
// To grow and to apply masks, a part is a range of words, planes or elements, and a piece
// is the words that go through all steps of a growth while they are in cache.

// drawBuffers are allocated apart from the drawer: an allocation of their size without
// pointers is aligned to cache lines. With vectors that spanned two lines a small map took
// a tenth longer to draw.
type drawBuffers struct {
	drawn     [gapCallLen]uint32     // random words of the residual
	positions [2 * gapCallLen]uint32 // of seeds, then their bits
}

// A drawer draws chunks for one worker. Make one with newDrawer.
type drawer struct {
	places  *places
	sampler *Bernoulli
	stamps  *stamps // to drop blocks with, or nil to set seeds
	k       isa
	sample  uint64 // global index of the call's first sample
	stride  uint64 // from the index of a sample to that of the next one
	ks      roundKeys
	volume  walk // of the route of a chunk
	*drawBuffers

	seeds   int // number of seeds drawn
	dropped int // number of ones that stamps cleared

	head    []uint64 // bits of a chunk with a head, made at first use
	spill   []uint64 // words of the last chunks of a part, before they are merged into the mask
	spilled []uint64 // of spill, the words that belong to the next part
}

func newDrawer() *drawer { return &drawer{drawBuffers: new(drawBuffers)} }

// begin sets the drawer up for a call.
func (d *drawer) begin(p *places, r *rate, k isa, key Key, sample, stride uint64) {
	d.places, d.sampler, d.stamps, d.k, d.sample, d.stride = p, r.sampler, r.stamps, k, sample, stride
	d.seeds, d.dropped = 0, 0
	expandKey(&d.ks, key[0], key[1])
}

// join sets the drawer up for the call of another drawer.
func (d *drawer) join(other *drawer) {
	d.places, d.sampler, d.stamps, d.k = other.places, other.sampler, other.stamps, other.k
	d.sample, d.stride, d.ks = other.sample, other.stride, other.ks
	d.seeds, d.dropped = 0, 0
}

// fill sets words to the background: zeros to set seeds in, or ones to stamp blocks out of.
func (d *drawer) fill(words []uint64) {
	if d.stamps != nil {
		bitstring.SetAll(words)
	} else {
		bitstring.Clear(words)
	}
}

// room returns the number of words that a chunk may write, from the word in which the next
// chunk begins.
func (d *drawer) room() int {
	if d.stamps != nil {
		return stampRoom(d.stamps.words)
	}
	return 1
}

// all draws the only chunk of a call: words are those of the mask, and as many more as a
// chunk may write to. It is draw without what several chunks need, which took a tenth of
// the time of a map of 3,000 elements.
func (d *drawer) all(words []uint64) {
	d.fill(words)
	p := d.places
	var r route
	if p.skipVolume > 0 {
		r.set(p, 0, 0, &d.volume)
	} else {
		r.walk = p.first
		r.walk.end = uint32(p.positions)
	}
	if d.sampler.sparse() && d.sampler.delta != 0 {
		d.seeds = d.gaps(&sink{words, &r, d.stamps}, &r.walk, p.positions, 0, d.sample, 1)
		return
	}
	d.chunk(words, &r, 0, d.sample, 1)
}

// draw draws the chunks [from, to) to uninitialised words, the first of which is word
// origin of the mask. It fills words from the one in which chunk from begins up to filled.
func (d *drawer) draw(words []uint64, origin, from, to int) (filled int) {
	p := d.places
	filled, _ = p.begin(from)
	filled -= origin
	for ; from < to; from += p.together {
		end := min(from+p.together, to)
		fill, _ := p.begin(end)
		fill = min(fill+d.room()-origin, len(words))
		d.fill(words[filled:fill])
		filled = fill
		d.chunks(words, origin, from, end)
	}
	return filled
}

// chunks draws the chunks [from, to) on words that are filled.
func (d *drawer) chunks(words []uint64, origin, from, to int) {
	p := d.places
	if p.positions == 0 || d.sampler.sparse() && d.sampler.delta == 0 {
		return
	}
	together := 1
	switch {
	case p.chunks > 1:
	case d.sampler.sparse():
		together = p.together
	default:
		together = p.denseTogether
	}
	for ; from < to; from += together {
		n := from / p.chunks
		samples := min(together, to-from)
		var r route
		word := r.set(p, n*p.sampleBits-64*origin, from%p.chunks, &d.volume)
		// To the word of the last position, as the sanitizers are told that all
		// of dst is written and the words behind may be another goroutine's.
		last := r.bit(r.walk.end*uint32(samples) - 1)
		dst := words[word : word+int(last/64)+d.room()]
		d.chunk(dst, &r, from%p.chunks, d.sample+uint64(n)*d.stride, samples)
	}
}

// chunk draws a chunk of a sample, or those of several samples of one chunk each, to dst.
func (d *drawer) chunk(dst []uint64, r *route, index int, sample uint64, samples int) {
	n := int(r.walk.end)
	r.walk.end *= uint32(samples)
	p := d.places
	switch {
	case d.sampler.sparse():
		if d.sampler.delta != 0 {
			d.seeds += d.gaps(&sink{dst, r, d.stamps}, &r.walk, n, index, sample, samples)
		}
		return
	case p.dense() && r.walk.bit == 0 && n%headGroupLen == 0:
		dst = dst[:n/64]
		d.dense(dst, n, index, sample)
		d.seeds += d.k.count(dst)
		return
	case p.dense():
		drawn := d.headWords(n)
		d.dense(drawn, n, index, sample)
		bitstring.Or(dst, int(r.walk.bit), drawn)
		d.seeds += d.k.count(drawn)
		return
	}
	drawn := d.headWords(int(r.walk.end))
	for i := range samples {
		// The bits behind the end of a sample are overwritten by the next one.
		d.dense(drawn[i*n/64:][:bitstring.Words(n)], n, index, sample+uint64(i)*d.stride)
	}
	d.seeds += d.move(&sink{dst, r, d.stamps}, drawn)
}

// A sink takes the positions of seeds.
type sink struct {
	words  []uint64
	route  *route  // from positions to bits, nil if they are equal
	stamps *stamps // of the blocks to drop, nil to set the seeds
}

// add sets the seeds at ascending positions or drops their blocks. It overwrites positions
// with bits.
func (d *drawer) add(s *sink, positions []uint32) {
	if r := s.route; r != nil {
		if r.walk.skipRow|r.walk.skipPlane|r.walk.bit != 0 {
			d.k.place(positions, &r.walk)
		}
		if r.volume != nil {
			d.k.place(positions, r.volume)
		}
	}
	if s.stamps != nil {
		d.dropped += d.k.stamps(s.words, positions, &s.stamps.table, s.stamps.words)
	} else {
		d.k.seeds(s.words, positions)
	}
}

// gaps draws the residual of a chunk of n positions, or of several samples of one such chunk
// each, and returns the number of seeds.
func (d *drawer) gaps(s *sink, w *walk, n, index int, sample uint64, samples int) (seeds int) {
	stride := 4 * d.k.philoxStride()
	held := 0 // positions in d.positions
	for i := range samples {
		ctr := chunkCounter(domainGaps, index, sample+uint64(i)*d.stride)
		w.next, w.end = uint32(i*n), uint32(i*n+n)
		for w.next < w.end {
			// Slightly above the mean: another iteration draws what is missing.
			want := int(uint64(w.end-w.next)*d.sampler.wordsPerPosition>>32) + 4
			drawn := d.drawn[:min((want+stride-1)/stride*stride, gapCallLen)]
			d.k.philox(drawn, &d.ks, &ctr)
			ctr[0] += uint32(len(drawn) / 4)
			more := d.k.gaps((*[gapCallLen]uint32)(d.positions[held:]), drawn, &d.sampler.gaps, w)
			held += more
			seeds += more
			if held > len(d.positions)-gapCallLen {
				d.add(s, d.positions[:held])
				held = 0
			}
		}
	}
	d.add(s, d.positions[:held])
	return seeds
}

// headWords returns uninitialised words for n positions with a head.
func (d *drawer) headWords(n int) []uint64 {
	if d.head == nil {
		d.head = make([]uint64, chunkLen/64)
	}
	return d.head[:bitstring.Words(n)]
}

// dense draws head and residual of a chunk of n positions. dst has room for whole groups of
// the head.
func (d *drawer) dense(dst []uint64, n, index int, sample uint64) {
	dst = dst[:(n+headGroupLen-1)/headGroupLen*headGroupWords]
	if d.sampler.ones {
		bitstring.SetAll(dst)
	} else {
		ctr := chunkCounter(domainHead, index, sample)
		d.k.head(dst, &d.ks, &ctr, d.sampler.t, d.sampler.levels)
	}
	if d.sampler.delta != 0 {
		w := flat
		d.gaps(&sink{words: dst}, &w, n, index, sample, 1)
	}
	if n%64 != 0 {
		dst[n/64] &= bitstring.Low(n % 64)
	}
}

// move adds the ones of drawn to a sink and returns their number.
func (d *drawer) move(s *sink, drawn []uint64) (seeds int) {
	for from := 0; from < len(drawn); {
		n, used := d.k.ones((*[gapCallLen]uint32)(d.positions[:]), drawn[from:], uint32(64*from))
		d.add(s, d.positions[:n])
		seeds += n
		from += used
	}
	return seeds
}

// part is draw for a part that another worker's follows. Its bits in the words of that part
// go to spilled.
func (d *drawer) part(words []uint64, from, to int) {
	end, bit := d.places.begin(to)
	if bit == 0 && d.stamps == nil {
		d.spilled = nil
		d.draw(words[:end], 0, from, to)
		return
	}
	split, origin := to, end // The chunks from split are drawn to spill.
	for split > from && origin+d.room() > end {
		split--
		origin, _ = d.places.begin(split)
	}
	n := end - origin
	if cap(d.spill) < n+d.room() {
		d.spill = make([]uint64, n+d.room())
	}
	spill := d.spill[:n+d.room()]
	filled := d.draw(words, 0, from, split)
	d.draw(spill, origin, split, to)
	d.fill(words[filled:end])
	d.merge(words[origin:end], spill[:n])
	d.spilled = spill[n:]
}

// merge merges words of one part with those of another one.
func (d *drawer) merge(words, more []uint64) {
	if d.stamps == nil {
		for i, v := range more {
			words[i] |= v
		}
		return
	}
	for i, v := range more {
		d.dropped -= bits.OnesCount64(^(words[i] | v)) // counted twice
		words[i] &= v
	}
}

// drawTask draws the chunks of a call, shared by workers.
type drawTask struct {
	first  *drawer   // of part 0
	others []*drawer // of the parts from 1
	words  []uint64
	chunks int
}

func (t *drawTask) drawer(i int) *drawer {
	if i == 0 {
		return t.first
	}
	return t.others[i-1]
}

// begin sets up the drawers of all parts like the first one.
func (t *drawTask) begin(words []uint64, chunks, parts int) {
	for len(t.others) < parts-1 {
		t.others = append(t.others, newDrawer())
	}
	for _, d := range t.others[:parts-1] {
		d.join(t.first)
	}
	t.words, t.chunks = words, chunks
}

// Part implements [pool.Task].
func (t *drawTask) Part(i, parts int) {
	d := t.drawer(i)
	from, to := pool.Share(t.chunks, 1, i, parts), pool.Share(t.chunks, 1, i+1, parts)
	if i < parts-1 {
		d.part(t.words, from, to)
	} else {
		d.draw(t.words, 0, from, to)
	}
}

// end merges the spilled words of the parts and adds up their counts.
func (t *drawTask) end(parts int) (seeds, dropped int) {
	for i := range parts {
		d := t.drawer(i)
		if i < parts-1 {
			end, _ := d.places.begin(pool.Share(t.chunks, 1, i+1, parts))
			d.merge(t.words[end:], d.spilled)
		}
		seeds += d.seeds
		dropped += d.dropped
	}
	t.words = nil
	return seeds, dropped
}
