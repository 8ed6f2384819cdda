package dropblock

import (
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// planeSteps is a plan for growing the seeds of RegionFull plane by plane, for planes whose
// masks would be too large for border. Each plane is copied to a buffer that begins with a
// word. The time is linear in the size of the plane and at most logarithmic in the size of
// the block.
//
// Along the outermost axis blocks grow in one direction, past the end of the plane into
// spare words, and are then moved back by the cells before a seed. Along the other axes
// they are clipped at the ends of lines, by the masked steps of border, or set run by run
// if they are long and their cells are adjacent bits.
type planeSteps struct {
	plane int   // bits
	runs  *axis // the axis whose blocks are set run by run, or nil
	steps []planeStep
	outer *axis // the outermost axis, if blocks extend along it, or nil
	lead  int   // words before and behind a plane that steps read: whole cache lines
}

type planeStep struct {
	borderStep
	period int // words after which the masks repeat, or 0 for masks that are made for each use
}

// newPlaneSteps returns the plan for a geometry. Long blocks of lines of runWords words or
// more are set run by run.
func newPlaneSteps(g *geometry, runWords int) *planeSteps {
	p := &planeSteps{plane: g.plane()}
	outermost := 0
	for i := range g.axes {
		if g.axes[i].size > 1 {
			outermost = i
		}
	}
	for i := range g.axes[:outermost+1] {
		switch a := &g.axes[i]; {
		case a.block == 1:
		case a.stride == 1 && a.block >= 64 && a.size >= 64*runWords:
			p.runs = a
		case i == outermost:
			p.outer = a
		default:
			p.mask(a)
		}
	}
	return p
}

func (p *planeSteps) mask(a *axis) {
	line := a.stride * a.size
	period := line / min(line&-line, 64)
	for _, s := range borderSteps(a) {
		step := planeStep{borderStep: s}
		if period <= maxPeriod/4 {
			n := bitstring.Lines(period + borderPiece)
			masks := bitstring.Aligned(2*n, 0)
			step.period, step.upMask, step.downMask = period, masks[:n], masks[n:]
			s.masks(step.upMask, step.downMask, 0)
		}
		p.steps = append(p.steps, step)
		p.lead = max(p.lead, bitstring.Lines(dilateLead(s.shift())))
	}
}

// cost returns the approximate time to grow seeds, in units of one step of border: copying
// a plane to the buffer and back takes four, runs take eight, and a step along the
// outermost axis takes one half.
func (p *planeSteps) cost() float64 {
	n := 4 + float64(len(p.steps))
	if p.runs != nil {
		n += 8
	}
	if p.outer != nil {
		n += float64(bits.Len(uint(p.outer.block-1))) / 2
	}
	return n
}

// back returns the number of bits by which grown blocks are moved back.
func (p *planeSteps) back() int {
	if p.outer == nil {
		return 0
	}
	return p.outer.before * p.outer.stride
}

// planeTask turns seeds into the bits that their blocks drop, shared by workers.
type planeTask struct {
	parts []planePart

	k        isa
	plan     *planeSteps
	dst, src []uint64
	planes   int
}

// planePart is the work on a range of planes.
type planePart struct {
	a, b     []uint64 // a plane and spare words for outer, between leads
	up, down [borderPiece]uint64
	first    uint64 // bits for the first word, which a part shares with the one before
}

// run sets the bits that the seeds in src drop in dst, which is uninitialised.
func (t *planeTask) run(team *pool.Team, k isa, plan *planeSteps, dst, src []uint64, planes, workers int) {
	t.k, t.plan, t.dst, t.src, t.planes = k, plan, dst, src, planes
	parts := min(workers, planes)
	for len(t.parts) < parts {
		t.parts = append(t.parts, planePart{})
	}
	team.Run(t, parts, parts)
	for i := range parts {
		if part := &t.parts[i]; part.first != 0 {
			dst[t.begin(i, parts)*plan.plane/64] |= part.first
		}
	}
	t.plan, t.dst, t.src = nil, nil, nil
}

func (t *planeTask) begin(i, parts int) int { return pool.Share(t.planes, 1, i, parts) }

// Part implements [pool.Task].
func (t *planeTask) Part(i, parts int) {
	part, plan := &t.parts[i], t.plan
	words := bitstring.Words(plan.plane) + bitstring.Words(plan.back())
	if size := 2*plan.lead + words; len(part.a) < size {
		part.a, part.b = bitstring.Aligned(size, 0), bitstring.Aligned(size, 0)
	}
	from, to := t.begin(i, parts), t.begin(i+1, parts)
	begin := from * plan.plane
	if plan.plane%64 != 0 { // Otherwise whole words are set.
		bitstring.Clear(t.dst[bitstring.Words(begin):bitstring.Words(to*plan.plane)])
	}
	part.first = 0
	for plane := from; plane < to; plane++ {
		at, n, back := plane*plan.plane, plan.plane, plan.back()
		grown := t.grow(part, at, words)[back/64:]
		back %= 64
		if begin%64 != 0 && at/64 == begin/64 {
			var first [1]uint64
			head := min(64-at%64, n)
			bitstring.Move(first[:], at%64, grown, back, head)
			part.first |= first[0]
			at, back, n = at+head, back+head, n-head
		}
		bitstring.Move(t.dst, at, grown, back, n)
	}
}

// grow returns the bits that the seeds of the plane at bit at drop, shifted up by back.
func (t *planeTask) grow(part *planePart, at, words int) []uint64 {
	plan := t.plan
	lead, n := plan.lead, bitstring.Words(plan.plane)
	a, b := part.a[:2*lead+words], part.b[:2*lead+words]
	bitstring.Clear(a[lead+plan.plane/64:])
	bitstring.Move(a[lead:], 0, t.src, at, plan.plane)
	if plan.runs != nil {
		bitstring.Clear(b[lead:])
		setBlocks(b[lead:], a[lead:], plan.plane, plan.runs)
		a, b = b, a
	}
	for i := range plan.steps {
		t.step(part, &plan.steps[i], a, b, n)
		a, b = b, a
	}
	a, b = a[lead:][:words], b[lead:][:words]
	if len(plan.steps) > 0 {
		// Steps set bits behind the plane, and earlier planes left some there.
		if over := plan.plane % 64; over > 0 {
			a[n-1] &= bitstring.Low(over)
		}
		bitstring.Clear(a[n:])
	}
	if o := plan.outer; o != nil {
		for run, by := 1, 0; run < o.block; run += by {
			by = min(run, o.block-run)
			t.k.dilateTo(b, a, o.stride*by)
			a, b = b, a
		}
	}
	return a
}

// step sets b to the n words of the plane in a after a masked step.
func (t *planeTask) step(part *planePart, s *planeStep, a, b []uint64, n int) {
	lead, l := t.plan.lead, dilateLead(s.shift())
	for from := 0; from < n; from += borderPiece {
		to := min(from+borderPiece, n)
		up, down := part.up[:to-from], part.down[:to-from]
		if s.period > 0 {
			first := from % s.period
			up, down = s.upMask[first:][:to-from], s.downMask[first:][:to-from]
		} else {
			s.masks(up, down, from)
		}
		t.k.dilateBorder(b[lead+from:lead+to], a[lead+from-l:lead+to+l], up, down, s.shift())
	}
}

// setBlocks sets the blocks of seeds along an axis of stride 1 in n bits of dst, which are
// zero. It sets a run of blocks that touch at once: from the last seed found it searches
// the reach of its block backwards, so that dense seeds take no more time than sparse ones.
func setBlocks(dst, seeds []uint64, n int, a *axis) {
	for line := 0; line < n; line += a.size {
		end := line + a.size
		for seed := bitstring.Next(seeds, line, end); seed < end; {
			first, last, reach := seed, seed, line
			for last >= 0 && reach < end {
				// The blocks of seeds up to a.block cells behind it touch its own.
				seed = last
				reach = seed + 1 + min(a.block, end-seed-1)
				last = bitstring.Last(seeds, seed+1, reach)
			}
			from, _ := a.clip(first - line)
			_, to := a.clip(max(seed, last) - line)
			bitstring.SetRun(dst, line+from, to-from)
			if reach == end { // searched already
				break
			}
			seed = bitstring.Next(seeds, seed+1, end)
		}
	}
}
