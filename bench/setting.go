package main

import (
	"fmt"
	"strings"

	"github.com/dropblock-go/dropblock"
)

// dropProb is that of every measurement: the paper's choice.
const dropProb = 0.1

// A setting is what is measured: a layer with square blocks on a feature map.
type setting struct {
	shape dropblock.Shape
	block int
	share dropblock.Share
}

// settings are the feature maps of the stages of common networks at common
// batch sizes, 3 to 25 MiB.
var settings = []setting{
	{shape: dropblock.NCHW(32, 256, 14, 14), block: 7},
	{shape: dropblock.NCHW(32, 512, 7, 7), block: 7},
	{shape: dropblock.NCHW(32, 512, 7, 7), block: 3},
	{shape: dropblock.NCHW(8, 256, 56, 56), block: 7},
	{shape: dropblock.NCHW(1, 64, 224, 224), block: 7},
	{shape: dropblock.NCHW(16, 256, 28, 28), block: 5},
	{shape: dropblock.NCHW(64, 64, 32, 32), block: 3},
	{shape: dropblock.NCHW(32, 256, 14, 14), block: 1}, // dropout
	{shape: dropblock.NCHW(32, 256, 14, 14), block: 7, share: dropblock.ShareChannels},
	{shape: dropblock.NCHW(8, 256, 56, 56), block: 7, share: dropblock.ShareChannels},
}

// String names the setting in the form of a benchmark's name.
func (s setting) String() string {
	name := fmt.Sprintf("%dx%dx%dx%d-b%d", s.shape.N(), s.shape.C(), s.shape.H(), s.shape.W(), s.block)
	if s.share != dropblock.ShareNone {
		name += "/share=" + s.share.String()
	}
	return name
}

// maxElements keeps the three feature maps of a setting within 3 GiB.
const maxElements = 1 << 28

// parseSetting is the inverse of String.
func parseSetting(name string) (s setting, err error) {
	var n [4]int
	shape, shared := strings.CutSuffix(name, "/share=channels")
	fmt.Sscanf(shape, "%dx%dx%dx%d-b%d", &n[0], &n[1], &n[2], &n[3], &s.block)
	s.shape = dropblock.NCHW(n[0], n[1], n[2], n[3])
	if shared {
		s.share = dropblock.ShareChannels
	}
	if s.String() != name {
		return s, fmt.Errorf("%q is not of the form 32x256x14x14-b7 or 32x256x14x14-b7/share=channels", name)
	}
	if err := s.shape.Check(); err != nil {
		return s, err
	}
	if n := s.shape.Len(); n == 0 || n > maxElements {
		return s, fmt.Errorf("%q has %d elements, want 1 to %d", name, n, maxElements)
	}
	_, err = dropblock.New(s.config())
	return s, err
}

// config is that of the layer, the kernel set and the workers aside.
func (s setting) config() dropblock.Config {
	return dropblock.Config{
		DropProb: dropProb,
		Block:    dropblock.Square(s.block),
		Share:    s.share,
		Seed:     42,
	}
}

// sweepSettings are feature maps of planes of two sizes, from 12 or 16 KiB to
// 48 or 64 MiB, each twice the one before.
func sweepSettings() (all []setting) {
	for _, first := range []struct{ planes, side int }{{21, 14}, {1, 56}} {
		for power := range 13 {
			channels := first.planes << min(power, 6)
			n := 1 << max(power-6, 0)
			all = append(all, setting{shape: dropblock.NCHW(n, channels, first.side, first.side), block: 7})
		}
	}
	return all
}

// parseList parses comma-separated names, none of them twice.
func parseList[T fmt.Stringer](list string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	seen := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		v, err := parse(name)
		if err != nil {
			return nil, err
		}
		if seen[v.String()] {
			return nil, fmt.Errorf("%v is there twice", v)
		}
		seen[v.String()] = true
		all = append(all, v)
	}
	return all, nil
}
