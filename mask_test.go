package dropblock_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// perKernels runs a test for each kernel set that this CPU has.
func perKernels(t *testing.T, test func(t *testing.T, kernels dropblock.KernelSet)) {
	for _, kernels := range dropblock.KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) { test(t, kernels) })
	}
}

func newLayer(t testing.TB, cfg dropblock.Config) *dropblock.Layer {
	t.Helper()
	layer, err := dropblock.New(cfg)
	require.NoError(t, err)
	return layer
}

// unpack returns n bits of words as booleans, and fails if a bit behind them
// is set.
func unpack(t testing.TB, words []uint64, n int) []bool {
	t.Helper()
	bits := reference.Bits(words, n)
	require.NoError(t, reference.SameBits(words, bits))
	return bits
}

var params = dropblock.ReferenceParams

// configs are all combinations of the enumerations, with seed and layer set.
func configs(p float64, block dropblock.Block, kernels dropblock.KernelSet) (all []dropblock.Config) {
	for _, even := range []dropblock.Even{dropblock.EvenBefore, dropblock.EvenAfter} {
		for _, region := range []dropblock.Region{dropblock.RegionValid, dropblock.RegionFull} {
			for _, gamma := range []dropblock.GammaRule{dropblock.GammaPaper, dropblock.GammaSimple} {
				for _, share := range []dropblock.Share{dropblock.ShareNone, dropblock.ShareChannels} {
					for _, norm := range []dropblock.Norm{dropblock.NormTensor, dropblock.NormNone} {
						all = append(all, dropblock.Config{
							DropProb: p, Block: block, Even: even, Region: region, Gamma: gamma, Share: share, Norm: norm,
							Seed: 0x9e3779b97f4a7c15, Layer: 77, Kernels: kernels,
						})
					}
				}
			}
		}
	}
	return all
}

// requireMask compares all that a mask tells with what its keep bits imply.
func requireMask(t testing.TB, m *dropblock.Mask, cfg dropblock.Config, s dropblock.Shape, keep []bool, seeds int) {
	t.Helper()
	p := params(cfg, s, dropblock.Position{})
	require.Equal(t, s, m.Shape())
	require.Equal(t, dropblock.NCHW(p.Samples(), p.Planes(), s.H(), s.W()), m.MaskShape())
	require.NoError(t, reference.SameBits(m.Words(), keep), "%+v, %v: words", cfg, s)
	kept := reference.Count(keep)
	require.Equal(t, kept, m.Kept())
	require.Equal(t, len(keep)-kept, m.Dropped())
	require.Equal(t, seeds, m.SeedCount())
	require.Equal(t, p.Scales(keep), []float64{m.Scales()[0]})
}

