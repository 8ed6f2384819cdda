package dropblock

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// ReferenceParams are the reference's for a layer of a configuration, and for the tests
// outside of the package too.
func ReferenceParams(cfg Config, s Shape, at Position) *reference.Params {
	d, h, w := cfg.Block.Size()
	return &reference.Params{
		Layout: s.Layout().String(), N: s.N(), C: s.C(), D: s.D(), H: s.H(), W: s.W(),
		P: cfg.DropProb, BlockD: d, BlockH: h, BlockW: w,
		Even: cfg.Even.String(), Region: cfg.Region.String(), Rule: cfg.Gamma.String(),
		Share: cfg.Share.String(), Norm: cfg.Norm.String(),
		Seed: cfg.Seed, Layer: cfg.Layer, Step: at.Step, Sample: at.Sample,
	}
}

// defined is what the reference makes of a mask and of all that it is written to.
type defined struct {
	cfg    Config
	shape  Shape
	at     Position
	mask   reference.Mask
	bits   Shape
	keep   []bool // of the feature map
	x      []float32
	y      []float32
	factor []float32
	x64    []float64
	y64    []float64
	fact64 []float64
}

func define(cfg Config, s Shape, at Position) *defined {
	p := ReferenceParams(cfg, s, at)
	d := &defined{cfg: cfg, shape: s, at: at, mask: p.Draw(), bits: s}
	d.bits.n, d.bits.c = p.Samples(), p.Planes()
	d.keep = p.Spread(d.mask.Keep)
	n, scale := len(d.keep), d.mask.Scales[0]
	d.x, d.x64 = make([]float32, n), make([]float64, n)
	d.y64, d.fact64 = make([]float64, n), make([]float64, n)
	for i, keep := range d.keep {
		d.x[i] = float32(i%8191) - 4095.5
		d.x64[i] = 0.1 * float64(d.x[i])
		if keep {
			d.y64[i], d.fact64[i] = d.x64[i]*scale, scale
		}
	}
	d.y = reference.Scale(d.x, d.keep, float32(scale))
	d.factor = reference.Expand(d.keep, float32(scale))
	return d
}

// check holds a layer of a kernel set and so many workers to what is defined. m holds
// anything.
func (d *defined) check(kernels KernelSet, workers int, m *Mask) error {
	cfg, s := d.cfg, d.shape
	cfg.Kernels, cfg.Workers = kernels, workers
	layer, err := New(cfg)
	if err != nil {
		return err
	}
	layer.SampleAt(m, s, d.at)
	if err := d.checkMask("SampleAt", m, d.mask.Gamma); err != nil {
		return err
	}
	if got := layer.Gamma(s, d.at.Step); got != d.mask.Gamma {
		return fmt.Errorf("gamma of the layer is %v, want %v", got, d.mask.Gamma)
	}
	if err := d.checkOutputs(m); err != nil {
		return err
	}

	seeds := mixedWords(len(m.Words()), 1)
	n := layer.DrawSeeds(seeds, s, d.at)
	if err := reference.SameBits(seeds, d.mask.Seeds); err != nil {
		return fmt.Errorf("DrawSeeds: %w", err)
	}
	if want := reference.Count(d.mask.Seeds); n != want {
		return fmt.Errorf("DrawSeeds: %d, want %d", n, want)
	}
	if err := layer.Grow(m, s, seeds); err != nil {
		return err
	}
	return d.checkMask("Grow", m, 0)
}

// checkMask compares all that a mask tells of itself.
func (d *defined) checkMask(call string, m *Mask, gamma float64) error {
	if m.Shape() != d.shape || m.MaskShape() != d.bits {
		return fmt.Errorf("%s: a mask of %v for %v, want %v", call, m.MaskShape(), m.Shape(), d.bits)
	}
	if err := reference.SameBits(m.Words(), d.mask.Keep); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	got := []int{m.Len(), m.Kept(), m.Dropped(), m.SeedCount()}
	all, kept := len(d.mask.Keep), reference.Count(d.mask.Keep)
	if want := []int{all, kept, all - kept, reference.Count(d.mask.Seeds)}; !slices.Equal(got, want) {
		return fmt.Errorf("%s: elements, those kept and dropped and seeds are %v, want %v", call, got, want)
	}
	if !slices.Equal(m.Scales(), d.mask.Scales) || m.Gamma() != gamma {
		return fmt.Errorf("%s: scales %v and gamma %v, want %v and %v", call, m.Scales(), m.Gamma(), d.mask.Scales, gamma)
	}
	return nil
}

