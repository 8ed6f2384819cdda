package reference

import (
	"iter"
	"math"
	"strings"
)

// axes are numbers for depth, height and width.
type axes [3]int

// product multiplies from the innermost axis on. It is exact below 2⁵³.
func (a axes) product() float64 { return float64(float64(a[2])*float64(a[1])) * float64(a[0]) }

// geometry is what parameters say of the mask and of places in it
// (docs/stream.md, section 4).
type geometry struct {
	channelsLast    bool
	column          int  // elements of the mask from a column to the next one
	n, c            int  // samples and channels of the feature map
	samples, planes int  // of the mask
	size            axes // of a plane
	block           axes // clipped as Clip says
	before          axes // how much of the block lies before its seed
	positions       axes // how many there are for a seed
	first           axes // the first of them
	norm            string
}

func (p *Params) geometry() *geometry {
	layout := choose(strings.ToUpper(p.Layout), "NCHW", "NHWC", "NCW", "NWC", "NCDHW", "NDHWC")
	g := &geometry{
		channelsLast: strings.HasSuffix(layout, "C"),
		n:            p.N,
		c:            p.C,
		samples:      p.N,
		planes:       p.C,
		norm:         choose(p.Norm, "tensor", "sample", "plane", "expected", "none"),
	}
	switch p.share() {
	case "channels":
		g.planes = min(p.C, 1)
	case "batch":
		g.samples = min(p.N, 1)
	case "all":
		g.samples, g.planes = min(p.N, 1), min(p.C, 1)
	}
	g.column = 1
	if g.channelsLast {
		g.column = g.planes
	}

	extents := axes{p.D, p.H, p.W}
	var named [len(extents)]bool
	smallest := math.MaxInt
	for i, extent := range extents {
		g.size[i] = 1
		if named[i] = strings.Contains(layout, "DHW"[i:i+1]); named[i] {
			g.size[i] = extent
			smallest = min(smallest, extent)
		}
	}

	g.block = axes{p.BlockD, p.BlockH, p.BlockW}
	clip := choose(p.Clip, "axes", "square", "none")
	even := choose(p.Even, "before", "after")
	region := choose(p.Region, "valid", "full")
	for i, size := range g.size {
		if p.Fraction != 0 {
			g.block[i] = max(1, int(math.Round(p.Fraction*float64(size))))
		}
		switch {
		case !named[i]:
			g.block[i] = 1
		case clip == "axes":
			g.block[i] = min(g.block[i], size)
		case clip == "square":
			g.block[i] = min(g.block[i], smallest)
		}
		g.before[i] = g.block[i] / 2
		if even == "after" {
			g.before[i] = (g.block[i] - 1) / 2
		}
		g.positions[i] = size
		if region == "valid" {
			g.positions[i] = size - g.block[i] + 1
			g.first[i] = g.before[i]
		}
	}
	return g
}

// cells is the number of elements of the mask.
func (g *geometry) cells() int {
	return g.samples * g.planes * g.size[0] * g.size[1] * g.size[2]
}

// mapCells is the number of elements of the feature map.
func (g *geometry) mapCells() int { return g.n * g.c * g.size[0] * g.size[1] * g.size[2] }

// An element is one of a feature map or of a mask, or a position.
type element struct {
	n, c int
	at   axes
}

// elements are those of so many samples and channels, numbered in the memory
// order of the layout.
func (g *geometry) elements(samples, channels int, size axes) iter.Seq2[int, element] {
	outer, inner := channels, 1
	if g.channelsLast {
		outer, inner = 1, channels
	}
	return func(yield func(int, element) bool) {
		i := 0
		for n := range samples {
			for c := range outer {
				for d := range size[0] {
					for h := range size[1] {
						for w := range size[2] {
							for last := range inner {
								if !yield(i, element{n, c + last, axes{d, h, w}}) {
									return
								}
								i++
							}
						}
					}
				}
			}
		}
	}
}

// maskElements are those of the mask.
func (g *geometry) maskElements() iter.Seq2[int, element] {
	return g.elements(g.samples, g.planes, g.size)
}

// index is the number that an element of the mask has.
func (g *geometry) index(e element) int {
	d, h, w := e.at[0], e.at[1], e.at[2]
	if g.channelsLast {
		return (((e.n*g.size[0]+d)*g.size[1]+h)*g.size[2]+w)*g.planes + e.c
	}
	return (((e.n*g.planes+e.c)*g.size[0]+d)*g.size[1]+h)*g.size[2] + w
}

// covers returns, for each place of an axis, how many positions have a block
// that covers it.
func (g *geometry) covers(axis int) []int {
	covers := make([]int, g.size[axis])
	for x := range covers {
		for position := range g.positions[axis] {
			start := position + g.first[axis] - g.before[axis]
			if start <= x && x < start+g.block[axis] {
				covers[x]++
			}
		}
	}
	return covers
}
