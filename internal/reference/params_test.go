package reference

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// pick returns one of a list.
func pick[E any](r *rand.Rand, list ...E) E { return list[r.IntN(len(list))] }

// randomParams have every axis, rule and option.
func randomParams(r *rand.Rand, layout string) Params {
	p := Params{
		Layout: layout, N: 1 + r.IntN(3), C: 1 + r.IntN(4), D: 1 + r.IntN(4), H: 1 + r.IntN(6), W: 1 + r.IntN(7),
		P: r.Float64(), RampFrom: r.Float64(), RampSteps: uint64(r.IntN(20)),
		BlockD: 1 + r.IntN(4), BlockH: 1 + r.IntN(5), BlockW: 1 + r.IntN(5),
		Clip: pick(r, "axes", "none"), Even: pick(r, "before", "after"), Region: pick(r, "valid", "full"),
		Rule: pick(r, "paper", "simple", "given"), GammaScale: pick(r, 0, .5, 1.5),
		Share: pick(r, "none", "channels", "batch", "all"),
		Norm:  pick(r, "tensor", "sample", "plane", "expected", "none"), Rate: pick(r, .25, 1),
		Seed: r.Uint64(), Layer: r.Uint32(), Step: uint64(r.IntN(20)), Sample: r.Uint64(), Stride: r.Uint64N(5),
	}
	if p.Clip == "none" {
		p.Region = "full"
	}
	return p
}

// sameMasks compares all that two parameters say.
func sameMasks(t *testing.T, a, b *Params) {
	t.Helper()
	x, y := a.Draw(), b.Draw()
	if !reflect.DeepEqual(x, y) {
		t.Fatalf("%+v\n%+v\ndraw\n%+v\n%+v", a, b, x, y)
	}
	if !slices.Equal(a.Spread(x.Keep), b.Spread(x.Keep)) || !slices.Equal(a.Factors(x.Scales), b.Factors(x.Scales)) {
		t.Fatalf("%+v\n%+v\nspread otherwise", a, b)
	}
	if x, y := a.ExpectedDrop(), b.ExpectedDrop(); x != y {
		t.Fatalf("%+v\n%+v\nexpect to drop %v and %v", a, b, x, y)
	}
}

// TestLayoutsAgree compares layouts where an axis of extent 1 makes their memory
// the same.
func TestLayoutsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		for _, c := range []struct {
			a, b string
			set  func(p *Params)
		}{
			{"NCDHW", "NCHW", func(p *Params) { p.D, p.BlockD = 1, 1 }},
			{"NDHWC", "NHWC", func(p *Params) { p.D, p.BlockD = 1, 1 }},
			{"NCHW", "NCW", func(p *Params) { p.H, p.BlockH = 1, 1 }},
			{"NHWC", "NWC", func(p *Params) { p.H, p.BlockH = 1, 1 }},
			{"NCW", "NWC", func(p *Params) { p.C = 1 }},
			{"NCHW", "nhwc", func(p *Params) { p.C = 1 }},
			{"ncdhw", "NDHWC", func(p *Params) { p.C = 1 }},
			{"", "NCHW", func(p *Params) {}},
			// A volume of one column is a row on its side.
			{"NCDHW", "NCW", func(p *Params) { p.H, p.W, p.BlockH, p.BlockW = 1, 1, 1, 1 }},
		} {
			p := randomParams(r, c.a)
			c.set(&p)
			q := p
			q.Layout = c.b
			if c.a == "NCDHW" && c.b == "NCW" {
				q.W, q.BlockW = p.D, p.BlockD
			}
			sameMasks(t, &p, &q)
		}
	}
}

