package dropblock

import (
	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// dilation is a plan for growing seeds at the first cells of blocks on one string of bits:
// a row pass, then steps of doubling, the last of which takes the complement.
type dilation struct {
	row   int // block size of the row pass, at most 64
	steps [maxSteps]int
	n     int
	// halo is how many words before a piece its steps need: the sum of their leads,
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
	// maxSteps bounds the doublings of all axes: a size takes as many as it has bits, and
	// the product of the sizes is below 2³¹.
	maxSteps = axes + 31
	// maxNearSum is the reach of a word and its shifts.
	maxNearSum = 63
	// maxNear bounds the shifts of all axes: the fourth pair of an axis takes a reach
	// of 27, a fifth of 81.
	maxNear = 2 * 4 * axes
)

// trivial is the plan for seeds that are blocks already: there is only the complement to
// take.
var trivial = newDilation(&geometry{})

// newDilation is the plan for the blocks of a geometry.
func newDilation(g *geometry) *dilation {
	d := new(dilation)
	for i := range g.axes {
		d.axis(g.axes[i].stride, g.axes[i].block)
	}
	d.row = max(d.row, 1)
	// The last step takes the complement: a shift by 0 where the row pass has done all.
	if d.n == 0 {
		d.n, d.halo = 1, bitstring.Lines(dilateLead(0))
	}
	return d
}

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
		d.halo += bitstring.Lines(dilateLead(stride * s))
		d.n++
		run += s
	}
}

// shiftTask turns seeds into the keep mask of their blocks, in place, by several workers.
type shiftTask struct {
	parts []shiftPart

	k     isa
	plan  *dilation
	near  bool     // all steps at once
	words []uint64 // a zero, then the seeds
}

// shiftPart is the work on a range of words.
type shiftPart struct {
	from, to int
	buf      []uint64
	row      []uint64 // the row pass of a piece, behind its halo
	a, b     []uint64 // for the steps
	piece    int      // words that go through all steps together
	seeds    uint64   // of the word before the range
	kept     int
}

// run takes the seeds in words[1:] through the plan and returns the number of ones of the
// keep mask, whole words counted. words[0] is zero.
func (t *shiftTask) run(team *pool.Team, k isa, plan *dilation, near bool, words []uint64, workers int) (kept int) {
	t.k, t.plan, t.near, t.words = k, plan, near, words
	n := len(words) - 1
	// Every part repeats the row pass of its halo.
	parts := max(min(workers, n/max(shiftPiece, 2*plan.halo)), 1)
	for len(t.parts) < parts {
		t.parts = append(t.parts, shiftPart{})
	}
	for i := range parts {
		p := &t.parts[i]
		p.from, p.to = pool.Share(n, bitstring.LineWords, i, parts), pool.Share(n, bitstring.LineWords, i+1, parts)
		t.prepare(p)
	}
	team.Run(t, parts, parts)
	for i := range parts {
		kept += t.parts[i].kept
	}
	t.plan, t.words = nil, nil
	return kept
}

// isNear reports whether all steps can be taken at once.
func (d *dilation) isNear() bool { return d.nears > 0 && d.nearSum <= maxNearSum }

// trivial reports whether the complement is all there is to do.
func (d *dilation) trivial() bool { return d.row == 1 && d.n == 1 && d.steps[0] == 0 }

// prepare saves what a part needs of the seeds before its range, before they are
// overwritten.
func (t *shiftTask) prepare(p *shiftPart) {
	if t.plan.trivial() {
		return
	}
	p.seeds = t.words[p.from]
	if t.near {
		return
	}
	halo := t.plan.halo
	p.take(halo, p.to-p.from)
	before := min(halo, p.from)
	bitstring.Clear(p.row[:halo-before])
	t.k.rowCalls(p.row[halo-before:halo], t.words[p.from-before:p.from+1], t.plan.row)
}

// take makes the three buffers for a halo and the words of a piece. They begin with cache
// lines, a third of a page apart, against 4K aliasing: where the addresses of a load and
// of a store before it agree in their low twelve bits, the load waits.
func (p *shiftPart) take(halo, words int) {
	p.piece = min(max(shiftPiece, 2*halo), words)
	const page = 4096 / 8
	size := halo + p.piece
	apart := (size+page-1)/page*page + bitstring.Lines(page/3)
	if cap(p.buf) < 2*apart+size {
		p.buf = bitstring.Aligned(2*apart+size, 0)
	}
	buf := p.buf[:2*apart+size]
	p.row, p.a, p.b = buf[:size], buf[apart:][:size], buf[2*apart:]
}

// Part implements [pool.Task].
func (t *shiftTask) Part(i, _ int) {
	p := &t.parts[i]
	p.kept = 0
	if t.plan.trivial() {
		p.kept = t.k.keepCalls(t.words[1+p.from:1+p.to], t.words[p.from:1+p.to], 0)
		return
	}
	if t.near {
		p.kept = t.keepNear(p)
		return
	}
	halo := t.plan.halo
	for from := p.from; from < p.to; from += p.piece {
		to := min(from+p.piece, p.to)
		in := t.words[from : 1+to]
		row := p.row[:halo+to-from]
		// The word before the piece is a result already, or another part's: its
		// seeds stand in front of a copy of the first line.
		var first [1 + bitstring.LineWords]uint64
		first[0] = p.seeds
		n := copy(first[1:], in[1:])
		p.seeds = in[len(in)-1]
		t.k.rowCalls(row[halo:halo+n], first[:1+n], t.plan.row)
		t.k.rowCalls(row[halo+n:], in[n:], t.plan.row)
		p.kept += t.plan.finish(t.k, in[1:], row, p.a, p.b)
		if to < p.to { // and so the piece is longer than its halo
			bitstring.Copy(p.row[:halo], row[len(row)-halo:])
		}
	}
}

// keepNear takes all steps of a part at once, from its end to its beginning.
func (t *shiftTask) keepNear(p *shiftPart) (kept int) {
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

// finish takes the row pass of a piece, its halo in front, through the steps.
func (d *dilation) finish(k isa, dst, row, a, b []uint64) (kept int) {
	last, from := d.n-1, 0
	for _, shift := range d.steps[:last] {
		lead := dilateLead(shift)
		from += bitstring.Lines(lead)
		k.stepCalls(a[from:len(row)], row[from-lead:], shift)
		row, a, b = a[:len(row)], b, a
	}
	return k.keepCalls(dst, row[d.halo-dilateLead(d.steps[last]):], d.steps[last])
}
