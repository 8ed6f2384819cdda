package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// forwardInput takes random elements through a layer.
type forwardInput struct {
	params  reference.Params
	values  uint64 // seeds the elements
	element int    // the number of their type
}

func (in forwardInput) check() error {
	if !valid(&in.params) {
		return eachSet(func(set dropblock.KernelSet) error {
			if _, err := dropblock.New(config(&in.params, set)); err == nil {
				return errors.New("a bad configuration is accepted")
			}
			return nil
		})
	}
	return elements[in.element].forward(&in)
}

func (of elementType[E]) forward(in *forwardInput) error {
	p := in.params
	s, at := shape(&p), position(&p)
	rated, err := rate(&p)
	if err != nil {
		return err
	}
	want := rated.Draw()
	keep, r := p.Spread(want.Keep), rand.New(rand.NewPCG(in.values, 0))
	out := newOutputs(of, r, keep)
	keepOut := newLaid[uint8](r, len(keep))
	out.compute(r, &p, want.Scales)

	// Of a whole batch, or whatever the counts are of.
	count := r.IntN(1 << r.IntN(30))
	kept := r.IntN(count + 1)
	rescaled, product := want, out.noisy
	if p.Norm == "tensor" {
		scale := 0.0
		if kept > 0 {
			scale = float64(count) / float64(kept)
		}
		rescaled.Scales, product = []float64{scale}, of.Fill(out.x, out.noisy, keep, scale)
	}

	var mask, read dropblock.Mask
	var stored []byte
	seeds := make([]uint64, (p.Cells()+63)/64)
	parts := 1 + r.IntN(5)
	return eachSet(func(set dropblock.KernelSet) error {
		layer, err := dropblock.New(config(&p, set))
		if err != nil {
			return err
		}
		if p.RampSteps > 0 {
			constant, err := layer.WithDropProb(p.DropProb())
			if err != nil {
				return err
			}
			constant.SampleAt(&mask, s, at)
			if err := sameMask(&p, &mask, &want); err != nil {
				return fmt.Errorf("WithDropProb: %w", err)
			}
		}
		layer.SampleAt(&mask, s, at)
		if err := sameMask(&p, &mask, &want); err != nil {
			return err
		}
		if err := errors.Join(out.check(&mask, parts), checkKeep(keepOut, &mask, keep)); err != nil {
			return err
		}

		mask.Rescale(kept, count)
		data, err := mask.MarshalBinary()
		if err != nil {
			return err
		}
		if stored == nil {
			stored = data
		}
		if !bytes.Equal(data, stored) {
			return errors.New("MarshalBinary: other bytes than those of the first kernel set")
		}
		if err := read.UnmarshalBinary(data); err != nil {
			return err
		}
		again, err := read.MarshalBinary()
		if err != nil {
			return err
		}
		if !bytes.Equal(again, data) {
			return errors.New("MarshalBinary: other bytes than those that were read")
		}
		if err := errors.Join(sameScales(mask.Scales(), rescaled.Scales), sameMask(&p, &read, &rescaled)); err != nil {
			return fmt.Errorf("Rescale(%d, %d): %w", kept, count, err)
		}
		for _, m := range []*dropblock.Mask{&mask, &read} {
			dropblock.ApplyNoise(out.laid.dst, out.x, m) // which needs the key too
			if err := errors.Join(out.same(product), out.unchanged()); err != nil {
				return fmt.Errorf("Rescale(%d, %d), ApplyNoise: %w", kept, count, err)
			}
		}

		drawn := layer.DrawSeeds(seeds, s, at)
		if err := errors.Join(
			reference.SameBits(seeds, want.Seeds),
			same("the number of seeds", drawn, reference.Count(want.Seeds)),
		); err != nil {
			return fmt.Errorf("DrawSeeds: %w", err)
		}
		if err := layer.GrowAt(&mask, s, at, seeds); err != nil {
			return err
		}
		grown := want
		grown.Gamma = 0
		if err := sameMask(&p, &mask, &grown); err != nil {
			return fmt.Errorf("GrowAt: %w", err)
		}
		return nil
	})
}

