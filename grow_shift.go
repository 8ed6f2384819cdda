package dropblock

import (
	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// dilation is a plan for growing seeds at the first bits of their blocks: a row pass, then
// steps of doubling, the last of which takes the complement.
type dilation struct {
	row   int           // block size of the row pass, at most 64
	steps [maxSteps]int // shifts
	n     int
	// halo is the number of words before a piece that its steps read: the sum of their
	// leads, each rounded up to whole cache lines, so that stores are aligned.
	halo int
	// near holds the shifts of all axes, the row's too, in pairs, for one pass with
	// dilateNear. nearSum is the sum of the second ones, or more than maxNearSum if
	// there is no such pass.
	near    [maxNear]uint64
	nears   int
	nearSum int
}

const (
	maxRow = 64
	// maxSteps bounds the doublings of all axes: a size takes as many as it has bits, and
	// the product of the sizes is below 2³¹.
	maxSteps = axes + 31
	// maxNearSum is the farthest that dilateNear can shift: from the word before.
	maxNearSum = 63
	// maxNear bounds the shifts of all axes: the second shifts of four pairs of one axis
	// add up to 27 or more, those of five to 81.
	maxNear = 2 * 4 * axes
)

// trivial is the plan for seeds that are already grown: it only takes the complement.
var trivial = newDilation(&geometry{})

// newDilation returns the plan for the blocks of a geometry.
func newDilation(g *geometry) *dilation {
	d := new(dilation)
	for i := range g.axes {
		d.axis(g.axes[i].stride, g.axes[i].block)
	}
	d.row = max(d.row, 1)
	// The last step takes the complement: a shift by 0 if the row pass did the rest.
	if d.n == 0 {
		d.n, d.halo = 1, bitstring.Lines(dilateLead(0))
	}
	return d
}

// axis adds the dilation by size cells at a distance of stride bits, 1 ≤ size.
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
	for by := 0; run < size; run += by {
		by = min(run, size-run)
		d.steps[d.n] = stride * by
		d.halo += bitstring.Lines(dilateLead(stride * by))
		d.n++
	}
}

// shiftTask turns seeds into the keep mask of their blocks in place, shared by workers.
type shiftTask struct {
	parts []shiftPart

	k     isa
	plan  *dilation
	near  bool     // one pass with dilateNear
	words []uint64 // a zero, then the seeds
}

// shiftPart is the work on a range of words.
type shiftPart struct {
	from, to int
	buf      []uint64
	row      []uint64 // halo and piece after the row pass
	a, b     []uint64 // halo and piece after a step
	piece    int      // words that go through all steps together
	seeds    uint64   // the word before the range, before it is overwritten
	kept     int
}

// run turns the seeds in words[1:] into the keep mask and returns the number of its ones,
// those past the end of the mask included. words[0] is zero.
func (t *shiftTask) run(team *pool.Team, k isa, plan *dilation, near bool, words []uint64, workers int) (kept int) {
	t.k, t.plan, t.near, t.words = k, plan, near, words
	n := len(words) - 1
	// Parts are long enough that repeating the row pass of the halo costs little.
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

// isNear reports whether dilateNear can do all steps in one pass.
func (d *dilation) isNear() bool { return d.nears > 0 && d.nearSum <= maxNearSum }

// trivial reports whether the plan only takes the complement.
func (d *dilation) trivial() bool { return d.row == 1 && d.n == 1 && d.steps[0] == 0 }

// prepare saves the seeds before the range of a part that it needs, since another worker
// overwrites them.
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

// take makes the three buffers for a halo and the words of a piece. They are aligned to
// cache lines and offset by a third of a page against 4K aliasing.
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
		// The word before the piece is overwritten, or belongs to another part. The row
		// pass of the first line reads the saved one in front of a copy of the line.
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

// keepNear does all steps of a part in one pass, from its end to its beginning.
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

// finish does the steps of a piece, from the row pass of its halo and its words.
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
