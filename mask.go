package dropblock

import (
	"slices"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/pool"
)

// Mask is the keep mask of a feature map, with the scale of what is kept. The
// zero value is not filled, and its methods then return zeros; [Layer.Sample],
// [Layer.Grow] and [Mask.Identity] fill it and reuse its memory. A Mask must not
// be copied once it was filled.
//
// A layer's mask has to last until the layer's backward pass: a network needs one
// for each layer.
type Mask struct {
	shape Shape // of the feature map
	bits  Shape // of the mask
	size  int   // shape's number of elements
	count int   // bits' number of elements
	isa   isa

	workers int      // Config.Workers
	buf     []uint64 // a zero, then the words
	kept    int
	seeds   int
	gamma   float64
	scale   float64
	filled  bool

	// What draws have in common while the layer and the shape stay.
	layer     *Layer // nil if nothing is prepared
	geometry  geometry
	grid      grid
	bernoulli Bernoulli
	drawing   drawing
	seedBuf   []uint64 // the seeds of RegionFull
	drawTask  drawTask
	border    border // of RegionFull
	borders   borderTask
	plan      dilation
	keepTask  keepTask
}

// Words returns the mask as a string of bits in the memory order of its shape:
// element i is bit i&63 of word i>>6, 1 to keep, and bits past the end are
// zero. It is valid until the mask is filled again and must not be written.
func (m *Mask) Words() []uint64 {
	if !m.filled {
		return nil
	}
	return m.buf[1:]
}

// Shape returns the shape of the feature map that the mask is for.
func (m *Mask) Shape() Shape { return m.shape }

// MaskShape returns the shape of the mask itself: with [ShareChannels] it has
// one channel.
func (m *Mask) MaskShape() Shape { return m.bits }

// Kept returns the number of ones among the mask's elements.
func (m *Mask) Kept() int { return m.kept }

// Dropped returns the number of zeros among the mask's elements.
func (m *Mask) Dropped() int { return m.count - m.kept }

// Seeds returns the number of seeds that the mask was grown from.
func (m *Mask) Seeds() int { return m.seeds }

// Gamma returns the probability with which the seeds were drawn, 0 if they
// were given.
func (m *Mask) Gamma() float64 { return m.gamma }

// Scale returns the factor of what is kept. Feature maps of float32 are
// multiplied by the nearest float32.
func (m *Mask) Scale() float64 { return m.scale }

// Identity makes m the mask that keeps all elements of a feature map of shape
// s with scale 1: what a layer does in inference. [Apply] with it copies, by up
// to GOMAXPROCS goroutines, and in place does nothing. It panics if s does not
// pass [Shape.Check].
func (m *Mask) Identity(s Shape) {
	s.mustCheck()
	m.reset(KernelSet{}.resolve(), 0, s, s)
	m.keepAll()
}

// spareWords stand behind the mask's, for blocks that are set by whole words.
const spareWords = max(stampWords, paintWords)

// reset gives the mask its shapes and enough words, whose values are not set.
func (m *Mask) reset(k isa, workers int, s, bits Shape) {
	m.size, m.count = s.Len(), bits.Len()
	n := 1 + wordsLen(m.count)
	if cap(m.buf) < n+spareWords {
		m.buf = alignedWords(n+spareWords, 1)
	}
	m.buf = m.buf[:n]
	m.shape, m.bits, m.isa, m.workers, m.filled, m.layer = s, bits, k, workers, true, nil
	m.seeds, m.gamma, m.scale = 0, 0, 1
}

const cacheLine = 64 // bytes

// lineWords rounds a number of words up to whole cache lines.
func lineWords(n int) int { return (n + cacheLine/8 - 1) &^ (cacheLine/8 - 1) }

// alignedWords makes n words, of which word i begins with a cache line, as
// vectors that span two are slow.
func alignedWords(n, i int) []uint64 {
	words := make([]uint64, n+cacheLine/8-1)
	skip := -(uintptr(unsafe.Pointer(&words[i])) / 8) & (cacheLine/8 - 1)
	return words[skip:][:n]
}

// keepAll is the identity, with the seeds and gamma as they are.
func (m *Mask) keepAll() {
	words := m.buf[1:]
	setOnes(words)
	m.kept = 64*len(words) - m.trim()
}

// setOnes makes words all ones, by copies, which are faster than a loop.
func setOnes(words []uint64) {
	for len(words) > 0 {
		words = words[copy(words, allOnes[:]):]
	}
}

var allOnes = func() (words [1 << 9]uint64) {
	for i := range words {
		words[i] = ^uint64(0)
	}
	return words
}()