// rate holds what a layer makes of the drop probability to the reference: gamma and the
// expected drop rate. It returns the parameters with that gamma as given, so that it need
// not be computed again, and sets the rate of NormExpected in both.
func rate(p *reference.Params) (*reference.Params, error) {
	layer, err := dropblock.New(config(p, dropblock.KernelSet{}))
	if err != nil {
		return nil, err
	}
	s := shape(p)
	rated := *p
	rated.Rule, rated.P, rated.RampSteps, rated.GammaScale = "given", layer.Gamma(s, p.Step), 0, 0
	want := rated.ExpectedDrop()
	p.Rate = layer.ExpectedDrop(s, p.Step)
	rated.Rate = p.Rate
	if math.Abs(p.Rate-want) > 1e-12 {
		return nil, fmt.Errorf("ExpectedDrop is %v, want %v", p.Rate, want)
	}
	if p.Rule != "exact" || p.Cells() == 0 {
		return &rated, same("Gamma of the layer", rated.P, p.Gamma())
	}
	// The library's integers are rounded, which matters where p is next to 0 or 1. What γ has
	// to reach is known there too.
	const near = 0x1p-30
	prob := p.DropProb()
	if min(prob, 1-prob) < near && (rated.P == 1 || math.Abs(want-prob) <= 1e-12) || p.IsExact(rated.P) {
		return &rated, nil
	}
	return nil, fmt.Errorf("the exact gamma %v has a drop rate of %v, want %v", rated.P, want, prob)
}

func newForwardInput(options uint32, p reference.Params, values uint64) forwardInput {
	if options&optionRaw == 0 {
		tame(&p)
	}
	return forwardInput{p, values, int(options >> optionElement & 3)}
}

func randomForward(r *rand.Rand) input {
	options, p := randomMap(r, 16, []int{100, 100, 100, 1200}[r.IntN(4)])
	p.P, p.Seed, p.Step, p.Sample, p.Layer = randomProb(r), r.Uint64(), r.Uint64()>>r.IntN(64), r.Uint64(), r.Uint32()
	if r.IntN(4) == 0 {
		p.BlockD, p.BlockH, p.BlockW = r.IntN(50), r.IntN(100), r.IntN(300)
	}
	if r.IntN(16) == 0 { // the index of a sample overflows
		p.Sample = -uint64(r.IntN(4))
	}
	if r.IntN(2) == 0 {
		p.RampFrom, p.RampSteps = r.Float64(), r.Uint64()>>r.IntN(64)
	}
	if r.IntN(2) == 0 {
		p.GammaScale = []float64{1, .3, 2.5, 3 * r.Float64()}[r.IntN(4)]
	}
	p.Stride = r.Uint64() >> r.IntN(64) >> r.IntN(64)
	return newForwardInput(options, p, r.Uint64())
}

func randomProb(r *rand.Rand) float64 {
	switch r.IntN(4) {
	case 0:
		return randomGamma(r)
	case 1:
		return .1
	}
	return r.Float64()
}

func FuzzForward(f *testing.F) {
	add := func(prob float64, options uint32, bh, bw uint8, seed, step, sample uint64, layer uint32, n, c, h, w uint8, values uint64) {
		f.Add(prob, options, bh, bw, seed, step, sample, layer, n, c, h, w, values, uint8(1), uint8(1), 0., 0., uint64(0), 0., uint64(0))
	}
	for i := range 64 {
		add(float64(i)/50, uint32(i), uint8(i%8+1), uint8(i%5+1), uint64(i), uint64(i/3), uint64(i)<<58, uint32(i),
			uint8(i), uint8(i+3), uint8(3*i), uint8(5*i+1), uint64(i))
	}
	for i, p := range []float64{0, 1, .1, 0x1p-1074, 0x1p-60, 1 - 0x1p-53, math.NaN(), -.1, 1.1, math.Inf(1)} {
		add(p, optionRaw, 7, 7, 42, 0, 0, uint32(i), 2, 3, 14, 14, uint64(i))
	}
	add(.1, 0, 3, 3, 0, 0, ^uint64(0), 0, 3, 2, 9, 9, 0)
	add(.5, optionRaw, 0, 1, 0, 0, 0, 0, 1, 1, 9, 9, 0)
	add(.5, 0, 3, 100, 0, 0, 0, 0, 1, 2, 5, 120, 0)
	add(.5, 2, 90, 1, 0, 0, 0, 0, 1, 2, 100, 1, 0)
	for i := range uint32(128) { // the other options, from bit 7 on
		options := i*0x9e3779b1>>13<<7 | i&31
		f.Add(float64(i%20)/20, options, uint8(i%7+1), uint8(i%5+1), uint64(i), uint64(i%9), uint64(i)<<56, i,
			uint8(i), uint8(i+1), uint8(i%13), uint8(i%17), uint64(i), uint8(i%3+1), uint8(i%5+1), float64(i%6/5*i)/256,
			float64(i%4)/4, uint64(i%12), float64(i%5)/2, uint64(i%3))
	}
	for i, c := range []struct {
		options               uint32
		fraction, from, scale float64
		steps                 uint64
	}{
		{fraction: math.NaN()}, {fraction: -.5}, {fraction: 1.5}, {fraction: 1}, {fraction: 0x1p-1074},
		{from: -1, steps: 2}, {from: math.NaN(), steps: 2}, {from: 1, steps: 2}, {from: 1},
		{scale: -1}, {scale: math.Inf(1)}, {scale: math.NaN()}, {scale: math.MaxFloat64}, {scale: 0x1p-1074},
		{options: 1 << 15}, {options: 1<<15 | 2}, // clip none
		{options: 1 << 7, scale: .5}, {options: 1 << 7, scale: 1}, // gamma exact
	} {
		f.Add(.3, c.options|optionRaw, uint8(3), uint8(3), uint64(42), uint64(1), uint64(0), uint32(i),
			uint8(2), uint8(3), uint8(9), uint8(9), uint64(i), uint8(1), uint8(1), c.fraction, c.from, c.steps, c.scale, uint64(1))
	}
	f.Fuzz(func(t *testing.T, prob float64, options uint32, bh, bw uint8, seed, step, sample uint64, layer uint32, n, c, h, w uint8, values uint64,
		bd, d uint8, fraction, from float64, steps uint64, gammaScale float64, stride uint64) {
		p := newParams(options, [3]uint8{bd, bh, bw}, fraction, [5]uint8{n, c, d, h, w}, 1200)
		p.P, p.RampFrom, p.RampSteps, p.GammaScale = prob, from, steps, gammaScale
		p.Seed, p.Layer, p.Step, p.Sample, p.Stride = seed, layer, step, sample, stride
		fuzzed(t, newForwardInput(options, p, values))
	})
}

