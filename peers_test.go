package dropblock_test

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/npy"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/dropblock-go/dropblock/preset"
	"github.com/stretchr/testify/require"
)

func loadPeer[E npy.Element](t *testing.T, name string) (shape []int, data []E) {
	t.Helper()
	a, err := npy.ReadFile(filepath.Join("testdata", "peers", name+".npy"), nil)
	require.NoError(t, err)
	data, err = npy.Values[E](a)
	require.NoError(t, err)
	return a.Shape, data
}

func nonzero(data []uint8) []bool {
	bits := make([]bool, len(data))
	for i, v := range data {
		bits[i] = v != 0
	}
	return bits
}

// peerRules are the presets whose rules the files of grow and output have.
var peerRules = map[string]func(p float64, block int) dropblock.Config{
	"torchvision": preset.TorchVision,
	"valid":       preset.TPU,
	"full":        preset.Timm,
	"timm":        preset.Timm,
	"tutorial":    preset.Tutorial,
}

// Blocks grown by torch's max_pool2d with the peers' padding and cropping.
func TestPeersGrow(t *testing.T) {
	cases := 0
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, rule := range []string{"torchvision", "valid", "full", "tutorial"} {
			for _, size := range []string{"14x14", "7x7", "5x9"} {
				name := "grow_" + rule + "_" + size
				_, blocks := loadPeer[uint8](t, name+"_blocks")
				dims, seeds := loadPeer[uint8](t, name+"_seeds")
				_, keep := loadPeer[uint8](t, name+"_keep")
				s := dropblock.NCHW(dims[1], dims[2], dims[3], dims[4])
				require.Equal(t, []int{len(blocks) / 2, s.N(), s.C(), s.H(), s.W()}, dims)
				for i := range dims[0] {
					cfg := peerRules[rule](0, 1)
					cfg.Kernels, cfg.Share = kernels, dropblock.ShareNone
					cfg.Clip = dropblock.ClipAxes // of rectangles, which these peers do not have
					cfg.Block = dropblock.Rect(int(blocks[2*i]), int(blocks[2*i+1]))
					from, to := i*s.Len(), (i+1)*s.Len()
					var m dropblock.Mask
					require.NoError(t, newLayer(t, cfg).Grow(&m, s, reference.Words(nonzero(seeds[from:to]))), "%s, block %v", name, cfg.Block)
					require.Equal(t, nonzero(keep[from:to]), unpack(t, m.Words(), s.Len()), "%s, block %v", name, cfg.Block)
					cases++
				}
			}
		}
	})
	require.GreaterOrEqual(t, cases, 120*len(dropblock.KernelSets()))
}

// requireLikePeer compares an output y of the map x with a peer's: where keep is false ours
// is +0, and elsewhere they differ by a fraction of bound at most.
func requireLikePeer(t *testing.T, peer, y, x []float32, keep []bool, bound float64, name string) {
	t.Helper()
	for i, keep := range keep {
		switch ours, theirs := float64(y[i]), float64(peer[i]); {
		case !keep:
			require.Zero(t, math.Float32bits(y[i]), "%s: element %d", name, i)
			require.True(t, theirs == 0 || theirs != theirs && math.IsNaN(float64(x[i]-x[i])),
				"%s: element %d of %v is dropped, but %v there", name, i, x[i], theirs)
		case ours == theirs || ours != ours && theirs != theirs:
		default:
			require.LessOrEqual(t, math.Abs(ours-theirs), math.Abs(ours)*bound+0x1p-149,
				"%s: element %d: %v, theirs %v", name, i, ours, theirs)
		}
	}
}

// Whole outputs. Theirs differ in two ways. They multiply what they drop by
// zero, which keeps the sign and NaN, where ours is +0. And they add up to 10⁻⁶
// to the count of what is kept and round in float32 up to four times: the sum,
// its reciprocal, the scale, the product. We round the scale and the product.
func TestPeersOutput(t *testing.T) {
	files, err := filepath.Glob("testdata/peers/output_*_x.npy")
	require.NoError(t, err)
	require.Len(t, files, 11)
	fields := regexp.MustCompile(`^output_([a-z]+)_\d+x\d+x\d+x\d+_p(\d+)_b(\d+)_x\.npy$`)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, file := range files {
			f := fields.FindStringSubmatch(filepath.Base(file))
			require.NotNil(t, f, file)
			name := filepath.Base(file[:len(file)-len("_x.npy")])
			t.Run(name, func(t *testing.T) {
				percent, _ := strconv.Atoi(f[2])
				block, _ := strconv.Atoi(f[3])
				cfg := peerRules[f[1]](float64(percent)/100, block)
				cfg.Kernels = kernels

				dims, x := loadPeer[float32](t, name+"_x")
				_, want := loadPeer[float32](t, name+"_y")
				_, seeds := loadPeer[uint8](t, name+"_seeds")
				s := dropblock.NCHW(dims[0], dims[1], dims[2], dims[3])
				var m dropblock.Mask
				require.NoError(t, newLayer(t, cfg).Grow(&m, s, reference.Words(nonzero(seeds))))
				y := make([]float32, len(x))
				dropblock.Apply(y, x, &m)

				requireLikePeer(t, want, y, x, keptOneByOne(&m), 6.01*0x1p-24+1e-6/float64(m.Kept()), name)
			})
		}
	})
}

