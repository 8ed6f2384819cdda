package reference

import (
	"math"
	"math/big"
)

// Gamma is the probability of a seed, every operation rounded to a float64
// (docs/stream.md, section 5). It is 0 if the mask is empty.
func (p *Params) Gamma() float64 {
	g := p.geometry()
	if g.cells() == 0 {
		return 0
	}
	gamma := p.DropProb()
	switch choose(p.Rule, "paper", "simple", "exact", "given") {
	case "paper":
		var block, valid axes
		for i, size := range g.size {
			block[i] = min(g.block[i], size) // whatever Clip leaves
			valid[i] = size - block[i] + 1
		}
		mean := float64(gamma * g.size.product())
		gamma = mean / float64(block.product()*valid.product())
	case "simple":
		gamma /= g.block.product()
	case "exact":
		gamma = g.exact(gamma)
	}
	if p.GammaScale != 0 {
		gamma = float64(p.GammaScale * gamma)
	}
	return min(gamma, 1)
}

// ExpectedDrop is the nominal drop rate, the nearest float64: the mean of
// 1 − (1−γ)^k over the cells of a plane, k being the number of positions whose
// block covers the cell. It is 0 if the mask is empty.
func (p *Params) ExpectedDrop() float64 {
	g := p.geometry()
	if g.cells() == 0 {
		return 0
	}
	covered := g.covered()
	rate, _ := new(big.Float).Quo(covered.drop(p.Gamma()), covered.cells()).Float64()
	return rate
}

// IsExact reports whether gamma is the one of the rule exact, without a search for it.
func (p *Params) IsExact(gamma float64) bool {
	reaches := p.geometry().reaches(p.DropProb())
	return reaches(gamma) && (gamma == 0 || !reaches(math.Nextafter(gamma, 0)))
}

// exact is the least float64 γ whose drop rate is at least p.
func (g *geometry) exact(p float64) float64 {
	reaches := g.reaches(p)
	// The bits of float64s that are not negative are in the order of their values.
	low, high := uint64(0), math.Float64bits(1)
	for low < high {
		middle := low + (high-low)/2
		if reaches(math.Float64frombits(middle)) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return math.Float64frombits(high)
}

// reaches returns whether the drop rate of a γ is at least p.
func (g *geometry) reaches(p float64) func(gamma float64) bool {
	covered := g.covered()
	want := number().Mul(number().SetFloat64(p), covered.cells())
	return func(gamma float64) bool { return covered.drop(gamma).Cmp(want) >= 0 }
}

// coverage is how many cells of a plane are covered by the blocks of so many
// positions.
type coverage map[int]int64

func (g *geometry) covered() coverage {
	c := make(coverage)
	for _, d := range g.covers(0) {
		for _, h := range g.covers(1) {
			for _, w := range g.covers(2) {
				c[d*h*w]++
			}
		}
	}
	return c
}

func (c coverage) cells() *big.Float {
	cells := number()
	for _, n := range c {
		cells.Add(cells, number().SetInt64(n))
	}
	return cells
}

// drop is how many cells of a plane are dropped, on average.
func (c coverage) drop(gamma float64) *big.Float {
	one := number().SetInt64(1)
	stay := number().Sub(one, number().SetFloat64(gamma))
	sum := number()
	for k, n := range c {
		drop := number().Sub(one, power(stay, k))
		sum.Add(sum, drop.Mul(drop, number().SetInt64(n)))
	}
	return sum
}

// number is one of 1200 bits, with which 1−γ is exact.
func number() *big.Float { return new(big.Float).SetPrec(1200) }

// power is x^k.
func power(x *big.Float, k int) *big.Float {
	y := new(big.Float).SetPrec(x.Prec()).SetInt64(1)
	square := new(big.Float).Set(x)
	for ; k > 0; k /= 2 {
		if k%2 == 1 {
			y.Mul(y, square)
		}
		square.Mul(square, square)
	}
	return y
}
