package dropblock_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// fixture is what calls could write to: a filled mask and slices, with copies
// to see that they did not.
type fixture struct {
	layer *dropblock.Layer
	shape dropblock.Shape
	mask  dropblock.Mask
	empty dropblock.Mask

	floats, source []float32
	bools          []bool
	words          []uint64
	random         []uint32

	bernoulli *dropblock.Bernoulli
}

func newFixture(t *testing.T, kernels dropblock.KernelSet) *fixture {
	f := &fixture{
		layer: newLayer(t, dropblock.Config{DropProb: 0.3, Block: dropblock.Square(3), Seed: 1, Kernels: kernels}),
		shape: dropblock.NCHW(2, 3, 5, 7),
	}
	f.layer.Sample(&f.mask, f.shape, 1)
	n := f.shape.Len()
	f.floats, f.source = slices.Repeat([]float32{7}, 2*n), slices.Repeat([]float32{5}, 2*n)
	f.bools = slices.Repeat([]bool{true, false}, n)
	f.words = slices.Repeat([]uint64{0xfedcba9876543210}, (2*n+63)/64)
	f.random = slices.Repeat([]uint32{9}, 64)
	var err error
	f.bernoulli, err = dropblock.NewBernoulli(0.4)
	require.NoError(t, err)
	return f
}

// requireUnwritten compares with a fixture that no call has seen.
func (f *fixture) requireUnwritten(t *testing.T, kernels dropblock.KernelSet) {
	t.Helper()
	fresh := newFixture(t, kernels)
	requireSame(t, &fresh.mask, &f.mask)
	require.Nil(t, f.empty.Words())
	require.Zero(t, f.empty.Shape())
	require.Equal(t, fresh.floats, f.floats)
	require.Equal(t, fresh.source, f.source)
	require.Equal(t, fresh.bools, f.bools)
	require.Equal(t, fresh.words, f.words)
	require.Equal(t, fresh.random, f.random)
}

// huge is 2³¹−1, on 64-bit machines times 2¹⁶.
func huge() int {
	n := math.MaxInt32
	if strconv.IntSize == 64 {
		n <<= 16
	}
	return n
}

