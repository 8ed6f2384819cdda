package dropblock

import (
	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// border is a plan for growing the seeds of RegionFull. Blocks are clipped at the ends of
// a plane: every shift has a mask of the bits that it may set. The masks repeat with the
// planes.
type border struct {
	steps  []borderStep
	period int // words after which the masks repeat: whole planes; they go through all steps together
	lead   int // words before and behind a period that the shifts read: whole cache lines
}

// borderStep is a step along an axis: an OR of shifts down and up. Both are by the same
// number of cells, or one is by 0.
type borderStep struct {
	*axis
	down, up         int      // cells
	downMask, upMask []uint64 // for a period
}

func (s *borderStep) shift() int { return s.stride * max(s.down, s.up) }

// borderSteps returns the steps along an axis. A block that extends t cells to both sides
// of its seed grows by up to t+1 cells a step, since at the border it has only t+1 cells.
// The last step adds the cells that one side has more than the other.
func borderSteps(a *axis) (steps []borderStep) {
	t, even := 0, min(a.before, a.after())
	for t < even {
		by := min(t+1, even-t)
		steps = append(steps, borderStep{axis: a, down: by, up: by})
		t += by
	}
	if down, up := a.before-even, a.after()-even; down+up > 0 {
		steps = append(steps, borderStep{axis: a, down: down, up: up})
	}
	return steps
}

// newBorder returns the plan for a geometry, or nil if its masks would exceed maxPeriod.
func newBorder(g *geometry) *border {
	plane := g.plane()
	plan := &border{period: plane / min(plane&-plane, 64)}
	if plan.period > maxPeriod {
		return nil
	}
	plan.period *= max(borderPiece/plan.period, 1)
	for i := range g.axes {
		plan.steps = append(plan.steps, borderSteps(&g.axes[i])...)
	}
	line := bitstring.Lines(plan.period)
	masks := bitstring.Aligned(2*len(plan.steps)*line, 0)
	for i := range plan.steps {
		s := &plan.steps[i]
		s.upMask, s.downMask, masks = masks[:plan.period], masks[line:][:plan.period], masks[2*line:]
		s.masks(s.upMask, s.downMask, 0)
		plan.lead = max(plan.lead, bitstring.Lines(dilateLead(s.shift())))
	}
	return plan
}

// masks sets the masks of a step for the words of the mask from word first: zeros for bits
// that would come from another line of the axis.
func (s *borderStep) masks(up, down []uint64, first int) {
	line, end := int64(s.stride)*int64(s.size), 64*int64(len(up))
	bitstring.SetAll(up)
	bitstring.SetAll(down)
	// clearRun clears the cells [from, to) of the line that begins at bit at.
	clearRun := func(words []uint64, at int64, from, to int) {
		begin := max(at+int64(s.stride*from), 0)
		if n := min(at+int64(s.stride*to), end) - begin; n > 0 {
			bitstring.ClearRun(words, int(begin), int(n))
		}
	}
	for at := -(64 * int64(first) % line); at < end; at += line {
		fromUp, toDown := s.up, s.size-s.down
		if s.up == 0 {
			fromUp = s.size
		}
		if s.down == 0 {
			toDown = 0
		}
		clearRun(up, at, 0, fromUp)
		clearRun(down, at, toDown, s.size)
	}
}

// borderTask turns seeds into the keep mask of their blocks, shared by workers.
type borderTask struct {
	parts []borderPart

	k        isa
	plan     *border
	dst, src []uint64
}

// borderPart is the work on a range of periods.
type borderPart struct {
	a, b []uint64
	kept int
}

// run writes the keep mask of the seeds in src to dst and returns the number of its ones.
// Bits past the end of the mask are zero in src; they become ones and are counted.
func (t *borderTask) run(team *pool.Team, k isa, plan *border, dst, src []uint64, workers int) (kept int) {
	t.k, t.plan, t.dst, t.src = k, plan, dst, src
	parts := min(workers, (len(dst)-1)/plan.period+1)
	for len(t.parts) < parts {
		t.parts = append(t.parts, borderPart{})
	}
	team.Run(t, parts, parts)
	for i := range parts {
		kept += t.parts[i].kept
	}
	t.plan, t.dst, t.src = nil, nil, nil
	return kept
}

// Part implements [pool.Task].
func (t *borderTask) Part(i, parts int) {
	p := &t.parts[i]
	lead, period := t.plan.lead, t.plan.period
	if size := 2*lead + period; len(p.a) < size {
		p.a, p.b = bitstring.Aligned(size, 0), bitstring.Aligned(size, 0)
	}
	p.kept = 0
	end := pool.Share(len(t.dst), period, i+1, parts)
	for from := pool.Share(len(t.dst), period, i, parts); from < end; from += period {
		to := min(from+period, end)
		n := to - from
		a, b := p.a[:2*lead+n], p.b[:2*lead+n]
		copy(a[lead:], t.src[from:to])
		clear(a[lead+n:]) // Shifts down read these words.
		clear(b[lead+n:])
		for i := range t.plan.steps {
			s := &t.plan.steps[i]
			l := dilateLead(s.shift())
			t.k.dilateBorder(b[lead:lead+n], a[lead-l:lead+n+l], s.upMask[:n], s.downMask[:n], s.shift())
			a, b = b, a
		}
		p.kept += t.k.keepCalls(t.dst[from:to], a[lead-1:lead+n], 0, 0)
	}
}