// trim makes the bits past the end zero and returns how many of them there
// were, all ones.
func (m *Mask) trim() int {
	words := m.buf[1:]
	over := 64*len(words) - m.count
	if over > 0 {
		words[len(words)-1] &= ^uint64(0) >> over
	}
	return over
}

// settle sets the scale from the count.
func (m *Mask) settle(norm Norm) {
	if norm == NormNone {
		return
	}
	if m.kept == 0 {
		m.scale = 0
		return
	}
	m.scale = float64(m.count) / float64(m.kept)
}

// wordsLen is the number of words that n bits take.
func wordsLen(n int) int { return n/64 + (n%64+63)/64 }

// wordsFor checks that a slice holds n bits and cuts it to their words.
func wordsFor(call, name string, words []uint64, n int) []uint64 {
	if n < 0 {
		panic("dropblock: " + call + ": n is negative")
	}
	if len(words) < wordsLen(n) {
		panic("dropblock: " + call + ": " + name + " is shorter than its bits")
	}
	return words[:wordsLen(n)]
}

// Position names the masks of a training step. A sample's mask depends on its
// global index in the step alone, not on how the samples are batched. (The scale
// is that of the batch, see [NormTensor].)
type Position struct {
	_ struct{} // Field names are required: new fields will come.

	// Step is the training step.
	Step uint64
	// Sample is the global index of the batch's first sample: how many samples
	// of the step other machines have before it, such as rank·batch.
	Sample uint64
}

// Sample draws the mask of a feature map of shape s at a step, for a batch
// whose first sample has the global index 0. It panics, leaving m as it was,
// if step is negative or s does not pass [Shape.Check].
func (l *Layer) Sample(m *Mask, s Shape, step int) {
	if step < 0 {
		panic("dropblock: Sample: step is negative")
	}
	l.SampleAt(m, s, Position{Step: uint64(step)})
}

// SampleAt draws the mask of a feature map of shape s at a position. It
// allocates nothing if m has held such a mask before: of the same shape and
// region, and with as many workers. It panics, leaving m as it was, if s does
// not pass [Shape.Check].
func (l *Layer) SampleAt(m *Mask, s Shape, at Position) {
	if m.layer != l || m.shape != s {
		l.prepare(m, s)
	}
	switch {
	case m.count == 0:
		m.kept = 0
		return
	case m.gamma == 0:
		m.keepAll()
		return
	}
	key := NewKey(l.cfg.Seed, l.cfg.Layer, at.Step)
	m.drawing.begin(&m.bernoulli, l.isa, &key)
	if m.drawing.stamped > 0 {
		words := m.buf[1 : len(m.buf)+spareWords]
		seeds, dropped := m.drawTask.run(&m.drawing, words, &m.grid, m.bits.N, at.Sample, l.maskWorkers(m))
		m.seeds, m.kept = seeds, m.count-dropped
		m.trim()
		m.settle(l.cfg.Norm)
		return
	}
	g := &m.geometry
	seeds := m.seedWords(g)
	m.buf[0] = 0
	m.seeds, _ = m.drawTask.run(&m.drawing, seeds, &m.grid, m.bits.N, at.Sample, l.maskWorkers(m))
	l.grow(m, g, seeds)
}

// prepare does what is the same for all draws of a layer on feature maps of
// shape s: for a map of a few thousand elements it takes as long as a draw.
func (l *Layer) prepare(m *Mask, s Shape) {
	s.mustCheck()
	m.reset(l.isa, l.cfg.Workers, s, l.cfg.maskShape(s))
	if m.count > 0 {
		m.geometry = l.cfg.geometry(s)
		m.grid = m.geometry.grid()
		m.gamma = l.cfg.gamma(&m.geometry)
		if m.bernoulli.gamma != m.gamma {
			m.bernoulli.set(m.gamma)
		}
		m.drawing.stamp(&m.geometry, &m.bernoulli, l.isa)
		m.planFor(&m.geometry)
	}
	m.layer = l
}

// planFor makes the plans by which seeds grow.
func (m *Mask) planFor(g *geometry) {
	m.plan.set(g)
	if g.full {
		m.border.set(g)
	}
}

// maskWorkers is how many goroutines draw and dilate a mask. Its elements cost an
// eighth to a half of those of a feature map, but those who apply a part of it
// find what they have drawn themselves in their caches.
func (l *Layer) maskWorkers(m *Mask) int { return pool.Workers(l.cfg.Workers, m.count/2, workerLen) }