// torchvision's gamma, which is the same but for the order of the factors of p·H·W: they
// round three times, we twice.
func TestPeersGamma(t *testing.T) {
	_, rows := loadPeer[float64](t, "gamma")
	require.Greater(t, len(rows), 5*250)
	for row := range slices.Chunk(rows, 5) {
		p, b, h, w, want := row[0], int(row[1]), int(row[2]), int(row[3]), row[4]
		got := newLayer(t, preset.TorchVision(p, b)).Gamma(dropblock.NCHW(1, 1, h, w), 0)
		require.InDelta(t, want, got, want*5*0x1p-53, "p %v, b %d, %dx%d", p, b, h, w)
	}
}

// measuredRate is the mean drop rate of planes and its standard error.
func measuredRate(t *testing.T, cfg dropblock.Config, s dropblock.Shape) (mean, stderr float64) {
	var m dropblock.Mask
	newLayer(t, cfg).Sample(&m, s, 1)
	keep := unpack(t, m.Words(), s.Len())
	planes, cells := s.N()*s.C(), s.H()*s.W()
	var sum, squares float64
	for p := range planes {
		rate := 1 - float64(reference.Count(keep[p*cells:(p+1)*cells]))/float64(cells)
		sum += rate
		squares += rate * rate
	}
	n := float64(planes)
	mean = sum / n
	return mean, math.Sqrt((squares/n - mean*mean) / n)
}

// The drop rates that are really reached at p = 0.1, in percent: by exact
// calculation, and by what is drawn.
func TestDropRates(t *testing.T) {
	rules := []struct {
		region dropblock.Region
		gamma  dropblock.GammaRule
	}{
		{dropblock.RegionValid, dropblock.GammaPaper},
		{dropblock.RegionFull, dropblock.GammaPaper},
		{dropblock.RegionFull, dropblock.GammaSimple},
	}
	for _, c := range []struct {
		side, b int
		percent [3]string
	}{
		{7, 7, [3]string{"10.0", "93.0", "5.5"}},
		{7, 3, [3]string{"9.5", "14.9", "7.9"}},
		{14, 7, [3]string{"9.3", "20.9", "7.4"}},
		{28, 7, [3]string{"9.4", "13.3", "8.4"}},
		{56, 7, [3]string{"9.5", "11.1", "9.0"}},
	} {
		for i, rule := range rules {
			cfg := dropblock.Config{DropProb: 0.1, Block: dropblock.Square(c.b), Region: rule.region, Gamma: rule.gamma}
			s := dropblock.NCHW(16, 256, c.side, c.side)
			want := newLayer(t, cfg).ExpectedDrop(s, 0)
			require.InDelta(t, params(cfg, s, dropblock.Position{}).ExpectedDrop(), want, 0x1p-51)
			require.Equal(t, c.percent[i], fmt.Sprintf("%.1f", 100*want), "map %d, block %d, rule %d", c.side, c.b, i)
			got, stderr := measuredRate(t, cfg, s)
			require.InDelta(t, want, got, 4.5*stderr, "map %d, block %d, rule %d", c.side, c.b, i)
			require.Less(t, stderr, 0.01)
		}
	}
}

// The rates that torchvision reached in many draws: the expectation is within
// its errors, and ours within those of both.
func TestPeersRates(t *testing.T) {
	_, rows := loadPeer[float64](t, "rates")
	require.Len(t, rows, 7*6)
	for row := range slices.Chunk(rows, 6) {
		side, b, p, draws, theirs, theirError := int(row[0]), int(row[1]), row[2], row[3], row[4], row[5]
		require.GreaterOrEqual(t, draws, 200.0)
		cfg := dropblock.Config{DropProb: p, Block: dropblock.Square(b)}
		s := dropblock.NCHW(32, 256, side, side)
		expected := params(cfg, s, dropblock.Position{}).ExpectedDrop()
		ours, ourError := measuredRate(t, cfg, s)
		require.InDelta(t, expected, theirs, 4.5*theirError, "map %d, block %d, p %v", side, b, p)
		require.InDelta(t, theirs, ours, 4.5*math.Hypot(theirError, ourError), "map %d, block %d, p %v", side, b, p)
	}
}

