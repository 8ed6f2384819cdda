package dropblock

// An axis is an axis of the map along which blocks extend.
type axis struct {
	size    int // cells of the map
	nominal int // cells of a block, as Clip leaves it
	// block is the number of those that can lie in the map, some for a seed at either
	// end: at most size in the valid region, and 2·size−1 in the full one.
	block  int
	before int // cells of a block before its seed
	stride int // distance of adjacent cells, in bits of the mask
}

func (a *axis) after() int { return a.block - 1 - a.before }

// clipped returns the cells of a block that is clipped to the axis.
func (a *axis) clipped() int { return min(a.nominal, a.size) }

// clip returns the cells from which on and up to which the block of a seed lies in the map.
func (a *axis) clip(seed int) (from, to int) {
	first := seed - a.before
	return max(first, 0), min(first, a.size-a.block) + a.block // does not overflow
}

// valid returns the number of cells at which a block that fits the map may begin.
func (a *axis) valid() int { return a.size - a.block + 1 }

// last returns the distance from the first cell of a block to the last one, in bits.
func (a *axis) last() int { return a.stride * (a.block - 1) }

// geometry describes how the mask of one sample is laid out. Layouts and numbers of
// dimensions differ in these numbers alone. A plane is a volume of cells, of size 1 along
// the axes that the map lacks, with all bits of each cell.
type geometry struct {
	axes   [axes]axis // W, H and D: the innermost first
	inner  int        // bits of a cell: the channels if they are stored last, else 1
	planes int        // planes of a sample: the channels if they are stored first, else 1
	full   bool       // any cell may be a seed, and blocks are clipped
}

func (cfg *Config) geometry(s Shape) geometry {
	m := cfg.maskShape(s)
	g := geometry{inner: 1, planes: m.c}
	if s.layout.channelsLast() {
		g.inner, g.planes = m.c, 1
	}
	b := cfg.Block.on(s, cfg.Clip)
	stride, single := g.inner, true
	for i, size := range [axes]int{s.W(), s.H(), s.D()} {
		a := axis{size: size, nominal: [axes]int{b.w, b.h, b.d}[i], stride: stride}
		a.before = cfg.Even.before(a.nominal)
		a.block = a.nominal
		if cfg.Region == RegionFull {
			after := min(a.after(), size-1)
			a.before = min(a.before, size-1)
			a.block = a.before + 1 + after
		}
		g.axes[i] = a
		stride *= size
		single = single && a.block == 1
	}
	// A block of one cell has nothing to clip.
	g.full = cfg.Region == RegionFull && !single
	return g
}

func (g *geometry) plane() int { return g.axes[axes-1].stride * g.axes[axes-1].size }

func (g *geometry) sampleBits() int { return g.planes * g.plane() }

// span returns the number of bits from the first one of a block to the last one, both
// included.
func (g *geometry) span() int {
	n := 1
	for i := range g.axes {
		n += g.axes[i].last()
	}
	return n
}

// lead returns the distance from the first bit of a block to its seed.
func (g *geometry) lead() (n int) {
	for i := range g.axes {
		n += g.axes[i].before * g.axes[i].stride
	}
	return n
}

// product returns the product of a number of each axis, from the innermost one on: exact
// below 2⁵³.
func (g *geometry) product(number func(a *axis) int) float64 {
	p := 1.0
	for i := range g.axes {
		p *= float64(number(&g.axes[i]))
	}
	return p
}