// badConfigs are refused by New.
var badConfigs = []struct {
	name  string
	spoil func(cfg *dropblock.Config)
	want  string
}{
	{"p NaN", func(c *dropblock.Config) { c.DropProb = math.NaN() }, "DropProb is NaN, want a probability from 0 to 1"},
	{"p below 0", func(c *dropblock.Config) { c.DropProb = -math.SmallestNonzeroFloat64 }, "DropProb is -5e-324, want a probability from 0 to 1"},
	{"p above 1", func(c *dropblock.Config) { c.DropProb = math.Nextafter(1, 2) }, "DropProb is 1.0000000000000002, want a probability from 0 to 1"},
	{"p in percent", func(c *dropblock.Config) { c.DropProb = 10 }, "DropProb is 10, want a probability from 0 to 1"},
	{"p Inf", func(c *dropblock.Config) { c.DropProb = math.Inf(1) }, "DropProb is +Inf, want a probability from 0 to 1"},
	{"p -Inf", func(c *dropblock.Config) { c.DropProb = math.Inf(-1) }, "DropProb is -Inf, want a probability from 0 to 1"},
	{"no block", func(c *dropblock.Config) { c.Block = dropblock.Block{} }, "Block is 0, want sizes of 1 or more"},
	{"block fraction below 0", func(c *dropblock.Config) { c.Block = dropblock.Fraction(-.5) }, "Block is the fraction -0.5, want more than 0 and at most 1"},
	{"block fraction above 1", func(c *dropblock.Config) { c.Block = dropblock.Fraction(1.5) }, "Block is the fraction 1.5, want more than 0 and at most 1"},
	{"block fraction NaN", func(c *dropblock.Config) { c.Block = dropblock.Fraction(math.NaN()) }, "Block is the fraction NaN, want more than 0 and at most 1"},
	{"ramp from", func(c *dropblock.Config) { c.Ramp = dropblock.Ramp{From: 2, Steps: 7} }, "Ramp.From is 2, want a probability from 0 to 1"},
	{"ramp from NaN", func(c *dropblock.Config) { c.Ramp = dropblock.Ramp{From: math.NaN(), Steps: 7} }, "Ramp.From is NaN, want a probability from 0 to 1"},
	{"ramp steps", func(c *dropblock.Config) { c.Ramp.From = .05 }, "Ramp.Steps is 0, want 1 or more to rise from 0.05"},
	{"clip", func(c *dropblock.Config) { c.Clip = 3 }, "Clip is Clip(3), want axes, square or none"},
	{"clip none", func(c *dropblock.Config) { c.Clip = dropblock.ClipNone }, "Clip is none with Region valid, want Region full: a larger block fits nowhere"},
	{"gamma scale", func(c *dropblock.Config) { c.GammaScale = -1 }, "GammaScale is -1, want a finite factor of 0 or more"},
	{"gamma scale Inf", func(c *dropblock.Config) { c.GammaScale = math.Inf(1) }, "GammaScale is +Inf, want a finite factor of 0 or more"},
	{"gamma scale NaN", func(c *dropblock.Config) { c.GammaScale = math.NaN() }, "GammaScale is NaN, want a finite factor of 0 or more"},
	{"gamma scale exact", func(c *dropblock.Config) { c.Gamma, c.GammaScale = dropblock.GammaExact, 2 }, "GammaScale is 2 with GammaExact, want 1 or another rule: it would no longer be exact"},
	{"block 0", func(c *dropblock.Config) { c.Block = dropblock.Square(0) }, "Block is 0, want sizes of 1 or more"},
	{"block H 0", func(c *dropblock.Config) { c.Block = dropblock.Rect(0, 7) }, "Block is 0x7, want sizes of 1 or more"},
	{"block W 0", func(c *dropblock.Config) { c.Block = dropblock.Rect(7, 0) }, "Block is 7x0, want sizes of 1 or more"},
	{"block H -1", func(c *dropblock.Config) { c.Block = dropblock.Rect(-1, 7) }, "Block is -1x7, want sizes of 1 or more"},
	{"block W smallest", func(c *dropblock.Config) { c.Block = dropblock.Rect(7, math.MinInt32) }, "Block is 7x-2147483648, want sizes of 1 or more"},
	{"even", func(c *dropblock.Config) { c.Even = 2 }, "Even is Even(2), want before or after"},
	{"region", func(c *dropblock.Config) { c.Region = 2 }, "Region is Region(2), want valid or full"},
	{"gamma", func(c *dropblock.Config) { c.Gamma = 4 }, "Gamma is GammaRule(4), want paper, simple, exact or given"},
	{"share", func(c *dropblock.Config) { c.Share = 255 }, "Share is Share(255), want none, channels, batch or all"},
	{"norm", func(c *dropblock.Config) { c.Norm = 5 }, "Norm is Norm(5), want tensor, none, sample, plane or expected"},
	{"workers", func(c *dropblock.Config) { c.Workers = -1 }, "Workers is -1, want 0 for GOMAXPROCS, or 1 or more"},
}

func TestNewBad(t *testing.T) {
	for _, c := range badConfigs {
		t.Run(c.name, func(t *testing.T) {
			cfg := dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)}
			c.spoil(&cfg)
			layer, err := dropblock.New(cfg)
			require.EqualError(t, err, "dropblock: "+c.want)
			require.Nil(t, layer)
		})
	}
}