// checkOutputs writes a mask in all ways.
func (d *defined) checkOutputs(m *Mask) error {
	if err := checkFloats(m, d.x, d.y, d.factor); err != nil {
		return fmt.Errorf("float32: %w", err)
	}
	if m.isa == isaGeneric { // what writes float64 for all
		if err := checkFloats(m, d.x64, d.y64, d.fact64); err != nil {
			return fmt.Errorf("float64: %w", err)
		}
	}
	keep := reference.Complement(d.keep)
	if KeepTo(keep, m); !slices.Equal(keep, d.keep) {
		return fmt.Errorf("KeepTo is wrong")
	}
	return nil
}

func checkFloats[E goFloat](m *Mask, x, want, factor []E) error {
	y := slices.Clone(x)
	check := func(call string, want []E) error {
		if bytes.Equal(guard.Bytes(y), guard.Bytes(want)) {
			return nil
		}
		for i, w := range want {
			if y[i] != w {
				return fmt.Errorf("%s: element %d is %v, want %v", call, i, y[i], w)
			}
		}
		return fmt.Errorf("%s: a zero has a sign", call)
	}
	for i := range y {
		y[i] = -7
	}
	Apply(y, x, m)
	if err := check("Apply", want); err != nil {
		return err
	}
	if ScaleTo(y, m); len(y) > 0 {
		if err := check("ScaleTo", factor); err != nil {
			return err
		}
	}
	const parts = 3
	for i := range y {
		y[i] = -7
	}
	for part := range parts {
		ApplyPart(y, x, m, part, parts)
	}
	if err := check("ApplyPart", want); err != nil {
		return err
	}
	copy(y, x)
	Apply(y, y, m)
	return check("Apply in place", want)
}

// axesShapes are maps of every layout: odd and even ones, lines of one cell, without
// elements, planes of 64 bits, and samples that are drawn together, among them those whose
// positions are whole words, and planes that a call takes several of when they share a mask.
var axesShapes = []Shape{
	ncw(3, 2, 9), ncw(2, 3, 24), ncw(2, 2, 1), ncw(5, 3, 2), ncw(3, 5, 64), ncw(1, 2, 300), ncw(90, 3, 7), ncw(37, 64, 5), ncw(2, 3, 0),
	nwc(3, 9, 2), nwc(2, 24, 3), nwc(2, 1, 2), nwc(5, 2, 3), nwc(3, 16, 4), nwc(1, 300, 2), nwc(90, 7, 3), nwc(37, 5, 64), nwc(2, 3, 0),
	NCHW(3, 2, 7, 9), NCHW(2, 3, 6, 8), NCHW(2, 2, 1, 5), NCHW(5, 3, 2, 3), NCHW(3, 5, 8, 8), NCHW(1, 2, 31, 70), NCHW(40, 3, 5, 4), NCHW(33, 64, 3, 4),
	nhwc(3, 7, 9, 2), nhwc(2, 6, 8, 3), nhwc(2, 1, 5, 2), nhwc(5, 2, 3, 3), nhwc(3, 4, 4, 4), nhwc(1, 31, 70, 2), nhwc(40, 5, 4, 3), nhwc(33, 3, 4, 64), nhwc(0, 3, 4, 5),
	ncdhw(2, 3, 5, 7, 9), ncdhw(2, 3, 4, 6, 8), ncdhw(3, 2, 1, 5, 6), ncdhw(3, 2, 5, 1, 6), ncdhw(3, 2, 5, 6, 1), ncdhw(3, 2, 1, 2, 3), ncdhw(2, 2, 1, 1, 1),
	ncdhw(3, 5, 4, 4, 4), ncdhw(1, 2, 9, 11, 33), ncdhw(40, 2, 3, 4, 5), ncdhw(33, 64, 3, 2, 2), ncdhw(1, 700, 3, 3, 3), ncdhw(2, 3, 0, 4, 5),
	ndhwc(2, 5, 7, 9, 3), ndhwc(2, 4, 6, 8, 3), ndhwc(3, 1, 5, 6, 2), ndhwc(3, 5, 1, 6, 2), ndhwc(3, 5, 6, 1, 2), ndhwc(3, 1, 2, 3, 2), ndhwc(2, 1, 1, 1, 2),
	ndhwc(3, 2, 4, 4, 2), ndhwc(1, 9, 11, 33, 2), ndhwc(40, 3, 4, 5, 2), ndhwc(33, 3, 2, 2, 64),
}

