package dropblock

import (
	"fmt"
	"slices"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// Mask is the keep mask of a feature map and the scale of the kept elements.
// [Layer.Sample], [Layer.Grow], [Mask.SetKeep], [Mask.Identity] and
// [Mask.UnmarshalBinary] fill it and reuse its memory; the methods of the zero Mask,
// which is not filled, return zeros. A Mask must not be copied once it was filled.
//
// The backward pass of a layer needs the mask of its forward pass, so that a
// network has one for each layer. A Mask holds little more than its words, one bit for
// each element of [Mask.MaskShape], and its scales; 4 KiB more once its drop probability has
// changed ([Ramp]). The scratch memory for filling masks is shared.
type Mask struct {
	settings *settings  // of the layer that drew it, or nil
	shape    Shape      // of the feature map
	plan     *plan      // of the layer, nil if the mask has no elements
	rate     rate       // of the draw before
	sampler  *Bernoulli // of a rate that is not the plan's, made at first use
	buf      []uint64   // a zero, then the words
	scale    [1]float64
	scales   []float64 // if there are several, else empty
	gamma    float64
	kept     int
	seeds    int
	filled   bool
	keyed    bool // key and at are those of the mask
	norm     Norm
	key      Key
	at       Position

	bits    Shape // of the mask
	spread  spread
	groups  groups
	single  bool // bits and elements have the same numbers, and all the same scale
	size    int  // elements of shape
	count   int  // elements of bits
	workers int  // Config.Workers
	isa     isa
}

// Words returns the mask as bits in the memory order of [Mask.MaskShape]: element
// i is bit i&63 of word i>>6, 1 to keep, and bits past the end are zero. The slice
// is valid until the mask is filled again and must not be written. It is nil if the
// mask is not filled.
func (m *Mask) Words() []uint64 {
	m.must()
	if !m.filled {
		return nil
	}
	return m.buf[1:]
}

// Shape returns the shape of the feature map that the mask is for.
func (m *Mask) Shape() Shape {
	m.must()
	return m.shape
}

// MaskShape returns the shape of the mask itself: with [ShareChannels] and [ShareAll] it
// has one channel, with [ShareBatch] and ShareAll one sample.
func (m *Mask) MaskShape() Shape {
	m.must()
	return m.bits
}

// Len returns the number of the mask's elements, that of [Mask.MaskShape].
func (m *Mask) Len() int {
	m.must()
	return m.count
}

// Kept returns the number of ones among the mask's elements.
func (m *Mask) Kept() int {
	m.must()
	return m.kept
}

// Dropped returns the number of zeros among the mask's elements.
func (m *Mask) Dropped() int {
	m.must()
	return m.count - m.kept
}

// DropRate returns the fraction of zeros among the mask's elements, 0 if there are
// no elements.
func (m *Mask) DropRate() float64 {
	m.must()
	if m.count == 0 {
		return 0
	}
	return float64(m.count-m.kept) / float64(m.count)
}

// SeedCount returns the number of seeds that the mask was grown from.
func (m *Mask) SeedCount() int {
	m.must()
	return m.seeds
}

// Gamma returns the probability with which the seeds were drawn, 0 if they were
// not drawn.
func (m *Mask) Gamma() float64 {
	m.must()
	return m.gamma
}

// Scales returns the factors of kept elements, or nil if the mask is not filled: one, but
// with [NormSample] one for each sample of the mask, and with [NormPlane] one for each
// channel of each sample, that of channel c of sample n being number n·C + c in every
// layout. The factor is 0 where nothing is kept that it counts. A mask without elements has
// one factor, 1. Feature maps of float32, [Float16] and [BFloat16] are multiplied by the
// nearest float32. The slice is valid until the mask is filled again and must not be
// written.
func (m *Mask) Scales() []float64 {
	m.must()
	switch {
	case !m.filled:
		return nil
	case m.groups != (groups{}):
		return m.scales
	}
	return m.scale[:]
}

// String describes the mask in one line.
func (m *Mask) String() string {
	switch {
	case m == nil:
		return "mask <nil>"
	case !m.filled:
		return "mask, not filled"
	default:
		scale := fmt.Sprintf("scale %.6g", m.scale[0])
		if m.groups != (groups{}) {
			scale = fmt.Sprintf("%d scales", m.groups.many)
		}
		return fmt.Sprintf("mask for %v: %d of %d dropped by %d seeds, %s", m.shape, m.count-m.kept, m.count, m.seeds, scale)
	}
}

func (m *Mask) must() {
	if m == nil {
		panic("dropblock: the Mask is nil, want a pointer to one, such as new(dropblock.Mask)")
	}
}

// Identity makes m the mask that keeps all elements of a feature map of shape
// s with scale 1, the layer of inference. [Apply] with it copies, using up to
// GOMAXPROCS goroutines, and does nothing in place. It panics, leaving m as it was,
// if s does not pass [Shape.Check].
func (m *Mask) Identity(s Shape) {
	m.must()
	s.mustCheck()
	m.hold(s, s, spread{1, 1, s.Len(), 1}, nil, nil)
	m.keepAll()
}

// SetKeep makes m the mask of a feature map of shape s with the given bits, laid
// out as in [Mask.Words], and the scale 1. It copies words and ignores bits past
// the end. words may be m's own.
//
// It returns an error, leaving m as it was, if s does not pass [Shape.Check] or
// the length of words is not ⌈elements/64⌉.
func (m *Mask) SetKeep(s Shape, words []uint64) error {
	m.must()
	if err := s.Check(); err != nil {
		return err
	}
	if err := checkWords("words", s, words); err != nil {
		return err
	}
	m.hold(s, s, spread{1, 1, s.Len(), 1}, nil, nil)
	bitstring.Copy(m.buf[1:], words)
	m.trim()
	m.kept = m.isa.countCalls(m.buf[1:])
	return nil
}

// Rescale sets the scale of a mask of [NormTensor] to count/kept, 0 if kept is 0. Replicas
// that each hold a part of a batch and sum their [Mask.Len] and [Mask.Kept] write with it
// the very slices of the output that one machine would write for the whole batch. It does
// nothing to masks of other norms, whose scales do not depend on how a batch is split, and
// of [Mask.SetKeep] and [Mask.Identity]. It panics, leaving the mask as it was, if kept is
// negative or above count.
func (m *Mask) Rescale(kept, count int) {
	m.must()
	if kept < 0 || kept > count {
		panic(fmt.Sprintf("dropblock: Rescale: kept is %d, want 0 to count, %d", kept, count))
	}
	if m.filled && m.norm == NormTensor {
		m.scale[0] = quotient(count, kept)
	}
}

// hold gives the mask uninitialised words for a feature map of shape s and a mask of shape
// bits. set and p are the settings and the plan of the layer that fills it, or nil.
func (m *Mask) hold(s, bits Shape, sp spread, set *settings, p *plan) {
	size, count := s.Len(), bits.Len()
	n := 1 + bitstring.Words(count)
	buf := m.buf
	if cap(buf) < n+spareWords {
		buf = bitstring.Aligned(n+spareWords, 1)
	}
	norm := NormNone
	if set != nil {
		norm = set.cfg.Norm
	}
	g := norm.groups(s, bits)
	scales := slices.Grow(m.scales[:0], g.room())
	// The mask changes from here on: nothing may fail.
	m.scales = scales
	m.buf, m.shape, m.bits, m.spread, m.size, m.count = buf[:n], s, bits, sp, size, count
	m.settings, m.plan = set, p
	m.isa, m.workers = KernelSet{}.resolve(), 0
	if set != nil {
		m.isa, m.workers = set.isa, set.cfg.Workers
	}
	m.setNorm(norm)
	m.filled, m.keyed, m.key, m.at = true, false, Key{}, Position{}
	m.kept, m.seeds, m.gamma = 0, 0, 0
}

// normalise sets the scales of a mask that has elements, which are counted.
func (m *Mask) normalise() {
	switch {
	case m.groups.many > 0:
		m.normaliseGroups()
	case m.norm == NormExpected:
		m.scale[0] = m.rate.scale
	case norms[m.norm] != scopeNone:
		m.scale[0] = quotient(m.count, m.kept)
	}
}

// normaliseGroups sets the scales of a mask that has several.
func (m *Mask) normaliseGroups() {
	m.groups.quotients(m.isa, m.scales, m.buf, m.count/m.groups.many)
}

// setNorm gives the mask a norm, and scales of 1.
func (m *Mask) setNorm(n Norm) {
	m.norm, m.groups = n, n.groups(m.shape, m.bits)
	m.single = m.spread.plain() && m.groups.many == 0
	m.scales = slices.Grow(m.scales[:0], m.groups.room())[:m.groups.many]
	m.setScales(1)
}

func (m *Mask) setScales(scale float64) {
	m.scale[0] = scale
	for i := range m.scales {
		m.scales[i] = scale
	}
}

// keepAll makes the mask keep all elements with scale 1.
func (m *Mask) keepAll() {
	words := m.buf[1:]
	bitstring.SetAll(words)
	m.kept = 64*len(words) - m.trim()
	m.setScales(1)
}

// trim clears the bits past the end, which are ones, and returns their number.
func (m *Mask) trim() int {
	words := m.buf[1:]
	over := 64*len(words) - m.count
	if over > 0 {
		words[len(words)-1] &= ^uint64(0) >> over
	}
	return over
}

// maskWorkers returns the number of workers that draw and grow a mask of n elements. An
// element takes an eighth to a half of the time of applying it, but a worker that drew a
// part has it in cache when it applies it.
func (set *settings) maskWorkers(n int) int { return pool.Workers(set.cfg.Workers, n/2, workerLen) }

// draw draws the mask of a feature map of shape s with a drop probability.
func (m *Mask) draw(set *settings, prob float64, s *Shape, at *Position) {
	if m.settings != set || !s.same(&m.shape) {
		m.prepare(set, *s)
	}
	p := m.plan
	if p == nil { // no elements
		return
	}
	if m.rate.prob != prob {
		m.setRate(prob)
	}
	r := &m.rate
	m.gamma, m.seeds = r.sampler.gamma, 0
	var sample uint64
	m.key, sample = set.cfg.stream(at)
	m.at = *at
	if m.gamma == 0 {
		m.keepAll()
		return
	}
	workers := set.maskWorkers(m.count)
	sc := scratches.Get()
	sc.draw.first.begin(&p.places, r, set.isa, m.key, sample, at.stride())
	if r.stamps != nil {
		seeds, dropped := sc.drawSeeds(m.buf[1:len(m.buf)+spareWords], m.bits.n, workers)
		m.seeds, m.kept = seeds, m.count-dropped
		m.trim()
	} else {
		words := m.buf[1:]
		if p.geometry.full {
			words = sc.seedWords(len(words))
		}
		m.buf[0] = 0
		m.seeds, _ = sc.drawSeeds(words, m.bits.n, workers)
		way := r.way
		if p.geometry.full {
			way = m.growth()
		}
		m.grow(sc, words, way, workers)
	}
	scratches.Put(sc)
	m.normalise()
}

// setRate takes the rate of another drop probability.
func (m *Mask) setRate(prob float64) {
	if m.sampler == nil && prob != m.plan.rate.prob {
		m.sampler = new(Bernoulli)
	}
	m.rate = m.plan.rateAt(m.settings, prob, m.sampler)
}

// grow turns the seeds into the keep mask.
func (m *Mask) grow(sc *scratch, seeds []uint64, way growth, workers int) {
	planes := m.bits.n * m.plan.geometry.planes
	m.kept = sc.growSeeds(&m.plan.grower, m.isa, way, m.buf, seeds, planes, workers) - m.trim()
}

// growth chooses the growth for the seeds that the mask has.
func (m *Mask) growth() growth {
	return m.plan.growth(m.isa, float64(m.seeds)/float64(m.count), false)
}

// prepare does what all masks of a layer on feature maps of shape s have in common.
// For a map of a few thousand elements it takes as long as drawing.
func (m *Mask) prepare(set *settings, s Shape) {
	s.mustCheck()
	bits := set.cfg.maskShape(s)
	var p *plan
	if bits.Len() > 0 {
		p = set.plan(s, m.plan)
	}
	m.hold(s, bits, set.cfg.spread(s), set, p)
	m.keyed = true
	if p != nil {
		m.rate = p.rate
	}
}

// growFrom grows given seeds, which have the layout of the mask.
func (m *Mask) growFrom(set *settings, prob float64, s, bits Shape, at *Position, seeds []uint64) error {
	var p *plan
	if bits.Len() > 0 {
		p = set.plan(s, m.plan)
		if !p.geometry.full {
			if err := p.geometry.checkWhole(bits, seeds); err != nil {
				return err
			}
		}
	}
	sc := scratches.Get()
	defer scratches.Put(sc)
	full := p != nil && p.geometry.full
	var words []uint64
	if full {
		words = sc.seedWords(len(seeds))
	}
	m.hold(s, bits, set.cfg.spread(s), set, p)
	m.settings = nil // The next draw has to prepare the mask.
	m.keyed, m.at = true, *at
	m.key, _ = set.cfg.stream(at)
	if p == nil {
		return nil
	}
	if set.cfg.Norm == NormExpected {
		r := p.rateAt(set, prob, &sc.sampler)
		m.rate = rate{scale: r.scale}
	}
	if !full {
		words = m.buf[1:]
	}
	bitstring.Copy(words, seeds) // before other words are written: seeds may be the mask's own
	m.buf[0] = 0
	if over := 64*len(words) - m.count; over > 0 {
		words[len(words)-1] &= ^uint64(0) >> over
	}
	m.seeds = m.isa.countCalls(words)
	if !full {
		bitstring.ShiftDown(words, p.geometry.lead())
	}
	m.grow(sc, words, m.growth(), set.maskWorkers(m.count))
	m.normalise()
	return nil
}

// checkWords checks the length of the words of a mask.
func checkWords(name string, bits Shape, words []uint64) error {
	if n := bitstring.Words(bits.Len()); len(words) != n {
		return fmt.Errorf("dropblock: %s has %d words, want %d for the %d elements of a mask of %v",
			name, len(words), n, bits.Len(), bits)
	}
	return nil
}
