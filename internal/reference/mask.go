package reference

// Mask is what a layer makes of its parameters. Seeds and Keep are in the
// memory order of the layout, with [Params.Samples] samples of [Params.Planes]
// planes; a seed marks its block's centre. Scales has one number, or one for
// each sample or plane of the mask, as the norm says: plane c of sample n of the
// mask is number n·planes + c in every layout.
type Mask struct {
	Gamma  float64
	Seeds  []bool
	Keep   []bool
	Scales []float64
}

// Draw returns the mask of the batch (docs/stream.md, sections 3 to 11).
func (p *Params) Draw() Mask {
	g, gamma := p.geometry(), p.Gamma()
	key := Key(p.Seed, p.Layer, p.Step)
	seeds := make([]bool, g.cells())
	positions := g.planes * g.positions[0] * g.positions[1] * g.positions[2]
	for n := range g.samples {
		drawn := Bernoulli(gamma, positions, key, p.sample(n))
		for i, e := range g.elements(1, g.planes, g.positions) {
			if drawn[i] {
				e.n = n
				for axis, first := range g.first {
					e.at[axis] += first
				}
				seeds[g.index(e)] = true
			}
		}
	}
	mask, _ := p.Grow(seeds)
	mask.Gamma = gamma
	return mask
}

// Grow returns the mask of given seeds, and whether all blocks lie in the map
// (docs/stream.md, section 10).
func (p *Params) Grow(seeds []bool) (mask Mask, whole bool) {
	g := p.geometry()
	dropped := make([]bool, g.cells())
	whole = true
	for i, e := range g.maskElements() {
		if !seeds[i] {
			continue
		}
		var from, to axes
		for axis, center := range e.at {
			start := center - g.before[axis]
			end := start + g.block[axis]
			from[axis], to[axis] = max(start, 0), min(end, g.size[axis])
			whole = whole && from[axis] == start && to[axis] == end
		}
		for d := from[0]; d < to[0]; d++ {
			for h := from[1]; h < to[1]; h++ {
				for w := from[2]; w < to[2]; w++ {
					dropped[g.index(element{e.n, e.c, axes{d, h, w}})] = true
				}
			}
		}
	}
	keep := Complement(dropped)
	return Mask{Seeds: seeds, Keep: keep, Scales: p.scales(g, keep)}, whole
}

// scales are the factors of what is kept (docs/stream.md, section 11).
func (p *Params) scales(g *geometry, keep []bool) []float64 {
	switch g.norm {
	case "none":
		return []float64{1}
	case "expected":
		if p.Rate == 1 {
			return []float64{0}
		}
		return []float64{1 / (1 - p.Rate)}
	}
	scales := make([]float64, 1+g.group(element{n: g.samples - 1, c: g.planes - 1}))
	all, kept := make([]int, len(scales)), make([]int, len(scales))
	for i, e := range g.maskElements() {
		all[g.group(e)]++
		if keep[i] {
			kept[g.group(e)]++
		}
	}
	for i := range scales {
		switch {
		case all[i] == 0:
			scales[i] = 1
		case kept[i] > 0:
			scales[i] = float64(all[i]) / float64(kept[i])
		}
	}
	return scales
}

// group is the number of the scale that an element of the mask has.
func (g *geometry) group(e element) int {
	switch g.norm {
	case "sample":
		return e.n
	case "plane":
		return e.n*g.planes + e.c
	}
	return 0
}

// rulers are the elements of the mask that rule those of the feature map, in
// its memory order. A mask that is shared has one sample or one plane for all.
func (p *Params) rulers(g *geometry) (rulers []element) {
	for _, e := range g.elements(p.N, p.C, g.size) {
		rulers = append(rulers, element{min(e.n, g.samples-1), min(e.c, g.planes-1), e.at})
	}
	return rulers
}

// Spread returns, for each element of the feature map, whether the mask keeps
// it.
func (p *Params) Spread(keep []bool) []bool {
	g := p.geometry()
	rulers := p.rulers(g)
	spread := make([]bool, len(rulers))
	for i, e := range rulers {
		spread[i] = keep[g.index(e)]
	}
	return spread
}

// Factors returns, for each element of the feature map, the scale that it has
// if it is kept.
func (p *Params) Factors(scales []float64) []float64 {
	g := p.geometry()
	rulers := p.rulers(g)
	factors := make([]float64, len(rulers))
	for i, e := range rulers {
		factors[i] = scales[g.group(e)]
	}
	return factors
}