// Sample, Seeds and Grow against the definition and so against each other, for
// both regions and anchors, odd, even, rectangular and clipped blocks, at
// probabilities with and without a head.
func TestSampleByDefinition(t *testing.T) {
	shapes := []dropblock.Shape{
		dropblock.NCHW(3, 5, 7, 7), dropblock.NCHW(2, 3, 14, 14), dropblock.NCHW(2, 2, 5, 9), dropblock.NCHW(1, 1, 1, 1),
		dropblock.NCHW(3, 2, 1, 13), dropblock.NCHW(3, 2, 13, 1), dropblock.NCHW(1, 1, 70, 67), dropblock.NCHW(0, 3, 4, 4),
	}
	blocks := []dropblock.Block{
		dropblock.Square(1), dropblock.Square(2), dropblock.Square(3), dropblock.Square(4), dropblock.Square(7),
		dropblock.Rect(1, 5), dropblock.Rect(6, 1), dropblock.Rect(2, 3), dropblock.Rect(65, 66), dropblock.Rect(math.MaxInt, math.MaxInt),
	}
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		var m, grown dropblock.Mask
		step := 0
		for _, p := range []float64{0.1, 0.4, 1} { // 0 has a test of its own
			for _, block := range blocks {
				for _, cfg := range configs(p, block, kernels) {
					if cfg.Norm == dropblock.NormNone && cfg.Gamma == dropblock.GammaPaper {
						continue // the norm changes no bit of the mask
					}
					layer := newLayer(t, cfg)
					for _, s := range shapes {
						step++
						at := dropblock.Position{Step: uint64(step)}
						want := params(cfg, s, at).Draw()
						seeds := reference.Count(want.Seeds)

						layer.Sample(&m, s, step)
						requireMask(t, &m, cfg, s, want.Keep, seeds)
						require.Equal(t, want.Gamma, m.Gamma())
						require.Equal(t, want.Gamma, layer.Gamma(s, 0))

						words := make([]uint64, len(m.Words()))
						for i := range words {
							words[i] = ^uint64(0)
						}
						require.Equal(t, seeds, layer.DrawSeeds(words, s, at))
						require.NoError(t, reference.SameBits(words, want.Seeds), "%+v, %v: seeds", cfg, s)

						if over := len(want.Seeds) % 64; over != 0 { // bits past the end are ignored
							words[len(words)-1] |= ^uint64(0) << over
						}
						require.NoError(t, layer.Grow(&grown, s, words))
						requireMask(t, &grown, cfg, s, want.Keep, seeds)
						require.Zero(t, grown.Gamma())
					}
				}
			}
		}
	})
}

// Blocks in any number, also where no draw would put as many: random seeds
// from sparse to full through Grow.
func TestGrowByDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		var m dropblock.Mask
		for range 200 {
			s := dropblock.NCHW(1+r.IntN(3), 1+r.IntN(4), 1+r.IntN(40), 1+r.IntN(150))
			block := dropblock.Rect(1+r.IntN(s.H()+2), 1+r.IntN(s.W()+2))
			all := configs(0.1, block, kernels)
			cfg := all[r.IntN(len(all))]
			p := params(cfg, s, dropblock.Position{})
			p.P, p.Rule = 1, "given"
			seeds := p.Seeds() // wherever one may be
			density := []float64{0.002, 0.05, 0.5, 1}[r.IntN(4)]
			for i := range seeds {
				seeds[i] = seeds[i] && r.Float64() < density
			}
			want, _ := p.Grow(seeds)
			require.NoError(t, newLayer(t, cfg).Grow(&m, s, reference.Words(seeds)))
			requireMask(t, &m, cfg, s, want.Keep, reference.Count(seeds))
		}
	})
}

// Sample is SampleAt for the samples from 0 on.
func TestSampleIsSampleAt(t *testing.T) {
	layer := newLayer(t, dropblock.Config{DropProb: 0.2, Block: dropblock.Square(3), Seed: 1})
	s := dropblock.NCHW(4, 3, 9, 9)
	var a, b, c dropblock.Mask
	layer.Sample(&a, s, 12)
	layer.SampleAt(&b, s, dropblock.Position{Step: 12})
	require.Equal(t, a.Words(), b.Words())
	layer.SampleAt(&c, s, dropblock.Position{Step: 12, Sample: 1})
	require.NotEqual(t, a.Words(), c.Words())
	layer.SampleAt(&c, s, dropblock.Position{Step: 12 + 1<<32})
	require.NotEqual(t, a.Words(), c.Words())
}

