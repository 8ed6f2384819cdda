package dropblock

import (
	"fmt"
	"math"
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
		P: cfg.DropProb, RampFrom: cfg.Ramp.From, RampSteps: cfg.Ramp.Steps,
		BlockD: d, BlockH: h, BlockW: w, Fraction: cfg.Block.fraction, Clip: cfg.Clip.String(),
		Even: cfg.Even.String(), Region: cfg.Region.String(),
		Rule: cfg.Gamma.String(), GammaScale: cfg.GammaScale, Share: cfg.Share.String(), Norm: cfg.Norm.String(),
		Seed: cfg.Seed, Layer: cfg.Layer, Step: at.Step, Sample: at.Sample, Stride: at.Stride,
	}
}

// defined is what the reference makes of a mask and of all that it is written to.
type defined struct {
	cfg     Config
	shape   Shape
	at      Position
	mask    reference.Mask
	bits    Shape
	keep    []bool // of the feature map
	outputs interface{ check(m *Mask) error }
}

var (
	float16s  = reference.Half[Float16](reference.Binary16)
	bfloat16s = reference.Half[BFloat16](reference.Brain16)
)

// define takes elements of a type that the seed chooses.
func define(cfg Config, s Shape, at Position) *defined {
	p := ReferenceParams(cfg, s, at)
	d := &defined{cfg: cfg, shape: s, at: at, mask: p.Draw(), bits: s}
	d.bits.n, d.bits.c = p.Samples(), p.Planes()
	d.keep = p.Spread(d.mask.Keep)
	scales := p.Factors(d.mask.Scales)
	noise := p.Noise(d.keep)
	switch cfg.Seed % 4 {
	case 0:
		d.outputs = defineOutputs(&reference.Float32, d.keep, scales, noise)
	case 1:
		d.outputs = defineOutputs(&reference.Float64, d.keep, scales, noise)
	case 2:
		d.outputs = defineOutputs(&float16s, d.keep, scales, noise)
	case 3:
		d.outputs = defineOutputs(&bfloat16s, d.keep, scales, noise)
	}
	return d
}

// outputs are the maps that a mask is applied to, and what comes of them.
type outputs[E Float] struct {
	element                        *reference.Element[E]
	x, old                         []E // old is what is added to, and what fills
	scaled, added, filled, factors []E
	noised                         []E
	dst, src                       []E // to work on
}

func defineOutputs[E Float](element *reference.Element[E], keep []bool, scales []float64, noise []float32) *outputs[E] {
	o := &outputs[E]{element: element}
	for _, y := range []*[]E{&o.x, &o.old, &o.scaled, &o.noised, &o.factors, &o.dst, &o.src} {
		*y = make([]E, len(keep))
	}
	for i := range keep {
		o.x[i], o.old[i] = element.Nearest(.1*(float64(i%8191)-4095.5)), element.Nearest(float64(i%101)-50.3)
	}
	o.added, o.filled = slices.Clone(o.old), slices.Clone(o.old)
	for i, scale := range scales {
		o.noised[i] = element.Nearest(float64(noise[i]))
		if keep[i] {
			o.scaled[i] = element.Product(o.x[i], scale)
			o.filled[i], o.noised[i] = o.scaled[i], o.scaled[i]
			o.added[i] = element.Sum(o.old[i], o.x[i], scale)
			o.factors[i] = element.Product(element.Nearest(1), scale)
		}
	}
	return o
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
	if workers > 1 { // for the time; parts are what one writes
		if err := d.checkOutputs(m); err != nil {
			return err
		}
	}

	seeds := mixedWords(len(m.Words()), 1)
	n := layer.DrawSeeds(seeds, s, d.at)
	if err := reference.SameBits(seeds, d.mask.Seeds); err != nil {
		return fmt.Errorf("DrawSeeds: %w", err)
	}
	if want := reference.Count(d.mask.Seeds); n != want {
		return fmt.Errorf("DrawSeeds: %d, want %d", n, want)
	}
	if err := layer.GrowAt(m, s, d.at, seeds); err != nil {
		return err
	}
	return d.checkMask("GrowAt", m, 0)
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
	if err := d.outputs.check(m); err != nil {
		return err
	}
	keep := reference.Complement(d.keep)
	if KeepTo(keep, m); !slices.Equal(keep, d.keep) {
		return fmt.Errorf("KeepTo is wrong")
	}
	return nil
}

