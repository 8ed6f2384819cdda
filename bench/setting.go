package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dropblock-go/dropblock"
)

// dropProb is that of every measurement: the paper's choice.
const dropProb = 0.1

// A setting is what is measured: a layer on a feature map.
type setting struct {
	shape dropblock.Shape
	block dropblock.Block
	share dropblock.Share
	norm  dropblock.Norm
	// element is what the map has: f64, f16, bf16, or nothing for float32.
	element string
}

var (
	// settings are the feature maps of the stages of common networks at common batch
	// sizes, 3 to 25 MiB. Blocks of 1 are dropout.
	settings = mustSettings(
		"32x256x14x14-b7", "32x512x7x7-b7", "32x512x7x7-b3", "8x256x56x56-b7", "1x64x224x224-b7",
		"16x256x28x28-b5", "64x64x32x32-b3", "32x256x14x14-b1",
		"32x256x14x14-b7/share=channels", "8x256x56x56-b7/share=channels")
	// otherSettings have other elements, layouts, axes and scales. After them comes the
	// float32 NCHW map of the same extents where none of settings is that.
	otherSettings = mustSettings(
		"32x256x14x14-b7-f64", "32x256x14x14-b7-f16", "32x256x14x14-b7-bf16",
		"32x14x14x256-b7-nhwc", "8x56x56x64-b7-nhwc", "8x64x56x56-b7",
		"8x224x224x3-b7-nhwc/share=channels", "32x56x56x16-b7-nhwc/share=channels",
		"8x56x56x64-b7-nhwc/share=channels", "32x14x14x256-b7-nhwc/share=channels",
		"4x32x16x28x28-b3x5x5-ncdhw",
		"32x256x14x14-b7/norm=sample", "32x64x28x28-b7/norm=plane", "32x64x28x28-b7", "32x512x7x7-b7/norm=plane",
		"32x14x14x256-b7-nhwc/norm=plane")
	// smallSettings are those whose cost is the calls', not the memory's.
	smallSettings = mustSettings("1x15x14x14-b7", "1x60x7x7-b7", "1x60x7x7-b3")
)

func mustSettings(names ...string) []setting {
	all, err := parseList(strings.Join(names, ","), parseSetting)
	if err != nil {
		panic(err)
	}
	return all
}

// sweepSettings are feature maps of planes of two sizes, from 12 or 16 KiB to
// 48 or 64 MiB, each twice the one before.
func sweepSettings() (all []setting) {
	for _, first := range []struct{ planes, side int }{{21, 14}, {1, 56}} {
		for power := range 13 {
			s := dropblock.NCHW(1<<max(power-6, 0), first.planes<<min(power, 6), first.side, first.side)
			all = append(all, setting{shape: s, block: dropblock.Square(7)})
		}
	}
	return all
}

// String names the setting in the form of a benchmark's name: the extents in memory order,
// the block, and what is not the default.
func (s setting) String() string {
	layout, extents, _ := strings.Cut(s.shape.String(), " ")
	name := extents + "-b" + s.block.String()
	if s.shape.Layout() != dropblock.LayoutNCHW {
		name += "-" + strings.ToLower(layout)
	}
	if s.element != "" {
		name += "-" + s.element
	}
	if s.share != dropblock.ShareNone {
		name += "/share=" + s.share.String()
	}
	if s.norm != dropblock.NormTensor {
		name += "/norm=" + s.norm.String()
	}
	return name
}

// bytes is the size of the map.
func (s setting) bytes() int {
	switch s.element {
	case "f64":
		return 8 * s.shape.Len()
	case "f16", "bf16":
		return 2 * s.shape.Len()
	}
	return 4 * s.shape.Len()
}

// maxBytes keeps the three feature maps of a setting within 3 GiB.
const maxBytes = 1 << 30

// parseSetting is the inverse of String.
func parseSetting(name string) (s setting, err error) {
	parts := strings.Split(name, "/")
	words := strings.Split(parts[0], "-")
	layout := "NCHW"
	for _, word := range words[min(2, len(words)):] {
		switch word {
		case "f64", "f16", "bf16":
			s.element = word
		default:
			layout = strings.ToUpper(word)
		}
	}
	if len(words) > 1 {
		err = errors.Join(s.shape.UnmarshalText([]byte(layout+" "+words[0])), s.block.UnmarshalText([]byte(strings.TrimPrefix(words[1], "b"))))
	}
	for _, option := range parts[1:] {
		switch name, value, _ := strings.Cut(option, "="); name {
		case "share":
			err = errors.Join(err, s.share.UnmarshalText([]byte(value)))
		case "norm":
			err = errors.Join(err, s.norm.UnmarshalText([]byte(value)))
		}
	}
	if err != nil || s.String() != name {
		return s, fmt.Errorf("%q is not of the form 32x256x14x14-b7, with -nhwc and the like, then -f64, -f16 or -bf16, then /share=channels, then /norm=plane behind it, or some of them", name)
	}
	if n := s.bytes(); n == 0 || n > maxBytes {
		return s, fmt.Errorf("%q has %d bytes, want 1 to %d", name, n, maxBytes)
	}
	_, err = dropblock.New(s.config())
	return s, err
}

// config is that of the layer, the kernel set and the workers aside.
func (s setting) config() dropblock.Config {
	return dropblock.Config{DropProb: dropProb, Block: s.block, Share: s.share, Norm: s.norm, Seed: 42}
}

// usual reports whether the setting is one of float32 NCHW with the default scale, which are
// measured with several workers too.
func (s setting) usual() bool {
	return s.element == "" && s.shape.Layout() == dropblock.LayoutNCHW && s.norm == dropblock.NormTensor
}

// square is the size of a square block, 0 if it is not square.
func (s setting) square() int {
	if d, h, w := s.block.Size(); d == h && h == w {
		return h
	}
	return 0
}

// parseList parses comma-separated names, none of them twice.
func parseList[T any](list string, parse func(string) (T, error)) (all []T, err error) {
	seen := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		v, err := parse(name)
		if err != nil {
			return nil, err
		}
		if s := fmt.Sprint(v); seen[s] {
			return nil, fmt.Errorf("%v is there twice", v)
		} else {
			seen[s] = true
		}
		all = append(all, v)
	}
	return all, nil
}
