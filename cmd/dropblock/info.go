package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/machine"
	"golang.org/x/sys/cpu"
)

type infoReport struct {
	CPU      string   `json:"cpu"`
	Platform string   `json:"platform"`
	Features []string `json:"features"`
	Kernels  []string `json:"kernels"`
	Kernel   string   `json:"kernel"`
	Why      string   `json:"why"`
}

func info(o *options, _ []string) error {
	m := infoReport{
		CPU:      cmp.Or(machine.Host().Name, "unknown"),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Features: cpuFeatures(runtime.GOARCH),
	}
	for _, k := range dropblock.KernelSets() {
		m.Kernels = append(m.Kernels, k.String())
	}
	m.Kernel, m.Why = m.Kernels[0], why(m.Kernels)
	if o.json {
		return json.NewEncoder(o.stdout).Encode(m)
	}
	var b strings.Builder
	row := func(name string, words ...string) {
		fmt.Fprintf(&b, "%-9s", name)
		column := 9
		for _, w := range words {
			if column+1+len(w) > 79 {
				fmt.Fprintf(&b, "\n%9s", "")
				column = 9
			}
			fmt.Fprintf(&b, " %s", w)
			column += 1 + len(w)
		}
		b.WriteByte('\n')
	}
	row("cpu", strings.Fields(m.CPU)...)
	row("platform", m.Platform)
	row("features", m.Features...)
	row("kernels", m.Kernels...)
	row("chosen", strings.Fields(m.Kernel+": "+m.Why)...)
	_, err := io.WriteString(o.stdout, b.String())
	return err
}

// why returns the reason why auto chooses the first of the kernels.
func why(kernels []string) string {
	if len(kernels) > 1 {
		return "the best of the kernels that this CPU runs (-kernel forces another)"
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			for _, tag := range []string{"purego", "noasm"} {
				if s.Key == "-tags" && slices.Contains(strings.Split(s.Value, ","), tag) {
					return "this command was built with the tag " + tag + ", without assembly"
				}
			}
		}
	}
	return "there is no assembly for this CPU"
}

// cpuFeatures are the feature bits that package cpu knows and this CPU has,
// named as there.
func cpuFeatures(arch string) []string {
	features := []string{}
	bits, ok := map[string]any{
		"386": cpu.X86, "amd64": cpu.X86,
		"arm": cpu.ARM, "arm64": cpu.ARM64,
		"loong64": cpu.Loong64,
		"mips64":  cpu.MIPS64X, "mips64le": cpu.MIPS64X,
		"ppc64": cpu.PPC64, "ppc64le": cpu.PPC64,
		"riscv64": cpu.RISCV64,
		"s390x":   cpu.S390X,
	}[arch]
	if !ok {
		return features
	}
	v := reflect.ValueOf(bits)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type.Kind() == reflect.Bool && v.Field(i).Bool() {
			features = append(features, strings.ToLower(strings.TrimPrefix(f.Name, "Has")))
		}
	}
	return features
}
