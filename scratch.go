package dropblock

import (
	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// scratch is the working memory of one call that fills a mask.
type scratch struct {
	team   pool.Team
	draw   drawTask
	shift  shiftTask
	border borderTask
	plane  planeTask
	seeds  []uint64 // seeds of the full region, or given to Grow

	flat    places    // for drawBits
	sampler Bernoulli // for DrawSeeds
}

var scratches = &pool.Free[scratch]{New: newScratch, Keep: (*scratch).small}

// small reports whether the scratch may be kept for good: it holds less than some MiB.
func (sc *scratch) small() bool {
	const most = 1 << 18 // words
	n := cap(sc.seeds)
	for i := range sc.shift.parts {
		n += cap(sc.shift.parts[i].buf)
	}
	for i := range sc.plane.parts {
		n += 2 * cap(sc.plane.parts[i].a)
	}
	return n <= most
}

func newScratch() *scratch { return &scratch{draw: drawTask{first: newDrawer()}} }

// seedWords returns n uninitialised words.
func (sc *scratch) seedWords(n int) []uint64 {
	if cap(sc.seeds) < n {
		sc.seeds = bitstring.Aligned(n, 0)
	}
	return sc.seeds[:n]
}

// drawSeeds draws the seeds of samples to uninitialised words, or the keep mask if the rate
// has stamps. The first drawer has begun the call. It returns the number of seeds and of
// the ones that stamps cleared. Bits past the end are then 0 in seeds and 1 in a keep mask.
// For stamps, words includes spareWords more, which it overwrites.
func (sc *scratch) drawSeeds(words []uint64, samples, workers int) (seeds, dropped int) {
	d := sc.draw.first
	chunks := samples * d.places.chunks
	switch parts := min(workers, chunks); {
	case chunks == 1:
		d.all(words)
	case parts > 1:
		sc.draw.begin(words, chunks, parts)
		sc.team.Run(&sc.draw, parts, parts)
		return sc.draw.end(parts)
	default:
		d.draw(words, 0, 0, chunks)
	}
	return d.seeds, d.dropped
}

// drawOn draws the seeds of samples to words, which are zero, even if the rate has stamps.
// It returns their number.
func (sc *scratch) drawOn(p *places, r *rate, k isa, words []uint64, samples int, key Key, sample, stride uint64) (seeds int) {
	d := sc.draw.first
	d.begin(p, r, k, key, sample, stride)
	d.stamps = nil
	d.chunks(words, 0, 0, samples*p.chunks)
	return d.seeds
}

// drawBits writes n bits of a sample to dst and returns the number of ones.
func (sc *scratch) drawBits(b *Bernoulli, k isa, dst []uint64, n int, key Key, sample uint64) (ones int) {
	bitstring.Clear(dst)
	sc.flat = flatPlaces(n)
	return sc.drawOn(&sc.flat, &rate{sampler: b}, k, dst, 1, key, sample, 1)
}

// growSeeds turns seeds into the keep mask in buf[1:] and returns the number of its ones,
// those past the end of the mask included. buf[0] is zero, and the capacity of buf has
// spareWords more. In the valid region seeds is buf[1:], otherwise buf[1:] is
// uninitialised.
func (sc *scratch) growSeeds(g *grower, k isa, way growth, buf, seeds []uint64, planes, workers int) (kept int) {
	words := buf[1:]
	switch way {
	case growBorder:
		return sc.border.run(&sc.team, k, g.border, words, seeds, workers)
	case growPlane:
		sc.plane.run(&sc.team, k, g.planes, words, seeds, planes, workers)
	case growPaint:
		bitstring.Clear(words)
		g.painter.paint(words[:len(words)+spareWords], seeds)
	}
	return sc.shift.run(&sc.team, k, g.dilation, way == growNear, buf, workers)
}
