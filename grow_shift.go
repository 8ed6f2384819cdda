package dropblock

import (
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// dilation is a plan for growing seeds at the first bits of their blocks: a row pass, then
// steps, each a pair of shifts a ≤ b that at most triples a run: y |= y<<a | y<<b. The last
// one takes the complement.
type dilation struct {
	row   int // block size of the row pass, at most 64
	steps [maxSteps][2]int
	n     int
	// halo is the number of words before a part that its stages, the row pass among them,
	// read: the sum of their leads, each rounded up to whole cache lines, so that stores
	// are aligned.
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
	// maxSteps bounds the steps of all axes: a size takes its logarithm of base 2, rounded
	// up, or fewer, and the product of the sizes is below 2³¹.
	maxSteps = axes + 31
	// maxNearSum is the farthest that dilateNear can shift: from the word before.
	maxNearSum = 63
	// maxNear bounds the shifts of all axes: the second shifts of four pairs of one axis
	// add up to 27 or more, those of five to 81.
	maxNear = 2 * 4 * axes
)

// trivial is the plan for seeds that are already grown: it only takes the complement.
var trivial = newDilation(&geometry{}, true)

// newDilation returns the plan for the blocks of a geometry. pairs is tuning.pairs.
func newDilation(g *geometry, pairs bool) *dilation {
	d := new(dilation)
	for i := range g.axes {
		d.axis(g.axes[i].stride, g.axes[i].block, pairs)
	}
	d.row = max(d.row, 1)
	// The last step takes the complement: shifts by 0 if the row pass did the rest.
	d.n = max(d.n, 1)
	for i := range d.stages() {
		d.halo += bitstring.Lines(d.lead(i))
	}
	return d
}

// axis adds the dilation by size cells at a distance of stride bits, 1 ≤ size.
func (d *dilation) axis(stride, size int, pairs bool) {
	for run, a, b := 1, 0, 0; run < size; run += b {
		a, b = pair(run, size)
		if d.nearSum += min(stride*b, maxNearSum+1); d.nearSum > maxNearSum {
			break
		}
		d.near[d.nears], d.near[d.nears+1] = uint64(stride*a), uint64(stride*b)
		d.nears += 2
	}
	run := 1
	if d.row == 0 {
		d.row = 1
		if stride == 1 {
			d.row = min(size, maxRow)
			run = d.row
		}
	}
	steps, shifts := paired(run, size)
	single := bits.Len(uint((size - 1) / run))
	pairs = steps < single && (pairs || shifts <= single || stride%64 == 0)
	for a, b := 0, 0; run < size; run += b {
		if a, b = pair(run, size); !pairs {
			b = a
		}
		d.steps[d.n] = [2]int{stride * a, stride * b}
		d.n++
	}
}

// pair returns the cells of the shifts that turn a run of cells into one of three times as
// many, or into size.
func pair(run, size int) (a, b int) {
	a = min(run, size-run)
	return a, a + min(run, size-run-a)
}

// paired returns the number of pairs of shifts, and of shifts, that a run takes to size.
func paired(run, size int) (steps, shifts int) {
	for a, b := 0, 0; run < size; run += b {
		a, b = pair(run, size)
		steps++
		shifts += 1 + min(b-a, 1)
	}
	return steps, shifts
}

// first returns the number of stages before the steps: the row pass, or none. A single step
// cannot go without, as its source must not be its destination.
func (d *dilation) first() int {
	if d.row > 1 || d.n == 1 {
		return 1
	}
	return 0
}

// stages returns the number of passes.
func (d *dilation) stages() int { return d.first() + d.n }

// lead returns the number of words before its own that a stage reads.
func (d *dilation) lead(stage int) int {
	if stage -= d.first(); stage >= 0 {
		return dilateLead(d.steps[stage][1])
	}
	return 1
}

// pass takes words through a stage that is not the last one.
func (d *dilation) pass(k isa, stage int, dst, src []uint64) {
	if stage -= d.first(); stage >= 0 {
		k.stepCalls(dst, src, d.steps[stage][0], d.steps[stage][1])
	} else {
		k.rowCalls(dst, src, d.row)
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

// shiftPart is the work on a range of words. Pieces of it go through all stages, one after
// the other.
type shiftPart struct {
	from, to int
	kept     int
	seed     uint64 // the word before the range, before it is overwritten

	piece int
	buf   []uint64 // what the following are parts of
	// halo has the seeds before the range, before they are overwritten.
	halo []uint64
	// head has the lead of the first stage, and room for as many words behind it.
	head []uint64
	// between are what the other stages read, at a distance of apart words: their leads,
	// rounded up to whole cache lines, and a piece.
	between []uint64
	apart   int
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
func (d *dilation) trivial() bool { return d.row == 1 && d.n == 1 && d.steps[0][1] == 0 }

// prepare saves the seeds before the range of a part that it needs, since another worker
// overwrites them.
func (t *shiftTask) prepare(p *shiftPart) {
	p.seed = t.words[p.from]
	if t.near || t.plan.trivial() {
		return
	}
	p.allocate(t.plan)
	if p.from > 0 { // and so the parts are longer than their halos
		copy(p.halo, t.words[1+p.from-len(p.halo):])
	}
}

// allocate makes the buffers. They are aligned to cache lines, and those between stages are
// offset by a third of a page against 4K aliasing.
func (p *shiftPart) allocate(d *dilation) {
	const page = 4096 / 8
	head := 2 * bitstring.Lines(d.lead(0))
	p.piece = min(max(shiftPiece, d.halo), bitstring.Lines(p.to-p.from))
	p.apart = (d.halo+p.piece+page-1)/page*page + bitstring.Lines(page/3)
	n := d.halo + head + (d.stages()-1)*p.apart
	if cap(p.buf) < n {
		p.buf = bitstring.Aligned(n, 0)
	}
	p.halo, p.head, p.between = p.buf[:d.halo], p.buf[d.halo:][:head], p.buf[d.halo+head:n]
}

// Part implements [pool.Task].
func (t *shiftTask) Part(i, _ int) {
	p := &t.parts[i]
	words := t.words[1+p.from : 1+p.to]
	switch {
	case t.plan.trivial():
		p.kept = t.k.keepCalls(words, t.words[p.from:1+p.to], 0, 0)
		return
	case t.near:
		p.kept = t.keepNear(p)
		return
	}
	p.kept = 0
	clear(p.head)
	for stage := 1; stage < t.plan.stages(); stage++ {
		buf, lead := p.input(stage, t.plan)
		clear(buf[:lead])
	}
	if p.from > 0 {
		t.through(p, p.halo, nil)
	}
	for from := 0; from < len(words); from += p.piece {
		piece := words[from:min(from+p.piece, len(words))]
		t.through(p, piece, piece)
	}
}

// input returns the buffer of a stage behind the first one, and its lead, rounded up to whole
// cache lines.
func (p *shiftPart) input(stage int, d *dilation) (buf []uint64, lead int) {
	return p.between[(stage-1)*p.apart:][:p.apart], bitstring.Lines(d.lead(stage))
}

// through takes src, the words behind those of the call before, through all stages to dst,
// which is src, or to nowhere: then it only leaves the leads for the next call.
func (t *shiftTask) through(p *shiftPart, src, dst []uint64) {
	d, n := t.plan, len(src)
	// The words before src are overwritten. The first stage reads saved ones in front of a
	// copy of the words that need them.
	lead, exact := len(p.head)/2, d.lead(0)
	first := min(lead, n)
	copy(p.head[lead:], src[:first])
	buf, before := p.input(1, d)
	out := buf[before:][:n]
	d.pass(t.k, 0, out[:first], p.head[lead-exact:lead+first])
	if first < n {
		d.pass(t.k, 0, out[first:], src[first-exact:])
	}
	if first < lead {
		copy(p.head, p.head[first:][:lead])
	} else {
		copy(p.head, src[n-lead:])
	}
	for stage := 1; stage < d.stages(); stage++ {
		in, inLead := buf, before
		src := in[inLead-d.lead(stage):]
		if stage+1 < d.stages() {
			buf, before = p.input(stage+1, d)
			d.pass(t.k, stage, buf[before:][:n], src)
		} else if dst != nil {
			last := d.steps[d.n-1]
			p.kept += t.k.keepCalls(dst, src, last[0], last[1])
		}
		copy(in[:inLead], in[n:])
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
	first := [2]uint64{p.seed, in[0]}
	kept += t.k.dilateNear(first[:], shifts)
	in[0] = first[1]
	return kept
}