// TestTranspose grows the same seeds channels first and last.
func TestTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		first := randomParams(r, pick(r, "NCW", "NCHW", "NCDHW"))
		last := first
		last.Layout = "N" + first.Layout[2:] + "C"
		// Elements of c channels, from the order of last to that of first.
		transpose := func(elements []bool, n, c int) []bool {
			out := make([]bool, len(elements))
			plane := len(out) / n / c
			for i, v := range elements {
				sample, cell, channel := i/c/plane, i/c%plane, i%c
				out[(sample*c+channel)*plane+cell] = v
			}
			return out
		}
		seeds := make([]bool, last.Cells())
		for i := range seeds {
			seeds[i] = r.IntN(12) == 0
		}
		a, wholeA := last.Grow(seeds)
		b, wholeB := first.Grow(transpose(seeds, first.Samples(), first.Planes()))
		if !slices.Equal(transpose(a.Keep, first.Samples(), first.Planes()), b.Keep) || wholeA != wholeB {
			t.Fatalf("%+v: other blocks", first)
		}
		if !slices.Equal(a.Scales, b.Scales) {
			t.Fatalf("%+v: scales %v and %v", first, a.Scales, b.Scales)
		}
		if !slices.Equal(transpose(last.Spread(a.Keep), first.N, first.C), first.Spread(b.Keep)) {
			t.Fatalf("%+v: spread otherwise", first)
		}
		if last.ExpectedDrop() != first.ExpectedDrop() {
			t.Fatalf("%+v: expected otherwise", first)
		}
	}
}

// cellsOf reads a drawing: 1 is true, 0 is false, all else is left out.
func cellsOf(drawing string) (cells []bool) {
	for _, c := range drawing {
		if c == '0' || c == '1' {
			cells = append(cells, c == '1')
		}
	}
	return cells
}

// TestGrowByHand has blocks of two cells along each axis.
func TestGrowByHand(t *testing.T) {
	volume := Params{Layout: "NCDHW", N: 1, C: 1, D: 2, H: 3, W: 3, BlockD: 2, BlockH: 2, BlockW: 2}
	row := Params{Layout: "NWC", N: 1, C: 2, W: 3, BlockW: 2}
	plane := Params{Layout: "NHWC", N: 1, C: 2, H: 2, W: 2, BlockH: 2, BlockW: 2}
	large := Params{Layout: "NCW", N: 1, C: 1, W: 5, BlockW: 8, Clip: "none", Region: "full"}
	for _, c := range []struct {
		p                 Params
		even, seeds, keep string
		whole             bool
	}{
		{volume, "before", "000 000 000, 000 010 000", "001 001 111, 001 001 111", true},
		{volume, "before", "000 000 001, 000 000 000", "111 100 100, 111 111 111", false},
		{volume, "before", "100 000 000, 000 000 100", "011 011 011, 111 011 011", false},
		{volume, "after", "000 010 000, 000 000 000", "111 100 100, 111 100 100", true},
		{volume, "after", "000 000 000, 001 000 000", "111 111 111, 110 110 111", false},
		{row, "before", "00 01 00", "10 10 11", true},
		{row, "after", "00 10 01", "11 01 00", false},
		{plane, "before", "00 00 00 10", "01 01 01 01", true},
		{plane, "after", "01 00 10 00", "10 10 00 00", false},
		{large, "before", "00001", "00000", false}, // cells 0 to 7
		{large, "after", "00001", "10000", false},  // cells 1 to 8
	} {
		c.p.Even = c.even
		mask, whole := c.p.Grow(cellsOf(c.seeds))
		if !slices.Equal(mask.Keep, cellsOf(c.keep)) || whole != c.whole {
			t.Errorf("%+v: %v, whole %v", c, mask.Keep, whole)
		}
	}
}