// axesLong are samples of several chunks, among them planes that grow one by one.
var axesLong = []Shape{
	ncw(2, 3, 50001), nwc(2, 20001, 7), NCHW(2, 7, 99, 101), nhwc(2, 99, 101, 7), ncdhw(1, 5, 20, 40, 41), ncdhw(1, 1, 9, 91, 101), ndhwc(2, 9, 31, 33, 8),
}

// TestAxes holds masks along one, two and three axes, channels first and last, to the
// reference: as they are drawn, grown from their seeds, and written.
func TestAxes(t *testing.T) {
	manyWorkers(t)
	workerLen = 1 << 6
	blocks := []Block{
		Square(1), Square(2), Square(3), Square(4), Square(7), Square(100),
		Rect(1, 5), Rect(4, 1), Rect(3, 2), Rect(2, 70), cuboid(2, 3, 4), cuboid(3, 1, 2), cuboid(4, 2, 1),
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, layout := range layoutOptions.names {
		t.Run(layout, func(t *testing.T) {
			var m Mask // holds what the case before left
			each := func(s Shape, block Block) {
				for option := range 4 { // each region and share
					if guard.Race && r.IntN(4) > 0 { // The detector takes ten times as long.
						continue
					}
					cfg := Config{
						DropProb: []float64{.05, .1, .5, 1}[r.IntN(4)], Block: block, Even: Even(r.IntN(2)),
						Region: Region(option % 2), Share: Share(option / 2), Gamma: GammaRule(r.IntN(2)), Norm: Norm(r.IntN(8) / 7),
						Seed: r.Uint64(), Layer: r.Uint32(),
					}
					d := define(cfg, s, Position{Step: r.Uint64(), Sample: 1<<32 - r.Uint64N(3)})
					for _, kernels := range KernelSets() {
						for _, workers := range []int{1, 5} {
							if err := d.check(kernels, workers, &m); err != nil {
								t.Fatalf("%v, %+v, %v, %v, %d workers: %v", s, cfg, d.at, kernels, workers, err)
							}
						}
					}
				}
			}
			for _, s := range axesShapes {
				for _, block := range blocks {
					if s.Layout().String() == layout {
						each(s, block)
					}
				}
			}
			for _, s := range axesLong {
				for _, block := range []Block{Square(1), Square(3), cuboid(2, 5, 4), cuboid(4, 2, 70)} {
					if s.Layout().String() == layout {
						each(s, block)
					}
				}
			}
		})
	}
}

// TestAxesLargest has volumes of more bits than inverses are exact for (place.go).
func TestAxesLargest(t *testing.T) {
	s := ncdhw(1, 2, 18, 200, 210)
	d := define(Config{DropProb: .05, Block: Square(3), Seed: 1}, s, Position{Step: 2})
	var m Mask
	for _, kernels := range KernelSets() {
		if err := d.check(kernels, 1, &m); err != nil {
			t.Fatalf("%v: %v", kernels, err)
		}
	}
}

// TestAxesGrow has seeds of all densities, wherever they may be: more than a draw has, and
// through all ways to grow.
func TestAxesGrow(t *testing.T) {
	manyWorkers(t)
	workerLen = 1 << 6
	r := rand.New(rand.NewPCG(3, 5))
	var m Mask
	for range 600 {
		s := axesShapes[r.IntN(len(axesShapes))]
		cfg := Config{
			DropProb: 1, Block: cuboid(1+r.IntN(6), 1+r.IntN(6), 1+r.IntN(80)>>r.IntN(7)), Even: Even(r.IntN(2)),
			Region: Region(r.IntN(2)), Share: Share(r.IntN(2)),
		}
		if cfg.Block.w == 0 {
			cfg.Block.w = 1
		}
		p := ReferenceParams(cfg, s, Position{})
		p.Rule = "given"
		d := &defined{cfg: cfg, shape: s, bits: s}
		d.bits.n, d.bits.c = p.Samples(), p.Planes()
		seeds := p.Seeds() // wherever one may be
		for i, density := 0, []float64{.0003, .002, .05, .5, 1}[r.IntN(5)]; i < len(seeds); i++ {
			seeds[i] = seeds[i] && r.Float64() < density
		}
		d.mask, _ = p.Grow(seeds)
		for _, cfg.Kernels = range KernelSets() {
			for _, cfg.Workers = range []int{1, 5} {
				layer, err := New(cfg)
				if err == nil {
					err = layer.Grow(&m, s, reference.Words(seeds))
				}
				if err == nil {
					err = d.checkMask("Grow", &m, 0)
				}
				if err != nil {
					t.Fatalf("%v, %+v: %v", s, cfg, err)
				}
			}
		}
	}
}

// TestAxesGrowBad has a seed in every element: those whose blocks leave the map are
// refused, with an error that names the axes of the layout, and leave the mask alone.
func TestAxesGrowBad(t *testing.T) {
	for _, s := range []Shape{
		ncw(2, 3, 5), nwc(2, 5, 3), NCHW(2, 3, 5, 4), nhwc(2, 5, 4, 3), ncdhw(2, 3, 4, 5, 3), ndhwc(2, 4, 5, 3, 3), ndhwc(2, 1, 5, 1, 3),
	} {
		for _, block := range []Block{Square(2), Square(3), cuboid(2, 1, 4), Square(9)} {
			for _, share := range []Share{ShareNone, ShareChannels} {
				for _, even := range []Even{EvenBefore, EvenAfter} {
					cfg := Config{Block: block, Share: share, Even: even}
					layer, err := New(cfg)
					if err != nil {
						t.Fatal(err)
					}
					p := ReferenceParams(cfg, s, Position{})
					var m Mask
					m.Identity(s)
					before := slices.Clone(m.Words())
					seeds := make([]bool, p.Cells())
					for i := range seeds {
						clear(seeds)
						seeds[i] = true
						if _, whole := p.Grow(seeds); whole {
							var grown Mask
							if err := layer.Grow(&grown, s, reference.Words(seeds)); err != nil {
								t.Fatalf("%v, %+v, element %d: %v", s, cfg, i, err)
							}
							continue
						}
						want := leavesMap(s, p, block, even, i)
						if err := layer.Grow(&m, s, reference.Words(seeds)); err == nil || err.Error() != want {
							t.Fatalf("%v, %+v, element %d: %v, want %s", s, cfg, i, err, want)
						}
						if !slices.Equal(before, m.Words()) || m.SeedCount() != 0 {
							t.Fatalf("%v, %+v, element %d: the mask is changed", s, cfg, i)
						}
					}
				}
			}
		}
	}
}

// leavesMap is the error for a seed in an element of the mask.
func leavesMap(s Shape, p *reference.Params, block Block, even Even, i int) string {
	// The coordinate of each axis, from the innermost on.
	extents := map[rune]int{'N': p.Samples(), 'C': p.Planes(), 'D': s.D(), 'H': s.H(), 'W': s.W()}
	cell := make(map[rune]int)
	axes := []rune(s.Layout().String())
	for _, axis := range slices.Backward(axes) {
		cell[axis] = i % extents[axis]
		i /= extents[axis]
	}
	sizes := map[rune]int{'D': block.d, 'H': block.h, 'W': block.w}
	var at, want, size []string
	for _, axis := range "DHW" {
		if !slices.Contains(axes, axis) {
			continue
		}
		b := min(sizes[axis], extents[axis])
		first := b / 2
		if even == EvenAfter {
			first = (b - 1) / 2
		}
		name := strings.ToLower(string(axis))
		at = append(at, fmt.Sprintf("%s %d", name, cell[axis]))
		want = append(want, fmt.Sprintf("%s %d to %d", name, first, first+extents[axis]-b))
		size = append(size, fmt.Sprint(b))
	}
	return fmt.Sprintf("dropblock: the block of the seed at n %d, c %d, %s leaves the map, want %s in the valid region of %s blocks",
		cell['N'], cell['C'], strings.Join(at, ", "), strings.Join(want, " and "), strings.Join(size, "x"))
}
