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

// options are the values of the flags, and where the command reads and writes.
type options struct {
	streams
	cfg       dropblock.Config
	at        dropblock.Position
	layout    *dropblock.Layout // nil: by the dimensions
	preset    string
	rules     func(p float64, block int) dropblock.Config // of the preset
	bfloat16  bool
	dtype     string // of IN or SEEDS
	fill      string
	size      []int // of show's map, in cells
	mask      string
	maxPixels int64
	json      bool
	time      bool
	start     time.Time
}

// A flagSpec is a flag with a value, which set checks: package flag only
// splits the command line, so that all errors are worded alike.
type flagSpec struct {
	name    string
	value   string // by default; "" leaves the option unset
	hint    string // what stands for the value in the help, if there is no default
	meaning string
	set     func(o *options, value string) error
	field   func(o *options) text // what set sets, if it is a field of the Config in its own text
}

// text is a value that flags set and presets have.
type text interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

// A switchSpec is a flag without a value.
type switchSpec struct {
	name    string
	meaning string
	field   func(o *options) *bool
}

var (
	jsonSwitch = switchSpec{"json", "print the report as one JSON object", func(o *options) *bool { return &o.json }}
	timeSwitch = switchSpec{"time", "time the library's calls, for ns_per_element", func(o *options) *bool { return &o.time }}
)

// textFlag is a flag whose values are the text of a type of the library. The type's
// errors say what would be right.
func textFlag(name, value, hint, meaning string, field func(o *options) text) flagSpec {
	return flagSpec{name, value, hint, meaning, func(o *options, v string) error {
		if err := field(o).UnmarshalText([]byte(v)); err != nil {
			_, want, _ := strings.Cut(err.Error(), ", want ")
			return usagef("-%s %s: want %s", name, v, want)
		}
		return nil
	}, field}
}

// uintFlag is a flag of an unsigned integer.
func uintFlag(name, meaning string, bits int, set func(o *options, n uint64)) flagSpec {
	return flagSpec{name: name, value: "0", meaning: meaning, set: func(o *options, v string) error {
		n, err := strconv.ParseUint(v, 10, bits)
		if err != nil {
			return usagef("-%s %s: want an integer from 0 to %d", name, v, uint64(math.MaxUint64)>>(64-bits))
		}
		set(o, n)
		return nil
	}}
}

const (
	defaultBlock = 7

	fillZero  = "zero"
	fillNoise = "noise"
)

var commonFlags = []flagSpec{
	{name: "p", value: "0.1", meaning: "drop probability, 0 to 1", set: func(o *options, v string) error {
		p, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(p) || p < 0 || p > 1 {
			return usagef("-p %s: want a probability from 0 to 1", v)
		}
		o.cfg.DropProb = p
		return nil
	}},
	textFlag("ramp", "", "FROM:STEPS", "raise p linearly from FROM at step 0 to -p at step STEPS", func(o *options) text { return &o.cfg.Ramp }),
	presetFlag,
	textFlag("block", strconv.Itoa(defaultBlock), "", "size: 7, HxW, DxHxW, or a fraction of each axis, 0.5", func(o *options) text { return &o.cfg.Block }),
	textFlag("region", "valid", "", "where seeds fall: valid, or full, everywhere", func(o *options) text { return &o.cfg.Region }),
	textFlag("even", "before", "", "where a block of even size has its extra cell: before, after", func(o *options) text { return &o.cfg.Even }),
	textFlag("clip", "axes", "", "a block larger than the map: axes, each on its own; square, all to the smallest; none, which needs -region full", func(o *options) text { return &o.cfg.Clip }),
	textFlag("gamma", "paper", "", "probability of a seed: paper; simple, p/block; exact, for a drop rate of p; given, p itself", func(o *options) text { return &o.cfg.Gamma }),
	{name: "gamma-scale", value: "1", meaning: "factor of that probability", set: func(o *options, v string) error {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || !(f > 0 && f <= math.MaxFloat64) { // A Config's 0 stands for 1.
			return usagef("-gamma-scale %s: want a finite number above 0", v)
		}
		o.cfg.GammaScale = f
		return nil
	}},
	textFlag("share", "none", "", "who shares a mask: none, channels, batch, all", func(o *options) text { return &o.cfg.Share }),
	textFlag("norm", "tensor", "", "scale of what is kept, count/kept: of the tensor, sample or plane; expected, 1/(1 - expected drop); none", func(o *options) text { return &o.cfg.Norm }),
	{name: "layout", hint: "NAME", meaning: "order of the axes: nchw, nhwc, ncw, nwc, ncdhw, ndhwc; without it by the dimensions", set: func(o *options, v string) error {
		layout := new(dropblock.Layout)
		if err := layout.UnmarshalText([]byte(strings.ToUpper(v))); err != nil {
			_, want, _ := strings.Cut(err.Error(), ", want ")
			return usagef("-layout %s: want %s", v, strings.ToLower(want))
		}
		o.layout = layout
		return nil
	}},
	{name: "dtype", hint: "bfloat16", meaning: "take V2 and u2 words of IN for bfloat16", set: func(o *options, v string) error {
		if v != "bfloat16" {
			return usagef("-dtype %s: want bfloat16; other types are told by the file", v)
		}
		o.bfloat16 = true
		return nil
	}},
	{name: "fill", value: fillZero, meaning: "what stands where it is dropped: zero, or noise, N(0,1)", set: func(o *options, v string) error {
		if v != fillZero && v != fillNoise {
			return usagef("-fill %s: want %s or %s", v, fillZero, fillNoise)
		}
		o.fill = v
		return nil
	}},
	uintFlag("seed", "seed of the random stream", 64, func(o *options, n uint64) { o.cfg.Seed = n }),
	uintFlag("layer", "layer of the network", 32, func(o *options, n uint64) { o.cfg.Layer = uint32(n) }),
	uintFlag("step", "training step", 64, func(o *options, n uint64) { o.at.Step = n }),
	uintFlag("sample-offset", "global index of the first sample", 64, func(o *options, n uint64) { o.at.Sample = n }),
	{name: "kernel", value: "auto", meaning: "auto, the best, or one that dropblock info lists", set: func(o *options, v string) (err error) {
		o.cfg.Kernels, err = pickKernel(v)
		return err
	}},
	{name: "mask", hint: "FILE", meaning: "also write the keep mask to this file (.npy of uint8)", set: func(o *options, v string) error {
		o.mask = v
		return nil
	}},
	{name: "max-pixels", value: strconv.Itoa(1 << 28), meaning: "pixels of the largest picture that is read", set: func(o *options, v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 1 {
			return usagef("-max-pixels %s: want an integer from 1 to %d", v, int64(math.MaxInt64))
		}
		o.maxPixels = n
		return nil
	}},
}

