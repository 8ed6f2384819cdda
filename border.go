package dropblock

import "github.com/dropblock-go/dropblock/internal/pool"

// border is a plan for growing the seeds of RegionFull: as blocks are clipped where a
// plane ends, every shift has a mask of where its bits may land.
type border struct {
	h, w int       // of a plane
	ends [2][2]int // of W and H, the cells of a block before and after its seed

	steps  []borderStep
	period int // words of a mask: whole planes, and a chunk
	pad    int // words on both sides of a chunk, at which the shifts look
	masks  []uint64
}

// borderStep is a step along an axis of size cells, stride bits apart: it takes a bit down
// and up by so many cells, of which one may be 0 instead.
type borderStep struct{ stride, size, down, up int }

func (s borderStep) shift() int { return s.stride * max(s.down, s.up) }

const (
	// borderChunk is how many words, about, go through all steps together. With the
	// masks they stay in a 32 KiB first-level cache where blocks and maps are those of
	// convolutional networks.
	borderChunk = 1 << 8
	// maxPeriod bounds the memory of a mask. Larger planes are painted.
	maxPeriod = 1 << 12
)

// set makes the plan for a geometry.
func (b *border) set(g *geometry) {
	ends := [2][2]int{{g.aw, g.bw - 1 - g.aw}, {g.ah, g.bh - 1 - g.ah}}
	if b.h == g.h && b.w == g.w && b.ends == ends {
		return
	}
	b.h, b.w, b.ends, b.steps, b.pad = g.h, g.w, ends, b.steps[:0], 0
	plane := g.h * g.w
	if b.period = plane / min(plane&-plane, 64); b.period > maxPeriod {
		return
	}
	b.period *= max(borderChunk/b.period, 1)
	b.axis(1, g.w, ends[0])
	b.axis(g.w, g.h, ends[1])
	b.mask()
}

// axis adds the steps along an axis: a window of t cells on both sides of a seed grows by
// up to t+1, as at the border it has t+1 cells alone, and at last by what one side has
// more.
func (b *border) axis(stride, size int, ends [2]int) {
	t, even := 0, min(ends[0], ends[1])
	for t < even {
		by := min(t+1, even-t)
		b.steps = append(b.steps, borderStep{stride, size, by, by})
		t += by
	}
	if down, up := ends[0]-even, ends[1]-even; down+up > 0 {
		b.steps = append(b.steps, borderStep{stride, size, down, up})
	}
}

// mask makes the masks.
func (b *border) mask() {
	n := 2 * len(b.steps) * lineWords(b.period)
	if cap(b.masks) < n {
		b.masks = alignedWords(n, 0)
	}
	b.masks = b.masks[:n]
	clear(b.masks)
	for i, s := range b.steps {
		b.pad = max(b.pad, lineWords(dilateLead(s.shift())))
		up, down := b.of(i)
		for line := 0; line < 64*b.period; line += s.stride * s.size {
			if s.up > 0 {
				setRun(up, line+s.stride*s.up, s.stride*(s.size-s.up))
			}
			if s.down > 0 {
				setRun(down, line, s.stride*(s.size-s.down))
			}
		}
	}
}

// of is the masks of step i.
func (b *border) of(i int) (up, down []uint64) {
	line := lineWords(b.period)
	return b.masks[2*i*line:][:b.period], b.masks[(2*i+1)*line:][:b.period]
}

// wins reports whether the steps cost less than to paint so many seeds in so many words.
func (b *border) wins(k isa, seeds, words int) bool {
	return len(b.steps) > 0 && float64(words)*float64(len(b.steps)) < k.borderSteps()*(float64(seeds)+float64(words)/20)
}

// borderTask turns seeds into the keep mask of their blocks.
type borderTask struct {
	pool.Team
	parts []borderPart

	k        isa
	plan     *border
	dst, src []uint64
}

// borderPart is the work on a range of chunks.
type borderPart struct {
	a, b []uint64
	kept int
}

// run takes the seeds in src to dst and returns the number of ones of the keep mask, whole
// words counted: bits behind the mask's are zero in src and become ones.
func (t *borderTask) run(k isa, plan *border, dst, src []uint64, parts int) (kept int) {
	t.k, t.plan, t.dst, t.src = k, plan, dst, src
	parts = min(parts, (len(dst)-1)/plan.period+1)
	for len(t.parts) < parts {
		t.parts = append(t.parts, borderPart{})
	}
	t.Run(t, parts, parts)
	for i := range parts {
		kept += t.parts[i].kept
	}
	t.dst, t.src = nil, nil
	return kept
}

func (t *borderTask) Part(i, parts int) {
	p := &t.parts[i]
	pad, period := t.plan.pad, t.plan.period
	if size := 2*pad + period; len(p.a) < size {
		p.a, p.b = alignedWords(size, 0), alignedWords(size, 0)
	}
	p.kept = 0
	end := pool.Share(len(t.dst), period, i+1, parts)
	for from := pool.Share(len(t.dst), period, i, parts); from < end; from += period {
		to := min(from+period, end)
		n := to - from
		a, b := p.a[:2*pad+n], p.b[:2*pad+n]
		copy(a[pad:], t.src[from:to])
		clear(a[pad+n:]) // Else bits behind the mask's could come in.
		clear(b[pad+n:])
		for step, s := range t.plan.steps {
			lead := dilateLead(s.shift())
			up, down := t.plan.of(step)
			t.k.dilateBorder(b[pad:pad+n], a[pad-lead:pad+n+lead], up[:n], down[:n], s.shift())
			a, b = b, a
		}
		p.kept += t.k.keepCalls(t.dst[from:to], a[pad-1:pad+n], 0)
	}
}
