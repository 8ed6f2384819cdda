package dropblock

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock/internal/reference"
)

// TestApplyGroups has random masks of all layouts, shares and norms, and everything that
// writes them to maps, by parts and by workers, in place and not.
func TestApplyGroups(t *testing.T) {
	before := workerLen
	workerLen = 1000
	defer func() { workerLen = before }()
	eachISA(t, func(t *testing.T, k isa) {
		r := rand.New(rand.NewPCG(11, 12))
		cases := 120
		if brief() {
			cases = 40
		}
		for i := range cases {
			p := randomGroups(r, i)
			cfg := Config{
				DropProb: p.P, Block: Cuboid(p.BlockD, p.BlockH, p.BlockW), Seed: p.Seed,
				Kernels: KernelSet{k}, Workers: 1 + r.IntN(3),
			}
			pass(t, cfg.Share.UnmarshalText([]byte(p.Share)))
			pass(t, cfg.Norm.UnmarshalText([]byte(p.Norm)))
			var s Shape
			pass(t, s.layout.UnmarshalText([]byte(strings.ToUpper(p.Layout))))
			for axis, extent := range map[rune]int{'N': p.N, 'C': p.C, 'D': p.D, 'H': p.H, 'W': p.W} {
				if strings.ContainsRune(s.layout.String(), axis) {
					*s.extent(axis) = extent
				}
			}
			layer, err := New(cfg)
			pass(t, err)
			var m Mask
			layer.Sample(&m, s, 0)
			mask := p.Draw()
			keep, factors := p.Spread(mask.Keep), p.Factors(mask.Scales)
			name := fmt.Sprintf("%+v", p)
			switch i % 4 {
			case 0:
				applyGroups[float32](t, name, r, &m, keep, factors)
			case 1:
				applyGroups[float64](t, name, r, &m, keep, factors)
			case 2:
				applyGroups[Float16](t, name, r, &m, keep, factors)
			default:
				applyGroups[BFloat16](t, name, r, &m, keep, factors)
			}
		}
	})
}

// randomGroups are maps of runs and cells of every length about those of words and calls.
func randomGroups(r *rand.Rand, i int) *reference.Params {
	pick := func(of ...int) int { return of[r.IntN(len(of))] }
	p := &reference.Params{
		Layout: []string{"nchw", "nhwc", "ncw", "nwc", "ncdhw", "ndhwc"}[i%6],
		P:      .2, BlockD: pick(1, 2), BlockH: pick(1, 3), BlockW: pick(1, 3), Seed: r.Uint64(),
		Share: []string{"none", "channels", "batch", "all"}[r.IntN(4)],
		Norm:  []string{"tensor", "sample", "plane", "none"}[r.IntN(4)],
		N:     pick(1, 2, 3, 5), C: pick(1, 2, 3, 5, 7, 8, 16, 24, 33, 64, 100, 264),
		D: pick(1, 3), H: pick(1, 5, 7, 14), W: pick(3, 7, 8, 9, 28, 64),
	}
	for p.N*p.C*p.D*p.H*p.W > 1<<16 {
		p.C = (p.C + 1) / 2
	}
	switch p.Layout {
	case "ncw", "nwc":
		p.D, p.H, p.BlockD, p.BlockH = 1, 1, 1, 1
	case "nchw", "nhwc":
		p.D, p.BlockD = 1, 1
	}
	p.BlockD, p.BlockH, p.BlockW = min(p.BlockD, p.D), min(p.BlockH, p.H), min(p.BlockW, p.W)
	return p
}

func applyGroups[E Float](t *testing.T, name string, r *rand.Rand, m *Mask, keep []bool, factors []float64) {
	t.Helper()
	e := referenceOf[E]()
	n := len(keep)
	random := func() []E {
		x := make([]E, n)
		for i := range x {
			if x[i] = e.Nearest(r.NormFloat64()); i%5 == 0 {
				x[i] = e.Special[r.IntN(len(e.Special))]
			}
		}
		return x
	}
	x, other := random(), random()
	// Elements in a row that have the same scale, one by one if all differ.
	each := func(f func(from, to int) []E) (all []E) {
		for from, to := 0, 0; from < n; from = to {
			for to = from + 1; to < n && factors[to] == factors[from]; to++ {
			}
			all = append(all, f(from, to)...)
		}
		return all
	}
	check := func(what string, got, want []E) {
		t.Helper()
		if err := e.Same(got, want); err != nil {
			t.Fatalf("%s, %s: %v", name, what, err)
		}
	}
	scaled := each(func(i, j int) []E { return e.Scale(x[i:j], keep[i:j], factors[i]) })
	added := each(func(i, j int) []E { return e.Add(other[i:j], x[i:j], keep[i:j], factors[i]) })
	filled := each(func(i, j int) []E { return e.Fill(x[i:j], other[i:j], keep[i:j], factors[i]) })

	y := slices.Clone(other)
	Apply(y, x, m)
	check("Apply", y, scaled)
	y = slices.Clone(x)
	Apply(y, y, m)
	check("Apply in place", y, scaled)
	y = slices.Clone(other)
	ApplyAdd(y, x, m)
	check("ApplyAdd", y, added)
	y = random()
	ApplyFill(y, x, other, m)
	check("ApplyFill", y, filled)
	y = slices.Clone(x)
	ApplyFill(y, y, other, m)
	check("ApplyFill in place", y, filled)
	y = slices.Clone(other)
	ApplyFill(y, x, y, m)
	check("ApplyFill of dst", y, filled)
	ScaleTo(y, m)
	check("ScaleTo", y, each(func(i, j int) []E { return e.Expand(keep[i:j], factors[i]) }))
	bools := make([]bool, n)
	KeepTo(bools, m)
	if !slices.Equal(bools, keep) {
		t.Fatalf("%s: KeepTo differs", name)
	}
	parts := 1 + r.IntN(7)
	y, z := slices.Clone(other), slices.Clone(other)
	w := random()
	for part := range parts {
		ApplyPart(y, x, m, part, parts)
		ApplyAddPart(z, x, m, part, parts)
		ApplyFillPart(w, x, other, m, part, parts)
	}
	check("ApplyPart", y, scaled)
	check("ApplyAddPart", z, added)
	check("ApplyFillPart", w, filled)
	// Non-temporal stores, which maps as small as these are spared.
	stream := func(what string, o output, want []E) {
		t.Helper()
		y := random()
		o.dst = spanOf(y)
		o.choose(m, 1, 8)
		o.write(m, 1)
		check("non-temporal stores of "+what, y, want)
	}
	stream("Apply", output{src: spanOf(x)}, scaled)
	stream("ApplyFill", output{src: spanOf(x), fill: spanOf(other), op: opFill}, filled)
}
