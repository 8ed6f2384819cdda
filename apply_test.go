package dropblock_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// featureMap returns n values, every third of them special.
func featureMap(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 0))
	x := make([]float32, n)
	for i := range x {
		if x[i] = float32(r.NormFloat64()); i%3 == 0 {
			x[i] = reference.SpecialFloats[r.IntN(len(reference.SpecialFloats))]
		}
	}
	return x
}

// applyOneByOne is what Apply writes, from the words of the mask alone.
func applyOneByOne(x []float32, m *dropblock.Mask) []float32 {
	return reference.Scale(x, keptOneByOne(m), float32(m.Scales()[0]))
}

// keptOneByOne tells for each element of the feature map whether the mask
// keeps it.
func keptOneByOne(m *dropblock.Mask) []bool {
	s, bits := m.Shape(), m.MaskShape()
	p := reference.Params{Layout: s.Layout().String(), N: s.N(), C: s.C(), D: s.D(), H: s.H(), W: s.W()}
	if bits.C() != s.C() {
		p.Share = "channels"
	}
	return p.Spread(reference.Bits(m.Words(), bits.Len()))
}

// requireFloats compares bits; of a NaN only that it is one.
func requireFloats(t testing.TB, want, got []float32, format string, args ...any) {
	t.Helper()
	require.NoErrorf(t, reference.SameFloats(got, want), format, args...)
}

// requireOutputs checks all that a mask writes: out of place, in place, as
// factors and as booleans.
func requireOutputs(t testing.TB, m *dropblock.Mask, seed uint64) {
	t.Helper()
	x := featureMap(m.Shape().Len(), seed)
	original := slices.Clone(x)
	y := featureMap(len(x), seed+1) // not zero
	dropblock.Apply(y, x, m)
	want := applyOneByOne(x, m)
	requireFloats(t, want, y, "out of place, %v", m.Shape())
	requireFloats(t, original, x, "the source, %v", m.Shape())

	dropblock.Apply(x, x, m)
	requireFloats(t, want, x, "in place, %v", m.Shape())

	keep := make([]bool, len(x))
	for i := range keep {
		keep[i] = i%2 == 0
	}
	dropblock.KeepTo(keep, m)
	wantKeep := keptOneByOne(m)
	require.True(t, slices.Equal(wantKeep, keep), "booleans, %v", m.Shape())

	dropblock.ScaleTo(y, m)
	requireFloats(t, reference.Expand(wantKeep, float32(m.Scales()[0])), y, "factors, %v", m.Shape())
}

func TestApply(t *testing.T) {
	shapes := []dropblock.Shape{
		dropblock.NCHW(1, 1, 1, 1), dropblock.NCHW(2, 3, 7, 7), dropblock.NCHW(3, 4, 14, 14), dropblock.NCHW(2, 3, 5, 9),
		dropblock.NCHW(1, 2, 1, 64), dropblock.NCHW(1, 1, 129, 129), dropblock.NCHW(2, 9, 45, 47),
	}
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		var m dropblock.Mask
		for _, s := range shapes {
			for _, p := range []float64{0, 0.1, 0.5, 0.95, 1} {
				for _, block := range []dropblock.Block{dropblock.Square(1), dropblock.Square(3)} {
					for i, cfg := range configs(p, block, kernels) {
						if cfg.Even != dropblock.EvenBefore || cfg.Gamma != dropblock.GammaPaper {
							continue
						}
						newLayer(t, cfg).Sample(&m, s, 7)
						requireOutputs(t, &m, uint64(i))
					}
				}
			}
		}
	})
}

