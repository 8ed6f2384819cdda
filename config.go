package dropblock

import "fmt"

// Even places a block of even size, which has no middle cell, around its seed.
// With [RegionValid] it moves no block, since seeds fall wherever a whole
// block fits; it tells what the coordinates of a seed mean.
type Even uint8

const (
	// EvenBefore starts a block of b cells at seed − ⌊b/2⌋ (timm,
	// tensorflow/tpu).
	EvenBefore Even = iota
	// EvenAfter starts a block of b cells at seed − ⌊(b−1)/2⌋
	// (miguelvr/dropblock).
	EvenAfter
)

// before is how many cells of a block of size b lie before its seed.
func (e Even) before(b int) int {
	if e == EvenAfter {
		return (b - 1) / 2
	}
	return b / 2
}

// Region says where seeds may fall.
type Region uint8

const (
	// RegionValid draws seeds only where the whole block lies inside the map
	// (the paper, torchvision, tensorflow/tpu).
	RegionValid Region = iota
	// RegionFull draws seeds at every position and clips the blocks at the
	// border (timm, miguelvr/dropblock). GammaPaper does not know of it: it
	// then drops more than DropProb, on small maps far more. With a block of 7
	// and DropProb 0.1 that is 11 % on 56×56, 21 % on 14×14 and 93 % on 7×7,
	// with GammaSimple 9.0, 7.4 and 5.5 %.
	RegionFull
)

// GammaRule computes gamma, the probability of a seed, from the drop
// probability p.
type GammaRule uint8

const (
	// GammaPaper is p/(bh·bw) · (H·W)/((H−bh+1)(W−bw+1)), 1 at most, for a
	// block of bh×bw, clipped to the map, on planes of H×W: equation 1 of the
	// paper, whatever the Region.
	GammaPaper GammaRule = iota
	// GammaSimple is p/(bh·bw) (miguelvr/dropblock). It drops less than p, as
	// blocks overlap and with RegionValid seeds have fewer positions.
	GammaSimple
)

// Share says which elements of the feature map share one mask.
type Share uint8

const (
	// ShareNone draws a mask for every channel of every sample, which the
	// paper found to work better (torchvision).
	ShareNone Share = iota
	// ShareChannels draws one mask for all channels of a sample
	// (miguelvr/dropblock, timm's default).
	ShareChannels
)

// Norm says how kept elements are scaled.
type Norm uint8

const (
	// NormTensor scales by count/kept, so that the mean activation stays (the
	// paper, step 8 of algorithm 1). It is counted over the mask of the call:
	// a batch that is spread over machines has a scale on each. If all is
	// dropped the scale is 0.
	NormTensor Norm = iota
	// NormNone leaves kept elements as they are.
	NormNone
)

// The names are those of the command's flags.
var (
	evenNames   = []string{"before", "after"}
	regionNames = []string{"valid", "full"}
	gammaNames  = []string{"paper", "simple"}
	shareNames  = []string{"none", "channels"}
	normNames   = []string{"tensor", "none"}
)

func (e Even) String() string      { return nameOf(evenNames, "Even", int(e)) }
func (r Region) String() string    { return nameOf(regionNames, "Region", int(r)) }
func (g GammaRule) String() string { return nameOf(gammaNames, "GammaRule", int(g)) }
func (s Share) String() string     { return nameOf(shareNames, "Share", int(s)) }
func (n Norm) String() string      { return nameOf(normNames, "Norm", int(n)) }

func nameOf(names []string, kind string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}