func (o *outputs[E]) check(m *Mask) error {
	const parts = 3
	for _, c := range []struct {
		name     string
		dst, src []E // what they hold
		write    func(dst, src []E)
		want     []E
	}{
		{"Apply", o.old, o.x, func(dst, src []E) { Apply(dst, src, m) }, o.scaled},
		{"Apply in place", o.x, nil, func(dst, _ []E) { Apply(dst, dst, m) }, o.scaled},
		{"ApplyPart", o.old, o.x, func(dst, src []E) {
			for part := range parts {
				ApplyPart(dst, src, m, part, parts)
			}
		}, o.scaled},
		{"ApplyAdd", o.old, o.x, func(dst, src []E) { ApplyAdd(dst, src, m) }, o.added},
		{"ApplyAddPart", o.old, o.x, func(dst, src []E) {
			for part := range parts {
				ApplyAddPart(dst, src, m, part, parts)
			}
		}, o.added},
		{"ApplyFill", o.scaled, o.x, func(dst, src []E) { ApplyFill(dst, src, o.old, m) }, o.filled},
		{"ApplyFill to src", o.x, nil, func(dst, _ []E) { ApplyFill(dst, dst, o.old, m) }, o.filled},
		{"ApplyFill to fill", o.old, o.x, func(dst, src []E) { ApplyFill(dst, src, dst, m) }, o.filled},
		{"ApplyFillPart", o.scaled, o.x, func(dst, src []E) {
			for part := range parts {
				ApplyFillPart(dst, src, o.old, m, part, parts)
			}
		}, o.filled},
		{"ApplyNoise", o.old, o.x, func(dst, src []E) { ApplyNoise(dst, src, m) }, o.noised},
		{"ApplyNoise in place", o.x, nil, func(dst, _ []E) { ApplyNoise(dst, dst, m) }, o.noised},
		{"ApplyNoisePart", o.old, o.x, func(dst, src []E) {
			for part := range parts {
				ApplyNoisePart(dst, src, m, part, parts)
			}
		}, o.noised},
		{"ScaleTo", o.old, nil, func(dst, _ []E) { ScaleTo(dst, m) }, o.factors},
	} {
		copy(o.dst, c.dst)
		src := o.src[:copy(o.src, c.src)]
		c.write(o.dst, src)
		if err := o.element.Same(o.dst, c.want); err != nil {
			return fmt.Errorf("%s of %T: %w", c.name, o.dst, err)
		}
		if !slices.Equal(src, c.src) {
			return fmt.Errorf("%s of %T: src is changed", c.name, o.dst)
		}
	}
	return nil
}

// axesShapes are maps of every layout: odd and even ones, lines of one cell, without
// elements, planes of 64 bits, and samples that are drawn together, among them those whose
// positions are whole words, and planes that a call takes several of when they share a mask.
var axesShapes = []Shape{
	NCW(3, 2, 9), NCW(2, 3, 24), NCW(2, 2, 1), NCW(5, 3, 2), NCW(3, 5, 64), NCW(1, 2, 300), NCW(90, 3, 7), NCW(37, 64, 5), NCW(2, 3, 0),
	NWC(3, 9, 2), NWC(2, 24, 3), NWC(2, 1, 2), NWC(5, 2, 3), NWC(3, 16, 4), NWC(1, 300, 2), NWC(90, 7, 3), NWC(37, 5, 64), NWC(2, 3, 0),
	NCHW(3, 2, 7, 9), NCHW(2, 3, 6, 8), NCHW(2, 2, 1, 5), NCHW(5, 3, 2, 3), NCHW(3, 5, 8, 8), NCHW(1, 2, 31, 70), NCHW(40, 3, 5, 4), NCHW(33, 64, 3, 4),
	NHWC(3, 7, 9, 2), NHWC(2, 6, 8, 3), NHWC(2, 1, 5, 2), NHWC(5, 2, 3, 3), NHWC(3, 4, 4, 4), NHWC(1, 31, 70, 2), NHWC(40, 5, 4, 3), NHWC(33, 3, 4, 64), NHWC(0, 3, 4, 5),
	NCDHW(2, 3, 5, 7, 9), NCDHW(2, 3, 4, 6, 8), NCDHW(3, 2, 1, 5, 6), NCDHW(3, 2, 5, 1, 6), NCDHW(3, 2, 5, 6, 1), NCDHW(3, 2, 1, 2, 3), NCDHW(2, 2, 1, 1, 1),
	NCDHW(3, 5, 4, 4, 4), NCDHW(1, 2, 9, 11, 33), NCDHW(40, 2, 3, 4, 5), NCDHW(33, 64, 3, 2, 2), NCDHW(1, 700, 3, 3, 3), NCDHW(2, 3, 0, 4, 5),
	NDHWC(2, 5, 7, 9, 3), NDHWC(2, 4, 6, 8, 3), NDHWC(3, 1, 5, 6, 2), NDHWC(3, 5, 1, 6, 2), NDHWC(3, 5, 6, 1, 2), NDHWC(3, 1, 2, 3, 2), NDHWC(2, 1, 1, 1, 2),
	NDHWC(3, 2, 4, 4, 2), NDHWC(1, 9, 11, 33, 2), NDHWC(40, 3, 4, 5, 2), NDHWC(33, 3, 2, 2, 64),
}

