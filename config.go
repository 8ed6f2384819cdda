package dropblock

import (
	"fmt"
	"slices"
	"strings"
)

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

// options are the names of an enumeration's constants, which are also the
// command's, in the order of their values from 0 on.
type options struct {
	kind  string // the type
	names []string
}

var (
	evenOptions   = options{"Even", []string{"before", "after"}}
	regionOptions = options{"Region", []string{"valid", "full"}}
	gammaOptions  = options{"GammaRule", []string{"paper", "simple"}}
	shareOptions  = options{"Share", []string{"none", "channels"}}
	normOptions   = options{"Norm", []string{"tensor", "none"}}
)

// String returns the name of the constant.
func (e Even) String() string { return evenOptions.name(uint8(e)) }

// MarshalText implements encoding.TextMarshaler: the name, or an error for what
// is no constant.
func (e Even) MarshalText() ([]byte, error) { return evenOptions.text(uint8(e)) }

// UnmarshalText implements encoding.TextUnmarshaler: it takes a name.
func (e *Even) UnmarshalText(text []byte) error { return parseOption(&evenOptions, e, text) }

// String returns the name of the constant.
func (r Region) String() string { return regionOptions.name(uint8(r)) }

// MarshalText implements encoding.TextMarshaler: the name, or an error for what
// is no constant.
func (r Region) MarshalText() ([]byte, error) { return regionOptions.text(uint8(r)) }

// UnmarshalText implements encoding.TextUnmarshaler: it takes a name.
func (r *Region) UnmarshalText(text []byte) error { return parseOption(&regionOptions, r, text) }

// String returns the name of the constant.
func (g GammaRule) String() string { return gammaOptions.name(uint8(g)) }

// MarshalText implements encoding.TextMarshaler: the name, or an error for what
// is no constant.
func (g GammaRule) MarshalText() ([]byte, error) { return gammaOptions.text(uint8(g)) }

// UnmarshalText implements encoding.TextUnmarshaler: it takes a name.
func (g *GammaRule) UnmarshalText(text []byte) error { return parseOption(&gammaOptions, g, text) }

// String returns the name of the constant.
func (s Share) String() string { return shareOptions.name(uint8(s)) }

// MarshalText implements encoding.TextMarshaler: the name, or an error for what
// is no constant.
func (s Share) MarshalText() ([]byte, error) { return shareOptions.text(uint8(s)) }

// UnmarshalText implements encoding.TextUnmarshaler: it takes a name.
func (s *Share) UnmarshalText(text []byte) error { return parseOption(&shareOptions, s, text) }

// String returns the name of the constant.
func (n Norm) String() string { return normOptions.name(uint8(n)) }

// MarshalText implements encoding.TextMarshaler: the name, or an error for what
// is no constant.
func (n Norm) MarshalText() ([]byte, error) { return normOptions.text(uint8(n)) }

// UnmarshalText implements encoding.TextUnmarshaler: it takes a name.
func (n *Norm) UnmarshalText(text []byte) error { return parseOption(&normOptions, n, text) }

// name is the name of a constant, or the type and the number of what is none.
func (o *options) name(i uint8) string {
	if int(i) < len(o.names) {
		return o.names[i]
	}
	return fmt.Sprintf("%s(%d)", o.kind, i)
}

// text is the name of a constant.
func (o *options) text(i uint8) ([]byte, error) {
	if err := o.check(o.kind, i); err != nil {
		return nil, fmt.Errorf("dropblock: %w", err)
	}
	return []byte(o.names[i]), nil
}

// parseOption sets the constant to that of a name.
func parseOption[E ~uint8](o *options, constant *E, text []byte) error {
	i := slices.Index(o.names, string(text))
	if i < 0 {
		return fmt.Errorf("dropblock: %s is %q, want %s", o.kind, text, orList(o.names))
	}
	*constant = E(i)
	return nil
}

// check returns an error if i is the number of no constant.
func (o *options) check(field string, i uint8) error {
	if int(i) >= len(o.names) {
		return fmt.Errorf("%s is %s, want %s", field, o.name(i), orList(o.names))
	}
	return nil
}

// orList joins names as in "a, b or c".
func orList(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
