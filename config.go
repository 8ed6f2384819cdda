package dropblock

import (
	"fmt"
	"math"
)

// Config describes a DropBlock layer. The zero value of every field but Block
// is a usable default, and new fields keep that property. A Config can be stored
// whole by encoding/json, with names for its constants and its kernel set, and by
// encoding/gob.
type Config struct {
	_ struct{} // Field names are required: new fields will come.

	// DropProb is the paper's 1 − keep_prob, in [0, 1]: the fraction of
	// elements to drop, from which Gamma derives the probability of a seed.
	// The expected fraction ([Layer.ExpectedDrop]) is lower with RegionValid and
	// GammaPaper, as blocks overlap: with blocks of 7×7 on 14×14 it is 9.3 % for 0.1
	// and 36 % for 0.5. Other combinations may be far off (see RegionFull). It is
	// DropProb with GammaExact. At a step whose probability is 0 the layer is the
	// identity. With GammaPaper, 1 drops everything only if every axis of the block is 1
	// or spans the map.
	DropProb float64

	// Ramp raises the drop probability to DropProb over the first steps. The zero
	// value leaves it constant.
	Ramp Ramp

	// Block is the block size. [Square](1) is dropout, [Fraction](1), the whole map,
	// SpatialDropout.
	Block Block

	// Clip is what becomes of a block that is larger than the map.
	Clip Clip

	// Even is the side of the seed on which a block of even size has one cell
	// more.
	Even Even

	// Region is where seeds may fall.
	Region Region

	// Gamma is the rule that turns the drop probability into the probability of a
	// seed, and GammaScale multiplies what it gives (timm's gamma_scale); 0 stands for 1.
	// The product is 1 at most. With GammaExact it has to be 1.
	Gamma      GammaRule
	GammaScale float64

	// Share selects the elements that share one mask.
	Share Share

	// Norm is the rule for the scale of kept elements.
	Norm Norm

	// Seed and Layer key the random stream. The layers of a network share the
	// seed and differ in Layer: layers that agree in both draw the same random
	// words and, on maps of one shape, the same masks.
	Seed  uint64
	Layer uint32

	// Kernels is the kernel set to compute with; the zero value is the best
	// that this CPU runs. It changes the speed and never a bit of the result.
	Kernels KernelSet

	// Workers bounds the goroutines of one call of the layer, or of one with its
	// masks, the caller included; 0 means GOMAXPROCS. Small maps use one. The
	// result does not depend on it.
	Workers int
}

func (cfg *Config) check() error {
	if !isProbability(cfg.DropProb) {
		return fmt.Errorf("DropProb is %v, want a probability from 0 to 1", cfg.DropProb)
	}
	for _, err := range []error{
		cfg.Ramp.check(),
		cfg.Block.check(),
		clipOptions.check("Clip", uint8(cfg.Clip)),
		evenOptions.check("Even", uint8(cfg.Even)),
		regionOptions.check("Region", uint8(cfg.Region)),
		gammaOptions.check("Gamma", uint8(cfg.Gamma)),
		shareOptions.check("Share", uint8(cfg.Share)),
		normOptions.check("Norm", uint8(cfg.Norm)),
	} {
		if err != nil {
			return err
		}
	}
	switch s := cfg.GammaScale; {
	case !(s >= 0 && s <= math.MaxFloat64):
		return fmt.Errorf("GammaScale is %v, want a finite factor of 0 or more", s)
	case s != 0 && s != 1 && cfg.Gamma == GammaExact:
		return fmt.Errorf("GammaScale is %v with GammaExact, want 1 or another rule: it would no longer be exact", s)
	case cfg.Clip == ClipNone && cfg.Region == RegionValid:
		return fmt.Errorf("Clip is none with Region valid, want Region full: a larger block fits nowhere")
	}
	if !cfg.Kernels.runs() {
		return fmt.Errorf("Kernels is %v, want %s, which this CPU runs", cfg.Kernels, availableNames())
	}
	if cfg.Workers < 0 {
		return fmt.Errorf("Workers is %d, want 0 for GOMAXPROCS, or 1 or more", cfg.Workers)
	}
	return nil
}

// maskShape returns the shape of the mask of a feature map of shape s.
func (cfg *Config) maskShape(s Shape) Shape {
	if cfg.Share == ShareChannels || cfg.Share == ShareAll {
		s.c = min(s.c, 1)
	}
	if cfg.Share.batch() {
		s.n = min(s.n, 1)
	}
	return s
}

// stream returns the key of the random words of a position, and the index of the first
// sample.
func (cfg *Config) stream(at *Position) (Key, uint64) {
	sample := at.Sample
	if cfg.Share.batch() {
		sample = 0
	}
	return NewKey(cfg.Seed, cfg.Layer, at.Step), sample
}

// Even places a block of even size, which has no middle cell, around its seed.
// With [RegionValid] it changes the coordinates of seeds and not the masks,
// since seeds fall wherever a whole block fits.
type Even uint8

const (
	// EvenBefore starts a block of b cells at seed − ⌊b/2⌋ (timm,
	// tensorflow/tpu).
	EvenBefore Even = iota
	// EvenAfter starts a block of b cells at seed − ⌊(b−1)/2⌋
	// (miguelvr/dropblock).
	EvenAfter
)

