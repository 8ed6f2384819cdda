package dropblock

import (
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// TestBypasses has source and destination take three quarters of a cache, or all of it
// for several goroutines, and an element more.
func TestBypasses(t *testing.T) {
	for _, c := range []struct {
		size, n, of int
		want        bool
	}{
		{1024, 96, 1, false}, {1024, 97, 1, true},
		{1024, 128, 2, false}, {1024, 129, 2, true}, {1024, 129, 16, true},
		{0, 1 << 30, 1, false}, {0, 1 << 30, 2, false},
	} {
		if got := bypasses(4*c.n, c.size, c.of); got != c.want {
			t.Errorf("%d elements, %d goroutines, a cache of %d bytes: %v, want %v", c.n, c.of, c.size, got, c.want)
		}
	}
}

// TestApplyStream has outputs bypass the caches, which those of Apply do for feature maps
// too large for a test.
func TestApplyStream(t *testing.T) {
	const cache = 8
	eachISA(t, func(t *testing.T, k isa) {
		for _, p := range []reference.Params{
			{P: .1, BlockH: 7, BlockW: 7, N: 2, C: 3, H: 14, W: 14},
			{P: .1, BlockH: 3, BlockW: 3, N: 1, C: 5, H: 99, W: 101},
			{P: .5, BlockH: 3, BlockW: 3, N: 3, C: 7, H: 60, W: 50, Share: "channels"},
			{P: .2, BlockH: 5, BlockW: 5, N: 1, C: 3, H: 140, W: 150, Share: "channels"},
		} {
			cfg := Config{DropProb: p.P, Block: Rect(p.BlockH, p.BlockW), Kernels: KernelSet{k}}
			if p.Share == "channels" {
				cfg.Share = ShareChannels
			}
			layer, err := New(cfg)
			pass(t, err)
			var m Mask
			layer.Sample(&m, NCHW(p.N, p.C, p.H, p.W), 0)

			mask := p.Draw()
			keep := p.Spread(mask.Keep)
			x := make([]float32, len(keep))
			for i := range x {
				x[i] = float32(i) - 1000
			}
			want := reference.Scale(x, keep, float32(mask.Scales[0]))
			apply := func(dst, src []float32) {
				o := output{dst: spanOf(dst), src: spanOf(src)}
				if o.choose(&m, 1, cache); &dst[0] != &src[0] && !o.stream {
					t.Fatalf("%d elements do not bypass a cache of %d bytes", len(x), cache)
				}
				o.write(&m, 1)
			}
			b := guard.Heap(4*len(x) + guard.Align)
			for skip := 0; skip <= guard.Align; skip += 4 {
				dst := guard.Middle[float32](b, skip, len(x))
				apply(dst, x)
				pass(t, reference.SameFloats(dst, want))
				pass(t, guard.Check(b, dst))
			}
			apply(x, x)
			pass(t, reference.SameFloats(x, want))
		}
	})
}