// TestForwardLarge is about shapes that a fuzz target has no time for: samples
// of several chunks, rows longer than a word, planes larger than a call.
func TestForwardLarge(t *testing.T) {
	for i, p := range []reference.Params{
		{P: .1, BlockH: 7, BlockW: 7, N: 2, C: 64, H: 14, W: 14},
		{P: .1, BlockH: 7, BlockW: 7, N: 2, C: 256, H: 7, W: 7},
		{P: .1, BlockH: 3, BlockW: 3, N: 1, C: 2, H: 192, W: 193},
		{P: .3, BlockH: 2, BlockW: 1, N: 1, C: 2, H: 224, W: 224, Even: "after"},
		{P: .5, BlockH: 1, BlockW: 1, N: 1, C: 5, H: 128, W: 128},
		{P: .9, BlockH: 1, BlockW: 1, N: 1, C: 3, H: 150, W: 151},
		{P: .2, BlockH: 5, BlockW: 4, N: 1, C: 7, H: 100, W: 101, Region: "full"},
		{P: .2, BlockH: 90, BlockW: 150, N: 1, C: 2, H: 200, W: 152},
		{P: .1, BlockH: 7, BlockW: 7, N: 1, C: 3, H: 150, W: 170, Share: "channels"},
		{P: .1, BlockH: 7, BlockW: 7, N: 3, C: 70, H: 14, W: 14, Share: "channels"},
		{P: 1, BlockH: 300, BlockW: 300, N: 1, C: 3, H: 40, W: 50, Norm: "none"},
		{P: .1, BlockH: 7, BlockW: 7, N: 1, C: 64, H: 15, W: 14, Layout: "NHWC"},
		{P: .2, BlockH: 5, BlockW: 4, N: 2, C: 7, H: 40, W: 51, Layout: "NHWC", Region: "full", Share: "batch", Norm: "plane", Rule: "simple"},
		{P: .3, BlockW: 9, N: 2, C: 18, W: 1501, Layout: "NCW", Norm: "sample", Share: "batch"},
		{P: .1, BlockW: 4, N: 1, C: 50, W: 1501, Layout: "NWC", Region: "full", Norm: "expected"},
		{P: .1, BlockD: 3, BlockH: 5, BlockW: 5, N: 1, C: 2, D: 16, H: 40, W: 41, Layout: "NCDHW", Norm: "plane", RampFrom: .3, RampSteps: 1 << 41},
		{P: .2, Fraction: .1, N: 1, C: 8, D: 9, H: 31, W: 15, Layout: "NDHWC", Clip: "none", Region: "full", Even: "after", Share: "channels", GammaScale: .5, Stride: 8},
	} {
		p.BlockD, p.BlockH, p.D, p.H = max(p.BlockD, 1), max(p.BlockH, 1), max(p.D, 1), max(p.H, 1)
		p.Seed, p.Layer, p.Step, p.Sample = uint64(i), 3, 1<<40, 1<<32-1
		if p.Norm == "" {
			p.Norm = "tensor"
		}
		t.Run(fmt.Sprintf("%v,b=%v", shape(&p), config(&p, dropblock.KernelSet{}).Block), func(t *testing.T) {
			fuzzed(t, forwardInput{p, uint64(i), max(i-10, 0) % len(elements)})
		})
	}
}
