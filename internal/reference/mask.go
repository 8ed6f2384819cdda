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
	mask, _ := p.Grow(p.Seeds())
	mask.Gamma = p.Gamma()
	return mask
}

// Seeds returns those of the batch (docs/stream.md, sections 3 to 9).
func (p *Params) Seeds() []bool {
	g, gamma, key := p.geometry(), p.Gamma(), Key(p.Seed, p.Layer, p.Step)
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
	return seeds
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
				row := g.index(element{e.n, e.c, axes{d, h, 0}})
				for w := from[2]; w < to[2]; w++ {
					dropped[row+w*g.column] = true
				}
			}
		}
	}
	keep := Complement(dropped)
	return Mask{Seeds: seeds, Keep: keep, Scales: p.Scales(keep)}, whole
}

// Scales are the factors of what is kept (docs/stream.md, section 11).
func (p *Params) Scales(keep []bool) []float64 {
	g := p.geometry()
	switch {
	case g.norm == "none" || g.cells() == 0:
		return []float64{1}
	case g.norm == "expected":
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
		if kept[i] > 0 {
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

// Spread returns, for each element of the feature map, whether the mask keeps
// it.
func (p *Params) Spread(keep []bool) []bool {
	g := p.geometry()
	spread := make([]bool, g.mapCells())
	for i, e := range g.elements(g.n, g.c, g.size) {
		spread[i] = keep[g.index(g.ruler(e))]
	}
	return spread
}

// Factors returns, for each element of the feature map, the scale that it has
// if it is kept.
func (p *Params) Factors(scales []float64) []float64 {
	g := p.geometry()
	factors := make([]float64, g.mapCells())
	for i, e := range g.elements(g.n, g.c, g.size) {
		factors[i] = scales[g.group(g.ruler(e))]
	}
	return factors
}

// ruler is the element of the mask that rules one of the feature map. A mask
// that is shared has one sample, or one plane, for all.
func (g *geometry) ruler(e element) element {
	return element{min(e.n, g.samples-1), min(e.c, g.planes-1), e.at}
}