// badShapes are refused by Shape.Check, by Grow with the same error, and by
// the calls without an error with a panic of the same text.
var badShapes = []struct {
	shape dropblock.Shape
	want  string
}{
	{dropblock.NCHW(-1, 2, 3, 4), "shape NCHW -1x2x3x4: N is -1, want 0 or more"},
	{dropblock.NCHW(1, -2, 3, 4), "shape NCHW 1x-2x3x4: C is -2, want 0 or more"},
	{dropblock.NCHW(1, 2, -3, 4), "shape NCHW 1x2x-3x4: H is -3, want 0 or more"},
	{dropblock.NCHW(1, 2, 3, -4), "shape NCHW 1x2x3x-4: W is -4, want 0 or more"},
	{dropblock.NCHW(-1, -1, 1, 1), "shape NCHW -1x-1x1x1: N is -1, want 0 or more"}, // the product is 1
	{dropblock.NCHW(0, 1, 1, -1), "shape NCHW 0x1x1x-1: W is -1, want 0 or more"},   // and empty
	{dropblock.NCHW(1, 1, 1<<16, 1<<15), "shape NCHW 1x1x65536x32768: a sample has too many elements, want 2147483647 at most"},
	{dropblock.NCHW(1, 1<<11, 1<<10, 1<<10), "shape NCHW 1x2048x1024x1024: a sample has too many elements, want 2147483647 at most"},
	{dropblock.NCHW(1, 1<<16, 1<<16, 1<<16), "shape NCHW 1x65536x65536x65536: a sample has too many elements, want 2147483647 at most"},
	{dropblock.NCHW(1, 1<<22, 1<<21, 1<<21), "shape NCHW 1x4194304x2097152x2097152: a sample has too many elements, want 2147483647 at most"}, // 2⁶⁴
	{
		dropblock.NCHW(huge(), 1, 1<<15, 1<<15),
		fmt.Sprintf("shape NCHW %dx1x32768x32768: the number of elements overflows an int", huge()),
	},
	{
		dropblock.NCHW(math.MaxInt, 1, 1, 2),
		fmt.Sprintf("shape NCHW %dx1x1x2: the number of elements overflows an int", math.MaxInt),
	},
	{
		dropblock.NCHW(math.MaxInt/2+1, 1, 1, 4), // 2⁶⁴, or 2³²
		fmt.Sprintf("shape NCHW %dx1x1x4: the number of elements overflows an int", math.MaxInt/2+1),
	},
}

func TestShapeBad(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		f := newFixture(t, kernels)
		for _, c := range badShapes {
			want := "dropblock: " + c.want
			require.EqualError(t, c.shape.Check(), want)
			for _, m := range []*dropblock.Mask{&f.mask, &f.empty} {
				require.EqualError(t, f.layer.Grow(m, c.shape, f.words), want)
				require.PanicsWithValue(t, want, func() { f.layer.Sample(m, c.shape, 1) })
				require.PanicsWithValue(t, want, func() { f.layer.SampleAt(m, c.shape, dropblock.Position{}) })
				require.PanicsWithValue(t, want, func() { m.Identity(c.shape) })
			}
			require.PanicsWithValue(t, want, func() { f.layer.DrawSeeds(f.words, c.shape, dropblock.Position{}) })
			require.PanicsWithValue(t, want, func() { f.layer.Gamma(c.shape, 0) })
			f.requireUnwritten(t, kernels)
		}
	})
}

func TestShapeGood(t *testing.T) {
	for _, s := range []dropblock.Shape{
		{}, dropblock.NCHW(1, 1, 1, 1), dropblock.NCHW(huge(), 0, 1, huge()), dropblock.NCHW(1, 1, 1, math.MaxInt32),
		dropblock.NCHW(math.MaxInt, 1, 1, 1),
	} {
		require.NoError(t, s.Check(), s)
	}
}

