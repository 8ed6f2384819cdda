package dropblock

import (
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/pool"
)

// dilation is a plan for growing first-corner seeds on one string of bits: a
// row pass, then steps of doubling, the last of which takes the complement.
type dilation struct {
	row   int // block size of the row pass, at most 64
	steps [maxSteps]int
	n     int
	// halo is how many words before a chunk its steps need: the sum of their leads,
	// each as whole cache lines, so that what a step stores begins with one.
	halo int
	// The shifts of all axes, the row's too, in pairs, and the sum of the second
	// ones. Up to maxNearSum they are taken at once.
	near    [maxNear]uint64
	nears   int
	nearSum int
}

const (
	maxRow = 64
	// maxSteps bounds the doublings of both axes: a size is below 2³¹ and takes 31.
	maxSteps = 2 * 31
	// maxNearSum is the reach of a word and its shifts.
	maxNearSum = 63
	// maxNear bounds the shifts of both axes: the fourth pair of an axis takes a reach
	// of 27, a fifth of 81.
	maxNear = 2 * 2 * 4
)

// reset empties the plan.
func (d *dilation) reset() { d.row, d.n, d.halo, d.nears, d.nearSum = 0, 0, 0, 0, 0 }

// axis adds the dilation by size cells, stride bits apart, 1 ≤ size.
func (d *dilation) axis(stride, size int) {
	for run := 1; run < size; {
		s := min(run, size-run)
		last := s + min(run, size-run-s)
		if d.nearSum += min(stride*last, maxNearSum+1); d.nearSum > maxNearSum {
			break
		}
		d.near[d.nears], d.near[d.nears+1] = uint64(stride*s), uint64(stride*last)
		d.nears += 2
		run += last
	}
	run := 1
	if d.row == 0 {
		d.row = 1
		if stride == 1 {
			d.row = min(size, maxRow)
			run = d.row
		}
	}
	for run < size {
		s := min(run, size-run)
		d.steps[d.n] = stride * s
		d.halo += lineWords(dilateLead(stride * s))
		d.n++
		run += s
	}
}

// set makes the plan for the seeds of a geometry. Where blocks are painted only
// the complement is left to do.
func (d *dilation) set(g *geometry) {
	d.reset()
	if !g.full {
		d.axis(1, g.bw)
		d.axis(g.w, g.bh)
	}
	d.seal()
}

// seal makes sure that there is a last step, which takes the complement: a
// shift by 0 where the row pass has done all.
func (d *dilation) seal() {
	d.row = max(d.row, 1)
	if d.n == 0 {
		d.steps[0], d.n, d.halo = 0, 1, lineWords(dilateLead(0))
	}
}

// scratch holds what a dilation needs beside the words: the row pass of a
// chunk behind its halo, and two buffers for the steps.
type scratch struct {
	buf []uint64
}

// dilateChunk is the number of words that go through all steps together.
// Three buffers of it stay in a 32 KiB first-level cache.
const dilateChunk = 1 << 10

// take returns the three buffers for a halo and the words of a chunk. They begin
// with cache lines, a third of a page apart: where the addresses of a load and of
// a store before it agree in their low twelve bits, the load waits.
func (s *scratch) take(halo, words int) (row, a, b []uint64, chunk int) {
	chunk = min(max(dilateChunk, 2*halo), words)
	const page = 4096 / 8
	size := halo + chunk
	apart := (size+page-1)/page*page + lineWords(page/3)
	if cap(s.buf) < 2*apart+size {
		s.buf = alignedWords(2*apart+size, 0)
	}
	buf := s.buf[:2*apart+size]
	return buf[:size], buf[apart:][:size], buf[2*apart:], chunk
}

// keepTask turns seeds into the keep mask of their blocks, in place.
type keepTask struct {
	pool.Team
	parts []keepPart

	k     isa
	plan  *dilation
	words []uint64 // a zero, then the seeds
}

// keepPart is the work on a range of words.
type keepPart struct {
	from, to int
	scratch
	row, a, b []uint64
	chunk     int
	seeds     uint64 // of the word before the range
	kept      int
}

// run takes the seeds in words[1:] through the plan, which is sealed, and
// returns the number of ones of the keep mask, whole words counted. words[0] is
// zero.
func (t *keepTask) run(k isa, plan *dilation, words []uint64, parts int) (kept int) {
	t.k, t.plan, t.words = k, plan, words
	n := len(words) - 1
	// Every part repeats the row pass of its halo.
	parts = max(min(parts, n/max(dilateChunk, 2*plan.halo)), 1)
	for len(t.parts) < parts {
		t.parts = append(t.parts, keepPart{})
	}
	for i := range parts {
		p := &t.parts[i]
		p.from, p.to = pool.Share(n, cacheLine/8, i, parts), pool.Share(n, cacheLine/8, i+1, parts)
		t.prepare(p)
	}
	t.Run(t, parts, parts)
	for i := range parts {
		kept += t.parts[i].kept
	}
	t.words = nil
	return kept
}

// isNear reports whether all steps are taken at once: where the sum of the
// shifts allows it, and it costs less than pass after pass.
func (d *dilation) isNear(k isa) bool { return d.nears > 0 && d.nearSum <= maxNearSum && k.nearWins() }

// trivial reports whether the complement is all there is to do.
func (d *dilation) trivial() bool { return d.row == 1 && d.n == 1 && d.steps[0] == 0 }