// TestSpreadByHand has two samples of two channels of two cells.
func TestSpreadByHand(t *testing.T) {
	for _, c := range []struct{ layout, share, keep, spread string }{
		{"NCW", "none", "10 01, 11 00", "10 01, 11 00"},
		{"NCW", "channels", "10, 01", "10 10, 01 01"},
		{"NCW", "batch", "10 00", "10 00, 10 00"},
		{"NCW", "all", "10", "10 10, 10 10"},
		{"NWC", "none", "10 01, 11 00", "10 01, 11 00"},
		{"NWC", "channels", "10, 01", "11 00, 00 11"},
		{"NWC", "batch", "10 00", "10 00, 10 00"},
		{"NWC", "all", "10", "11 00, 11 00"},
	} {
		p := Params{Layout: c.layout, N: 2, C: 2, W: 2, Share: c.share}
		if got := p.Spread(cellsOf(c.keep)); !slices.Equal(got, cellsOf(c.spread)) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestScalesByHand has two samples of two channels of two cells, of which 3, 1, 2
// and 0 cells of a plane of 4 are kept.
func TestScalesByHand(t *testing.T) {
	const first, last = "1110 0001, 1010 0000", "10 10 10 01, 10 00 10 00"
	for _, c := range []struct {
		norm            string
		scales          []float64
		factors, factor string // of NCW and NWC, numbers of scales
	}{
		{"tensor", []float64{16. / 6}, "0000 0000, 0000 0000", "00 00 00 00, 00 00 00 00"},
		{"none", []float64{1}, "0000 0000, 0000 0000", "00 00 00 00, 00 00 00 00"},
		{"expected", []float64{4}, "0000 0000, 0000 0000", "00 00 00 00, 00 00 00 00"},
		{"sample", []float64{8. / 4, 8. / 2}, "0000 0000, 1111 1111", "00 00 00 00, 11 11 11 11"},
		{"plane", []float64{4. / 3, 4. / 1, 4. / 2, 0}, "0000 1111, 2222 3333", "01 01 01 01, 23 23 23 23"},
	} {
		for _, l := range []struct{ layout, keep, factors string }{{"NCW", first, c.factors}, {"NWC", last, c.factor}} {
			p := Params{Layout: l.layout, N: 2, C: 2, W: 4, BlockW: 1, Norm: c.norm, Rate: .75}
			mask, _ := p.Grow(Complement(cellsOf(l.keep)))
			if !slices.Equal(mask.Scales, c.scales) {
				t.Errorf("%s, %s: scales %v, want %v", c.norm, l.layout, mask.Scales, c.scales)
			}
			var want []float64
			for _, digit := range strings.NewReplacer(" ", "", ",", "").Replace(l.factors) {
				want = append(want, c.scales[digit-'0'])
			}
			if got := p.Factors(mask.Scales); !slices.Equal(got, want) {
				t.Errorf("%s, %s: factors %v, want %v", c.norm, l.layout, got, want)
			}
		}
	}
	empty := Params{N: 3, C: 0, H: 4, W: 4}
	for _, empty.Norm = range []string{"tensor", "sample", "plane", "expected", "none"} {
		if got := empty.Draw().Scales; !slices.Equal(got, []float64{1}) {
			t.Errorf("empty, %s: scales %v, want 1", empty.Norm, got)
		}
	}
	all := Params{N: 3, C: 1, H: 4, W: 4, BlockH: 1, BlockW: 1, Norm: "expected", Rate: 1}
	if got := all.Draw().Scales; !slices.Equal(got, []float64{0}) {
		t.Errorf("all is expected to drop: scales %v, want 0", got)
	}
}

// TestPositions holds the numbers of positions to quotients of them.
func TestPositions(t *testing.T) {
	const n, c, d, h, w = 3, 4, 3, 4, 5
	for _, layout := range []string{"NCDHW", "NDHWC"} {
		p := Params{
			Layout: layout, N: n, C: c, D: d, H: h, W: w, BlockD: 2, BlockH: 3, BlockW: 1, Even: "after",
			P: .3, Rule: "given", Seed: 5, Layer: 6, Step: 7, Sample: 8, Stride: 2,
		}
		want := make([]bool, n*c*d*h*w)
		for sample := range n {
			// 2×2×5 first corners; seeds stand a row down in their blocks.
			for i, drawn := range Bernoulli(.3, c*2*2*5, Key(5, 6, 7), 8+2*uint64(sample)) {
				if !drawn {
					continue
				}
				if layout == "NCDHW" {
					want[sample*c*d*h*w+i/20*d*h*w+i/10%2*h*w+(i/5%2+1)*w+i%5] = true
				} else {
					want[sample*d*h*w*c+i/40*h*w*c+(i/20%2+1)*w*c+i%20] = true
				}
			}
		}
		if got := p.Seeds(); Count(got) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: other seeds than %v", layout, want)
		}
	}
}

// TestSharedBatch draws the mask of a batch as that of sample 0.
func TestSharedBatch(t *testing.T) {
	for _, share := range [][2]string{{"batch", "none"}, {"all", "channels"}} {
		p := Params{
			N: 4, C: 3, H: 9, W: 9, BlockH: 3, BlockW: 3, P: .9, Share: share[0], Seed: 1, Step: 2, Sample: 3, Stride: 4,
		}
		one := p
		one.N, one.Share, one.Sample = 1, share[1], 0
		got, want := p.Draw(), one.Draw()
		if Count(want.Seeds) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", share[0], got, want)
		}
	}
}