// badCalls panic with want.
var badCalls = []struct {
	name string
	call func(f *fixture, k dropblock.KernelSet)
	want string
}{
	{"Sample, step -1", func(f *fixture, k dropblock.KernelSet) { f.layer.Sample(&f.mask, f.shape, -1) }, "Sample: step is -1, want 0 or more"},
	{"Sample, smallest step", func(f *fixture, k dropblock.KernelSet) { f.layer.Sample(&f.empty, f.shape, math.MinInt) }, fmt.Sprintf("Sample: step is %d, want 0 or more", math.MinInt)},

	{"DrawSeeds, nil", func(f *fixture, k dropblock.KernelSet) { f.layer.DrawSeeds(nil, f.shape, dropblock.Position{}) },
		"DrawSeeds: dst has 0 words, want 4 for the 210 elements of a mask of NCHW 2x3x5x7"},
	{"DrawSeeds, short", func(f *fixture, k dropblock.KernelSet) { f.layer.DrawSeeds(f.words[:3], f.shape, dropblock.Position{}) },
		"DrawSeeds: dst has 3 words, want 4 for the 210 elements of a mask of NCHW 2x3x5x7"},
	{"DrawSeeds, long", func(f *fixture, k dropblock.KernelSet) { f.layer.DrawSeeds(f.words[:5], f.shape, dropblock.Position{}) },
		"DrawSeeds: dst has 5 words, want 4 for the 210 elements of a mask of NCHW 2x3x5x7"},

	{"Apply, empty mask", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats, f.source, &f.empty) },
		"Apply: the mask is not filled: Sample, Grow, SetKeep or Identity comes first"},
	{"Apply, empty mask, nil", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply[float32](nil, nil, &f.empty) },
		"Apply: the mask is not filled: Sample, Grow, SetKeep or Identity comes first"},
	{"Apply, dst nil", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(nil, f.source[:210], &f.mask) },
		"Apply: dst has 0 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"Apply, dst short", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats[:209], f.source[:210], &f.mask) },
		"Apply: dst has 209 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"Apply, dst long", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats[:211], f.source[:210], &f.mask) },
		"Apply: dst has 211 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"Apply, src nil", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats[:210], nil, &f.mask) },
		"Apply: src has 0 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"Apply, src short", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats[:210], f.source[:209], &f.mask) },
		"Apply: src has 209 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"Apply, src long", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats[:210], f.source, &f.mask) },
		"Apply: src has 420 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"Apply, dst one ahead", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats[1:211], f.floats[:210], &f.mask) },
		"Apply: dst and src overlap in part"},
	{"Apply, dst one behind", func(f *fixture, k dropblock.KernelSet) { dropblock.Apply(f.floats[:210], f.floats[1:211], &f.mask) },
		"Apply: dst and src overlap in part"},
	{"Apply, one element in common", func(f *fixture, k dropblock.KernelSet) {
		dropblock.Apply(f.floats[209:419], f.floats[:210], &f.mask)
	}, "Apply: dst and src overlap in part"},
	{"Apply, src's last is dst's first", func(f *fixture, k dropblock.KernelSet) {
		dropblock.Apply(f.floats[:210], f.floats[209:419], &f.mask)
	}, "Apply: dst and src overlap in part"},

	{"ApplyAdd, dst short", func(f *fixture, k dropblock.KernelSet) { dropblock.ApplyAdd(f.floats[:209], f.source[:210], &f.mask) },
		"ApplyAdd: dst has 209 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"ApplyAdd, empty mask", func(f *fixture, k dropblock.KernelSet) {
		dropblock.ApplyAddPart(f.floats[:210], f.source[:210], &f.empty, 0, 1)
	}, "ApplyAddPart: the mask is not filled: Sample, Grow, SetKeep or Identity comes first"},
	{"ApplyFill, fill short", func(f *fixture, k dropblock.KernelSet) {
		dropblock.ApplyFill(f.floats[:210], f.source[:210], f.source[:209], &f.mask)
	}, "ApplyFill: fill has 209 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"ApplyFill, fill nil", func(f *fixture, k dropblock.KernelSet) {
		dropblock.ApplyFill(f.floats[:210], f.source[:210], nil, &f.mask)
	}, "ApplyFill: fill has 0 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"ApplyFill, src overlaps", func(f *fixture, k dropblock.KernelSet) {
		dropblock.ApplyFill(f.floats[1:211], f.floats[:210], f.source[:210], &f.mask)
	}, "ApplyFill: dst and src overlap in part"},
	{"ApplyFill, fill overlaps", func(f *fixture, k dropblock.KernelSet) {
		dropblock.ApplyFill(f.floats[1:211], f.source[:210], f.floats[:210], &f.mask)
	}, "ApplyFill: dst and fill overlap in part"},
	{"ApplyFillPart, part 2 of 2", func(f *fixture, k dropblock.KernelSet) {
		dropblock.ApplyFillPart(f.floats[:210], f.source[:210], f.source[:210], &f.mask, 2, 2)
	}, "ApplyFillPart: part is 2 of 2, want 0 or more and less than the parts"},

	{"ScaleTo, empty mask", func(f *fixture, k dropblock.KernelSet) { dropblock.ScaleTo(f.floats[:210], &f.empty) },
		"ScaleTo: the mask is not filled: Sample, Grow, SetKeep or Identity comes first"},
	{"ScaleTo, nil", func(f *fixture, k dropblock.KernelSet) { dropblock.ScaleTo([]float32(nil), &f.mask) },
		"ScaleTo: dst has 0 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"ScaleTo, short", func(f *fixture, k dropblock.KernelSet) { dropblock.ScaleTo(f.floats[:209], &f.mask) },
		"ScaleTo: dst has 209 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"ScaleTo, long", func(f *fixture, k dropblock.KernelSet) { dropblock.ScaleTo(f.floats, &f.mask) },
		"ScaleTo: dst has 420 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"KeepTo, empty mask", func(f *fixture, k dropblock.KernelSet) { dropblock.KeepTo(f.bools[:210], &f.empty) },
		"KeepTo: the mask is not filled: Sample, Grow, SetKeep or Identity comes first"},
	{"KeepTo, short", func(f *fixture, k dropblock.KernelSet) { dropblock.KeepTo(f.bools[:1], &f.mask) },
		"KeepTo: dst has 1 elements, want the 210 of a feature map of NCHW 2x3x5x7"},
	{"KeepTo, long", func(f *fixture, k dropblock.KernelSet) { dropblock.KeepTo(f.bools[:211], &f.mask) },
		"KeepTo: dst has 211 elements, want the 210 of a feature map of NCHW 2x3x5x7"},

	{"Bernoulli, n -1", func(f *fixture, k dropblock.KernelSet) { k.Bernoulli(f.words, -1, f.bernoulli, dropblock.Key{}, 0) },
		"Bernoulli: n is -1, want 0 or more"},
	{"Bernoulli, short", func(f *fixture, k dropblock.KernelSet) {
		k.Bernoulli(f.words[:2], 129, f.bernoulli, dropblock.Key{}, 0)
	},
		"Bernoulli: dst has 2 words, want 3 or more for 129 bits"},
	{"Bernoulli, nil", func(f *fixture, k dropblock.KernelSet) { k.Bernoulli(nil, 1, f.bernoulli, dropblock.Key{}, 0) },
		"Bernoulli: dst has 0 words, want 1 or more for 1 bits"},

	{"Philox, 1 word", func(f *fixture, k dropblock.KernelSet) { k.Philox(f.random[:1], dropblock.Key{}, [4]uint32{}) },
		"Philox: dst has 1 words, want a multiple of 4"},
	{"Philox, 62 words", func(f *fixture, k dropblock.KernelSet) { k.Philox(f.random[:62], dropblock.Key{}, [4]uint32{}) },
		"Philox: dst has 62 words, want a multiple of 4"},

	{"Dilate, n -1", func(f *fixture, k dropblock.KernelSet) { k.Dilate(f.words, -1, 1, 3) }, "Dilate: n is -1, want 0 or more"},
	{"Dilate, short", func(f *fixture, k dropblock.KernelSet) { k.Dilate(f.words[:2], 129, 1, 3) }, "Dilate: words has 2 words, want 3 or more for 129 bits"},
	{"Dilate, stride 0", func(f *fixture, k dropblock.KernelSet) { k.Dilate(f.words, 128, 0, 3) }, "Dilate: stride is 0 and size 3, want 1 or more"},
	{"Dilate, stride -1", func(f *fixture, k dropblock.KernelSet) { k.Dilate(f.words, 128, -1, 3) }, "Dilate: stride is -1 and size 3, want 1 or more"},
	{"Dilate, size 0", func(f *fixture, k dropblock.KernelSet) { k.Dilate(f.words, 128, 1, 0) }, "Dilate: stride is 1 and size 0, want 1 or more"},
	{"Dilate, size smallest", func(f *fixture, k dropblock.KernelSet) { k.Dilate(f.words, 128, 1, math.MinInt) }, fmt.Sprintf("Dilate: stride is 1 and size %d, want 1 or more", math.MinInt)},

	{"Scale, lengths", func(f *fixture, k dropblock.KernelSet) { dropblock.Scale(k, f.floats[:64], f.source[:65], f.words, 2) },
		"Scale: dst has 64 elements and src 65, want as many"},
	{"Scale, keep short", func(f *fixture, k dropblock.KernelSet) {
		dropblock.Scale(k, f.floats[:65], f.source[:65], f.words[:1], 2)
	},
		"Scale: keep has 1 words, want 2 or more for 65 bits"},
	{"Scale, keep nil", func(f *fixture, k dropblock.KernelSet) { dropblock.Scale(k, f.floats[:1], f.source[:1], nil, 2) },
		"Scale: keep has 0 words, want 1 or more for 1 bits"},
	{"Scale, overlap", func(f *fixture, k dropblock.KernelSet) { dropblock.Scale(k, f.floats[4:68], f.floats[:64], f.words, 2) },
		"Scale: dst and src overlap in part"},
	{"Expand, keep short", func(f *fixture, k dropblock.KernelSet) { dropblock.Expand(k, f.floats[:129], f.words[:2], 2) },
		"Expand: keep has 2 words, want 3 or more for 129 bits"},
	{"ExpandBits, keep short", func(f *fixture, k dropblock.KernelSet) { dropblock.ExpandBits(k, f.bools[:129], f.words[:2]) },
		"ExpandBits: keep has 2 words, want 3 or more for 129 bits"},
}

