package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// newParams decodes the options and bounds the shape to limit elements.
func newParams(options uint8, bh, bw int, n, c, h, w uint8, limit int) reference.Params {
	named := func(bit uint8, name string) string {
		if options&bit == 0 {
			return ""
		}
		return name
	}
	p := reference.Params{
		BlockH: bh, BlockW: bw,
		Even:   named(1, "after"),
		Region: named(2, "full"),
		Rule:   named(4, "simple"),
		Share:  named(8, "channels"),
		Norm:   named(16, "none"),
	}
	room := func(extent, most uint8) int {
		e := min(int(extent%most), limit)
		limit /= max(e, 1)
		return e
	}
	p.W, p.H = room(w, 255), room(h, 255)
	p.C, p.N = room(c, 7), room(n, 5)
	return p
}

func config(p *reference.Params, set dropblock.KernelSet) dropblock.Config {
	cfg := dropblock.Config{
		DropProb: p.P, Block: dropblock.Rect(p.BlockH, p.BlockW), Seed: p.Seed, Layer: p.Layer, Kernels: set,
	}
	if p.Even == "after" {
		cfg.Even = dropblock.EvenAfter
	}
	if p.Region == "full" {
		cfg.Region = dropblock.RegionFull
	}
	if p.Rule == "simple" {
		cfg.Gamma = dropblock.GammaSimple
	}
	if p.Share == "channels" {
		cfg.Share = dropblock.ShareChannels
	}
	if p.Norm == "none" {
		cfg.Norm = dropblock.NormNone
	}
	return cfg
}

func shape(p *reference.Params) dropblock.Shape { return dropblock.NCHW(p.N, p.C, p.H, p.W) }

// sameMask compares all that a mask tells of itself.
func sameMask(p *reference.Params, got *dropblock.Mask, want *reference.Mask) error {
	kept, cells := reference.Count(want.Keep), p.Cells()
	return errors.Join(
		reference.SameBits(got.Words(), want.Keep),
		same("Kept", got.Kept(), kept),
		same("Dropped", got.Dropped(), cells-kept),
		same("Seeds", got.SeedCount(), reference.Count(want.Seeds)),
		same("Scale", got.Scales()[0], want.Scales[0]),
		same("Gamma", got.Gamma(), want.Gamma),
		same("Shape", got.Shape(), shape(p)),
		same("MaskShape", got.MaskShape(), dropblock.NCHW(p.N, p.Planes(), p.H, p.W)),
	)
}

// forwardInput takes random elements through a layer.
type forwardInput struct {
	params reference.Params
	values uint64 // seeds the elements
}

func (in forwardInput) check() error {
	p := in.params
	valid := p.P >= 0 && p.P <= 1 && p.BlockH > 0 && p.BlockW > 0
	if !valid {
		return eachSet(func(set dropblock.KernelSet) error {
			if _, err := dropblock.New(config(&p, set)); err == nil {
				return errors.New("a bad configuration is accepted")
			}
			return nil
		})
	}

	want := p.Draw()
	keep := p.Spread(want.Keep)
	r := rand.New(rand.NewPCG(in.values, 0))
	x := randomFloats(r, len(keep))
	scale := float32(want.Scales[0])
	y, factors := reference.Scale(x, keep, scale), reference.Expand(keep, scale)

	var mask dropblock.Mask
	seeds := make([]uint64, (p.Cells()+63)/64)
	n := len(keep)
	dstBuf, boolBuf := guard.Heap(4*n+guard.Align), guard.Heap(n+guard.Align)
	dst := guard.Middle[float32](dstBuf, r.IntN(16)*4, n)
	bools := guard.Middle[bool](boolBuf, r.IntN(64), n)
	return eachSet(func(set dropblock.KernelSet) error {
		layer, err := dropblock.New(config(&p, set))
		if err != nil {
			return err
		}
		layer.SampleAt(&mask, shape(&p), dropblock.Position{Step: p.Step, Sample: p.Sample})
		if err := sameMask(&p, &mask, &want); err != nil {
			return err
		}
		if err := same("Layer.Gamma", layer.Gamma(shape(&p), 0), want.Gamma); err != nil {
			return err
		}

		src := slices.Clone(x)
		dropblock.Apply(dst, src, &mask)
		if err := reference.SameFloats(dst, y); err != nil {
			return fmt.Errorf("Apply: %w", err)
		}
		if !bytes.Equal(guard.Bytes(src), guard.Bytes(x)) {
			return errors.New("Apply: src is changed")
		}
		copy(dst, x)
		dropblock.Apply(dst, dst, &mask)
		if err := reference.SameFloats(dst, y); err != nil {
			return fmt.Errorf("Apply in place: %w", err)
		}
		dropblock.ScaleTo(dst, &mask)
		if err := reference.SameFloats(dst, factors); err != nil {
			return fmt.Errorf("ScaleTo: %w", err)
		}
		dropblock.KeepTo(bools, &mask)
		if err := sameBools(bools, keep); err != nil {
			return fmt.Errorf("KeepTo: %w", err)
		}
		if err := errors.Join(guard.Check(dstBuf, dst), guard.Check(boolBuf, bools)); err != nil {
			return err
		}

		drawn := layer.DrawSeeds(seeds, shape(&p), dropblock.Position{Step: p.Step, Sample: p.Sample})
		if err := errors.Join(
			reference.SameBits(seeds, want.Seeds),
			same("the number of seeds", drawn, reference.Count(want.Seeds)),
		); err != nil {
			return fmt.Errorf("Seeds: %w", err)
		}
		if err := layer.Grow(&mask, shape(&p), seeds); err != nil {
			return err
		}
		grown := want
		grown.Gamma = 0
		if err := sameMask(&p, &mask, &grown); err != nil {
			return fmt.Errorf("Grow: %w", err)
		}
		return nil
	})
}

