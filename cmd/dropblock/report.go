package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dropblock-go/dropblock"
)

// report is the output of apply, dilate and show.
type report struct {
	Shape        []int     `json:"shape"`
	Kernel       string    `json:"kernel"`
	Gamma        float64   `json:"gamma"`
	Seeds        int       `json:"seeds"`
	Dropped      int       `json:"dropped"`
	Kept         int       `json:"kept"`
	DropRate     float64   `json:"drop_rate"`
	ExpectedDrop *float64  `json:"expected_drop,omitempty"`
	Scale        *float64  `json:"scale,omitempty"` // if there is one
	Scales       []float64 `json:"scales,omitzero"` // unless there are more than maxScales
	NsPerElement *float64  `json:"ns_per_element,omitempty"`
	Seconds      float64   `json:"seconds"`
	origin
}

// maxScales is the length of the longest list of scales that is reported.
const maxScales = 1024

// origin is what it takes to make the same files again, beside IN.
type origin struct {
	P          float64             `json:"p"`
	Ramp       dropblock.Ramp      `json:"ramp,omitzero"`
	Preset     string              `json:"preset,omitempty"`
	Block      dropblock.Block     `json:"block"`
	Region     dropblock.Region    `json:"region"`
	Even       dropblock.Even      `json:"even"`
	Clip       dropblock.Clip      `json:"clip"`
	GammaRule  dropblock.GammaRule `json:"gamma_rule"`
	GammaScale float64             `json:"gamma_scale"`
	Share      dropblock.Share     `json:"share"`
	Norm       dropblock.Norm      `json:"norm"`
	Layout     string              `json:"layout"`
	Dtype      string              `json:"dtype,omitempty"`
	Fill       string              `json:"fill"`
	Seed       uint64              `json:"seed"`
	Layer      uint32              `json:"layer"`
	Step       uint64              `json:"step"`
	Sample     uint64              `json:"sample_offset"`
	Stream     int                 `json:"stream_version"`
	Module     string              `json:"module_version"`
}

// newReport is the report of a mask for an array with these axes. perCall is how long the
// library's part takes.
func (o *options) newReport(l *dropblock.Layer, m *dropblock.Mask, axes string, perCall time.Duration) *report {
	cfg, s := l.Config(), m.Shape()
	r := &report{
		Shape:    extents(s, axes),
		Kernel:   l.Kernels().String(),
		Gamma:    m.Gamma(),
		Seeds:    m.SeedCount(),
		Dropped:  m.Dropped(),
		Kept:     m.Kept(),
		DropRate: m.DropRate(),
		origin: origin{
			P: cfg.DropProb, Ramp: cfg.Ramp, Preset: o.preset, Block: cfg.Block, Region: cfg.Region, Even: cfg.Even,
			Clip: cfg.Clip, GammaRule: cfg.Gamma, GammaScale: cmp.Or(cfg.GammaScale, 1), Share: cfg.Share, Norm: cfg.Norm,
			Layout: strings.ToLower(s.Layout().String()), Dtype: o.dtype, Fill: o.fill,
			Seed: cfg.Seed, Layer: cfg.Layer, Step: o.at.Step, Sample: o.at.Sample,
			Stream: dropblock.StreamVersion, Module: moduleVersion(),
		},
	}
	if scales := m.Scales(); len(scales) <= maxScales {
		r.Scales = append([]float64{}, scales...)
		if len(scales) == 1 {
			r.Scale = &r.Scales[0]
		}
	}
	if o.time {
		r.NsPerElement = new(float64)
		if s.Len() > 0 {
			*r.NsPerElement = float64(perCall) / float64(s.Len())
		}
	}
	return r
}

// expect adds the drop rate that was to be expected.
func (r *report) expect(l *dropblock.Layer, s dropblock.Shape) *report {
	drop := l.ExpectedDrop(s, r.Step)
	r.ExpectedDrop = &drop
	return r
}

// print writes the report, to standard error if out or the mask takes standard output.
func (o *options) print(r *report, out string) error {
	w := o.stdout
	if out == std || o.mask == std {
		w = o.stderr
	}
	r.Seconds = time.Since(o.start).Seconds()
	if o.json {
		return json.NewEncoder(w).Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "shape\t%s\n", join(r.Shape))
	fmt.Fprintf(t, "kernel\t%s\n", r.Kernel)
	fmt.Fprintf(t, "gamma\t%.6g\n", r.Gamma)
	fmt.Fprintf(t, "seeds\t%d\n", r.Seeds)
	fmt.Fprintf(t, "dropped\t%d\n", r.Dropped)
	fmt.Fprintf(t, "kept\t%d\n", r.Kept)
	fmt.Fprintf(t, "drop_rate\t%.4f\n", r.DropRate)
	if r.ExpectedDrop != nil {
		fmt.Fprintf(t, "expected_drop\t%.4f\n", *r.ExpectedDrop)
	}
	if r.Scale != nil {
		fmt.Fprintf(t, "scale\t%.6g\n", *r.Scale)
	} else if len(r.Scales) > 0 {
		fmt.Fprintf(t, "scales\t%.6g..%.6g\n", slices.Min(r.Scales), slices.Max(r.Scales))
	}
	if r.NsPerElement != nil {
		fmt.Fprintf(t, "ns_per_element\t%.3g\n", *r.NsPerElement)
	}
	fmt.Fprintf(t, "seconds\t%.4f\n", r.Seconds)
	return t.Flush()
}

// moduleVersion is the version of the library's module in this program. One that was built
// in a clone has only the command's, with the commit if git told it.
func moduleVersion() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range build.Deps {
		if m.Path == "github.com/dropblock-go/dropblock" && m.Version != "(devel)" && m.Replace == nil {
			return m.Version
		}
	}
	return build.Main.Version
}

const (
	timedRuns = 9
	// minRun makes a run long against the resolution of the clock.
	minRun = 20 * time.Microsecond
	// maxTiming stops the repeats of long calls.
	maxTiming = 200 * time.Millisecond
)

// timed makes a call and, with -time, returns the median time of further ones, which do the
// same: the steady state of a training loop, with memory and tables allocated.
func (o *options) timed(call func()) time.Duration {
	run := func(calls int) time.Duration {
		start := time.Now()
		for range calls {
			call()
		}
		return time.Since(start) / time.Duration(calls)
	}
	run(1)
	if !o.time {
		return 0
	}
	start := time.Now()
	calls := 1 + int(minRun/max(run(1), 1))
	times := []time.Duration{run(calls)}
	for len(times) < timedRuns && time.Since(start) < maxTiming {
		times = append(times, run(calls))
	}
	slices.Sort(times)
	return times[len(times)/2]
}
