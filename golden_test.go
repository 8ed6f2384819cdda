package dropblock

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// The files of testdata/golden pin stream version 1. They are text so that a
// change can be read, and written anew only with
//
//	go test -run Golden -update .
//
// which is right for new lines. A line that changes is a new stream version.
var update = flag.Bool("update", false, "write testdata/golden anew")

const goldenHead = "# %s of stream version 1. Do not edit: a line that changes is a new stream version.\n"

// golden compares lines with those of a file, or writes them.
func golden(t *testing.T, name, title string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	got := fmt.Sprintf(goldenHead, title) + strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o666))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Errorf("%s:%d:\n got %s\nwant %s", path, i+1, gotLines[i], wantLines[i])
		}
	}
	require.Equal(t, len(wantLines), len(gotLines), "%s: number of lines", path)
}

// sum64 is the FNV-1a hash of words as bytes, least significant first.
func sum64[W uint32 | uint64](words []W) string {
	h := fnv.New64a()
	binary.Write(h, binary.LittleEndian, words)
	return fmt.Sprintf("%016x", h.Sum64())
}

// floatBits writes a float64 so that every bit can be seen.
func floatBits(f float64) string { return fmt.Sprintf("%016x", math.Float64bits(f)) }

type goldenMask struct {
	cfg   Config
	shape Shape
	at    Position
}

// goldenMasks are all values of the enumerations, blocks of all kinds, maps
// square and not, of a cell, of a row, of a column and of several chunks, every
// way to draw (a residual, a head, both, none), and keys and positions that
// fill their words.
func goldenMasks() (all []goldenMask) {
	add := func(cfg Config, s Shape, at Position) {
		all = append(all, goldenMask{cfg, s, at})
	}
	key := func(cfg Config) Config {
		cfg.Seed, cfg.Layer = 0x0123456789abcdef, 7
		return cfg
	}
	small := NCHW(2, 3, 7, 7)

	// Every combination of what changes the bits, even block.
	for _, region := range []Region{RegionValid, RegionFull} {
		for _, even := range []Even{EvenBefore, EvenAfter} {
			for _, gamma := range []GammaRule{GammaPaper, GammaSimple} {
				for _, share := range []Share{ShareNone, ShareChannels} {
					add(key(Config{DropProb: 0.2, Block: Rect(2, 4), Region: region, Even: even, Gamma: gamma, Share: share}), small, Position{Step: 1})
				}
			}
		}
	}
	add(key(Config{DropProb: 0.2, Block: Square(3), Norm: NormNone}), small, Position{Step: 1})
	add(Config{DropProb: 0.2, Block: Square(3)}, small, Position{})

	// Blocks and maps.
	for _, b := range []Block{Square(1), Square(2), Square(3), Square(5), Square(7), Rect(1, 7), Rect(7, 1), Square(14), Square(100), Rect(3, 100)} {
		add(key(Config{DropProb: 0.1, Block: b}), NCHW(3, 8, 14, 14), Position{Step: 2})
	}
	for _, s := range []Shape{
		NCHW(1, 1, 1, 1), NCHW(5, 7, 1, 1), NCHW(2, 3, 1, 31), NCHW(2, 3, 31, 1), NCHW(2, 3, 5, 9), NCHW(3, 1, 13, 8),
		NCHW(1, 2, 64, 64), NCHW(4, 16, 56, 56), NCHW(1, 1, 97, 224), NCHW(2, 0, 7, 7), NCHW(0, 3, 7, 7),
	} {
		add(key(Config{DropProb: 0.3, Block: Square(3)}), s, Position{Step: 3})
	}
	add(key(Config{DropProb: 0.1, Block: Rect(66, 70)}), NCHW(1, 2, 112, 112), Position{Step: 3})

	// Samples of more than a chunk of 65536 positions, dense and not.
	for _, p := range []float64{0.004, 0.1, 0.3, 0.5, 0.9} {
		add(key(Config{DropProb: p, Block: Square(1)}), NCHW(2, 3, 181, 127), Position{Step: 4})
		add(key(Config{DropProb: p, Block: Square(7)}), NCHW(2, 2, 211, 223), Position{Step: 4})
	}
	add(key(Config{DropProb: 0.6, Block: Square(2), Region: RegionFull, Share: ShareChannels}), NCHW(2, 3, 300, 301), Position{Step: 4})

	// Gammas with a head between blocks, 0, 1, and nearly.
	for _, p := range []float64{0, 1e-12, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 0x1p-53, 1} {
		add(key(Config{DropProb: p, Block: Square(1)}), NCHW(2, 3, 9, 11), Position{Step: 5})
		add(key(Config{DropProb: p, Block: Square(2)}), NCHW(2, 3, 9, 11), Position{Step: 5})
	}

	// Keys and positions.
	cfg := Config{DropProb: 0.25, Block: Square(3)}
	for _, c := range []struct {
		seed  uint64
		layer uint32
		at    Position
	}{
		{1<<64 - 1, 1<<32 - 1, Position{Step: 1<<64 - 1, Sample: 0}},
		{1, 0, Position{Step: 0, Sample: 0}}, {1 << 32, 0, Position{Step: 0, Sample: 0}}, {0, 1, Position{Step: 0, Sample: 0}}, {0, 0, Position{Step: 1, Sample: 0}}, {0, 0, Position{Step: 1 << 32, Sample: 0}},
		{0, 0, Position{Step: 0, Sample: 1}}, {0, 0, Position{Step: 0, Sample: 1<<32 - 2}}, {0, 0, Position{Step: 0, Sample: 1<<40 + 12345}}, {0, 0, Position{Step: 9, Sample: 1<<64 - 2}},
	} {
		cfg.Seed, cfg.Layer = c.seed, c.layer
		add(cfg, NCHW(4, 2, 8, 9), c.at)
	}
	return all
}