func newForwardInput(prob float64, options, bh, bw uint8, seed, step, sample uint64, layer uint32, n, c, h, w uint8, values uint64) forwardInput {
	p := newParams(options, int(bh), int(bw), n, c, h, w, 1200)
	p.P = prob
	if options&32 == 0 && !(prob >= 0 && prob <= 1) { // most float64 are no probability
		if _, p.P = math.Modf(math.Abs(prob)); !(p.P <= 1) {
			p.P = .1
		}
	}
	p.Seed, p.Layer, p.Step, p.Sample = seed, layer, step, sample
	return forwardInput{p, values}
}

func randomForward(r *rand.Rand) input {
	in := newForwardInput(randomProb(r), uint8(r.Uint32()), uint8(1+randomLen(r, 16)), uint8(1+randomLen(r, 16)),
		r.Uint64(), r.Uint64()>>r.IntN(64), r.Uint64(), r.Uint32(),
		randomExtent(r, 4), randomExtent(r, 6), randomExtent(r, 254), randomExtent(r, 254), r.Uint64())
	if r.IntN(4) == 0 {
		in.params.BlockH = r.IntN(100)
		in.params.BlockW = r.IntN(300)
	}
	if r.IntN(16) == 0 { // the index of a sample overflows
		in.params.Sample = -uint64(r.IntN(4))
	}
	return in
}

// randomExtent is up to most, mostly small and seldom 0.
func randomExtent(r *rand.Rand, most int) uint8 {
	if r.IntN(100) == 0 {
		return 0
	}
	return uint8(min(1+r.IntN(1<<r.IntN(9)), most))
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
	for i := range 64 {
		f.Add(float64(i)/50, uint8(i), uint8(i%8+1), uint8(i%5+1), uint64(i), uint64(i/3), uint64(i)<<58, uint32(i),
			uint8(i), uint8(i+3), uint8(3*i), uint8(5*i+1), uint64(i))
	}
	for i, p := range []float64{0, 1, .1, 0x1p-1074, 0x1p-60, 1 - 0x1p-53, math.NaN(), -.1, 1.1, math.Inf(1)} {
		f.Add(p, uint8(32), uint8(7), uint8(7), uint64(42), uint64(0), uint64(0), uint32(i),
			uint8(2), uint8(3), uint8(14), uint8(14), uint64(i))
	}
	f.Add(.1, uint8(0), uint8(3), uint8(3), uint64(0), uint64(0), ^uint64(0), uint32(0), uint8(3), uint8(2), uint8(9), uint8(9), uint64(0))
	f.Add(.5, uint8(32), uint8(0), uint8(1), uint64(0), uint64(0), uint64(0), uint32(0), uint8(1), uint8(1), uint8(9), uint8(9), uint64(0))
	f.Add(.5, uint8(0), uint8(3), uint8(100), uint64(0), uint64(0), uint64(0), uint32(0), uint8(1), uint8(2), uint8(5), uint8(120), uint64(0))
	f.Add(.5, uint8(2), uint8(90), uint8(1), uint64(0), uint64(0), uint64(0), uint32(0), uint8(1), uint8(2), uint8(100), uint8(1), uint64(0))
	f.Fuzz(func(t *testing.T, prob float64, options, bh, bw uint8, seed, step, sample uint64, layer uint32, n, c, h, w uint8, values uint64) {
		fuzzed(t, newForwardInput(prob, options, bh, bw, seed, step, sample, layer, n, c, h, w, values))
	})
}

// TestForwardLarge is about shapes that a fuzz target has no time for: samples
// of several chunks, rows longer than a word, planes larger than a call.
func TestForwardLarge(t *testing.T) {
	for i, p := range []reference.Params{
		{P: .1, BlockH: 7, BlockW: 7, N: 2, C: 64, H: 14, W: 14},
		{P: .1, BlockH: 7, BlockW: 7, N: 2, C: 256, H: 7, W: 7},
		{P: .1, BlockH: 3, BlockW: 3, N: 1, C: 4, H: 192, W: 193},
		{P: .3, BlockH: 2, BlockW: 1, N: 1, C: 3, H: 224, W: 224, Even: "after"},
		{P: .5, BlockH: 1, BlockW: 1, N: 2, C: 5, H: 128, W: 128},
		{P: .9, BlockH: 1, BlockW: 1, N: 2, C: 3, H: 150, W: 151},
		{P: .2, BlockH: 5, BlockW: 4, N: 1, C: 7, H: 100, W: 101, Region: "full"},
		{P: .2, BlockH: 90, BlockW: 150, N: 1, C: 2, H: 200, W: 333},
		{P: .1, BlockH: 7, BlockW: 7, N: 2, C: 9, H: 150, W: 170, Share: "channels"},
		{P: .1, BlockH: 7, BlockW: 7, N: 3, C: 70, H: 14, W: 14, Share: "channels"},
		{P: 1, BlockH: 300, BlockW: 300, N: 1, C: 3, H: 40, W: 50, Norm: "none"},
	} {
		p.Seed, p.Layer, p.Step, p.Sample = uint64(i), 3, 1<<40, 1<<32-1
		t.Run(fmt.Sprintf("%dx%dx%dx%d,b=%dx%d", p.N, p.C, p.H, p.W, p.BlockH, p.BlockW), func(t *testing.T) {
			fuzzed(t, forwardInput{p, uint64(i)})
		})
	}
}