func TestCallsBad(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		f := newFixture(t, kernels)
		for _, c := range badCalls {
			require.PanicsWithValue(t, "dropblock: "+c.want, func() { c.call(f, kernels) }, c.name)
			f.requireUnwritten(t, kernels)
		}
	})
}

func TestBernoulliTooLong(t *testing.T) {
	if strconv.IntSize == 32 {
		return // no int is above the limit
	}
	b, err := dropblock.NewBernoulli(0.5)
	require.NoError(t, err)
	// A slice as long as the bits ask for, of memory that is not touched.
	n := math.MaxInt32
	n++
	dst := make([]uint64, n/64)
	require.PanicsWithValue(t, "dropblock: Bernoulli: n is 2147483648, want 2147483647 at most", func() {
		dropblock.KernelSet{}.Bernoulli(dst, n, b, dropblock.Key{}, 0)
	})
	require.Equal(t, make([]uint64, 1024), dst[:1024])
}

// Seeds whose blocks leave the map, or that come in the wrong number of words.
func TestGrowBad(t *testing.T) {
	s := dropblock.NCHW(2, 3, 5, 7)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		f := newFixture(t, kernels)
		for _, words := range []int{0, 3, 5, 7} {
			require.EqualError(t, f.layer.Grow(&f.mask, s, f.words[:words]),
				fmt.Sprintf("dropblock: seeds has %d words, want 4 for the 210 elements of a mask of NCHW 2x3x5x7", words))
			f.requireUnwritten(t, kernels)
		}
		shared := newLayer(t, dropblock.Config{Block: dropblock.Square(3), Share: dropblock.ShareChannels, Kernels: kernels})
		require.EqualError(t, shared.Grow(&f.mask, s, f.words[:4]),
			"dropblock: seeds has 4 words, want 2 for the 70 elements of a mask of NCHW 2x1x5x7")
		f.requireUnwritten(t, kernels)

		// Every cell of every plane, for odd and even blocks with both anchors:
		// only those in the valid region are taken.
		for _, block := range []dropblock.Block{dropblock.Square(3), dropblock.Rect(2, 4), dropblock.Rect(5, 1)} {
			for _, even := range []dropblock.Even{dropblock.EvenBefore, dropblock.EvenAfter} {
				layer := newLayer(t, dropblock.Config{Block: block, Even: even, Kernels: kernels})
				_, bh, bw := block.Size()
				top, left := bh/2, bw/2
				if even == dropblock.EvenAfter {
					top, left = (bh-1)/2, (bw-1)/2
				}
				for i := range s.Len() {
					n, c, h, w := i/105, i/35%3, i/7%5, i%7
					seeds := make([]bool, s.Len())
					seeds[i] = true
					if h >= top && h-top <= s.H()-bh && w >= left && w-left <= s.W()-bw {
						var m dropblock.Mask
						require.NoError(t, layer.Grow(&m, s, reference.Words(seeds)))
						require.Equal(t, bh*bw, m.Dropped())
						continue
					}
					require.EqualError(t, layer.Grow(&f.mask, s, reference.Words(seeds)), fmt.Sprintf(
						"dropblock: the block of the seed at n %d, c %d, h %d, w %d leaves the map, want h %d to %d and w %d to %d in the valid region of %dx%d blocks",
						n, c, h, w, top, top+s.H()-bh, left, left+s.W()-bw, bh, bw))
				}
				f.requireUnwritten(t, kernels)
			}
		}
	})
}

