package dropblock

import "math"

// geometry is what a shape and a configuration make of one sample: planes
// equal masks' planes of H×W cells, a block clipped to the map, and the valid
// region of vh×vw first corners at which a whole block fits.
type geometry struct {
	planes int // planes of one sample's mask
	h, w   int // cells of a plane
	bh, bw int // the block, clipped to the map
	vh, vw int // first corners of whole blocks
	ah, aw int // cells of a block before its seed
	full   bool
}

func (cfg *Config) geometry(s Shape) geometry {
	m := cfg.maskShape(s)
	bh, bw := min(cfg.Block.h, s.h), min(cfg.Block.w, s.w)
	return geometry{
		planes: m.c, h: m.h, w: m.w,
		bh: bh, bw: bw,
		vh: s.h - bh + 1, vw: s.w - bw + 1,
		ah: cfg.Even.before(bh), aw: cfg.Even.before(bw),
		// A block of one cell has nothing to clip.
		full: cfg.Region == RegionFull && (bh > 1 || bw > 1),
	}
}

// maskShape is the shape of the mask of a feature map of shape s.
func (cfg *Config) maskShape(s Shape) Shape {
	if cfg.Share == ShareChannels {
		s.c = min(s.c, 1)
	}
	return s
}

// gamma is the probability of a seed. The integers are exact in a float64,
// having at most 31 bits, and there is nothing that a compiler could fuse, so
// that every CPU computes the same γ.
func (cfg *Config) gamma(g *geometry) float64 {
	block := float64(g.bh * g.bw)
	if cfg.Gamma == GammaSimple {
		return cfg.DropProb / block
	}
	valid := float64(g.vh * g.vw)
	return min(cfg.DropProb*float64(g.h*g.w)/(block*valid), 1)
}

// Gamma returns the probability of a seed on a feature map of shape s at a step, 0
// if the map has no elements. It panics if s does not pass [Shape.Check].
func (l *Layer) Gamma(s Shape, step uint64) float64 {
	l.must()
	s.mustCheck()
	if s.Len() == 0 {
		return 0
	}
	g := l.cfg.geometry(s)
	return l.cfg.gamma(&g)
}

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