func (g *goldenMask) line(t *testing.T, kernels KernelSet, m *Mask) string {
	cfg := g.cfg
	cfg.Kernels = kernels
	layer, err := New(cfg)
	require.NoError(t, err)
	layer.SampleAt(m, g.shape, g.at)
	line := fmt.Sprintf(
		"p=%s block=%dx%d even=%v region=%v gamma=%v share=%v norm=%v seed=%x layer=%x shape=%dx%dx%dx%d step=%x sample=%x: gamma=%s seeds=%d kept=%d scale=%s fnv=%s",
		floatBits(cfg.DropProb), cfg.Block.h, cfg.Block.w, cfg.Even, cfg.Region, cfg.Gamma, cfg.Share, cfg.Norm, cfg.Seed, cfg.Layer, g.shape.n, g.shape.c, g.shape.h, g.shape.w, g.at.Step, g.at.Sample,
		floatBits(m.Gamma()), m.SeedCount(), m.Kept(), floatBits(m.Scales()[0]), sum64(m.Words()))
	if len(m.Words()) <= 10 {
		line += fmt.Sprintf(" words=%016x", m.Words())
	}
	return line
}

func TestGoldenMasks(t *testing.T) {
	for _, kernels := range KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) {
			var m Mask
			var lines []string
			for _, g := range goldenMasks() {
				lines = append(lines, g.line(t, kernels, &m))
			}
			golden(t, "masks.txt", "Masks", lines)
		})
	}
}

