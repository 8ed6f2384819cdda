//go:build !race

// All on one goroutine, and more memory accesses than the race detector is worth here.

package dropblock_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/preset"
	"github.com/stretchr/testify/require"
)

// Drop rates of drawn masks against the expected ones. Keys are fixed, so that a verdict is
// the same on every run and CPU.
const (
	// maxRateScore bounds the rate of all planes, in its standard errors, by the variance
	// between the planes, which are independent.
	maxRateScore = 5
	// cellScore bounds how often a cell of a plane is dropped: z deviations σ of the binomial
	// distribution and z²/3 more, which by Bernstein's inequality has a probability below
	// 2·e^(−z²/2), 4·10⁻⁸, whatever σ is. Fewer than 15,000 cells are looked at.
	cellScore = 6
)

// A drawing is what masks are drawn with: at consecutive steps, or samples if a ramp makes
// the steps differ.
type drawing struct {
	name  string
	cfg   dropblock.Config
	shape dropblock.Shape
	step  uint64
}

func (d *drawing) String() string { return fmt.Sprintf("%s, %v, %+v", d.name, d.shape, d.cfg) }

// planes calls visit with the kept cells of at least n planes of masks of the drawing.
func (d *drawing) planes(t *testing.T, n int, visit func(keep []bool)) (planes int) {
	layer := newLayer(t, d.cfg)
	s := d.shape
	cells := s.D() * s.H() * s.W()
	last := s.Layout() == dropblock.LayoutNHWC || s.Layout() == dropblock.LayoutNWC || s.Layout() == dropblock.LayoutNDHWC
	keep := make([]bool, cells)
	var m dropblock.Mask
	for i := uint64(0); planes < n; i++ {
		at := dropblock.Position{Step: d.step + i}
		if d.cfg.Ramp != (dropblock.Ramp{}) {
			at = dropblock.Position{Step: d.step, Sample: i * uint64(s.N())}
		}
		layer.SampleAt(&m, s, at)
		words, channels := m.Words(), m.MaskShape().C()
		for sample := range m.MaskShape().N() {
			for c := range channels {
				for cell := range keep {
					bit := (sample*channels+c)*cells + cell
					if last {
						bit = (sample*cells+cell)*channels + c
					}
					keep[cell] = words[bit/64]>>(bit%64)&1 != 0
				}
				visit(keep)
				planes++
			}
		}
	}
	return planes
}

// cellRates are the probabilities with which the cells of a plane are dropped, by the
// number of positions whose block, grown by the reference, covers each.
func (d *drawing) cellRates(t *testing.T) []float64 {
	p := params(d.cfg, d.shape, dropblock.Position{Step: d.step})
	gamma := newLayer(t, d.cfg).Gamma(d.shape, d.step)
	p.N, p.C, p.Rule, p.GammaScale, p.P, p.RampSteps = 1, 1, "given", 0, 1, 0
	covered := make([]int, p.Cells())
	for position, is := range p.Seeds() { // at every position, as γ is 1
		if is {
			seed := make([]bool, len(covered))
			seed[position] = true
			mask, _ := p.Grow(seed)
			for cell, keep := range mask.Keep {
				if !keep {
					covered[cell]++
				}
			}
		}
	}
	rates := make([]float64, len(covered))
	for cell, k := range covered {
		rates[cell] = -math.Expm1(float64(k) * math.Log1p(-gamma))
	}
	return rates
}

// compare returns an error if the planes of one drawing are not dropped at the rates that
// another one, of the same shape, is expected to have.
func (d *drawing) compare(t *testing.T, expected *drawing) error {
	want := newLayer(t, expected.cfg).ExpectedDrop(expected.shape, expected.step)
	cells := expected.cellRates(t)
	var mean float64
	for _, rate := range cells {
		mean += rate / float64(len(cells))
	}
	if math.Abs(mean-want) > 1e-12 {
		return fmt.Errorf("the cells' mean rate is %v, ExpectedDrop %v", mean, want)
	}

	drops := make([]int, len(cells))
	var sum, squares float64
	n := d.planes(t, 3000, func(keep []bool) {
		rate := 0.
		for cell, keep := range keep {
			if !keep {
				drops[cell]++
				rate += 1 / float64(len(drops))
			}
		}
		sum += rate
		squares += rate * rate
	})
	rate := sum / float64(n)
	stderr := math.Sqrt((squares/float64(n) - rate*rate) / float64(n))
	if score := math.Abs(rate-want) / stderr; score > maxRateScore {
		return fmt.Errorf("a rate of %.5f ± %.5f, expected %.5f: %.1f errors", rate, stderr, want, score)
	}
	for cell, drops := range drops {
		mean := float64(n) * cells[cell]
		deviation := math.Sqrt(mean * (1 - cells[cell]))
		if math.Abs(float64(drops)-mean) > cellScore*deviation+cellScore*cellScore/3 {
			return fmt.Errorf("cell %d is dropped %d times of %d, expected %.1f ± %.1f", cell, drops, n, mean, deviation)
		}
	}
	return nil
}

