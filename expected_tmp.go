package dropblock

func (g *geometry) expectedDrop(gamma float64) float64 { return gamma }
func (g *geometry) exactGamma(p float64) float64       { return p }
