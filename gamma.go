package dropblock

// gammaRules compute the probability of a seed from the drop probability. The integers
// have at most 31 bits, which a float64 holds exactly, and there is no sum that a compiler
// could fuse with a product, so that every CPU computes the same.
var gammaRules = [...]func(p float64, g *geometry) float64{
	GammaPaper: func(p float64, g *geometry) float64 {
		return min(p*float64(g.cells())/(float64(g.blockCells())*float64(g.validCells())), 1)
	},
	GammaSimple: func(p float64, g *geometry) float64 { return p / float64(g.blockCells()) },
}

func (cfg *Config) gamma(g *geometry) float64 { return gammaRules[cfg.Gamma](cfg.DropProb, g) }

// fixed64 returns ⌊γ·2⁶⁴⌋ for γ in [0, 1). The product is exact and below 2⁶⁴.
func fixed64(gamma float64) uint64 { return uint64(gamma * (1 << 64)) }