// axesLong are samples of several chunks, among them planes that grow one by one.
var axesLong = []Shape{
	NCW(2, 3, 50001), NWC(2, 20001, 7), NCHW(2, 7, 99, 101), NHWC(2, 99, 101, 7), NCDHW(1, 5, 20, 40, 41), NCDHW(1, 1, 9, 91, 101), NDHWC(2, 9, 31, 33, 8),
}

// TestAxes holds masks along one, two and three axes, channels first and last, to the
// reference: as they are drawn, grown from their seeds, and written.
func TestAxes(t *testing.T) {
	manyWorkers(t)
	workerLen = 1 << 6
	blocks := []Block{
		Square(1), Square(2), Square(3), Square(4), Square(7), Square(100),
		Rect(1, 5), Rect(4, 1), Rect(3, 2), Rect(2, 70), Cuboid(2, 3, 4), Cuboid(3, 1, 2), Cuboid(4, 2, 1),
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, layout := range layoutOptions.names {
		t.Run(layout, func(t *testing.T) {
			var m Mask // holds what the case before left
			each := func(s Shape, block Block) {
				for option := range 4 { // each region, and shared by channels or not
					// The detector, or an emulator, takes ten times as long.
					if testing.Short() && r.IntN(4) > 0 || guard.Race && r.IntN(4) > 0 {
						continue
					}
					cfg := Config{
						DropProb: []float64{.05, .1, .5, 1}[r.IntN(4)], Block: block, Even: Even(r.IntN(2)),
						Region: Region(option % 2), Share: Share(option/2 + 2*r.IntN(2)), Gamma: GammaRule(r.IntN(2)), Norm: pick(r, axesNorms),
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
				for _, block := range []Block{Square(1), Square(3), Cuboid(2, 5, 4), Cuboid(4, 2, 70)} {
					if s.Layout().String() == layout {
						each(s, block)
					}
				}
			}
		})
	}
}

// axesNorms are those of which the reference knows the scale to the bit.
var axesNorms = []Norm{NormTensor, NormSample, NormPlane, NormNone}

func pick[E any](r *rand.Rand, list []E) E { return list[r.IntN(len(list))] }

// randomShape has extents of all kinds, 0 and 1 among them, and some thousand elements at
// most.
func randomShape(r *rand.Rand, layout Layout) Shape {
	for {
		s := Shape{layout: layout}
		for _, axis := range layout.String() {
			*s.extent(axis) = r.IntN(pick(r, []int{3, 6, 10, 18, 70}) + 1)
			if r.IntN(8) > 0 {
				*s.extent(axis) = max(*s.extent(axis), 1)
			}
		}
		if s.Len() < 6000 {
			return s
		}
	}
}

// randomConfig has every option of the geometry, the rate and the scale.
func randomConfig(r *rand.Rand) Config {
	size := func() int { return 1 + r.IntN(pick(r, []int{1, 3, 6, 80})) }
	cfg := Config{
		DropProb: pick(r, []float64{0, .03, .1, .5, 1}), Block: pick(r, []Block{Square(size()), Cuboid(size(), size(), size()), Fraction(1 - r.Float64())}),
		Clip: Clip(r.IntN(3)), Even: Even(r.IntN(2)), Region: Region(r.IntN(2)), Share: Share(r.IntN(4)), Norm: pick(r, axesNorms),
		Gamma: pick(r, []GammaRule{GammaPaper, GammaSimple, GammaGiven}), GammaScale: pick(r, []float64{0, 0, .3, 1, 2.5}),
		Seed: r.Uint64(), Layer: r.Uint32(),
	}
	if r.IntN(4) == 0 {
		cfg.Ramp = Ramp{From: pick(r, []float64{0, .2, 1}), Steps: 1 + r.Uint64N(9)}
	}
	if cfg.Clip == ClipNone {
		cfg.Region = RegionFull
		if r.IntN(8) == 0 {
			cfg.Block = Cuboid(1<<31-1, 1<<30+size(), 1<<29+size())
		}
	}
	return cfg
}

// TestAxesRandom holds maps of any extents, with any options, to the reference.
func TestAxesRandom(t *testing.T) {
	manyWorkers(t)
	workerLen = 1 << 6
	for layout := range LayoutNDHWC + 1 {
		t.Run(layout.String(), func(t *testing.T) {
			count := 400
			if guard.Race || testing.Short() {
				count = 100
			}
			r := rand.New(rand.NewPCG(uint64(layout), 7))
			var m Mask // holds what the case before left
			for range count {
				s, cfg := randomShape(r, layout), randomConfig(r)
				at := Position{Step: r.Uint64N(12), Sample: r.Uint64(), Stride: pick(r, []uint64{0, 1, 2, 8, r.Uint64()})}
				d := define(cfg, s, at)
				for _, kernels := range KernelSets() {
					for _, workers := range []int{1, 5} {
						if err := d.check(kernels, workers, &m); err != nil {
							t.Fatalf("%v, %+v, %+v, %v, %d workers: %v", s, cfg, at, kernels, workers, err)
						}
					}
				}
			}
		})
	}
}

// TestAxesExpected holds the scale of NormExpected to the rate of the layer, and that to the
// reference, for drawn and given seeds.
func TestAxesExpected(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 13))
	var m Mask
	for range 300 {
		s, cfg := randomShape(r, Layout(r.IntN(len(layoutOptions.names)))), randomConfig(r)
		cfg.Norm = NormExpected
		at := Position{Step: r.Uint64N(12)}
		layer, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		rate, want := layer.ExpectedDrop(s, at.Step), ReferenceParams(cfg, s, at).ExpectedDrop()
		if math.Abs(rate-want) > 1e-12 {
			t.Fatalf("%v, %+v, %+v: expected drop rate %v, want %v", s, cfg, at, rate, want)
		}
		scale := 0.0
		if rate < 1 {
			scale = 1 / (1 - rate)
		}
		layer.SampleAt(&m, s, at)
		if got := m.Scales(); !slices.Equal(got, []float64{scale}) {
			t.Fatalf("%v, %+v, %+v: scales %v, want %v", s, cfg, at, got, scale)
		}
		seeds := make([]uint64, len(m.Words()))
		if err := layer.GrowAt(&m, s, at, seeds); err != nil {
			t.Fatal(err)
		}
		if got := m.Scales(); !slices.Equal(got, []float64{scale}) {
			t.Fatalf("%v, %+v, %+v: scales of given seeds %v, want %v", s, cfg, at, got, scale)
		}
	}
}

// TestAxesLargest has volumes of more bits than inverses are exact for (place.go).
func TestAxesLargest(t *testing.T) {
	s := NCDHW(1, 2, 18, 200, 210)
	d := define(Config{DropProb: .05, Block: Square(3), Seed: 1}, s, Position{Step: 2})
	var m Mask
	for _, kernels := range KernelSets() {
		if err := d.check(kernels, 5, &m); err != nil {
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
	for range 900 {
		s, cfg := pick(r, axesShapes), randomConfig(r)
		if r.IntN(2) > 0 {
			cfg.Block, cfg.Clip = Cuboid(1+r.IntN(6), 1+r.IntN(6), max(1, 1+r.IntN(80)>>r.IntN(7))), ClipAxes
		}
		p := ReferenceParams(cfg, s, Position{})
		p.P, p.RampSteps, p.Rule, p.GammaScale = 1, 0, "given", 0
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
		NCW(2, 3, 5), NWC(2, 5, 3), NCHW(2, 3, 5, 4), NHWC(2, 5, 4, 3), NCDHW(2, 3, 4, 5, 3), NDHWC(2, 4, 5, 3, 3), NDHWC(2, 1, 5, 1, 3),
	} {
		for _, block := range []Block{Square(2), Square(3), Cuboid(2, 1, 4), Square(9)} {
			for _, share := range []Share{ShareNone, ShareChannels, ShareBatch, ShareAll} {
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

// TestAxesBlockOn has blocks in cells of maps of every layout.
func TestAxesBlockOn(t *testing.T) {
	for _, c := range []struct {
		s     Shape
		block Block
		clip  Clip
		want  Block
	}{
		{NCHW(2, 3, 9, 7), Square(8), ClipAxes, Rect(8, 7)},
		{NCHW(2, 3, 9, 7), Square(8), ClipSquare, Rect(7, 7)},
		{NCHW(2, 3, 9, 7), Square(8), ClipNone, Rect(8, 8)},
		{NHWC(2, 9, 7, 3), Cuboid(4, 20, 2), ClipAxes, Rect(9, 2)},
		{NHWC(2, 9, 7, 3), Cuboid(4, 20, 2), ClipSquare, Rect(7, 2)},
		{NHWC(2, 9, 7, 3), Cuboid(4, 20, 2), ClipNone, Rect(20, 2)},
		{NCW(2, 3, 7), Square(8), ClipAxes, Rect(1, 7)},
		{NCW(2, 3, 7), Square(8), ClipSquare, Rect(1, 7)},
		{NWC(2, 7, 3), Square(8), ClipNone, Rect(1, 8)},
		{NCDHW(2, 3, 4, 9, 7), Square(8), ClipAxes, Cuboid(4, 8, 7)},
		{NCDHW(2, 3, 4, 9, 7), Square(8), ClipSquare, Square(4)},
		{NDHWC(2, 1, 9, 7, 3), Square(8), ClipSquare, Square(1)},
		{NDHWC(2, 1, 9, 7, 3), Square(8), ClipNone, Square(8)},
		{NCDHW(2, 3, 4, 9, 7), Rect(8, 3), ClipAxes, Cuboid(1, 8, 3)},
		// Halves are rounded away from zero.
		{NCHW(2, 3, 9, 7), Fraction(.5), ClipAxes, Rect(5, 4)},
		{NCHW(2, 3, 9, 7), Fraction(.5), ClipSquare, Rect(5, 4)},
		{NCHW(2, 3, 9, 4), Fraction(.5), ClipSquare, Rect(4, 2)},
		{NCHW(2, 3, 9, 7), Fraction(.01), ClipAxes, Rect(1, 1)},
		{NHWC(2, 9, 7, 3), Fraction(1), ClipAxes, Rect(9, 7)},
		{NWC(2, 5, 3), Fraction(.9), ClipAxes, Rect(1, 5)},
		{NWC(2, 5, 3), Fraction(.8999999999999999), ClipAxes, Rect(1, 5)}, // the product is 4.5, rounded
		{NWC(2, 5, 3), Fraction(.8999999999999), ClipAxes, Rect(1, 4)},
		{NDHWC(2, 4, 9, 7, 3), Fraction(.5), ClipNone, Cuboid(2, 5, 4)},
		{NCW(2, 3, 0), Fraction(.5), ClipSquare, Rect(1, 0)},
	} {
		layer, err := New(Config{Block: c.block, Clip: c.clip, Region: RegionFull})
		if err != nil {
			t.Fatal(err)
		}
		if got := layer.BlockOn(c.s); got != c.want {
			t.Errorf("block %v, clip %v, on %v is %v, want %v", c.block, c.clip, c.s, got, c.want)
		}
	}
}

// TestAxesValidOn holds the bounds of seeds to where the reference draws them.
func TestAxesValidOn(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 19))
	for range 500 {
		s, cfg := randomShape(r, Layout(r.IntN(len(layoutOptions.names)))), randomConfig(r)
		layer, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p := ReferenceParams(cfg, s, Position{})
		p.P, p.RampSteps, p.Rule, p.GammaScale = 1, 0, "given", 0
		first, last := layer.ValidOn(s)
		for i, seed := range p.Seeds() {
			cell := cellOf(s, p, i)
			valid := true
			for axis, bounds := range map[rune][2]int{'D': {first.D, last.D}, 'H': {first.H, last.H}, 'W': {first.W, last.W}} {
				valid = valid && bounds[0] <= cell[axis] && cell[axis] <= bounds[1]
			}
			if valid != seed {
				t.Fatalf("%v, %+v: element %d may be a seed: %v, want %v", s, cfg, i, valid, seed)
			}
		}
	}
}

// cellOf returns the coordinates of an element of the mask.
func cellOf(s Shape, p *reference.Params, i int) map[rune]int {
	extents := map[rune]int{'N': p.Samples(), 'C': p.Planes(), 'D': s.D(), 'H': s.H(), 'W': s.W()}
	cell := make(map[rune]int)
	for _, axis := range slices.Backward([]rune(s.Layout().String())) {
		cell[axis] = i % extents[axis]
		i /= extents[axis]
	}
	return cell
}

// leavesMap is the error for a seed in an element of the mask.
func leavesMap(s Shape, p *reference.Params, block Block, even Even, i int) string {
	extents := map[rune]int{'D': s.D(), 'H': s.H(), 'W': s.W()}
	cell, axes := cellOf(s, p, i), []rune(s.Layout().String())
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