// goldenOptions are masks of every layout with every sharing, region, anchor and
// normalisation, clipped blocks, fractions, rules, ramps and strides, small ones and
// samples of several chunks.
func goldenOptions() (all []goldenMask) {
	add := func(cfg Config, s Shape, at Position) {
		cfg.Seed, cfg.Layer = 0xfedcba9876543210, 9
		all = append(all, goldenMask{cfg, s, at})
	}
	norms := []Norm{NormTensor, NormSample, NormPlane, NormExpected, NormNone}
	maps := []Shape{NCHW(3, 2, 5, 6), NHWC(3, 5, 6, 2), NCW(3, 2, 17), NWC(3, 17, 2), NCDHW(3, 2, 4, 5, 6), NDHWC(3, 4, 5, 6, 2)}
	clips := []Shape{NCHW(2, 2, 9, 4), NHWC(2, 9, 4, 2), NCW(2, 2, 9), NWC(2, 9, 2), NCDHW(2, 2, 5, 9, 4), NDHWC(2, 5, 9, 4, 2)}
	long := []Shape{
		NCHW(2, 7, 99, 101), NHWC(2, 99, 101, 7), NCW(2, 3, 50001), NWC(2, 20001, 7), NCDHW(1, 5, 20, 40, 41), NDHWC(2, 9, 31, 33, 8),
	}
	for i, s := range maps {
		for _, share := range []Share{ShareNone, ShareChannels, ShareBatch, ShareAll} {
			for _, region := range []Region{RegionValid, RegionFull} {
				for _, even := range []Even{EvenBefore, EvenAfter} {
					norm := norms[len(all)%len(norms)]
					add(Config{DropProb: 0.3, Block: Cuboid(2, 3, 4), Region: region, Even: even, Share: share, Norm: norm}, s, Position{Step: 1, Sample: 2})
				}
			}
		}
		for _, norm := range norms {
			add(Config{DropProb: 0.4, Block: Square(2), Norm: norm}, s, Position{Step: 2})
		}
		for _, clip := range []Clip{ClipAxes, ClipSquare, ClipNone} {
			for _, gamma := range []GammaRule{GammaPaper, GammaSimple} {
				cfg := Config{DropProb: 0.3, Block: Square(6), Clip: clip, Region: RegionFull, Gamma: gamma, Even: EvenAfter}
				add(cfg, clips[i], Position{Step: 3})
				if clip != ClipNone {
					cfg.Region = RegionValid
					add(cfg, clips[i], Position{Step: 3})
				}
			}
		}
		for _, region := range []Region{RegionValid, RegionFull} {
			for _, p := range []float64{1e-12, 0.1, 0.5, 0.999} {
				add(Config{DropProb: p, Block: Square(3), Region: region, Gamma: GammaExact, Norm: NormExpected}, clips[i], Position{Step: 8})
			}
		}
		for _, f := range []float64{0.1, 0.5, 0.7, 1} {
			add(Config{DropProb: 0.3, Block: Fraction(f)}, clips[i], Position{Step: 4})
		}
		for _, share := range []Share{ShareNone, ShareChannels} {
			add(Config{DropProb: 0.1, Block: Square(1), Share: share}, long[i], Position{Step: 5})
			add(Config{DropProb: 0.1, Block: Square(3), Share: share, Norm: NormPlane}, long[i], Position{Step: 5})
			add(Config{DropProb: 0.05, Block: Cuboid(3, 4, 5), Region: RegionFull, Share: share, Norm: NormSample}, long[i], Position{Step: 5})
		}
		empty := s
		empty.w = 0
		add(Config{DropProb: 0.3, Block: Square(3), Norm: NormPlane}, empty, Position{})
	}

	s := NHWC(3, 6, 7, 2)
	for _, scale := range []float64{0, 0.1, 1, 3.3, 1e308} {
		for _, gamma := range []GammaRule{GammaPaper, GammaSimple, GammaGiven} {
			add(Config{DropProb: 0.2, Block: Square(2), Gamma: gamma, GammaScale: scale}, s, Position{Step: 6})
		}
	}
	for _, step := range []uint64{0, 1, 7, 48, 49, 1<<64 - 1} {
		add(Config{DropProb: 0.7, Block: Square(2), Ramp: Ramp{From: 0.1, Steps: 49}}, s, Position{Step: step})
		add(Config{DropProb: 0.1, Block: Square(2), Gamma: GammaGiven, GammaScale: 1.1, Ramp: Ramp{From: 0.7, Steps: 49}}, s, Position{Step: step})
		add(Config{DropProb: 0.7, Block: Square(2), Ramp: Ramp{From: 0.1, Steps: 1<<64 - 1}}, s, Position{Step: step<<53 - step})
	}
	for _, stride := range []uint64{0, 1, 2, 1 << 32, 1<<64 - 1} {
		for _, share := range []Share{ShareNone, ShareBatch} {
			add(Config{DropProb: 0.2, Block: Square(2), Share: share}, s, Position{Step: 7, Sample: 1<<32 - 1, Stride: stride})
		}
	}
	return all
}

func (g *goldenMask) optionsLine(t *testing.T, kernels KernelSet, m *Mask) string {
	cfg := g.cfg
	cfg.Kernels = kernels
	layer, err := New(cfg)
	require.NoError(t, err)
	layer.SampleAt(m, g.shape, g.at)
	var scales []string
	for _, scale := range m.Scales() {
		scales = append(scales, floatBits(scale))
	}
	line := fmt.Sprintf(
		"%v: p=%v ramp=%v block=%v clip=%v even=%v region=%v gamma=%v scale=%v share=%v norm=%v seed=%x layer=%x step=%x sample=%x stride=%x: gamma=%s drop=%s seeds=%d kept=%d scales=%v fnv=%s",
		g.shape, cfg.DropProb, cfg.Ramp, cfg.Block, cfg.Clip, cfg.Even, cfg.Region, cfg.Gamma, cfg.GammaScale, cfg.Share, cfg.Norm,
		cfg.Seed, cfg.Layer, g.at.Step, g.at.Sample, g.at.Stride,
		floatBits(m.Gamma()), floatBits(layer.ExpectedDrop(g.shape, g.at.Step)), m.SeedCount(), m.Kept(), scales, sum64(m.Words()))
	if len(m.Words()) <= 10 {
		line += fmt.Sprintf(" words=%016x", m.Words())
	}
	return line
}

func TestGoldenOptions(t *testing.T) {
	for _, kernels := range KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) {
			var m Mask
			var lines []string
			for _, g := range goldenOptions() {
				lines = append(lines, g.optionsLine(t, kernels, &m))
			}
			golden(t, "options.txt", "Masks of every layout and option", lines)
		})
	}
}

