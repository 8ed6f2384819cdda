package main

import (
	"encoding"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock"
)

// options are the values of the flags.
type options struct {
	cfg        dropblock.Config
	at         dropblock.Position
	rows, cols int // show's map
	mask       string
	json       bool
	start      time.Time
}

// A flagSpec is a flag with a value, which set checks: package flag only
// splits the command line, so that all errors are worded alike.
type flagSpec struct {
	name    string
	value   string // by default
	meaning string
	set     func(o *options, value string) error
}

const jsonMeaning = "print the report as one JSON object"

// textFlag is a flag whose values are the text of a type of the library. The type's
// errors say what would be right.
func textFlag(name, value, meaning string, field func(o *options) encoding.TextUnmarshaler) flagSpec {
	return flagSpec{name, value, meaning, func(o *options, v string) error {
		if v == "" { // the zero value of some
			return usagef("-%s needs a value", name)
		}
		if err := field(o).UnmarshalText([]byte(v)); err != nil {
			_, want, _ := strings.Cut(err.Error(), ", want ")
			return usagef("-%s %s: want %s", name, v, want)
		}
		return nil
	}}
}

var commonFlags = []flagSpec{
	{"p", "0.1", "drop probability, 0 to 1", func(o *options, v string) error {
		p, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(p) || p < 0 || p > 1 {
			return usagef("-p %s: want a probability from 0 to 1", v)
		}
		o.cfg.DropProb = p
		return nil
	}},
	textFlag("block", "7", "block size: 7, or rows and columns, 7x5", func(o *options) encoding.TextUnmarshaler {
		return &o.cfg.Block
	}),
	textFlag("region", "valid", "where seeds fall: valid, or full, everywhere, blocks clipped", func(o *options) encoding.TextUnmarshaler {
		return &o.cfg.Region
	}),
	textFlag("even", "before", "where a block of even size has its extra cell: before, after", func(o *options) encoding.TextUnmarshaler {
		return &o.cfg.Even
	}),
	textFlag("gamma", "paper", "probability of a seed: paper, or simple, p/(rows·columns)", func(o *options) encoding.TextUnmarshaler {
		return &o.cfg.Gamma
	}),
	textFlag("share", "none", "none, a mask for every channel, or channels, one for all", func(o *options) encoding.TextUnmarshaler {
		return &o.cfg.Share
	}),
	textFlag("norm", "tensor", "scale of what is kept: tensor, count/kept, or none", func(o *options) encoding.TextUnmarshaler {
		return &o.cfg.Norm
	}),
	{"layout", "nchw", "order of the axes: nchw", func(o *options, v string) error {
		if v != "nchw" {
			return usagef("-layout %s: want nchw", v)
		}
		return nil
	}},
	{"seed", "0", "seed of the random stream", func(o *options, v string) (err error) {
		o.cfg.Seed, err = parseUint("seed", v, 64)
		return err
	}},
	{"layer", "0", "layer of the network", func(o *options, v string) error {
		n, err := parseUint("layer", v, 32)
		o.cfg.Layer = uint32(n)
		return err
	}},
	{"step", "0", "training step", func(o *options, v string) (err error) {
		o.at.Step, err = parseUint("step", v, 64)
		return err
	}},
	{"sample-offset", "0", "global index of the first sample", func(o *options, v string) (err error) {
		o.at.Sample, err = parseUint("sample-offset", v, 64)
		return err
	}},
	{"kernel", "auto", "auto, the best, or one that dropblock info lists", func(o *options, v string) (err error) {
		o.cfg.Kernels, err = pickKernel(v)
		return err
	}},
	{"mask", "", "also write the keep mask to this file (.npy of uint8)", func(o *options, v string) error {
		o.mask = v
		return nil
	}},
}

// maxFigure bounds the figure, which has at least two pixels a cell.
const maxFigure = 1024

var sizeFlag = flagSpec{"size", "14", "map to draw: 14, or rows and columns, 14x20", func(o *options, v string) (err error) {
	var ok bool
	if o.rows, o.cols, ok = parseExtents(v, maxFigure); !ok {
		return usagef("-size %s: want one size, 14, or HxW, 14x20, each from 1 to %d", v, maxFigure)
	}
	return nil
}}

// pickKernel distinguishes sets that this CPU does not run from names of no set.
func pickKernel(name string) (dropblock.KernelSet, error) {
	set, err := dropblock.ParseKernelSet(name)
	if err == nil {
		return set, nil
	}
	state := "does not run on this CPU"
	if set.UnmarshalText([]byte(name)) != nil {
		state = "is unknown"
	}
	names := []string{"auto"}
	for _, k := range dropblock.KernelSets() {
		names = append(names, k.String())
	}
	return set, usagef("-kernel %s %s; want %s", name, state, orList(names))
}

// parseExtents reads "7", for both axes, or "7x5".
func parseExtents(s string, most int) (h, w int, ok bool) {
	hs, ws, two := strings.Cut(s, "x")
	if !two {
		ws = hs
	}
	h, herr := parseExtent(hs, most)
	w, werr := parseExtent(ws, most)
	return h, w, herr == nil && werr == nil
}

var errExtent = errors.New("extent")

func parseExtent(s string, most int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n < 1 || n > uint64(most) {
		return 0, errExtent
	}
	return int(n), nil
}

func parseUint(name, s string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0, usagef("-%s %s: want an integer from 0 to %d", name, s, uint64(math.MaxUint64)>>(64-bits))
	}
	return n, nil
}

// parse reads the flags of a verb and returns the arguments after them.
func (v *verb) parse(args []string) (*options, []string, error) {
	o := &options{start: time.Now()}
	fs := flag.NewFlagSet(v.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.BoolVar(&o.json, "json", false, "")
	var specs []flagSpec
	if !v.bare {
		specs = slices.Concat(v.extra, commonFlags)
	}
	values := make([]*string, len(specs))
	for i, f := range specs {
		values[i] = fs.String(f.name, f.value, "")
	}
	if err := fs.Parse(args); err != nil {
		return nil, nil, v.flagError(err)
	}
	for i, f := range specs {
		if err := f.set(o, *values[i]); err != nil {
			return nil, nil, err
		}
	}
	if want := len(strings.Fields(v.args)); fs.NArg() != want {
		return nil, nil, v.argsError(fs.Args())
	}
	return o, fs.Args(), nil
}

// flagError rewords an error of package flag.
func (v *verb) flagError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return errHelp
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		return usagef("%s is not a flag of %s; see dropblock help %[2]s", name, v.name)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return usagef("%s needs a value", name)
	}
	var value string
	if _, err := fmt.Sscanf(text, "invalid boolean value %q for -json", &value); err == nil {
		return usagef("-json=%s: want true or false", value)
	}
	return usagef("%s", text)
}

func (v *verb) argsError(args []string) error {
	want := v.args
	if want == "" {
		want = "no arguments"
	}
	hint := ""
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") }) {
		hint = "; flags come first"
	}
	return usagef("want %s, got %s%s", want, describeArgs(args), hint)
}

func describeArgs(args []string) string {
	if len(args) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%q", args)
}