// maxFigure bounds the figure, which has at least two pixels a cell.
const maxFigure = 1024

var sizeFlag = flagSpec{name: "size", value: "14", meaning: "map to draw: 14, or rows and columns, 14x20", set: func(o *options, v string) error {
	o.size = nil
	for extent := range strings.SplitSeq(v, "x") {
		n, err := strconv.ParseUint(extent, 10, 16)
		if err != nil || n < 1 || n > maxFigure || len(o.size) == 2 {
			return usagef("-size %s: want one size, 14, or HxW, 14x20, each from 1 to %d", v, maxFigure)
		}
		o.size = append(o.size, int(n))
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

// specs are the flags of a verb.
func (v *verb) specs() ([]flagSpec, []switchSpec) {
	if v.bare {
		return nil, []switchSpec{{jsonSwitch.name, "print JSON", jsonSwitch.field}}
	}
	return slices.Concat(v.extra, commonFlags), []switchSpec{timeSwitch, jsonSwitch}
}

// parse reads the flags of a verb, before or after its other arguments, which it returns.
// None of what follows -- is a flag.
func (v *verb) parse(args []string) (*options, []string, error) {
	o := &options{start: time.Now()}
	specs, switches := v.specs()
	fs := flag.NewFlagSet(v.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	values := map[string]*string{}
	for _, f := range specs {
		values[f.name] = fs.String(f.name, f.value, "")
	}
	for _, f := range switches {
		fs.BoolVar(f.field(o), f.name, false, "")
	}
	var files []string
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, nil, v.flagError(err)
		}
		rest := fs.Args()
		if read := len(args) - len(rest); read > 0 && args[read-1] == "--" {
			files = append(files, rest...)
			break
		}
		if len(rest) > 0 {
			files, rest = append(files, rest[0]), rest[1:]
		}
		args = rest
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for _, f := range specs {
		switch v := *values[f.name]; {
		case v != "":
		case given[f.name]:
			return nil, nil, usagef("-%s needs a value", f.name)
		default:
			continue
		}
		if err := f.set(o, *values[f.name]); err != nil {
			return nil, nil, err
		}
	}
	if want := len(strings.Fields(v.args)); len(files) != want {
		return nil, nil, v.argsError(files)
	}
	if o.preset != "" {
		o.usePreset()
		for _, f := range specs {
			if given[f.name] && f.name != "p" { // which the preset has been given
				_ = f.set(o, *values[f.name]) // It was right before.
			}
		}
	}
	return o, files, nil
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
	var value, name string
	if _, err := fmt.Sscanf(text, "invalid boolean value %q for -%s", &value, &name); err == nil {
		return usagef("-%s=%s: want true or false", strings.TrimSuffix(name, ":"), value)
	}
	return usagef("%s", text)
}

func (v *verb) argsError(args []string) error {
	want := v.args
	if want == "" {
		want = "no arguments"
	}
	return usagef("want %s, got %s", want, describeArgs(args))
}

func describeArgs(args []string) string {
	if len(args) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%q", args)
}