func TestParseKernelSet(t *testing.T) {
	sets := dropblock.KernelSets()
	require.Equal(t, "generic", sets[len(sets)-1].String())
	for _, k := range sets {
		got, err := dropblock.ParseKernelSet(k.String())
		require.NoError(t, err)
		require.Equal(t, k, got)
		require.Equal(t, k, newLayer(t, dropblock.Config{Block: dropblock.Square(1), Kernels: k}).Kernels())
	}
	best, err := dropblock.ParseKernelSet("auto")
	require.NoError(t, err)
	require.Equal(t, sets[0], best)
	require.Equal(t, sets[0], newLayer(t, dropblock.Config{Block: dropblock.Square(1)}).Kernels())
	require.Equal(t, "auto", dropblock.KernelSet{}.String())
	names := "auto or generic" // and what else there is
	for i, k := range sets[:len(sets)-1] {
		if i == 0 {
			names = "auto"
		}
		names += ", " + k.String()
	}
	if len(sets) > 1 {
		names += " or generic"
	}
	for _, name := range []string{"", "AVX2", "sse9", "generic "} {
		_, err := dropblock.ParseKernelSet(name)
		require.EqualError(t, err, fmt.Sprintf("dropblock: the kernel set is %q, want %s, which this CPU runs", name, names))
	}
	// The list is the caller's own.
	sets[0] = dropblock.KernelSet{}
	require.NotEqual(t, sets[0], dropblock.KernelSets()[0])
}

