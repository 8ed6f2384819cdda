package dropblock

// gammaRules compute the probability of a seed from the drop probability, before GammaScale.
// There is no sum that a compiler could fuse with a product, so that every CPU computes the
// same.
var gammaRules = [...]func(p float64, g *geometry) float64{
	GammaPaper: func(p float64, g *geometry) float64 {
		block := g.product((*axis).clipped)
		valid := g.product(func(a *axis) int { return a.size - a.clipped() + 1 })
		return p * g.product(func(a *axis) int { return a.size }) / (block * valid)
	},
	GammaSimple: func(p float64, g *geometry) float64 {
		return p / g.product(func(a *axis) int { return a.nominal })
	},
	GammaExact: func(p float64, g *geometry) float64 { return g.exactGamma(p) },
	GammaGiven: func(p float64, _ *geometry) float64 { return p },
}

// gamma returns the probability of a seed for the drop probability p.
func (cfg *Config) gamma(p float64, g *geometry) float64 {
	gamma := gammaRules[cfg.Gamma](p, g)
	if cfg.GammaScale != 0 {
		gamma *= cfg.GammaScale
	}
	return min(gamma, 1)
}

// fixed64 returns ⌊γ·2⁶⁴⌋ for γ in [0, 1). The product is exact and below 2⁶⁴.
func fixed64(gamma float64) uint64 { return uint64(gamma * (1 << 64)) }
