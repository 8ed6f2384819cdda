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
	// element is what the map has: f64, f16, bf16, or nothing for float32.
	element string
}

var (
	// settings are the feature maps of the stages of common networks at common batch
	// sizes, 3 to 25 MiB. Blocks of 1 are dropout.
	settings = mustSettings(
		"32x256x14x14-b7", "32x512x7x7-b7", "32x512x7x7-b3", "8x256x56x56-b7", "1x64x224x224-b7",
		"16x256x28x28-b5", "64x64x32x32-b3", "32x256x14x14-b1",
		"32x256x14x14-b7/share=channels", "8x256x56x56-b7/share=channels", "32x256x14x14-b7-f64", "32x256x14x14-b7-f16", "32x256x14x14-b7-bf16")
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
			all = append(all, setting{shape: s, block: 7})
		}
	}
	return all
}

// String names the setting in the form of a benchmark's name.
func (s setting) String() string {
	name := fmt.Sprintf("%dx%dx%dx%d-b%d", s.shape.N(), s.shape.C(), s.shape.H(), s.shape.W(), s.block)
	if s.element != "" {
		name += "-" + s.element
	}
	if s.share != dropblock.ShareNone {
		name += "/share=" + s.share.String()
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
	var n [4]int
	shape, shared := strings.CutSuffix(name, "/share=channels")
	for _, element := range []string{"f64", "f16", "bf16"} {
		if cut, found := strings.CutSuffix(shape, "-"+element); found {
			shape, s.element = cut, element
		}
	}
	fmt.Sscanf(shape, "%dx%dx%dx%d-b%d", &n[0], &n[1], &n[2], &n[3], &s.block)
	s.shape = dropblock.NCHW(n[0], n[1], n[2], n[3])
	if shared {
		s.share = dropblock.ShareChannels
	}
	if s.String() != name {
		return s, fmt.Errorf("%q is not of the form 32x256x14x14-b7, with -f64, -f16 or -bf16, or /share=channels, or both behind it", name)
	}
	if err := s.shape.Check(); err != nil {
		return s, err
	}
	if n := s.bytes(); n == 0 || n > maxBytes {
		return s, fmt.Errorf("%q has %d bytes, want 1 to %d", name, n, maxBytes)
	}
	_, err = dropblock.New(s.config())
	return s, err
}

// config is that of the layer, the kernel set and the workers aside.
func (s setting) config() dropblock.Config {
	return dropblock.Config{DropProb: dropProb, Block: dropblock.Square(s.block), Share: s.share, Seed: 42}
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
