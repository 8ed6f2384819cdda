package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dropblock-go/dropblock"
)

// report is the output of apply, dilate and show.
type report struct {
	Shape        []int   `json:"shape"`
	Kernel       string  `json:"kernel"`
	Gamma        float64 `json:"gamma"`
	Seeds        int     `json:"seeds"`
	Dropped      int     `json:"dropped"`
	Kept         int     `json:"kept"`
	DropRate     float64 `json:"drop_rate"`
	Scale        float64 `json:"scale"`
	NsPerElement float64 `json:"ns_per_element"`
	Seconds      float64 `json:"seconds"`
}

// print writes the report of a mask for a feature map with the extents dims.
// perCall is how long the library's part takes.
func (o *options) print(w io.Writer, dims []int, l *dropblock.Layer, m *dropblock.Mask, perCall time.Duration) error {
	r := report{
		Shape:    dims,
		Kernel:   l.Kernels().String(),
		Gamma:    m.Gamma(),
		Seeds:    m.SeedCount(),
		Dropped:  m.Dropped(),
		Kept:     m.Kept(),
		DropRate: m.DropRate(),
		Scale:    m.Scales()[0],
	}
	if m.Len() > 0 {
		r.NsPerElement = float64(perCall) / float64(m.Shape().Len())
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
	fmt.Fprintf(t, "scale\t%.6g\n", r.Scale)
	fmt.Fprintf(t, "ns_per_element\t%.3g\n", r.NsPerElement)
	fmt.Fprintf(t, "seconds\t%.4f\n", r.Seconds)
	return t.Flush()
}

const (
	timedRuns = 9
	// minRun makes a run long against the resolution of the clock.
	minRun = 20 * time.Microsecond
	// maxTiming stops the repeats of long calls.
	maxTiming = 200 * time.Millisecond
)

// timed makes a call and returns the median time of further ones, which do the same:
// the steady state of a training loop, with memory and tables allocated.
func timed(call func()) time.Duration {
	run := func(calls int) time.Duration {
		start := time.Now()
		for range calls {
			call()
		}
		return time.Since(start) / time.Duration(calls)
	}
	run(1)
	start := time.Now()
	calls := 1 + int(minRun/max(run(1), 1))
	times := []time.Duration{run(calls)}
	for len(times) < timedRuns && time.Since(start) < maxTiming {
		times = append(times, run(calls))
	}
	slices.Sort(times)
	return times[len(times)/2]
}
