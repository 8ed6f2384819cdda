package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/preset"
)

var presetFlag = flagSpec{name: "preset", hint: "NAME", meaning: "the rules of another implementation, which dropblock presets lists; flags beside it win", set: func(o *options, v string) (err error) {
	if o.rules, err = preset.ByName(v); err != nil {
		_, want, _ := strings.Cut(err.Error(), ", want ")
		return usagef("-preset %s: want %s", v, want)
	}
	o.preset = v
	return nil
}}

// usePreset makes the configuration that of the preset, for the probability and the size
// of block that are set so far.
func (o *options) usePreset() {
	size := defaultBlock
	if d, h, w := o.cfg.Block.Size(); d == h && d == w && d > 0 {
		size = d
	}
	o.cfg = o.rules(o.cfg.DropProb, size)
}

// A presetReport is a preset and the flags that it stands for.
type presetReport struct {
	Name  string   `json:"name"`
	Rule  string   `json:"rule"`
	Flags []string `json:"flags"`
}

func presets(o *options, _ []string) error {
	var list []presetReport
	for _, p := range preset.All() {
		list = append(list, presetReport{p.Name, p.Rule, flagsOf(p.Config(0.1, defaultBlock))})
	}
	if o.json {
		return json.NewEncoder(o.stdout).Encode(list)
	}
	var b strings.Builder
	for _, p := range list {
		writeColumns(&b, fmt.Sprintf("%-16s", p.Name), strings.Fields(p.Rule))
		if len(p.Flags) == 0 {
			p.Flags = []string{"the defaults"}
		}
		writeColumns(&b, fmt.Sprintf("%-16s", ""), p.Flags)
	}
	_, err := io.WriteString(o.stdout, b.String())
	return err
}

// flagsOf are the flags that set a configuration, without those that have their default.
func flagsOf(cfg dropblock.Config) []string {
	o := &options{cfg: cfg}
	flags := []string{}
	for _, f := range commonFlags {
		if f.field == nil {
			continue
		}
		if text, err := f.field(o).MarshalText(); err == nil && string(text) != f.value {
			flags = append(flags, "-"+f.name+" "+string(text))
		}
	}
	return flags
}
