package reference

import (
	"fmt"
	"slices"
)

// Params are a layer's configuration, the position of a batch and the shape of
// its feature map. Enumerations are strings, named as package dropblock names
// them: an empty one is the first of those that its comment lists, and an
// unknown one panics.
type Params struct {
	Layout        string // NCHW, NHWC, NCW, NWC, NCDHW, NDHWC, in letters of either case
	N, C, D, H, W int    // axes that the layout does not name are 1, whatever is said here

	P         float64
	RampFrom  float64 // the probability at step 0, that at RampSteps being P
	RampSteps uint64

	BlockD, BlockH, BlockW int
	Fraction               float64 // of each axis of the map, instead of BlockD, BlockH and BlockW, unless 0
	Clip                   string  // axes, square, none (with the region full alone)
	Even                   string  // before, after
	Region                 string  // valid, full

	Rule       string  // of gamma: paper, simple, exact, given
	GammaScale float64 // 0 stands for 1
	Share      string  // none, channels, batch, all
	Norm       string  // tensor, sample, plane, expected, none
	Rate       float64 // what the norm expected takes for the expected drop rate

	Seed         uint64
	Layer        uint32
	Step, Sample uint64
	Stride       uint64 // from a sample to the next one, 0 stands for 1
}

// choose returns which of the names a value is.
func choose(value string, names ...string) string {
	if value == "" {
		return names[0]
	}
	if !slices.Contains(names, value) {
		panic(fmt.Sprintf("reference: %q is none of %q", value, names))
	}
	return value
}

// DropProb is the drop probability at the step, every operation rounded
// (docs/stream.md, section 5).
func (p *Params) DropProb() float64 {
	if p.Step >= p.RampSteps {
		return p.P
	}
	rise := float64(float64(p.P-p.RampFrom) * float64(p.Step))
	return min(max(p.RampFrom+float64(rise/float64(p.RampSteps)), 0), 1)
}

// sample is the global index of a sample of the mask, 0 of one that the batch
// shares.
func (p *Params) sample(n int) uint64 {
	if share := p.share(); share == "batch" || share == "all" {
		return 0
	}
	return p.Sample + uint64(n)*max(p.Stride, 1)
}

func (p *Params) share() string { return choose(p.Share, "none", "channels", "batch", "all") }

// Samples is the number of samples of the mask.
func (p *Params) Samples() int { return p.geometry().samples }

// Planes is the number of planes of a sample of the mask (docs/stream.md,
// section 4).
func (p *Params) Planes() int { return p.geometry().planes }

// Cells is the number of elements of the mask.
func (p *Params) Cells() int { return p.geometry().cells() }
