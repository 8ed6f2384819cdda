package reference

// Params are a layer's configuration, the position of a batch and the shape of
// its feature map. The booleans are false for dropblock's defaults.
type Params struct {
	P              float64
	BlockH, BlockW int
	EvenAfter      bool // even blocks have their extra cell after the seed
	RegionFull     bool // seeds everywhere, blocks clipped
	GammaSimple    bool // p/(bh·bw)
	ShareChannels  bool // one mask for all channels of a sample
	NormNone       bool // no scale
	Seed           uint64
	Layer          uint32
	Step, Sample   uint64
	N, C, H, W     int
}

// Mask is what a layer makes of its parameters. Seeds and Keep are in the
// memory order of N×Planes×H×W cells; a seed marks its block's centre.
type Mask struct {
	Gamma float64
	Seeds []bool
	Keep  []bool
	Scale float64
}

// Planes is the number of masks of a sample (docs/stream.md, section 4).
func (p *Params) Planes() int {
	if p.ShareChannels {
		return min(p.C, 1)
	}
	return p.C
}

// Cells is the number of elements of the mask.
func (p *Params) Cells() int { return p.N * p.Planes() * p.H * p.W }

// block is the block clipped to the map, and how much of it lies before its
// seed (docs/stream.md, section 4).
func (p *Params) block() (bh, bw, ah, aw int) {
	bh, bw = min(p.BlockH, p.H), min(p.BlockW, p.W)
	if p.EvenAfter {
		return bh, bw, (bh - 1) / 2, (bw - 1) / 2
	}
	return bh, bw, bh / 2, bw / 2
}

// gamma is the probability of a seed, every operation rounded to a float64
// (docs/stream.md, section 5).
func (p *Params) gamma() float64 {
	bh, bw, _, _ := p.block()
	if p.GammaSimple {
		return p.P / float64(bh*bw)
	}
	valid := (p.H - bh + 1) * (p.W - bw + 1)
	mean := float64(p.P * float64(p.H*p.W))
	per := float64(float64(bh*bw) * float64(valid))
	return min(mean/per, 1)
}

// Draw returns the mask of the batch (docs/stream.md, sections 3 to 11).
func (p *Params) Draw() Mask {
	if p.Cells() == 0 {
		return Mask{Scale: 1}
	}
	bh, bw, ah, aw := p.block()
	rows, cols := p.H-bh+1, p.W-bw+1
	if p.RegionFull {
		rows, cols, ah, aw = p.H, p.W, 0, 0
	}
	key := Key(p.Seed, p.Layer, p.Step)
	planes := p.Planes()
	seeds := make([]bool, p.Cells())
	for n := range p.N {
		drawn := Bernoulli(p.gamma(), planes*rows*cols, key, p.Sample+uint64(n))
		for c := range planes {
			for row := range rows {
				for col := range cols {
					if drawn[(c*rows+row)*cols+col] {
						seeds[((n*planes+c)*p.H+row+ah)*p.W+col+aw] = true
					}
				}
			}
		}
	}
	mask, _ := p.Grow(seeds)
	mask.Gamma = p.gamma()
	return mask
}

// Grow returns the mask of given seeds, and whether all blocks lie in the map
// (docs/stream.md, section 10).
func (p *Params) Grow(seeds []bool) (mask Mask, whole bool) {
	bh, bw, ah, aw := p.block()
	dropped := make([]bool, p.Cells())
	whole = true
	for i, seed := range seeds {
		if !seed {
			continue
		}
		plane, y, x := i/(p.H*p.W), i/p.W%p.H, i%p.W
		for row := y - ah; row < y-ah+bh; row++ {
			for col := x - aw; col < x-aw+bw; col++ {
				if row < 0 || row >= p.H || col < 0 || col >= p.W {
					whole = false
					continue
				}
				dropped[(plane*p.H+row)*p.W+col] = true
			}
		}
	}
	keep := Complement(dropped)
	return Mask{Seeds: seeds, Keep: keep, Scale: p.scale(keep)}, whole
}

// scale is the factor of what is kept (docs/stream.md, section 11).
func (p *Params) scale(keep []bool) float64 {
	kept := Count(keep)
	switch {
	case p.NormNone || len(keep) == 0:
		return 1
	case kept == 0:
		return 0
	}
	return float64(len(keep)) / float64(kept)
}

// Spread returns, for each element of the feature map, whether the mask keeps
// it.
func (p *Params) Spread(keep []bool) []bool {
	plane, planes := p.H*p.W, p.Planes()
	out := make([]bool, 0, p.N*p.C*plane)
	for n := range p.N {
		for c := range p.C {
			if p.ShareChannels {
				c = 0
			}
			out = append(out, keep[(n*planes+c)*plane:][:plane]...)
		}
	}
	return out
}