// prepare saves what a part needs of the seeds before its range, before they
// are overwritten.
func (t *keepTask) prepare(p *keepPart) {
	if t.plan.trivial() {
		return
	}
	p.seeds = t.words[p.from]
	if t.plan.isNear(t.k) {
		return
	}
	halo := t.plan.halo
	p.row, p.a, p.b, p.chunk = p.take(halo, p.to-p.from)
	before := min(halo, p.from)
	clear(p.row[:halo-before])
	t.k.rowCalls(p.row[halo-before:halo], t.words[p.from-before:p.from+1], t.plan.row)
}

func (t *keepTask) Part(i, _ int) {
	p := &t.parts[i]
	p.kept = 0
	if t.plan.trivial() {
		p.kept = t.k.keepCalls(t.words[1+p.from:1+p.to], t.words[p.from:1+p.to], 0)
		return
	}
	if t.plan.isNear(t.k) {
		p.kept = t.keepNear(p)
		return
	}
	halo := t.plan.halo
	for from := p.from; from < p.to; from += p.chunk {
		to := min(from+p.chunk, p.to)
		in := t.words[from : 1+to]
		row := p.row[:halo+to-from]
		// The word before the chunk is a result already, or another part's: its
		// seeds stand in front of a copy of the first line.
		var first [1 + cacheLine/8]uint64
		first[0] = p.seeds
		n := copy(first[1:], in[1:])
		p.seeds = in[len(in)-1]
		t.k.rowCalls(row[halo:halo+n], first[:1+n], t.plan.row)
		t.k.rowCalls(row[halo+n:], in[n:], t.plan.row)
		p.kept += t.plan.finish(t.k, in[1:], row, p.a, p.b)
		copy(p.row[:halo], row[len(row)-halo:])
	}
}

// keepNear takes all steps of a part at once, from its end to its beginning.
func (t *keepTask) keepNear(p *keepPart) (kept int) {
	in, shifts := t.words[1+p.from:1+p.to], t.plan.near[:t.plan.nears]
	for to := len(in); to > 1; {
		from := max(to-nearCallLen, 1)
		kept += t.k.dilateNear(in[from-1:to], shifts)
		to = from
	}
	first := [2]uint64{p.seeds, in[0]}
	kept += t.k.dilateNear(first[:], shifts)
	in[0] = first[1]
	return kept
}

// finish takes the row pass of a chunk, its halo in front, through the steps.
func (d *dilation) finish(k isa, dst, row, a, b []uint64) (kept int) {
	last, from := d.n-1, 0
	for _, shift := range d.steps[:last] {
		lead := dilateLead(shift)
		from += lineWords(lead)
		k.stepCalls(a[from:len(row)], row[from-lead:], shift)
		row, a, b = a[:len(row)], b, a
	}
	return k.keepCalls(dst, row[d.halo-dilateLead(d.steps[last]):], d.steps[last])
}

// rowCalls, stepCalls and keepCalls bound the work of a call of the kernels.

func (k isa) rowCalls(dst, src []uint64, b int) {
	for from := 0; from < len(dst); from += dilateCallLen {
		to := min(from+dilateCallLen, len(dst))
		k.dilateRow(dst[from:to], src[from:to+1], b)
	}
}

func (k isa) stepCalls(dst, src []uint64, shift int) {
	for from := 0; from < len(dst); from += dilateCallLen {
		to := min(from+dilateCallLen, len(dst))
		k.dilateStep(dst[from:to], src[from:to+dilateLead(shift)], shift)
	}
}

func (k isa) keepCalls(dst, src []uint64, shift int) (kept int) {
	for from := 0; from < len(dst); from += dilateCallLen {
		to := min(from+dilateCallLen, len(dst))
		kept += k.dilateKeep(dst[from:to], src[from:to+dilateLead(shift)], shift)
	}
	return kept
}

// Dilate grows the ones among n bits along one axis, in place: bit i becomes
// the OR of the bits i, i−stride, …, i−(size−1)·stride, those that exist. On
// several axes one call after the other makes blocks; with stride 1 rows do
// not end, so that a one has to be at least size−1 bits before the end of its
// row (see the essay in kernel_generic.go).
//
// Bits from n to the end of word (n−1)/64 must be zero and become zero. Dilate
// panics, without writing anything, if n is negative, stride or size is below
// 1, or words is shorter than n bits.
func (k KernelSet) Dilate(words []uint64, n, stride, size int) {
	words = wordsFor("Dilate", "words", words, n)
	if stride < 1 || size < 1 {
		panic("dropblock: Dilate: stride and size must be at least 1")
	}
	isa := k.resolve()
	for run := 1; run < size; {
		s := min(run, size-run)
		if hi, shift := bits.Mul64(uint64(stride), uint64(s)); hi == 0 && shift < uint64(n) {
			dilateInPlace(isa, words, int(shift))
		}
		run += s
	}
	if n%64 != 0 {
		words[len(words)-1] &= 1<<(n%64) - 1
	}
}

// dilateInPlace sets words to words | words<<shift, from the end on.
func dilateInPlace(k isa, words []uint64, shift int) {
	var buf [256]uint64
	lead := dilateLead(shift)
	for to := len(words); to > lead; {
		from := max(to-len(buf), lead)
		out := buf[:to-from]
		k.dilateStep(out, words[from-lead:to], shift)
		copy(words[from:to], out)
		to = from
	}
	// The word that the first one is shifted into; those before it stay.
	words[lead-1] |= words[0] << (shift & 63)
}
