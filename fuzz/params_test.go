package fuzz

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// Some bits of a target's options have no part in the parameters.
const (
	optionRaw     = 1 << 5  // numbers that New refuses stay as they are
	optionFit     = 1 << 6  // seeds whose block leaves the map are taken out
	optionElement = 16      // the first of two bits
	optionOne     = 1 << 19 // of the seeds whose block leaves the map one stays
)

// newParams decodes the options and bounds the shape to limit elements. block has D, H and
// W, extents N, C, D, H and W.
func newParams(options uint32, block [3]uint8, fraction float64, extents [5]uint8, limit int) reference.Params {
	named := func(names []string, bits ...int) string {
		i := uint32(0)
		for at, bit := range bits {
			i |= options >> bit & 1 << at
		}
		return names[i%uint32(len(names))]
	}
	// New bits are the high ones, so that the inputs of the corpus stay what they are.
	p := reference.Params{
		BlockD: int(block[0]), BlockH: int(block[1]), BlockW: int(block[2]), Fraction: fraction,
		Even:   named([]string{"before", "after"}, 0),
		Region: named([]string{"valid", "full"}, 1),
		Rule:   named([]string{"paper", "simple", "exact", "given"}, 2, 7),
		Share:  named([]string{"none", "channels", "batch", "all"}, 3, 8),
		Norm:   named([]string{"tensor", "none", "sample", "plane", "expected"}, 4, 9, 10),
		Layout: named([]string{"NCHW", "NHWC", "NCW", "NWC", "NCDHW", "NDHWC"}, 11, 12, 13),
		Clip:   named([]string{"axes", "square", "none"}, 14, 15),
	}
	room := func(extent, most uint8) int {
		e := min(int(extent%most), limit)
		limit /= max(e, 1)
		return e
	}
	channels, samples := uint8(7), uint8(5)
	if options>>18&1 != 0 {
		channels, samples = 131, 51
	}
	p.W, p.H, p.D = room(extents[4], 255), 1, 1
	if len(p.Layout) > 3 {
		p.H = room(extents[3], 255)
	}
	if len(p.Layout) > 4 {
		p.D = room(extents[2], 255)
	}
	p.C, p.N = room(extents[1], channels), room(extents[0], samples)
	return p
}

// tame makes parameters that New accepts of any, if there is a block: most float64 are no
// probability.
func tame(p *reference.Params) {
	for _, prob := range []*float64{&p.P, &p.RampFrom, &p.Fraction} {
		if !isProbability(*prob) {
			if _, *prob = math.Modf(math.Abs(*prob)); !isProbability(*prob) {
				*prob = .1
			}
		}
	}
	if p.RampSteps == 0 {
		p.RampFrom = 0
	}
	if p.GammaScale = math.Abs(p.GammaScale); !(p.GammaScale <= math.MaxFloat64) || p.Rule == "exact" {
		p.GammaScale = 0
	}
	if p.Clip == "none" {
		p.Region = "full"
	}
}

func isProbability(p float64) bool { return p >= 0 && p <= 1 }

// valid reports whether New is to accept the parameters.
func valid(p *reference.Params) bool {
	block := min(p.BlockD, p.BlockH, p.BlockW) > 0
	if p.Fraction != 0 {
		block = isProbability(p.Fraction)
	}
	return isProbability(p.P) && isProbability(p.RampFrom) && (p.RampFrom == 0 || p.RampSteps > 0) && block &&
		p.GammaScale >= 0 && p.GammaScale <= math.MaxFloat64 &&
		(p.Rule != "exact" || p.GammaScale == 0 || p.GammaScale == 1) && (p.Clip != "none" || p.Region == "full")
}

func config(p *reference.Params, set dropblock.KernelSet) dropblock.Config {
	cfg := dropblock.Config{
		DropProb: p.P, Ramp: dropblock.Ramp{From: p.RampFrom, Steps: p.RampSteps},
		Block: dropblock.Cuboid(p.BlockD, p.BlockH, p.BlockW), GammaScale: p.GammaScale,
		Seed: p.Seed, Layer: p.Layer, Kernels: set,
	}
	if p.Fraction != 0 {
		cfg.Block = dropblock.Fraction(p.Fraction)
	}
	for _, option := range []struct {
		constant encoding.TextUnmarshaler
		name     string
	}{
		{&cfg.Clip, p.Clip}, {&cfg.Even, p.Even}, {&cfg.Region, p.Region}, {&cfg.Gamma, p.Rule}, {&cfg.Share, p.Share}, {&cfg.Norm, p.Norm},
	} {
		if option.name == "" { // stands for the first one, as the zero constant does
			continue
		}
		if err := option.constant.UnmarshalText([]byte(option.name)); err != nil {
			panic(err)
		}
	}
	return cfg
}

func shape(p *reference.Params) dropblock.Shape {
	switch p.Layout {
	case "NHWC":
		return dropblock.NHWC(p.N, p.H, p.W, p.C)
	case "NCW":
		return dropblock.NCW(p.N, p.C, p.W)
	case "NWC":
		return dropblock.NWC(p.N, p.W, p.C)
	case "NCDHW":
		return dropblock.NCDHW(p.N, p.C, p.D, p.H, p.W)
	case "NDHWC":
		return dropblock.NDHWC(p.N, p.D, p.H, p.W, p.C)
	}
	return dropblock.NCHW(p.N, p.C, p.H, p.W)
}

func position(p *reference.Params) dropblock.Position {
	return dropblock.Position{Step: p.Step, Sample: p.Sample, Stride: p.Stride}
}

// sameMask compares all that a mask tells of itself.
func sameMask(p *reference.Params, got *dropblock.Mask, want *reference.Mask) error {
	kept, cells := reference.Count(want.Keep), p.Cells()
	bits := *p
	bits.N, bits.C = p.Samples(), p.Planes()
	return errors.Join(
		reference.SameBits(got.Words(), want.Keep),
		same("Len", got.Len(), cells),
		same("Kept", got.Kept(), kept),
		same("Dropped", got.Dropped(), cells-kept),
		same("SeedCount", got.SeedCount(), reference.Count(want.Seeds)),
		same("Gamma", got.Gamma(), want.Gamma),
		same("Shape", got.Shape(), shape(p)),
		same("MaskShape", got.MaskShape(), shape(&bits)),
		sameScales(got.Scales(), want.Scales),
	)
}

func sameScales(got, want []float64) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("Scales are %v, want %v", got, want)
	}
	return nil
}

// randomMap has options, and blocks and extents that are mostly small; an extent is seldom 0.
func randomMap(r *rand.Rand, block, limit int) (options uint32, p reference.Params) {
	options = r.Uint32()
	if r.IntN(8) > 0 {
		options &^= optionRaw
	}
	samples, channels := 4, 6
	if options>>18&1 != 0 {
		samples, channels = 50, 130
	}
	size := func() uint8 { return uint8(1 + randomLen(r, block)) }
	fraction := 0.0
	if r.IntN(5) == 0 {
		fraction = 1 - r.Float64()
	}
	return options, newParams(options, [3]uint8{size(), size(), size()}, fraction, [5]uint8{
		randomExtent(r, samples), randomExtent(r, channels), randomExtent(r, 40), randomExtent(r, 254), randomExtent(r, 254),
	}, limit)
}

// randomExtent is up to most, mostly small and seldom 0.
func randomExtent(r *rand.Rand, most int) uint8 {
	if r.IntN(100) == 0 {
		return 0
	}
	return uint8(min(1+r.IntN(1<<r.IntN(9)), most))
}