// drawings are all gamma rules, regions, layouts and shares, with even blocks on either
// side of the seed, blocks larger than the map, fractions, scaled gammas and ramps among
// them; and the presets.
func drawings() (all []drawing) {
	shapes := []dropblock.Shape{
		dropblock.NCHW(2, 3, 6, 9), dropblock.NHWC(2, 6, 9, 3), dropblock.NCW(2, 3, 31), dropblock.NWC(2, 31, 3),
		dropblock.NCDHW(2, 3, 3, 4, 5), dropblock.NDHWC(2, 3, 4, 5, 3),
	}
	blocks := []dropblock.Block{dropblock.Square(3), dropblock.Cuboid(2, 3, 4), dropblock.Fraction(0.5), dropblock.Cuboid(7, 7, 5)}
	for _, s := range shapes {
		for _, region := range []dropblock.Region{dropblock.RegionValid, dropblock.RegionFull} {
			for gamma := dropblock.GammaPaper; gamma <= dropblock.GammaGiven; gamma++ {
				for share := dropblock.ShareNone; share <= dropblock.ShareAll; share++ {
					i := len(all)
					cfg := dropblock.Config{
						DropProb: 0.2, Block: blocks[i%len(blocks)], Even: dropblock.Even(i / 4 % 2),
						Region: region, Gamma: gamma, Share: share, Seed: uint64(i),
					}
					if gamma == dropblock.GammaGiven {
						cfg.DropProb = 0.03
					}
					if region == dropblock.RegionFull {
						cfg.Clip = dropblock.Clip(i / 2 % 3)
					}
					d := drawing{fmt.Sprintf("row %d", i), cfg, s, 0}
					if share == dropblock.ShareNone {
						d.cfg.Ramp, d.step = dropblock.Ramp{From: 0.01, Steps: 10}, 7
					} else if gamma != dropblock.GammaExact {
						d.cfg.GammaScale = 1.25
					}
					all = append(all, d)
				}
			}
		}
	}
	for _, p := range preset.All() {
		for _, s := range []dropblock.Shape{dropblock.NCHW(2, 3, 9, 9), dropblock.NHWC(2, 5, 8, 3)} {
			all = append(all, drawing{p.Name, p.Config(0.1, 5), s, 0})
		}
	}
	return all
}

func TestDropDistribution(t *testing.T) {
	cells := 0
	for _, d := range drawings() {
		require.NoError(t, d.compare(t, &d), "%v", &d)
		cells += d.shape.D() * d.shape.H() * d.shape.W()
		if d.cfg.Gamma == dropblock.GammaExact {
			p := params(d.cfg, d.shape, dropblock.Position{Step: d.step})
			p.Rule = "given" // for its γ, which is the probability
			require.InDelta(t, p.Gamma(), newLayer(t, d.cfg).ExpectedDrop(d.shape, d.step), 1e-12, "%v", &d)
		}
	}
	require.Less(t, cells, 15000)
}

// The comparison sees what is drawn with another probability, 1−p or a tenth less, blocks
// that lie one cell aside, and seeds of the other region.
func TestDropDistributionPower(t *testing.T) {
	base := drawing{"base", dropblock.Config{DropProb: 0.2, Block: dropblock.Square(4)}, dropblock.NCHW(2, 3, 9, 9), 0}
	base.cfg.Region = dropblock.RegionFull
	require.NoError(t, base.compare(t, &base))
	for name, change := range map[string]func(cfg *dropblock.Config){
		"1-p":        func(cfg *dropblock.Config) { cfg.DropProb = 1 - cfg.DropProb },
		"p times .9": func(cfg *dropblock.Config) { cfg.DropProb *= 0.9 },
		"even":       func(cfg *dropblock.Config) { cfg.Even = dropblock.EvenAfter },
		"region":     func(cfg *dropblock.Config) { cfg.Region = dropblock.RegionValid },
	} {
		planted := base
		change(&planted.cfg)
		require.NoError(t, planted.compare(t, &planted), name)
		require.Error(t, planted.compare(t, &base), name)
		t.Log(name, planted.compare(t, &base))
	}
}
