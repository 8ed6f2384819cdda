// Package dropblock regularises convolutional feature maps with DropBlock
// (Ghiasi, Lin, Le: "DropBlock: A regularization method for convolutional
// networks", NeurIPS 2018, arXiv:1810.12890), with kernels in assembly that make
// it cost little more than copying the map.
//
// A [Layer] made from a [Config] draws a [Mask] for each training step: sparse
// seeds, each grown to a block of dropped elements. [Apply] multiplies the kept
// elements by count/kept and sets the dropped ones to +0; the same call with the
// same mask is the backward pass. In inference a layer does nothing: leave it
// out, or use [Mask.Identity].
//
// Maps have one to three axes along which blocks extend, channels first or last
// ([Shape]), and elements of float32, float64, [Float16] or [BFloat16]. Package preset has
// the rules of other implementations as configurations.
//
// A mask is a pure function of the stream version, the seed, the layer, the
// step, the global index of each sample, the geometry and gamma. It does not
// depend on the CPU, the kernel set, the split of the batch or the Go release:
// docs/stream.md in the module defines every bit.
//
// A Layer is immutable and safe for concurrent use. A Mask may be read by many
// goroutines at once and must be written by one.
package dropblock

import (
	"fmt"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// A Layer draws masks. Make one with [New]. A copy of a Layer is the same layer.
type Layer struct {
	*settings
	schedule schedule
}

// New returns the layer that cfg describes, or an error that names the wrong
// field.
func New(cfg Config) (*Layer, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("dropblock: %w", err)
	}
	cfg.DropProb += 0 // −0 becomes 0
	cfg.Ramp.From += 0
	return &Layer{&settings{cfg: cfg, isa: cfg.Kernels.resolve()}, schedule{cfg.Ramp, cfg.DropProb}}, nil
}

// must panics if the layer is not from New.
func (l *Layer) must() {
	if l == nil || l.settings == nil {
		panic("dropblock: the Layer is nil or zero, make one with New")
	}
}

// Config returns the configuration of the layer.
func (l *Layer) Config() Config {
	l.must()
	cfg := l.cfg
	cfg.Ramp, cfg.DropProb = l.schedule.ramp, l.schedule.to
	return cfg
}

// Kernels returns the kernel set that the layer computes with.
func (l *Layer) Kernels() KernelSet {
	l.must()
	return KernelSet{l.isa}
}

// BlockOn returns the block that the layer drops on a feature map of shape s: the
// configured one in cells, as Clip leaves it, 1 on an axis that the layout lacks. It panics
// if s does not pass [Shape.Check].
func (l *Layer) BlockOn(s Shape) Block {
	l.must()
	s.mustCheck()
	return l.cfg.Block.on(s, l.cfg.Clip)
}

// Cell is a place in a channel of a feature map: its plane, row and column, from
// 0. D and H are 0 in a layout that lacks these axes.
type Cell struct{ D, H, W int }

// ValidOn returns the bounds of seeds on a feature map of shape s, both inclusive:
// a seed lies between first and last on each axis. Seeds are the centres of their
// blocks, as [Layer.Grow] takes them (see [Even]); with [RegionFull] every cell may
// be one. On a map without elements first is 0 and last −1 on every axis. It panics
// if s does not pass [Shape.Check].
func (l *Layer) ValidOn(s Shape) (first, last Cell) {
	l.must()
	s.mustCheck()
	if s.Len() == 0 {
		return Cell{}, Cell{-1, -1, -1}
	}
	b := Square(1)
	if l.cfg.Region == RegionValid {
		b = l.BlockOn(s)
	}
	before := l.cfg.Even.before
	first = Cell{before(b.d), before(b.h), before(b.w)}
	return first, Cell{first.D + s.D() - b.d, first.H + s.H() - b.h, first.W + s.W() - b.w}
}

// Gamma returns the probability of a seed at each place that one may have on a feature map
// of shape s at a step (see [Layer.ValidOn]), 0 if the map has no elements. It panics if s
// does not pass [Shape.Check].
func (l *Layer) Gamma(s Shape, step uint64) float64 {
	l.must()
	s.mustCheck()
	if s.Len() == 0 {
		return 0
	}
	g := l.cfg.geometry(s)
	return l.cfg.gamma(l.schedule.at(step), &g)
}

// ExpectedDrop returns the drop rate that is to be expected on a feature map of shape s at
// a step: the mean over cells of 1 − (1−γ)^k, k being the number of positions of a seed
// whose block covers the cell. Its absolute error is below 10⁻¹², and it has the same bits
// on every CPU. Each call computes it, which takes microseconds on usual maps, and so does
// [Layer.Gamma] with [GammaExact]; draws compute either once for each probability. On a map
// without elements it is 0. It panics if s does not pass [Shape.Check].
func (l *Layer) ExpectedDrop(s Shape, step uint64) float64 {
	gamma := l.Gamma(s, step)
	if s.Len() == 0 {
		return 0
	}
	g := l.cfg.geometry(s)
	return g.expectedDrop(gamma)
}