// All 128 ways to cut a batch of 8 into smaller ones give exactly its slices,
// at sample indices around 2³² and where they wrap at 2⁶⁴.
func TestShards(t *testing.T) {
	const batch = 8
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, c := range []struct {
			channels, height, width int
			dropblock.Config
		}{
			{3, 9, 11, dropblock.Config{DropProb: 0.1, Block: dropblock.Square(3)}},
			{3, 9, 11, dropblock.Config{DropProb: 0.3, Block: dropblock.Rect(2, 4), Region: dropblock.RegionFull, Even: dropblock.EvenAfter}},
			{3, 9, 11, dropblock.Config{DropProb: 0.4, Block: dropblock.Square(1), Share: dropblock.ShareChannels}},
			{3, 9, 11, dropblock.Config{DropProb: 0.5, Block: dropblock.Rect(5, 1), Gamma: dropblock.GammaSimple}},
			// Samples whose positions are whole words are drawn together.
			{64, 7, 7, dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)}},
			{64, 3, 3, dropblock.Config{DropProb: 0.5, Block: dropblock.Square(2)}},
			{192, 2, 2, dropblock.Config{DropProb: 1, Block: dropblock.Square(2)}},
		} {
			cfg := c.Config
			cfg.Kernels = kernels
			layer := newLayer(t, cfg)
			shard := func(n int) dropblock.Shape { return dropblock.NCHW(n, c.channels, c.height, c.width) }
			for _, first := range []uint64{0, 1<<32 - 3, 1<<64 - 5} {
				var whole, part dropblock.Mask
				at := dropblock.Position{Step: 5, Sample: first}
				layer.SampleAt(&whole, shard(batch), at)
				want := unpack(t, whole.Words(), whole.MaskShape().Len())
				for cuts := range 1 << (batch - 1) {
					var got []bool
					seeds := 0
					for from := 0; from < batch; {
						to := from + 1
						for to < batch && cuts>>(to-1)&1 == 0 {
							to++
						}
						layer.SampleAt(&part, shard(to-from), dropblock.Position{Step: 5, Sample: first + uint64(from)})
						got = append(got, unpack(t, part.Words(), part.MaskShape().Len())...)
						seeds += part.SeedCount()
						from = to
					}
					require.True(t, slices.Equal(want, got), "%+v, first sample %d, cuts %07b", cfg, first, cuts)
					require.Equal(t, whole.SeedCount(), seeds)
				}
			}
		}
	})
}

// A sample of several chunks is cut from a batch like any other.
func TestShardsOfLongSamples(t *testing.T) {
	s := dropblock.NCHW(3, 3, 211, 157) // 99381 elements a sample
	one := dropblock.NCHW(1, s.C(), s.H(), s.W())
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, p := range []float64{0.05, 0.5} {
			layer := newLayer(t, dropblock.Config{DropProb: p, Block: dropblock.Square(1), Kernels: kernels})
			var whole, part dropblock.Mask
			layer.SampleAt(&whole, s, dropblock.Position{Sample: 10})
			want := unpack(t, whole.Words(), s.Len())
			for n := range s.N() {
				layer.SampleAt(&part, one, dropblock.Position{Sample: 10 + uint64(n)})
				require.True(t, slices.Equal(want[n*one.Len():(n+1)*one.Len()], unpack(t, part.Words(), one.Len())), "sample %d", n)
			}
		}
	})
}

// Every number of the key makes another mask.
func TestKeysDiffer(t *testing.T) {
	s := dropblock.NCHW(1, 4, 32, 32)
	drawn := make(map[string]string)
	draw := func(name string, seed uint64, layer uint32, at dropblock.Position) {
		var m dropblock.Mask
		newLayer(t, dropblock.Config{DropProb: 0.3, Block: dropblock.Square(3), Seed: seed, Layer: layer}).SampleAt(&m, s, at)
		words := fmt.Sprintf("%x", m.Words())
		require.NotContains(t, drawn, words, name)
		drawn[words] = name
	}
	draw("zero", 0, 0, dropblock.Position{})
	for bit := range 64 {
		draw(fmt.Sprintf("seed bit %d", bit), 1<<bit, 0, dropblock.Position{})
		draw(fmt.Sprintf("step bit %d", bit), 0, 0, dropblock.Position{Step: 1 << bit})
		draw(fmt.Sprintf("sample bit %d", bit), 0, 0, dropblock.Position{Sample: 1 << bit})
		if bit < 32 {
			draw(fmt.Sprintf("layer bit %d", bit), 0, 1<<bit, dropblock.Position{})
		}
	}
}

