package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// limitsText says what -check holds a run to; its head tells the form.
//
//go:embed results/limits.txt
var limitsText string

// A limit is the highest ratio to the fastest copy, or the lowest speed-up against a
// peer or one worker.
type limit struct {
	kernels, op, base string // opCopy, oneWorker, or the name of a peer
	value             float64
	setting           string
}

const oneWorker = "one-worker"

// freeCPUs is how much of the CPUs others may have had for two workers to be
// judged: a twentieth of the second one's time changes the figure by as much.
const freeCPUs = 0.05

func parseLimits(text string) (all []limit, err error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) < 5 {
			return nil, fmt.Errorf("limit %q has %d fields, want 5 or more", line, len(f))
		}
		value, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			return nil, fmt.Errorf("limit %q: %w", line, err)
		}
		for op := range strings.SplitSeq(f[1], ",") {
			for _, setting := range f[4:] {
				all = append(all, limit{f[0], op, f[2], value, setting})
			}
		}
	}
	return all, nil
}

func (l limit) missed(v float64) bool {
	if l.base == opCopy {
		return v > l.value
	}
	return v < l.value
}

// value is what a limit judges, if it was measured.
func (res *result) value(l limit) (float64, bool) {
	switch l.base {
	case opCopy:
		if s := res.find(l.op, l.kernels, 1); s != nil {
			return s.Ratio.Median, true
		}
	case oneWorker:
		// Two workers cannot gain what two copying goroutines do not, the memory being
		// what limits them.
		if copies, ok := res.copiesTimes(); ok && copies < l.value {
			return 0, false
		}
		if res.Others != nil && *res.Others < freeCPUs {
			return res.workersTimes(l.op, l.kernels)
		}
	default:
		for _, s := range res.SpeedUps {
			if s.Peer == l.base && s.Impl == l.kernels && s.Threads == 1 {
				return s.Times.Median, true
			}
		}
	}
	return 0, false
}

// check returns an error that names the limits missed, or that there were none.
func (r *report) check() error {
	limits, err := parseLimits(limitsText)
	if err != nil {
		return err
	}
	total := 0
	var missed []string
	for _, l := range limits {
		i := slices.IndexFunc(r.Results, func(res *result) bool { return res.Setting == l.setting })
		if i < 0 {
			continue
		}
		v, ok := r.Results[i].value(l)
		if !ok {
			continue
		}
		total++
		if l.missed(v) {
			missed = append(missed, fmt.Sprintf("\n\t%s: %s of %s ÷ %s is %.4g, want %.4g", l.setting, title(l.op), l.kernels, l.base, v, l.value))
		}
	}
	switch {
	case total == 0:
		return fmt.Errorf("there is no limit for these shapes and kernels")
	case missed != nil:
		return fmt.Errorf("%d of %d limits missed:%s", len(missed), total, strings.Join(missed, ""))
	}
	return nil
}
