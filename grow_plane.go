package dropblock

import (
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// planeSteps is a plan for growing the seeds of RegionFull plane by plane, each moved to
// where it begins with a word, for planes whose masks would be too long for border. The
// time is linear in the plane, and grows with the logarithm of the block's size at most.
//
// Along the outermost axis blocks grow in one direction, behind the end of the plane too,
// where there is nothing that has to be kept from it, and are moved back by the cells
// before a seed. Along the others they are clipped at lines, by the masked steps of
// border. Long blocks of cells that lie side by side are set run by run.
type planeSteps struct {
	plane int   // bits
	runs  *axis // or nil
	steps []planeStep
	outer *axis // or nil
	lead  int   // words on both sides of a plane at which steps look, whole cache lines
}

// planeStep is a masked step.
type planeStep struct {
	borderStep
	period int // words after which the masks repeat, or 0 for masks that are made when they are needed
}

// minRunWords is the least line, in words, whose long blocks are set run by run. On an
// AMD EPYC of family 26, model 2 (Zen 5, 2026-11-28) a line took some 20 ns so, and a word
// of it 2 to 3 ns by masked steps.
const minRunWords = 8

func newPlaneSteps(g *geometry) *planeSteps {
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
		case a.stride == 1 && a.block >= 64 && a.size >= 64*minRunWords:
			p.runs = a
		case i == outermost:
			p.outer = a
		default:
			p.mask(a)
		}
	}
	return p
}

// mask adds masked steps along an axis.
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

// cost is about what it takes to grow seeds, in masked steps of border: moving planes to
// words and back takes as long as four of them, runs as eight and a step of the outermost
// axis as one half.
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

// back is how many bits blocks are moved back at last.
func (p *planeSteps) back() int {
	if p.outer == nil {
		return 0
	}
	return p.outer.before * p.outer.stride
}

// planeTask turns seeds into the bits that their blocks drop by several workers.
type planeTask struct {
	parts []planePart

	k        isa
	plan     *planeSteps
	dst, src []uint64
	planes   int
}

// planePart is the work on a range of planes.
type planePart struct {
	a, b     []uint64 // a plane, what its blocks reach behind it, and the lead of steps on both sides
	up, down [borderPiece]uint64
	first    uint64 // bits of the word that a part shares with the one before
}

// run takes the seeds in src to dst, whose words hold anything.
func (t *planeTask) run(team *pool.Team, k isa, plan *planeSteps, dst, src []uint64, planes, workers int) {
	t.k, t.plan, t.dst, t.src, t.planes = k, plan, dst, src, planes
	parts := min(workers, planes)
	for len(t.parts) < parts {
		t.parts = append(t.parts, planePart{})
	}
	team.Run(t, parts, parts)
	for i := range parts {
		if p := &t.parts[i]; p.first != 0 {
			dst[t.begin(i, parts)*plan.plane/64] |= p.first
		}
	}
	t.plan, t.dst, t.src = nil, nil, nil
}

// begin is the first plane of a part.
func (t *planeTask) begin(i, parts int) int { return pool.Share(t.planes, 1, i, parts) }

// Part implements [pool.Task].
func (t *planeTask) Part(i, parts int) {
	p, plan := &t.parts[i], t.plan
	words := bitstring.Words(plan.plane) + bitstring.Words(plan.back())
	if size := 2*plan.lead + words; len(p.a) < size {
		p.a, p.b = bitstring.Aligned(size, 0), bitstring.Aligned(size, 0)
	}
	from, to := t.begin(i, parts), t.begin(i+1, parts)
	begin := from * plan.plane
	bitstring.Clear(t.dst[bitstring.Words(begin):bitstring.Words(to*plan.plane)])
	p.first = 0
	for plane := from; plane < to; plane++ {
		at, n, back := plane*plan.plane, plan.plane, plan.back()
		grown := t.grow(p, at, words)[back/64:]
		back %= 64
		if begin%64 != 0 && at/64 == begin/64 {
			var first [1]uint64
			head := min(64-at%64, n)
			bitstring.Move(first[:], at%64, grown, back, head)
			p.first |= first[0]
			at, back, n = at+head, back+head, n-head
		}
		bitstring.Move(t.dst, at, grown, back, n)
	}
}

// grow returns the bits that the seeds of the plane which begins at a bit drop, moved by
// back.
func (t *planeTask) grow(p *planePart, at, words int) []uint64 {
	plan := t.plan
	lead, n := plan.lead, bitstring.Words(plan.plane)
	a, b := p.a[:2*lead+words], p.b[:2*lead+words]
	bitstring.Clear(a[lead+plan.plane/64:])
	bitstring.Move(a[lead:], 0, t.src, at, plan.plane)
	if plan.runs != nil {
		bitstring.Clear(b[lead:])
		setBlocks(b[lead:], a[lead:], plan.plane, plan.runs)
		a, b = b, a
	}
	for i := range plan.steps {
		t.step(p, &plan.steps[i], a, b, n)
		a, b = b, a
	}
	grown := a[lead:][:words]
	if len(plan.steps) > 0 {
		// Bits behind the plane are what its end has given, or an earlier plane.
		if over := plan.plane % 64; over > 0 {
			grown[n-1] &= bitstring.Low(over)
		}
		bitstring.Clear(grown[n:])
	}
	if o := plan.outer; o != nil {
		for run := 1; run < o.block; {
			s := min(run, o.block-run)
			t.k.dilateInPlace(grown, o.stride*s)
			run += s
		}
	}
	return grown
}

// step takes the n words of a plane in a through a masked step to b.
func (t *planeTask) step(p *planePart, s *planeStep, a, b []uint64, n int) {
	lead, l := t.plan.lead, dilateLead(s.shift())
	for from := 0; from < n; from += borderPiece {
		to := min(from+borderPiece, n)
		up, down := p.up[:to-from], p.down[:to-from]
		if s.period > 0 {
			first := from % s.period
			up, down = s.upMask[first:][:to-from], s.downMask[first:][:to-from]
		} else {
			s.masks(up, down, from)
		}
		t.k.dilateBorder(b[lead+from:lead+to], a[lead+from-l:lead+to+l], up, down, s.shift())
	}
}

// setBlocks sets the blocks of seeds along an axis of cells side by side, in n bits of
// dst, which are zero.
//
// A run of blocks that touch ends where no seed follows its last one closely enough. The
// last seed that does is looked for from behind, so that dense seeds cost no more than
// sparse ones.
func setBlocks(dst, seeds []uint64, n int, a *axis) {
	for line := 0; line < n; line += a.size {
		end := line + a.size
		for seed := bitstring.Next(seeds, line, end); seed < end; {
			first := seed
			for {
				// Its block touches those of seeds up to a block's length behind it, a sum
				// that may overflow an int.
				last := bitstring.Last(seeds, seed+1, int(min(uint(seed+a.block+1), uint(end))))
				if last < 0 {
					break
				}
				seed = last
			}
			from, _ := a.clip(first - line)
			_, to := a.clip(seed - line)
			bitstring.SetRun(dst, line+from, to-from)
			seed = bitstring.Next(seeds, seed+1, end)
		}
	}
}