// One mask through changing shapes, probabilities, regions, sharings and ways
// to fill it is at every turn like a new one.
func TestMaskReuse(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		var reused dropblock.Mask
		for range 1500 {
			s := dropblock.NCHW(r.IntN(4), r.IntN(5), r.IntN(20), r.IntN(40))
			all := configs([]float64{0, 0.02, 0.1, 0.5, 0.9, 1}[r.IntN(6)], dropblock.Rect(1+r.IntN(9), 1+r.IntN(9)), kernels)
			layer := newLayer(t, all[r.IntN(len(all))])
			var fresh dropblock.Mask
			fill := func(m *dropblock.Mask, how int, step uint64) {
				switch how {
				case 0:
					m.Identity(s)
				case 1:
					seeds := make([]uint64, (params(layer.Config(), s, dropblock.Position{}).Cells()+63)/64)
					layer.DrawSeeds(seeds, s, dropblock.Position{Step: step})
					require.NoError(t, layer.Grow(m, s, seeds))
				default:
					layer.SampleAt(m, s, dropblock.Position{Step: step})
				}
			}
			how, step := r.IntN(8), r.Uint64()
			fill(&reused, how, step)
			fill(&fresh, how, step)
			requireSame(t, &fresh, &reused)
		}
	})
}

// requireSame compares all that masks tell and write.
func requireSame(t testing.TB, want, got *dropblock.Mask) {
	t.Helper()
	require.Equal(t, want.Shape(), got.Shape())
	require.Equal(t, want.MaskShape(), got.MaskShape())
	require.Equal(t, len(want.Words()), len(got.Words()))
	require.True(t, slices.Equal(want.Words(), got.Words()), "words")
	require.Equal(t, want.Kept(), got.Kept())
	require.Equal(t, want.Dropped(), got.Dropped())
	require.Equal(t, want.SeedCount(), got.SeedCount())
	require.Equal(t, want.Gamma(), got.Gamma())
	require.Equal(t, want.Scales(), got.Scales())
	a, b := make([]float32, want.Shape().Len()), make([]float32, want.Shape().Len())
	dropblock.ScaleTo(a, want)
	dropblock.ScaleTo(b, got)
	require.True(t, slices.Equal(a, b), "factors")
}

func TestIdentity(t *testing.T) {
	var m dropblock.Mask
	newLayer(t, dropblock.Config{DropProb: 0.5, Block: dropblock.Square(2)}).Sample(&m, dropblock.NCHW(2, 3, 10, 10), 1)
	for _, s := range []dropblock.Shape{
		dropblock.NCHW(1, 1, 1, 1), dropblock.NCHW(2, 3, 4, 8), dropblock.NCHW(5, 3, 7, 7), dropblock.NCHW(2, 0, 3, 3),
	} {
		m.Identity(s)
		requireMask(t, &m, dropblock.Config{}, s, slices.Repeat([]bool{true}, s.Len()), 0)
		require.Zero(t, m.Gamma())
	}
}

func TestZeroProbabilityKeepsAll(t *testing.T) {
	s := dropblock.NCHW(3, 5, 7, 9)
	for _, block := range []dropblock.Block{dropblock.Square(1), dropblock.Square(3), dropblock.Square(100)} {
		for _, p := range []float64{0, 5e-324, 1e-300, 1e-25} { // no seed in so few elements
			for _, cfg := range configs(p, block, dropblock.KernelSet{}) {
				var m dropblock.Mask
				newLayer(t, cfg).Sample(&m, s, 1)
				requireMask(t, &m, cfg, s, slices.Repeat([]bool{true}, params(cfg, s, dropblock.Position{}).Cells()), 0)
			}
		}
	}
}