func TestConfigStrings(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"before": dropblock.EvenBefore, "after": dropblock.EvenAfter, "Even(9)": dropblock.Even(9),
		"valid": dropblock.RegionValid, "full": dropblock.RegionFull, "Region(255)": dropblock.Region(255),
		"paper": dropblock.GammaPaper, "simple": dropblock.GammaSimple, "GammaRule(77)": dropblock.GammaRule(77),
		"channels": dropblock.ShareChannels, "Share(200)": dropblock.Share(200),
		"tensor": dropblock.NormTensor, "Norm(200)": dropblock.Norm(200),
		"3x5": dropblock.Rect(3, 5), "NCHW 1x2x3x4": dropblock.NCHW(1, 2, 3, 4),
	} {
		require.Equal(t, want, got.String())
	}
	require.Equal(t, "none", dropblock.ShareNone.String())
	require.Equal(t, "none", dropblock.NormNone.String())
}

func TestLayerConfig(t *testing.T) {
	cfg := dropblock.Config{
		DropProb: 0.25, Block: dropblock.Rect(2, 3), Even: dropblock.EvenAfter, Region: dropblock.RegionFull,
		Gamma: dropblock.GammaSimple, Share: dropblock.ShareChannels, Norm: dropblock.NormNone, Seed: 1, Layer: 2,
	}
	require.Equal(t, cfg, newLayer(t, cfg).Config())
}
