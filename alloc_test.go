//go:build !race && !asan

// The sanitizers are told of a kernel's operands by calls that make small
// buffers escape.

package dropblock_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// requireNoAllocs runs step often enough for buffers to reach their size, and
// then expects no allocation.
func requireNoAllocs(t *testing.T, step func()) {
	t.Helper()
	for range 3 {
		step()
	}
	require.Zero(t, testing.AllocsPerRun(50, step))
}

// A training step does not allocate: sample, forward, backward, and the other
// forms that a mask is written in.
func TestStepAllocs(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, cfg := range []dropblock.Config{
			{DropProb: 0.1, Block: dropblock.Square(7)},
			{DropProb: 0.1, Block: dropblock.Square(1)}, // head and residual
			{DropProb: 0.5, Block: dropblock.Square(1)}, // head
			{DropProb: 0.9, Block: dropblock.Square(2)}, // head, not dense
			{DropProb: 0.1, Block: dropblock.Square(3), Share: dropblock.ShareChannels},
			{DropProb: 0.1, Block: dropblock.Square(4), Region: dropblock.RegionFull, Even: dropblock.EvenAfter},
			{DropProb: 0.6, Block: dropblock.Square(2), Region: dropblock.RegionFull, Share: dropblock.ShareChannels},
			{DropProb: 0.1, Block: dropblock.Rect(70, 90)}, // steps along W too
			{DropProb: 0, Block: dropblock.Square(7)},
			{DropProb: 1, Block: dropblock.Square(1)},
		} {
			cfg.Kernels = kernels
			t.Run(fmt.Sprintf("p=%v,b=%v,%v,%v", cfg.DropProb, cfg.Block, cfg.Region, cfg.Share), func(t *testing.T) {
				s := dropblock.NCHW(2, 3, 100, 100)
				layer := newLayer(t, cfg)
				var m dropblock.Mask
				x, y := make([]float32, s.Len()), make([]float32, s.Len())
				keep := make([]bool, s.Len())
				step := 0
				requireNoAllocs(t, func() {
					layer.Sample(&m, s, step)
					dropblock.Apply(y, x, &m)
					dropblock.Apply(y, y, &m)
					dropblock.ApplyNoise(y, x, &m)
					dropblock.ScaleTo(y, &m)
					dropblock.KeepTo(keep, &m)
					step++
				})
			})
		}
	})
}

// Layers of different shapes and probabilities in turn through one mask.
func TestAlternatingAllocs(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		large, small := dropblock.NCHW(2, 8, 56, 56), dropblock.NCHW(4, 8, 14, 14)
		a := newLayer(t, dropblock.Config{DropProb: 0.05, Block: dropblock.Square(7), Kernels: kernels})
		b := newLayer(t, dropblock.Config{DropProb: 0.2, Block: dropblock.Square(3), Region: dropblock.RegionFull, Kernels: kernels})
		var m dropblock.Mask
		x := make([]float32, large.Len())
		seeds := make([]uint64, (small.Len()+63)/64)
		b.DrawSeeds(seeds, small, dropblock.Position{})
		step := 0
		requireNoAllocs(t, func() {
			a.Sample(&m, large, step)
			dropblock.Apply(x, x, &m)
			b.SampleAt(&m, small, dropblock.Position{Step: uint64(step), Sample: 9})
			dropblock.Apply(x[:small.Len()], x[:small.Len()], &m)
			b.Sample(&m, large, step)
			a.Sample(&m, small, step)
			if err := b.Grow(&m, small, seeds); err != nil {
				panic(err)
			}
			m.Identity(large)
			step++
		})
	})
}

// A layer on maps of sixteen sizes in turn, as detectors are trained.
func TestSizesAllocs(t *testing.T) {
	for _, region := range []dropblock.Region{dropblock.RegionValid, dropblock.RegionFull} {
		layer := newLayer(t, dropblock.Config{DropProb: 0.1, Block: dropblock.Square(3), Region: region})
		var m dropblock.Mask
		requireNoAllocs(t, func() {
			for size := range 16 {
				layer.Sample(&m, dropblock.NCHW(2, 8, 10+size, 10+size), size)
			}
		})
	}
}

func TestKernelSetAllocs(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		const n = 100_000
		words, random := make([]uint64, n/64+1), make([]uint32, 4*1001)
		x, y, keep := make([]float32, n), make([]float32, n), make([]bool, n)
		for _, gamma := range []float64{0, 0.002, 0.1, 0.5, 0.99, 1} {
			b, err := dropblock.NewBernoulli(gamma)
			require.NoError(t, err)
			requireNoAllocs(t, func() {
				kernels.Bernoulli(words, n, b, dropblock.NewKey(1, 2, 3), 4)
				kernels.Bernoulli(words, n-1, b, dropblock.NewKey(1, 2, 3), 4)
				kernels.Dilate(words, n, 1, 7)
				kernels.Dilate(words, n, 300, 3)
				kernels.Count(words)
				dropblock.Scale(kernels, y, x, words, 2)
				dropblock.Scale(kernels, x, x, words, 2)
				dropblock.Expand(kernels, y, words, 2)
				dropblock.ExpandBits(kernels, keep, words)
				kernels.Philox(random, dropblock.Key{1, 2}, [4]uint32{1<<32 - 9})
				_ = kernels.String()
			})
		}
	})
}