func TestGammaByHand(t *testing.T) {
	volume := Params{Layout: "NCDHW", N: 1, C: 1, D: 2, H: 3, W: 3, BlockD: 2, BlockH: 2, BlockW: 2, P: .25}
	wide := Params{N: 1, C: 1, H: 3, W: 7, BlockH: 5, BlockW: 5, P: .25, Region: "full"}
	for _, c := range []struct {
		p    Params
		set  func(p *Params)
		want float64
	}{
		{volume, func(p *Params) {}, .25 * 18 / (8 * (1 * 2 * 2))},
		{volume, func(p *Params) { p.Rule = "simple" }, .25 / 8},
		{volume, func(p *Params) { p.Rule = "given" }, .25},
		{volume, func(p *Params) { p.GammaScale = 2 }, 2 * .25 * 18 / (8 * (1 * 2 * 2))},
		{volume, func(p *Params) { p.Rule, p.GammaScale = "given", 5 }, 1},
		{volume, func(p *Params) { p.Fraction = .5 }, .25 * 18 / (1 * 2 * 2 * (2 * 2 * 2))}, // 1.5 is rounded up
		{volume, func(p *Params) { p.Fraction = .1 }, .25},
		{wide, func(p *Params) {}, .25 * 21 / (3 * 5 * (1 * 3))},
		{wide, func(p *Params) { p.Rule = "simple" }, .25 / (3 * 5)},
		{wide, func(p *Params) { p.Clip = "square" }, .25 * 21 / (3 * 3 * (1 * 5))},
		{wide, func(p *Params) { p.Clip, p.Rule = "square", "simple" }, .25 / (3 * 3)},
		{wide, func(p *Params) { p.Clip = "none" }, .25 * 21 / (3 * 5 * (1 * 3))},
		{wide, func(p *Params) { p.Clip, p.Rule = "none", "simple" }, .25 / (5 * 5)},
		{wide, func(p *Params) { p.Rule, p.RampSteps, p.Step = "given", 8, 2 }, .0625},
		{wide, func(p *Params) { p.Rule, p.RampFrom, p.RampSteps, p.Step = "given", .75, 8, 4 }, .5},
		{wide, func(p *Params) { p.Rule, p.RampFrom, p.RampSteps, p.Step = "given", .75, 8, 9 }, .25},
		{wide, func(p *Params) { // roundings would lead below 0
			p.Rule, p.P, p.RampFrom, p.RampSteps, p.Step = "given", 0, 0.3930952527926388, 27678772353082967, 27678772353082966
		}, 0},
		{wide, func(p *Params) { p.H = 0 }, 0},
	} {
		c.set(&c.p)
		if got := c.p.Gamma(); got != c.want {
			t.Errorf("%+v: gamma %v, want %v", c.p, got, c.want)
		}
	}
}