// WithDropProb returns the layer with a constant drop probability p in place of DropProb
// and Ramp, for a schedule of the caller's own: call it at each step. It costs no more
// than the memory of a Layer. A mask that was filled by the one layer is prepared for the
// other, so that SampleAt then allocates nothing. It returns an error if p is not a
// probability.
func (l *Layer) WithDropProb(p float64) (*Layer, error) {
	l.must()
	if !isProbability(p) {
		return nil, fmt.Errorf("dropblock: WithDropProb: p is %v, want a probability from 0 to 1", p)
	}
	return &Layer{l.settings, schedule{to: p + 0}}, nil // −0 becomes 0
}

// Sample draws the mask of a feature map of shape s at a step, for a batch
// whose first sample has the global index 0. It panics, leaving m as it was,
// if step is negative or s does not pass [Shape.Check].
func (l *Layer) Sample(m *Mask, s Shape, step int) {
	if step < 0 {
		panic(fmt.Sprintf("dropblock: Sample: step is %d, want 0 or more", step))
	}
	l.sample(m, &s, Position{Step: uint64(step)})
}

// SampleAt draws the mask of a feature map of shape s at a position. It
// allocates nothing if m held a mask of the layer and of this shape before,
// unless the layer has drawn for 16 other shapes of samples since, or the garbage
// collector took scratch memory that is larger than 2 MiB. It panics, leaving m as
// it was, if s does not pass [Shape.Check].
func (l *Layer) SampleAt(m *Mask, s Shape, at Position) { l.sample(m, &s, at) }

func (l *Layer) sample(m *Mask, s *Shape, at Position) {
	l.must()
	m.must()
	m.draw(l.settings, l.schedule.at(at.Step), s, &at)
}

// Grow is [Layer.GrowAt] at the zero Position.
func (l *Layer) Grow(m *Mask, s Shape, seeds []uint64) error {
	return l.GrowAt(m, s, Position{}, seeds)
}

// GrowAt makes the mask of a feature map of shape s from given seeds. The position gives
// the key and the samples of [ApplyNoise], and the drop probability of [NormExpected];
// nothing else depends on it, on DropProb and on Gamma. Bit i&63 of seeds[i>>6] is 1 if
// element i of the mask, in the memory order of [Mask.MaskShape], is the centre of a block
// (see [Even]). Bits past the end are ignored. seeds may be m's own words.
//
// It returns an error, leaving m as it was, if the length of seeds is not
// ⌈elements/64⌉, if s does not pass [Shape.Check], or if with [RegionValid] a
// block would leave the map.
func (l *Layer) GrowAt(m *Mask, s Shape, at Position, seeds []uint64) error {
	l.must()
	m.must()
	if err := s.Check(); err != nil {
		return err
	}
	bits := l.cfg.maskShape(s)
	if err := checkWords("seeds", bits, seeds); err != nil {
		return err
	}
	return m.growFrom(l.settings, l.schedule.at(at.Step), s, bits, &at, seeds)
}

// DrawSeeds writes to dst the seeds of a feature map of shape s at a position, as
// [Layer.Grow] takes them, and returns their number. It panics, without writing
// anything, if the length of dst is not ⌈elements of the mask/64⌉ or s does not
// pass [Shape.Check].
func (l *Layer) DrawSeeds(dst []uint64, s Shape, at Position) (seeds int) {
	l.must()
	s.mustCheck()
	bits := l.cfg.maskShape(s)
	if err := checkWords("DrawSeeds: dst", bits, dst); err != nil {
		panic(err.Error())
	}
	bitstring.Clear(dst)
	if bits.Len() == 0 {
		return 0
	}
	p := l.plan(s, nil)
	sc := scratches.Get()
	defer scratches.Put(sc)
	r := p.rateAt(l.settings, l.schedule.at(at.Step), &sc.sampler)
	key, sample := l.cfg.stream(&at)
	seeds = sc.drawOn(&p.places, &r, l.isa, dst, bits.n, key, sample, at.stride())
	if !p.geometry.full {
		bitstring.ShiftUp(dst, p.geometry.lead())
	}
	return seeds
}

// String describes the layer in one line.
func (l *Layer) String() string {
	if l == nil || l.settings == nil {
		return "layer, not from New"
	}
	c := &l.cfg
	ramp, scale := "", ""
	if l.schedule.ramp != (Ramp{}) {
		ramp = fmt.Sprintf(" (ramp %v)", l.schedule.ramp)
	}
	if c.GammaScale != 0 {
		scale = fmt.Sprintf(" times %v", c.GammaScale)
	}
	return fmt.Sprintf("layer: drop %v%s by blocks of %v, clip %v, even %v, region %v, gamma %v%s, share %v, norm %v, seed %d, layer %d, kernels %v",
		l.schedule.to, ramp, c.Block, c.Clip, c.Even, c.Region, c.Gamma, scale, c.Share, c.Norm, c.Seed, c.Layer, KernelSet{l.isa})
}