// Planes of many sizes under a shared mask: every residue of the bits of a
// word, pieces of one plane and of many, planes larger than a piece.
func TestApplyShared(t *testing.T) {
	var planes []int
	for n := 1; n <= 5000; n += 1 + n/40 {
		planes = append(planes, n)
	}
	planes = append(planes, 8191, 8192, 8193, 16383, 16384, 16385, 20000, 32768, 49999)
	r := rand.New(rand.NewPCG(5, 6))
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		layer := newLayer(t, dropblock.Config{
			DropProb: 0.3, Block: dropblock.Rect(1, 3), Share: dropblock.ShareChannels, Kernels: kernels,
		})
		var m dropblock.Mask
		for i, plane := range planes {
			channels := 1 + r.IntN(min(20, 1+40000/plane))
			s := dropblock.NCHW(1+i%3, channels, 1, plane)
			layer.Sample(&m, s, i)
			requireOutputs(t, &m, uint64(i))
		}
		// More channels than a piece has room for.
		for _, s := range []dropblock.Shape{dropblock.NCHW(2, 20000, 1, 1), dropblock.NCHW(2, 700, 5, 5), dropblock.NCHW(1, 9, 43, 43)} {
			layer.Sample(&m, s, 1)
			requireOutputs(t, &m, 1)
		}
	})
}

// Slices that begin anywhere in memory.
func TestApplyUnaligned(t *testing.T) {
	s := dropblock.NCHW(1, 3, 19, 23)
	n := s.Len()
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		var m dropblock.Mask
		newLayer(t, dropblock.Config{DropProb: 0.2, Block: dropblock.Square(3), Kernels: kernels}).Sample(&m, s, 1)
		x, y := featureMap(n+16, 1), make([]float32, n+16)
		for from := range 16 {
			for to := range 16 {
				for i := range y {
					y[i] = 77
				}
				dropblock.Apply(y[to:to+n], x[from:from+n], &m)
				requireFloats(t, applyOneByOne(x[from:from+n], &m), y[to:to+n], "from %d to %d", from, to)
				require.NotContains(t, append(slices.Clone(y[:to]), y[to+n:]...), float32(0), "from %d to %d", from, to)
				for i, v := range y {
					if (i < to || i >= to+n) && v != 77 {
						t.Fatalf("from %d to %d: element %d outside was written", from, to, i)
					}
				}
			}
		}
	})
}

// Every special value in dropped and in kept places.
func TestApplySpecials(t *testing.T) {
	s := dropblock.NCHW(1, 1, 1, 1024)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, norm := range []dropblock.Norm{dropblock.NormTensor, dropblock.NormNone} {
			layer := newLayer(t, dropblock.Config{DropProb: 0.4, Block: dropblock.Square(1), Norm: norm, Kernels: kernels})
			var m dropblock.Mask
			layer.Sample(&m, s, 3)
			keep := keptOneByOne(&m)
			scale := float32(m.Scales()[0])
			for _, v := range reference.SpecialFloats {
				x, y := slices.Repeat([]float32{v}, s.Len()), make([]float32, s.Len())
				dropblock.Apply(y, x, &m)
				for i, got := range y {
					switch {
					case !keep[i]:
						require.Zero(t, math.Float32bits(got), "%v dropped", v)
					case v != v:
						require.True(t, got != got, "NaN kept is %v", got)
					default:
						require.Equal(t, math.Float32bits(v*scale), math.Float32bits(got), "%v kept", v)
					}
				}
			}
		}
	})
}

// All dropped: +0 everywhere, whatever was there, and scale 0.
func TestApplyAllDropped(t *testing.T) {
	s := dropblock.NCHW(2, 3, 11, 13)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, norm := range []dropblock.Norm{dropblock.NormTensor, dropblock.NormNone} {
			for _, share := range []dropblock.Share{dropblock.ShareNone, dropblock.ShareChannels} {
				var m dropblock.Mask
				newLayer(t, dropblock.Config{DropProb: 1, Block: dropblock.Square(1), Norm: norm, Share: share, Kernels: kernels}).Sample(&m, s, 0)
				x := featureMap(s.Len(), 1)
				y := featureMap(s.Len(), 2)
				zeros := make([]float32, s.Len())
				dropblock.Apply(y, x, &m)
				requireFloats(t, zeros, y, "out of place")
				dropblock.Apply(x, x, &m)
				requireFloats(t, zeros, x, "in place")
				x[0] = 1
				dropblock.ScaleTo(x, &m)
				requireFloats(t, zeros, x, "factors")
				keep := slices.Repeat([]bool{true}, s.Len())
				dropblock.KeepTo(keep, &m)
				require.NotContains(t, keep, true)
			}
		}
	})
}

