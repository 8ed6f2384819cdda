package dropblock

// An axis is one along which blocks extend: so many cells, of which a block takes block,
// clipped to them, and before of these come before its seed. stride is how many bits of
// the mask lie between two cells that follow each other.
type axis struct{ size, block, before, stride int }

// after is how many cells of a block come after its seed.
func (a *axis) after() int { return a.block - 1 - a.before }

// clip is where the block of a seed begins and ends, clipped to the axis.
func (a *axis) clip(seed int) (from, to int) {
	first := seed - a.before
	return max(first, 0), int(min(uint(first+a.block), uint(a.size))) // The sum may overflow an int.
}

// valid is the number of first cells of blocks that lie in the map.
func (a *axis) valid() int { return a.size - a.block + 1 }

// last is the number of bits from the first cell to the last one of a block.
func (a *axis) last() int { return a.stride * (a.block - 1) }

// axes is the number of axes of a geometry.
const axes = 3

// geometry is what a shape and a configuration make of one sample's mask. Layouts and
// numbers of dimensions differ in these numbers alone.
type geometry struct {
	axes   [axes]axis // W, H and D: the innermost first, of size 1 where the map has none
	inner  int        // bits of a cell: 1, or the channels where they are stored last
	planes int        // volumes of cells in a sample: 1, or the channels where they are stored first
	full   bool       // seeds are everywhere, and blocks are clipped
}

func (cfg *Config) geometry(s Shape) geometry {
	m := cfg.maskShape(s)
	g := geometry{inner: 1, planes: m.c}
	if s.layout.channelsLast() {
		g.inner, g.planes = m.c, 1
	}
	b := cfg.Block.on(s)
	stride, single := g.inner, true
	for i, size := range [axes]int{s.W(), s.H(), s.D()} {
		block := [axes]int{b.w, b.h, b.d}[i]
		g.axes[i] = axis{size: size, block: block, before: cfg.Even.before(block), stride: stride}
		stride *= size
		single = single && block == 1
	}
	// A block of one cell has nothing to clip.
	g.full = cfg.Region == RegionFull && !single
	return g
}

// plane is the number of bits of a volume of cells, with all bits of each.
func (g *geometry) plane() int {
	outer := &g.axes[axes-1]
	return outer.stride * outer.size
}

// sampleBits is the number of bits of a sample.
func (g *geometry) sampleBits() int { return g.planes * g.plane() }

// span is the number of bits from a block's first one to its last one.
func (g *geometry) span() int {
	n := 1
	for i := range g.axes {
		n += g.axes[i].last()
	}
	return n
}

// lead is the number of bits from a block's first one to its seed.
func (g *geometry) lead() (n int) {
	for i := range g.axes {
		n += g.axes[i].before * g.axes[i].stride
	}
	return n
}

// each multiplies a number of every axis.
func (g *geometry) each(number func(a *axis) int) int {
	n := 1
	for i := range g.axes {
		n *= number(&g.axes[i])
	}
	return n
}

// cells is the number of cells of a volume.
func (g *geometry) cells() int { return g.each(func(a *axis) int { return a.size }) }

// blockCells is the number of cells of a block.
func (g *geometry) blockCells() int { return g.each(func(a *axis) int { return a.block }) }

// validCells is the number of first cells of blocks that lie in the map.
func (g *geometry) validCells() int { return g.each((*axis).valid) }
