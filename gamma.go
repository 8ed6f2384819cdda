package dropblock

import "math"

// gammaRules compute the probability of a seed from the drop probability. The integers
// are exact in a float64, having at most 31 bits, and there is nothing that a compiler
// could fuse, so that every CPU computes the same.
var gammaRules = [...]func(p float64, g *geometry) float64{
	GammaPaper: func(p float64, g *geometry) float64 {
		return min(p*float64(g.cells())/(float64(g.blockCells())*float64(g.validCells())), 1)
	},
	GammaSimple: func(p float64, g *geometry) float64 { return p / float64(g.blockCells()) },
}

func (cfg *Config) gamma(g *geometry) float64 { return gammaRules[cfg.Gamma](cfg.DropProb, g) }

// fixed64 is ⌊γ·2⁶⁴⌋ for γ in [0, 1).
func fixed64(gamma float64) uint64 {
	if gamma == 0 {
		return 0
	}
	b := math.Float64bits(gamma)
	exp := int(b>>52) - 1075 // γ = mant·2^exp
	mant := b&(1<<52-1) | 1<<52
	if b>>52 == 0 { // subnormal
		return 0
	}
	if shift := exp + 64; shift >= 0 {
		return mant << shift
	} else {
		return mant >> -shift
	}
}