// The identity copies bits, NaN payloads too, and does nothing in place.
func TestApplyIdentity(t *testing.T) {
	s := dropblock.NCHW(2, 3, 11, 13)
	asBits := func(x []float32) []uint32 {
		b := make([]uint32, len(x))
		for i, v := range x {
			b[i] = math.Float32bits(v)
		}
		return b
	}
	none, mask := dropblock.Mask{}, dropblock.Mask{}
	none.Identity(s)
	newLayer(t, dropblock.Config{Block: dropblock.Square(3)}).Sample(&mask, s, 0)
	for _, m := range []*dropblock.Mask{&none, &mask} {
		x, y := featureMap(s.Len(), 1), make([]float32, s.Len())
		want := asBits(x)
		dropblock.Apply(y, x, m)
		require.Equal(t, want, asBits(y))
		dropblock.Apply(x, x, m)
		require.Equal(t, want, asBits(x))
		dropblock.ScaleTo(y, m)
		require.Equal(t, slices.Repeat([]float32{1}, s.Len()), y)
		keep := make([]bool, s.Len())
		dropblock.KeepTo(keep, m)
		require.NotContains(t, keep, false)
	}
}

// The mask is linear and diagonal: backward is the same call. Through a sum of
// squares it is the gradient that differences give.
func TestApplyBackward(t *testing.T) {
	s := dropblock.NCHW(1, 2, 8, 8)
	layer := newLayer(t, dropblock.Config{DropProb: 0.2, Block: dropblock.Square(3), Seed: 5})
	var m dropblock.Mask
	layer.Sample(&m, s, 4)
	require.NotZero(t, m.Dropped())

	x := make([]float32, s.Len())
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	loss := func(x []float32) (sum float64) {
		y := make([]float32, len(x))
		dropblock.Apply(y, x, &m)
		for _, v := range y {
			sum += float64(v) * float64(v) / 2
		}
		return sum
	}
	y, dx := make([]float32, len(x)), make([]float32, len(x))
	dropblock.Apply(y, x, &m)
	dropblock.Apply(dx, y, &m) // dy = y
	for i := range x {
		const h = 0.5
		up, down := slices.Clone(x), slices.Clone(x)
		up[i] += h
		down[i] -= h
		require.InDelta(t, (loss(up)-loss(down))/(2*h), float64(dx[i]), 1e-4, "element %d", i)
	}
}

// The kernels on their own, at lengths of many calls, with more words than the
// elements need, whose bits do not count.
func TestKernelSetScale(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, n := range []int{0, 1, 31, 64, 100, 1 << 14, 1<<14 + 1, 3<<14 + 77} {
			for _, scale := range []float32{1, 1.25, 0, float32(math.Inf(1))} {
				keep := make([]uint64, (n+63)/64+2)
				for i := range keep {
					keep[i] = r.Uint64() | r.Uint64()
				}
				x := featureMap(n, 11)
				wantKeep := reference.Bits(keep, n)
				want := reference.Scale(x, wantKeep, scale)
				y := featureMap(n, 12)
				dropblock.Scale(kernels, y, x, keep, scale)
				requireFloats(t, want, y, "n %d, scale %v", n, scale)
				dropblock.Scale(kernels, x, x, keep, scale)
				requireFloats(t, want, x, "n %d, scale %v, in place", n, scale)
				dropblock.Expand(kernels, y, keep, scale)
				requireFloats(t, reference.Expand(wantKeep, scale), y, "n %d, scale %v, factors", n, scale)
				got := slices.Repeat([]bool{true}, n)
				dropblock.ExpandBits(kernels, got, keep)
				require.True(t, slices.Equal(wantKeep, got), "n %d, booleans", n)
			}
		}
	})
}

func TestKernelSetCount(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, n := range []int{0, 1, 2, 3, 15, 16, 17, 1000, 1 << 13, 1<<13 + 1, 3<<13 + 5} {
			words := make([]uint64, n)
			for i := range words {
				words[i] = r.Uint64()
			}
			require.Equal(t, reference.Count(reference.Bits(words, 64*n)), kernels.Count(words))
			for i := range words {
				words[i] = ^uint64(0)
			}
			require.Equal(t, 64*n, kernels.Count(words))
		}
	})
}