// With p = 1 gamma is 1 where a block is a cell or the map, and all is
// dropped. Otherwise the paper's formula leaves gamma, and the drop rate,
// below 1.
func TestProbabilityOne(t *testing.T) {
	s := dropblock.NCHW(3, 5, 8, 8)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, block := range []dropblock.Block{dropblock.Square(1), dropblock.Square(8), dropblock.Square(9)} {
			cfg := dropblock.Config{DropProb: 1, Block: block, Kernels: kernels}
			var m dropblock.Mask
			layer := newLayer(t, cfg)
			layer.Sample(&m, s, 1)
			require.Equal(t, 1.0, layer.Gamma(s, 0))
			seeds := s.Len()
			if block != dropblock.Square(1) {
				seeds = s.N() * s.C()
			}
			requireMask(t, &m, cfg, s, make([]bool, s.Len()), seeds)
			require.Zero(t, m.Scales()[0])

			cfg.Norm = dropblock.NormNone
			newLayer(t, cfg).Sample(&m, s, 1)
			requireMask(t, &m, cfg, s, make([]bool, s.Len()), seeds)
			require.Equal(t, 1.0, m.Scales()[0])
		}
		layer := newLayer(t, dropblock.Config{DropProb: 1, Block: dropblock.Square(3), Kernels: kernels})
		require.Equal(t, 64/(9*36.0), layer.Gamma(s, 0))
		var m dropblock.Mask
		layer.Sample(&m, s, 1)
		require.NotZero(t, m.Kept())
	})
}

// A block of the map's size is SpatialDropout: a plane is kept or dropped
// whole, and each dropped one has one seed.
func TestBlockIsMap(t *testing.T) {
	s := dropblock.NCHW(16, 32, 6, 9)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, block := range []dropblock.Block{dropblock.Rect(6, 9), dropblock.Rect(7, 9), dropblock.Rect(6, 1000)} {
			var m dropblock.Mask
			layer := newLayer(t, dropblock.Config{DropProb: 0.25, Block: block, Kernels: kernels})
			layer.Sample(&m, s, 9)
			require.Equal(t, 0.25, layer.Gamma(s, 0))
			keep := unpack(t, m.Words(), s.Len())
			dropped := 0
			for plane := range s.N() * s.C() {
				cells := keep[plane*54 : plane*54+54]
				require.Contains(t, []int{0, 54}, reference.Count(cells), "plane %d", plane)
				if !cells[0] {
					dropped++
				}
			}
			require.Equal(t, dropped, m.SeedCount())
			require.InDelta(t, 0.25*512, dropped, 50) // 5 standard deviations
		}
	})
}

// A block larger than the map is the block clipped to it, axis by axis.
func TestBlockIsClipped(t *testing.T) {
	s := dropblock.NCHW(4, 3, 6, 20)
	for _, c := range []struct{ block, clipped dropblock.Block }{
		{dropblock.Square(7), dropblock.Rect(6, 7)},
		{dropblock.Rect(2, 21), dropblock.Rect(2, 20)},
		{dropblock.Square(1 << 20), dropblock.Rect(6, 20)},
	} {
		larger, clipped := configs(0.3, c.block, dropblock.KernelSet{}), configs(0.3, c.clipped, dropblock.KernelSet{})
		for i := range larger {
			var got, want dropblock.Mask
			newLayer(t, larger[i]).Sample(&got, s, 3)
			newLayer(t, clipped[i]).Sample(&want, s, 3)
			requireSame(t, &want, &got)
		}
	}
}

