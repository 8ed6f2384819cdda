package reference

import "math/big"

// Gamma is the probability of a seed, every operation rounded to a float64
// (docs/stream.md, section 5). It is 0 if the mask is empty.
func (p *Params) Gamma() float64 {
	g := p.geometry()
	if g.cells() == 0 {
		return 0
	}
	gamma := p.prob()
	switch choose(p.Rule, "paper", "simple", "given") {
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
	const precision = 1200 // bits, with which 1−γ is exact
	number := func() *big.Float { return new(big.Float).SetPrec(precision) }
	one := number().SetInt64(1)
	stay := number().Sub(one, number().SetFloat64(p.Gamma()))

	cells := make(map[int]int64) // how many are covered by so many blocks
	for _, d := range g.covers(0) {
		for _, h := range g.covers(1) {
			for _, w := range g.covers(2) {
				cells[d*h*w]++
			}
		}
	}
	sum, all := number(), int64(0)
	for k, n := range cells {
		drop := number().Sub(one, power(stay, k))
		sum.Add(sum, drop.Mul(drop, number().SetInt64(n)))
		all += n
	}
	rate, _ := sum.Quo(sum, number().SetInt64(all)).Float64()
	return rate
}

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
