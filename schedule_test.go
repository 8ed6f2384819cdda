package dropblock_test

import (
	"math"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// The masks of a ramp are those of a constant probability, step by step, and so are those
// of WithDropProb, drawn by one mask after the other and ahead.
func TestRamp(t *testing.T) {
	s := dropblock.NCHW(3, 4, 9, 11)
	for _, norm := range []dropblock.Norm{dropblock.NormTensor, dropblock.NormExpected} {
		for _, gamma := range []dropblock.GammaRule{dropblock.GammaPaper, dropblock.GammaExact, dropblock.GammaGiven} {
			for _, ramp := range []dropblock.Ramp{{}, {From: .3, Steps: 1}, {Steps: 7}, {From: .9, Steps: 5}, {From: .05, Steps: math.MaxUint64}} {
				cfg := dropblock.Config{DropProb: .2, Ramp: ramp, Block: dropblock.Rect(2, 3), Gamma: gamma, Norm: norm, Seed: 3}
				layer := newLayer(t, cfg)
				require.Equal(t, cfg, layer.Config())
				ahead := layer.Ahead()
				var m, constant, other dropblock.Mask
				for _, step := range []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 1 << 40, math.MaxUint64} {
					p := (&reference.Params{P: .2, RampFrom: ramp.From, RampSteps: ramp.Steps, Step: step}).DropProb()
					at := dropblock.Position{Step: step}
					layer.SampleAt(&m, s, at)

					cfg := cfg
					cfg.DropProb, cfg.Ramp = p, dropblock.Ramp{}
					alone := newLayer(t, cfg)
					alone.SampleAt(&constant, s, at)
					requireSame(t, &constant, &m)
					require.Equal(t, alone.Gamma(s, 0), layer.Gamma(s, step))
					require.Equal(t, alone.ExpectedDrop(s, 0), layer.ExpectedDrop(s, step))

					with, err := layer.WithDropProb(p)
					require.NoError(t, err)
					require.Equal(t, cfg, with.Config())
					with.SampleAt(&other, s, at)
					requireSame(t, &constant, &other)
					requireSame(t, &constant, ahead.SampleAt(s, at))

					seeds, want := make([]uint64, len(m.Words())), make([]uint64, len(m.Words()))
					require.Equal(t, alone.DrawSeeds(want, s, at), layer.DrawSeeds(seeds, s, at))
					require.Equal(t, want, seeds)
				}
			}
		}
	}
}

func TestWithDropProbBad(t *testing.T) {
	layer := newLayer(t, dropblock.Config{DropProb: .2, Block: dropblock.Square(7)})
	for _, p := range []float64{-1e-9, 1.5, math.NaN(), math.Inf(1)} {
		_, err := layer.WithDropProb(p)
		require.ErrorContains(t, err, "dropblock: WithDropProb: p is ")
	}
}

func TestTPUGroup(t *testing.T) {
	for group, want := range []float64{1: .1 / 64, .1 / 16, .1 / 4, .1} {
		if group > 0 {
			require.Equal(t, want, dropblock.TPUGroup(.1, group))
		}
	}
	for _, group := range []int{0, 5, -1} {
		require.Panics(t, func() { dropblock.TPUGroup(.1, group) })
	}
}