func TestPhiloxAllocs(t *testing.T) {
	p := dropblock.NewPhilox(dropblock.Key{1})
	buf := make([]byte, 0, 64)
	requireNoAllocs(t, func() {
		p.SetCounter([4]uint32{1, 2, 3, 4})
		p.Uint64()
		p.Uint32()
		buf, _ = p.AppendBinary(buf[:0])
		if err := p.UnmarshalBinary(buf); err != nil {
			panic(err)
		}
		dropblock.Philox4x32([4]uint32{}, [2]uint32{})
	})
}

// TestCollectedAllocs has a garbage collection between two steps, as programs have that
// allocate: what all calls share outlives it.
func TestCollectedAllocs(t *testing.T) {
	for _, cfg := range []dropblock.Config{
		{DropProb: 0.1, Block: dropblock.Square(7)},
		{DropProb: 0.1, Block: dropblock.Square(1)}, // a head
		{DropProb: 0.1, Block: dropblock.Square(3), Region: dropblock.RegionFull},
	} {
		s := dropblock.NCHW(4, 8, 56, 56)
		layer := newLayer(t, cfg)
		var m dropblock.Mask
		step := 0
		// allocs counts those of 40 steps beside the collector's own.
		allocs := func(draws int) uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 40 {
				for range draws {
					layer.Sample(&m, s, step)
					step++
				}
				runtime.GC()
			}
			runtime.ReadMemStats(&after)
			return after.Mallocs - before.Mallocs
		}
		least := ^uint64(0)
		for try := 0; try < 20 && least >= 20; try++ { // until each CPU has its scratch
			idle := allocs(0)
			least = min(least, max(allocs(1), idle)-idle)
		}
		require.Less(t, least, uint64(20), "%+v: allocations of 40 steps", cfg)
	}
}

// A new probability each step allocates nothing.
func TestRampAllocs(t *testing.T) {
	s := dropblock.NCHW(2, 3, 14, 14)
	for _, gamma := range []dropblock.GammaRule{dropblock.GammaPaper, dropblock.GammaExact} {
		layer := newLayer(t, dropblock.Config{DropProb: .2, Ramp: dropblock.Ramp{Steps: 1 << 40}, Block: dropblock.Square(7), Gamma: gamma, Workers: 1})
		var m dropblock.Mask
		step := uint64(1 << 38)
		layer.SampleAt(&m, s, dropblock.Position{Step: step})
		requireNoAllocs(t, func() {
			step += 1 << 20
			layer.SampleAt(&m, s, dropblock.Position{Step: step})
		})
	}
}

// Masks of several scales, whose runs begin anywhere in a word or are single elements, in
// everything that writes a map.
func TestScalesAllocs(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, s := range []dropblock.Shape{
			dropblock.NCHW(4, 16, 7, 7), dropblock.NCHW(1, 64, 28, 28), dropblock.NHWC(3, 14, 14, 50), dropblock.NWC(4, 99, 3),
		} {
			for _, norm := range []dropblock.Norm{dropblock.NormSample, dropblock.NormPlane} {
				for share := dropblock.ShareNone; share <= dropblock.ShareAll; share++ {
					layer := newLayer(t, dropblock.Config{DropProb: 0.3, Block: dropblock.Square(3), Norm: norm, Share: share, Kernels: kernels})
					var m dropblock.Mask
					x, y, fill := make([]float32, s.Len()), make([]float32, s.Len()), make([]float32, s.Len())
					keep := make([]bool, s.Len())
					step := 0
					t.Run(fmt.Sprintf("%v,%v,%v", s, norm, share), func(t *testing.T) {
						requireNoAllocs(t, func() {
							layer.Sample(&m, s, step)
							dropblock.Apply(y, x, &m)
							dropblock.ApplyAdd(y, x, &m)
							dropblock.ApplyFill(y, x, fill, &m)
							dropblock.ApplyNoise(y, x, &m)
							dropblock.ApplyAddPart(y, x, &m, 1, 3)
							dropblock.ScaleTo(y, &m)
							dropblock.KeepTo(keep, &m)
							step++
						})
					})
				}
			}
		}
	})
}

// A mask that one layer filled is prepared for those that WithDropProb makes of it.
func TestWithDropProbAllocs(t *testing.T) {
	for _, region := range []dropblock.Region{dropblock.RegionValid, dropblock.RegionFull} {
		layer := newLayer(t, dropblock.Config{DropProb: .2, Block: dropblock.Square(5), Region: region, Norm: dropblock.NormExpected, Workers: 1})
		var layers []*dropblock.Layer
		for i := range 60 { // more than steps
			other, err := layer.WithDropProb(.2 + float64(i)/100)
			require.NoError(t, err)
			layers = append(layers, other)
		}
		s := dropblock.NCHW(2, 3, 14, 14)
		var m dropblock.Mask
		layer.Sample(&m, s, 0)
		step := 0
		requireNoAllocs(t, func() {
			layers[step].Sample(&m, s, step)
			step++
		})
	}
}