// before returns how many cells of a block of size b lie before its seed.
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
	// border (timm, miguelvr/dropblock). GammaPaper does not allow for it and
	// drops more than DropProb, on small maps far more: with blocks of 7×7
	// and DropProb 0.1, 11 % on 56×56, 21 % on 14×14 and 93 % on 7×7.
	// GammaSimple drops 9.0, 7.4 and 5.5 %.
	RegionFull
)

// GammaRule computes gamma, the probability of a seed, from the drop
// probability p.
type GammaRule uint8

const (
	// GammaPaper is p/(bh·bw) · (H·W)/((H−bh+1)(W−bw+1)), for a block of bh×bw on
	// planes of H×W: equation 1 of the paper. The block is the one that Clip leaves,
	// with ClipNone too of the map's extents at most. In one and three dimensions there
	// is a factor for each axis. It does not depend on the Region.
	GammaPaper GammaRule = iota
	// GammaSimple is p/(bh·bw), for the block as Clip leaves it (miguelvr/dropblock), in
	// one and three dimensions p/bw and p/(bd·bh·bw). It drops less than p, as blocks
	// overlap and seeds have fewer positions with RegionValid.
	GammaSimple
	// GammaExact is the γ with which the expected drop rate is p, in either region and
	// whatever the blocks overlap ([Layer.ExpectedDrop]). It is 1 if no γ below 1
	// reaches p.
	GammaExact
	// GammaGiven is p itself: DropProb is the probability of a seed.
	GammaGiven
)

// Share says which elements of the feature map share one mask.
type Share uint8

const (
	// ShareNone draws a mask for every channel of every sample (torchvision).
	// The paper found it to work better.
	ShareNone Share = iota
	// ShareChannels draws one mask for all channels of a sample
	// (miguelvr/dropblock, timm's default).
	ShareChannels
	// ShareBatch draws a mask for every channel, for all samples of the call (GluonCV).
	// Masks that samples share are those of sample 0, whatever [Position].Sample is.
	ShareBatch
	// ShareAll draws one mask for all channels of all samples of the call.
	ShareAll
)

// batch reports whether the samples of a call share a mask.
func (s Share) batch() bool { return s == ShareBatch || s == ShareAll }

// Norm says how kept elements are scaled.
type Norm uint8

const (
	// NormTensor scales by count/kept, which keeps the mean activation (the
	// paper, step 8 of algorithm 1). Both are counted over the mask of one
	// call: each machine that has a part of a batch gets a scale of its own, unless
	// they sum their counts ([Mask.Rescale]). If everything is dropped the scale is 0.
	NormTensor Norm = iota
	// NormNone leaves kept elements as they are.
	NormNone
	// NormSample scales each sample of the mask by its own count/kept, 0 if nothing of
	// it is kept (darknet). It does not depend on the split of a batch.
	NormSample
	// NormPlane scales each channel of each sample of the mask by its own count/kept, 0
	// if nothing of it is kept.
	NormPlane
	// NormExpected scales by 1/(1 − [Layer.ExpectedDrop]), the same for every mask of a
	// step, 0 if all is dropped: nn.Dropout and DropPath.
	NormExpected
)

var (
	evenOptions   = options{"Even", []string{"before", "after"}}
	regionOptions = options{"Region", []string{"valid", "full"}}
	gammaOptions  = options{"GammaRule", []string{"paper", "simple", "exact", "given"}}
	shareOptions  = options{"Share", []string{"none", "channels", "batch", "all"}}
	normOptions   = options{"Norm", []string{"tensor", "none", "sample", "plane", "expected"}}
)

// String returns the name of the constant.
func (e Even) String() string { return evenOptions.name(uint8(e)) }

// MarshalText implements encoding.TextMarshaler: it returns the name, or an error if
// there is none.
func (e Even) MarshalText() ([]byte, error) { return evenOptions.text(uint8(e)) }

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (e *Even) UnmarshalText(text []byte) error { return parseOption(&evenOptions, e, text) }

// String returns the name of the constant.
func (r Region) String() string { return regionOptions.name(uint8(r)) }

// MarshalText implements encoding.TextMarshaler: it returns the name, or an error if
// there is none.
func (r Region) MarshalText() ([]byte, error) { return regionOptions.text(uint8(r)) }

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (r *Region) UnmarshalText(text []byte) error { return parseOption(&regionOptions, r, text) }

// String returns the name of the constant.
func (g GammaRule) String() string { return gammaOptions.name(uint8(g)) }

// MarshalText implements encoding.TextMarshaler: it returns the name, or an error if
// there is none.
func (g GammaRule) MarshalText() ([]byte, error) { return gammaOptions.text(uint8(g)) }

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (g *GammaRule) UnmarshalText(text []byte) error { return parseOption(&gammaOptions, g, text) }

// String returns the name of the constant.
func (s Share) String() string { return shareOptions.name(uint8(s)) }

// MarshalText implements encoding.TextMarshaler: it returns the name, or an error if
// there is none.
func (s Share) MarshalText() ([]byte, error) { return shareOptions.text(uint8(s)) }

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (s *Share) UnmarshalText(text []byte) error { return parseOption(&shareOptions, s, text) }

// String returns the name of the constant.
func (n Norm) String() string { return normOptions.name(uint8(n)) }

// MarshalText implements encoding.TextMarshaler: it returns the name, or an error if
// there is none.
func (n Norm) MarshalText() ([]byte, error) { return normOptions.text(uint8(n)) }

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (n *Norm) UnmarshalText(text []byte) error { return parseOption(&normOptions, n, text) }