// seedWords is where seeds are drawn: the mask's own words if they are grown
// in place.
func (m *Mask) seedWords(g *geometry) []uint64 {
	words := m.buf[1:]
	if !g.full {
		return words
	}
	if cap(m.seedBuf) < len(words) {
		m.seedBuf = make([]uint64, len(words))
	}
	return m.seedBuf[:len(words)]
}

// grow turns the seeds into the keep mask, by the plans. With RegionFull the mask's
// words are anything, otherwise they are the seeds themselves.
func (l *Layer) grow(m *Mask, g *geometry, seeds []uint64) {
	workers := l.maskWorkers(m)
	if g.full && m.border.wins(l.isa, m.seeds, len(seeds)) {
		m.kept = m.borders.run(l.isa, &m.border, m.buf[1:], seeds, workers) - m.trim()
		m.settle(l.cfg.Norm)
		return
	}
	if g.full {
		clear(m.buf)
		g.paint(m.buf[1:len(m.buf)+spareWords], seeds)
	}
	m.kept = m.keepTask.run(l.isa, &m.plan, m.buf, workers) - m.trim()
	m.settle(l.cfg.Norm)
}

// Grow makes the mask of a feature map of shape s from given seeds, whatever
// DropProb and Gamma say: bit i of the string of bits is element i of the mask
// (see [Mask.MaskShape]) in memory order, and a seed marks the centre of its
// block (see [Even]). Bits past the end are ignored. seeds may be m's own words.
//
// It returns an error, leaving m as it was, if seeds has not ⌈elements/64⌉
// words, if s does not pass [Shape.Check], or if with [RegionValid] a block
// would leave the map.
func (l *Layer) Grow(m *Mask, s Shape, seeds []uint64) error {
	if err := s.Check(); err != nil {
		return err
	}
	bits := l.cfg.maskShape(s)
	if err := checkWords("seeds", bits, seeds); err != nil {
		return err
	}
	if bits.Len() == 0 {
		m.reset(l.isa, l.cfg.Workers, s, bits)
		m.kept = 0
		return nil
	}
	g := l.cfg.geometry(s)
	if !g.full {
		if err := g.checkWhole(bits, seeds); err != nil {
			return err
		}
	}
	m.reset(l.isa, l.cfg.Workers, s, bits)
	words := m.seedWords(&g)
	copy(words, seeds) // Before anything is cleared: they may be the mask's own words.
	m.buf[0] = 0
	if over := 64*len(words) - bits.Len(); over > 0 {
		words[len(words)-1] &= ^uint64(0) >> over
	}
	m.seeds = l.Kernels().Count(words)
	if !g.full {
		shiftDown(words, g.ah*g.w+g.aw)
	}
	m.planFor(&g)
	l.grow(m, &g, words)
	return nil
}

// Seeds writes to dst the seeds of a feature map of shape s at a position, as
// [Layer.Grow] takes them, and returns their number. dst has ⌈elements of the
// mask/64⌉ words. It panics, without writing anything, if dst has another
// length or s does not pass [Shape.Check].
func (l *Layer) Seeds(dst []uint64, s Shape, at Position) (seeds int) {
	s.mustCheck()
	bits := l.cfg.maskShape(s)
	if err := checkWords("Seeds: dst", bits, dst); err != nil {
		panic(err.Error())
	}
	clear(dst)
	if bits.Len() == 0 {
		return 0
	}
	g := l.cfg.geometry(s)
	var b Bernoulli
	b.set(l.cfg.gamma(&g))
	if b.gamma == 0 {
		return 0
	}
	var d drawing
	key := NewKey(l.cfg.Seed, l.cfg.Layer, at.Step)
	d.begin(&b, l.isa, &key)
	grid := g.grid()
	seeds = d.pieces(dst, 0, &grid, 0, bits.N*grid.chunks, at.Sample)
	if !g.full {
		shiftUp(dst, g.ah*g.w+g.aw)
	}
	return seeds
}

// shiftDown moves every bit down by n, and shiftUp up: between the centre of a
// block and its first corner. No one leaves the words.
func shiftDown(words []uint64, n int) {
	lead, s := n/64, n%64
	for i := range words {
		var v uint64
		if j := i + lead; j < len(words) {
			v = words[j] >> s
			if j+1 < len(words) {
				v |= words[j+1] << 1 << (63 - s)
			}
		}
		words[i] = v
	}
}

func shiftUp(words []uint64, n int) {
	lead, s := n/64, n%64
	for i := range slices.Backward(words) {
		var v uint64
		if j := i - lead; j >= 0 {
			v = words[j] << s
			if j > 0 {
				v |= words[j-1] >> 1 >> (63 - s)
			}
		}
		words[i] = v
	}
}