// A presetCase is what a peer made of one map, channels first (testdata/peers/README.md).
type presetCase struct {
	n, c, d, h, w int // d, or d and h, are 0 for a map that lacks the axis
	block         [3]int
	maskN, maskC  int
	p, gamma      float64
	seeds, keep   []bool // of the mask
	y             []float32
}

func (c *presetCase) shape(channelsLast bool) dropblock.Shape {
	switch {
	case c.d > 0 && channelsLast:
		return dropblock.NDHWC(c.n, c.d, c.h, c.w, c.c)
	case c.d > 0:
		return dropblock.NCDHW(c.n, c.c, c.d, c.h, c.w)
	case c.h > 0 && channelsLast:
		return dropblock.NHWC(c.n, c.h, c.w, c.c)
	case c.h > 0:
		return dropblock.NCHW(c.n, c.c, c.h, c.w)
	case channelsLast:
		return dropblock.NWC(c.n, c.w, c.c)
	default:
		return dropblock.NCW(c.n, c.c, c.w)
	}
}

// config returns the preset's configuration for the block of the case.
func (c *presetCase) config(rule preset.Preset) dropblock.Config {
	cfg := rule.Config(c.p, c.block[2])
	if c.h > 0 && c.block[1] != c.block[2] {
		cfg.Block = dropblock.Rect(c.block[1], c.block[2])
	}
	return cfg
}

// keptElements returns for each element of the map whether the peer's mask keeps it.
func (c *presetCase) keptElements() []bool {
	cells := c.shape(false).Len() / (c.n * c.c)
	var keep []bool
	for n := range c.n {
		for channel := range c.c {
			plane := min(n, c.maskN-1)*c.maskC + min(channel, c.maskC-1)
			keep = append(keep, c.keep[plane*cells:(plane+1)*cells]...)
		}
	}
	return keep
}

// toLast moves the channels of n samples of c channels to the end.
func toLast[E any](n, c int, first []E) []E {
	last := make([]E, len(first))
	cells := len(first) / (n * c)
	for i, v := range first {
		sample, channel, cell := i/(c*cells), i/cells%c, i%cells
		last[(sample*cells+cell)*c+channel] = v
	}
	return last
}

// peerOf returns the name in the files of the peer whose rules a preset has.
func peerOf(rule preset.Preset) string {
	if rule.Name == "tutorial" {
		return "miguelvr"
	}
	return rule.Name
}

func presetCases(t *testing.T, rule preset.Preset) (cases []presetCase) {
	t.Helper()
	name := "preset_" + peerOf(rule)
	dims, rows := loadPeer[float64](t, name+"_cases")
	_, seeds := loadPeer[uint8](t, name+"_seeds")
	_, keep := loadPeer[uint8](t, name+"_keep")
	_, y := loadPeer[float32](t, name+"_y")
	bits := func(data *[]uint8, n int) (bits []bool) {
		for i := range n {
			bits = append(bits, (*data)[i/8]>>(i%8)&1 != 0)
		}
		*data = (*data)[(n+7)/8:]
		return bits
	}
	for row := range slices.Chunk(rows, dims[1]) {
		var whole [10]int
		for i := range whole {
			whole[i] = int(row[i])
		}
		c := presetCase{
			n: whole[0], c: whole[1], d: whole[2], h: whole[3], w: whole[4], block: [3]int(whole[5:8]),
			maskC: whole[8], maskN: whole[9], p: row[10], gamma: row[11],
		}
		elements := c.shape(false).Len()
		maskBits := elements / (c.n * c.c) * c.maskN * c.maskC
		c.seeds, c.keep = bits(&seeds, maskBits), bits(&keep, maskBits)
		c.y, y = y[:elements], y[elements:]
		cases = append(cases, c)
	}
	require.Empty(t, seeds)
	require.Empty(t, keep)
	require.Empty(t, y)
	require.GreaterOrEqual(t, len(cases), 3)
	return cases
}