func TestEmptyShapes(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for zero := range 15 {
			extent := func(axis int) int { return (zero >> axis & 1) * 3 }
			s := dropblock.NCHW(extent(0), extent(1), extent(2), extent(3))
			for _, cfg := range configs(0.5, dropblock.Square(2), kernels) {
				layer := newLayer(t, cfg)
				require.Zero(t, layer.Gamma(s, 0))
				require.Zero(t, layer.DrawSeeds(nil, s, dropblock.Position{}))
				for _, fill := range []func(m *dropblock.Mask){
					func(m *dropblock.Mask) { layer.Sample(m, s, 0) },
					func(m *dropblock.Mask) { require.NoError(t, layer.Grow(m, s, nil)) },
					func(m *dropblock.Mask) { m.Identity(s) },
				} {
					var m dropblock.Mask
					fill(&m)
					require.Empty(t, m.Words())
					require.Zero(t, m.Kept()+m.Dropped()+m.SeedCount())
					require.Equal(t, 1.0, m.Scales()[0])
					dropblock.Apply[float32](nil, nil, &m)
					dropblock.Apply([]float32{}, nil, &m)
					dropblock.ScaleTo([]float32(nil), &m)
					dropblock.KeepTo([]bool{}, &m)
				}
			}
		}
	})
}

// A Layer serves many goroutines, each with its mask, and a mask many readers.
// The race detector watches.
func TestConcurrentUse(t *testing.T) {
	s := dropblock.NCHW(4, 16, 14, 14)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, cfg := range []dropblock.Config{
			{DropProb: 0.1, Block: dropblock.Square(7), Kernels: kernels},
			{DropProb: 0.3, Block: dropblock.Square(1), Share: dropblock.ShareChannels, Kernels: kernels},
			{DropProb: 0.2, Block: dropblock.Square(2), Region: dropblock.RegionFull, Kernels: kernels},
		} {
			layer := newLayer(t, cfg)
			const workers, steps = 8, 20
			want := make([]dropblock.Mask, steps)
			for step := range steps {
				layer.Sample(&want[step], s, step)
			}
			var wg sync.WaitGroup
			failed := make(chan string, workers)
			for range workers {
				wg.Go(func() {
					var m dropblock.Mask
					x, y := make([]float32, s.Len()), make([]float32, s.Len())
					keep := make([]bool, s.Len())
					for i := range x {
						x[i] = float32(i)
					}
					for step := range steps {
						layer.Sample(&m, s, step)
						if !slices.Equal(m.Words(), want[step].Words()) {
							failed <- fmt.Sprintf("step %d: words differ", step)
							return
						}
						shared := &want[step]
						dropblock.Apply(y, x, shared)
						dropblock.KeepTo(keep, shared)
						for i, k := range keep {
							if expected := x[i] * float32(shared.Scales()[0]); k && y[i] != expected || !k && y[i] != 0 {
								failed <- fmt.Sprintf("step %d: element %d is %v", step, i, y[i])
								return
							}
						}
						dropblock.ScaleTo(y, shared)
					}
				})
			}
			wg.Wait()
			close(failed)
			for f := range failed {
				t.Error(f)
			}
		}
	})
}

// Dilate is the OR along one axis, at lengths of less than a word to many
// calls of a kernel; words behind the bits stay.
func TestKernelSetDilate(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	lengths := []int{0, 1, 5, 63, 64, 65, 1000, 16384 + 64, 50001}
	strides := []int{1, 2, 7, 63, 64, 65, 196, 5000, 16385, math.MaxInt}
	sizes := []int{1, 2, 3, 4, 7, 64, 65, 130, math.MaxInt}
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, n := range lengths {
			for _, stride := range strides {
				for _, size := range sizes {
					bits := make([]bool, n)
					for range n/300 + 1 {
						if n > 0 {
							bits[r.IntN(n)] = true
						}
					}
					want := make([]bool, n)
					for i, bit := range bits {
						for j := 0; bit && j < size; j++ {
							want[i] = true
							if i += stride; i < 0 || i >= n {
								break
							}
						}
					}
					words := append(reference.Words(bits), 0xfedcba9876543210)
					kernels.Dilate(words, n, stride, size)
					last := len(words) - 1
					require.EqualValues(t, uint64(0xfedcba9876543210), words[last])
					require.True(t, slices.Equal(want, unpack(t, words[:last], n)), "n %d, stride %d, size %d", n, stride, size)
				}
			}
		}
	})
}