// TestExpectedDrop goes through all sets of seeds of small maps, each as likely as
// its number of seeds says.
func TestExpectedDrop(t *testing.T) {
	for _, p := range []Params{
		{Layout: "NCW", W: 5, BlockW: 2},
		{Layout: "NCW", W: 6, BlockW: 3, Region: "full"},
		{Layout: "NCW", W: 4, BlockW: 6, Region: "full", Clip: "none", Even: "after"},
		{Layout: "NHWC", H: 3, W: 4, BlockH: 2, BlockW: 2},
		{Layout: "NCHW", H: 3, W: 3, BlockH: 2, BlockW: 2, Region: "full", Even: "after"},
		{Layout: "NDHWC", D: 2, H: 2, W: 2, BlockD: 2, BlockH: 1, BlockW: 2, Region: "full"},
		{Layout: "NCDHW", D: 2, H: 3, W: 3, BlockD: 1, BlockH: 2, BlockW: 2},
	} {
		for _, gamma := range []float64{0, .125, .7, 1} {
			p.N, p.C, p.P, p.Rule = 1, 1, gamma, "given"
			every := p // all positions have seeds
			every.P = 1
			positions := every.Seeds()
			var want float64
			for set := range 1 << Count(positions) {
				seeds, weight, position := make([]bool, len(positions)), 1., 0
				for i, is := range positions {
					if !is {
						continue
					}
					if seeds[i] = set>>position&1 == 1; seeds[i] {
						weight *= gamma
					} else {
						weight *= 1 - gamma
					}
					position++
				}
				mask, _ := p.Grow(seeds)
				want += weight * float64(Count(Complement(mask.Keep))) / float64(len(seeds))
			}
			if got := p.ExpectedDrop(); math.Abs(got-want) > 1e-13 {
				t.Errorf("%+v: %v, want %v", p, got, want)
			}
		}
	}
}

// TestExpectedDropExact has rates that are one rounding of a fraction, and one that
// a float64 1−γ would not give.
func TestExpectedDropExact(t *testing.T) {
	half := Params{N: 1, C: 1, H: 3, W: 3, BlockH: 2, BlockW: 2, P: .5, Rule: "given"}
	if got, want := half.ExpectedDrop(), (4*.5+4*.75+.9375)/9; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	tiny := Params{N: 1, C: 1, H: 200, W: 200, BlockH: 400, BlockW: 400, P: 0x1p-70, Rule: "given", Clip: "none", Region: "full"}
	if got, want := tiny.ExpectedDrop(), 40000*0x1p-70; math.Abs(got-want) > 1e-15*want {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestGammaExact has rates whose γ is known: all cells are covered by one position, by
// two, or by numbers of positions as the paper has them.
func TestGammaExact(t *testing.T) {
	one := Params{N: 1, C: 1, H: 3, W: 5, BlockH: 3, BlockW: 5}
	two := Params{Layout: "NCW", N: 1, C: 1, W: 2, BlockW: 3, Clip: "none", Region: "full"}
	mixed := Params{N: 1, C: 1, H: 3, W: 3, BlockH: 2, BlockW: 2}
	for _, c := range []struct {
		params   Params
		p, gamma float64
	}{
		{one, 0, 0}, {one, 0x1p-70, 0x1p-70}, {one, .1, .1}, {one, 1 - 0x1p-53, 1 - 0x1p-53}, {one, 1, 1},
		{two, 0, 0}, {two, .4375, .25}, {two, .75, .5}, {two, 1, 1},
		{two, .75 + 0x1p-53, .5 + 0x1p-52}, // .5 + 2⁻⁵³ is 2⁻¹⁰⁶ short
		{mixed, (4*.5 + 4*.75 + .9375) / 9, .5}, {mixed, 1, 1},
	} {
		c.params.Rule, c.params.P = "exact", c.p
		if got := c.params.Gamma(); got != c.gamma {
			t.Errorf("%+v: %v, want %v", c.params, got, c.gamma)
		}
	}
	paper := Params{N: 1, C: 1, H: 14, W: 14, BlockH: 7, BlockW: 7, Rule: "exact", P: .25}
	if got := paper.Gamma(); math.Abs(got-.0194) > 5e-5 {
		t.Errorf("%v, want 0.0194", got)
	}
	if got := paper.ExpectedDrop(); math.Abs(got-.25) > 0x1p-54 {
		t.Errorf("a rate of %v, want 0.25", got)
	}
}

func TestUnknownNames(t *testing.T) {
	for _, p := range []Params{
		{Layout: "NCWH"}, {Clip: "axis"}, {Even: "Before"}, {Region: "whole"}, {Share: "channel"}, {Norm: "batch"},
		{Rule: "paper2", N: 1, C: 1, H: 1, W: 1, BlockH: 1, BlockW: 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v does not panic", p)
				}
			}()
			p.Draw()
		}()
	}
}