// Every preset on the peer's own seeds: the peer's mask bit for bit, and its output but for
// rounding, in the peer's layout and with the channels last.
func TestPresets(t *testing.T) {
	_, maps := loadPeer[float32](t, "preset_x")
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, rule := range preset.All() {
			for _, c := range presetCases(t, rule) {
				cfg := c.config(rule)
				cfg.Kernels = kernels
				layer := newLayer(t, cfg)
				s := c.shape(false)
				x, kept := maps[:s.Len()], c.keptElements()
				name := fmt.Sprintf("%s: %v, block %v", rule.Name, s, c.block)

				// darknet divides by 1 − the rate of a sample, which cancels. GoMLX has no
				// scale, and miguelvr no 10⁻⁶ in its count.
				bound := 6.01*0x1p-24 + 1e-6/float64(reference.Count(c.keep))
				switch cfg.Norm {
				case dropblock.NormSample:
					bound *= float64(len(kept)) / float64(reference.Count(kept))
				case dropblock.NormNone:
					bound = 0
				}

				var m, last dropblock.Mask
				require.NoError(t, layer.Grow(&m, s, reference.Words(c.seeds)), name)
				require.Equal(t, [2]int{c.maskN, c.maskC}, [2]int{m.MaskShape().N(), m.MaskShape().C()}, name)
				require.Equal(t, c.keep, unpack(t, m.Words(), m.MaskShape().Len()), name)
				y := make([]float32, len(x))
				dropblock.Apply(y, x, &m)
				requireLikePeer(t, c.y, y, x, kept, bound, name)

				require.NoError(t, layer.Grow(&last, c.shape(true), reference.Words(toLast(c.maskN, c.maskC, c.seeds))), name)
				require.Equal(t, toLast(c.maskN, c.maskC, c.keep), unpack(t, last.Words(), m.MaskShape().Len()), name)
				z := make([]float32, len(x))
				dropblock.Apply(z, toLast(c.n, c.c, x), &last)
				requireFloats(t, toLast(c.n, c.c, y), z, "%s, channels last", name)
			}
		}
	})
}

// The gamma of each preset is the peer's, where that is a probability. tensorflow/tpu, the
// paper and torchvision multiply in another order; KerasCV and darknet compute in float32.
func TestPresetGammas(t *testing.T) {
	for _, rule := range preset.All() {
		bound := 8 * 0x1p-53
		if rule.Name == "kerascv" || rule.Name == "darknet" {
			bound = 4 * 0x1p-24
		}
		compared := 0
		for _, c := range presetCases(t, rule) {
			if math.IsNaN(c.gamma) {
				continue
			}
			compared++
			layer := newLayer(t, c.config(rule))
			for _, s := range []dropblock.Shape{c.shape(false), c.shape(true)} {
				require.InDelta(t, c.gamma, layer.Gamma(s, 0), c.gamma*bound, "%s: %v, block %v", rule.Name, s, c.block)
			}
		}
		require.GreaterOrEqual(t, compared, 3, rule.Name)
	}
}

// The rates that the peers' rules reach in many draws are the expected ones of the presets.
func TestPresetRates(t *testing.T) {
	dims, rows := loadPeer[float64](t, "preset_rates")
	require.Greater(t, dims[0], 100)
	// The order of PRESETS in make_peers.py.
	names := strings.Fields(`paper torchvision timm tpu miguelvr mmdetection paddledetection kerascv gluoncv darknet
		gomlx dropout spatialdropout droppath`)
	compared := map[string]int{}
	for row := range slices.Chunk(rows, dims[1]) {
		name, h, w, b, p, mean, stderr := names[int(row[0])], int(row[1]), int(row[2]), int(row[3]), row[4], row[6], row[7]
		config, err := preset.ByName(name)
		require.NoError(t, err)
		expected := newLayer(t, config(p, b)).ExpectedDrop(dropblock.NCHW(4, 8, h, w), 0)
		// The error is 0 where every draw dropped everything.
		require.InDelta(t, expected, mean, max(4.5*stderr, 1e-4), "%s: %dx%d, block %d, p %v", name, h, w, b, p)
		compared[name]++
	}
	for _, name := range names {
		if name != "darknet" { // takes one seed of a plane at most
			require.GreaterOrEqual(t, compared[name], 4, name)
		}
	}
}

// mmdetection's warm-up, which counts forward passes from 1, as a Ramp.
func TestPresetWarmup(t *testing.T) {
	dims, rows := loadPeer[float64](t, "warmup")
	for row := range slices.Chunk(rows, dims[1]) {
		iteration, p, want := uint64(row[0]), row[1], row[2]
		cfg := preset.MMDetection(p, 7)
		cfg.Ramp = dropblock.Ramp{From: p / 2000, Steps: 1999}
		got := newLayer(t, cfg).Gamma(dropblock.NCHW(1, 1, 14, 14), iteration-1)
		require.InDelta(t, want, got, want*16*0x1p-53, "iteration %d", iteration)
	}
}