// goldenNoise are masks that share in all ways, of samples of odd lengths among others, and
// ones that drop all.
func goldenNoise() (all []goldenMask) {
	for _, s := range []Shape{
		NCHW(2, 3, 5, 7), NHWC(3, 5, 7, 3), NCW(5, 1, 13), NWC(2, 33, 4), NCDHW(2, 2, 3, 4, 5), NDHWC(2, 9, 10, 11, 3), NHWC(1, 3, 0, 2),
	} {
		for _, share := range []Share{ShareNone, ShareChannels, ShareBatch, ShareAll} {
			cfg := Config{DropProb: 0.4, Block: Square(2), Share: share, Norm: NormNone, Seed: 0xfedcba9876543210, Layer: 9}
			all = append(all, goldenMask{cfg, s, Position{Step: 1, Sample: 1<<32 - 1, Stride: 3}})
		}
		cfg := Config{DropProb: 1, Block: Square(1), Gamma: GammaGiven, Seed: 1, Layer: 2}
		all = append(all, goldenMask{cfg, s, Position{Step: 3, Sample: 1<<64 - 1}})
	}
	return all
}

// noiseOn returns what ApplyNoise makes of a map of zeros.
func noiseOn[E Float](m *Mask) []E {
	x := make([]E, m.Shape().Len())
	ApplyNoise(x, x, m)
	return x
}

// sumBytes is the FNV-1a hash of elements, in little-endian order.
func sumBytes[E Float](elements []E) string {
	h := fnv.New64a()
	binary.Write(h, binary.LittleEndian, elements)
	return fmt.Sprintf("%016x", h.Sum64())
}

func TestGoldenNoise(t *testing.T) {
	for _, kernels := range KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) {
			var m Mask
			var lines []string
			for _, g := range goldenNoise() {
				cfg := g.cfg
				cfg.Kernels = kernels
				layer, err := New(cfg)
				require.NoError(t, err)
				layer.SampleAt(&m, g.shape, g.at)
				x := noiseOn[float32](&m)
				line := fmt.Sprintf("%v: p=%v block=%v gamma=%v share=%v norm=%v seed=%x layer=%x step=%x sample=%x stride=%x: dropped=%d float32=%s float64=%s float16=%s bfloat16=%s",
					g.shape, cfg.DropProb, cfg.Block, cfg.Gamma, cfg.Share, cfg.Norm, cfg.Seed, cfg.Layer, g.at.Step, g.at.Sample, g.at.Stride,
					m.Dropped(), sumBytes(x), sumBytes(noiseOn[float64](&m)), sumBytes(noiseOn[Float16](&m)), sumBytes(noiseOn[BFloat16](&m)))
				var first []string
				for _, v := range x[:min(len(x), 16)] {
					first = append(first, fmt.Sprintf("%08x", math.Float32bits(v)))
				}
				lines = append(lines, fmt.Sprintf("%s first=%v", line, first))
			}
			golden(t, "noise.txt", "Noise on zeros", lines)
		})
	}
}

// Keys of layers and steps, and the first words that they draw.
func TestGoldenKeys(t *testing.T) {
	for _, kernels := range KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) {
			var lines []string
			for _, seed := range []uint64{0, 1, 42, 1 << 32, 0x0123456789abcdef, 1<<64 - 1} {
				for _, layer := range []uint32{0, 1, 1<<32 - 1} {
					for _, step := range []uint64{0, 1, 1<<32 + 1, 1<<64 - 1} {
						key := NewKey(seed, layer, step)
						var words [32]uint32
						kernels.Philox(words[:], key, [4]uint32{1 << 31, 2, 3, 4})
						lines = append(lines, fmt.Sprintf("seed=%x layer=%x step=%x: key=%08x fnv=%s", seed, layer, step, key, sum64(words[:])))
					}
				}
			}
			golden(t, "keys.txt", "Keys and words", lines)
		})
	}
}

// The split of gammas and the alias tables of their residuals, and bits that
// are drawn with them.
func TestGoldenBernoulli(t *testing.T) {
	const n = chunkLen + 1000
	for _, kernels := range KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) {
			words := make([]uint64, bitstring.Words(n))
			var lines []string
			for _, gamma := range gammas {
				b, err := NewBernoulli(gamma)
				require.NoError(t, err)
				ones := kernels.Bernoulli(words, n, b, Key{0x01234567, 0x89abcdef}, 1<<32+9)
				line := fmt.Sprintf("gamma=%s: ones=%d fnv=%s", floatBits(gamma), ones, sum64(words))
				if gamma < 1 {
					head, delta := splitGamma(fixed64(gamma))
					line += fmt.Sprintf(" fixed=%016x head=%d/2^%d delta=%016x", fixed64(gamma), head.t, head.levels, delta)
					if delta > 0 {
						var table gapTable
						buildGaps(&table, delta)
						line += " table=" + sum64(table[:])
					}
				}
				lines = append(lines, line)
			}
			golden(t, "bernoulli.txt", "Bits of probability gamma", lines)
		})
	}
}
