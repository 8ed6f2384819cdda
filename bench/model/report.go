package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A row is a figure of the table.
type row struct {
	kernel, cpu string
	turn        turn
	per         int // 0 for a sum of loops
	unit        string
	each        float64 // cycles for one of what a turn yields
	limit       float64 // of each; 0 for none
}

func (r row) missed() bool { return r.limit > 0 && !(r.each <= r.limit) }

// tabulate makes rows of the turns of the kernels' loops on each core.
func tabulate(turns map[string]map[string]turn) (rows []row) {
	for _, k := range kernels {
		for _, cpu := range cores {
			t := turns[cpu][k.name]
			rows = append(rows, row{k.name, cpu, t, k.per, k.unit, t.cycles / float64(k.per), limits[k.name][cpu]})
		}
	}
	for _, cpu := range cores {
		sum := row{kernel: dilationName, cpu: cpu, unit: "bits", limit: limits[dilationName][cpu]}
		for name, passes := range dilation {
			sum.each += passes * turns[cpu][name].cycles / float64(findKernel(name).per)
		}
		rows = append(rows, sum)
	}
	return rows
}

func markdown(w io.Writer, version, command string, date time.Time, rows []row) error {
	var b strings.Builder
	fmt.Fprintf(&b, "A model's prediction, no measurement: llvm-mca of LLVM %s, %s, `%s`.\n", version, date.Format(time.DateOnly), command)
	b.WriteString("Cycles of one core, everything in its first-level cache. The dilation is one row pass, two steps and the last.\n\n")
	b.WriteString("| kernel | CPU | cycles a turn | busiest unit | a turn yields | cycles for each | limit | |\n|---|---|--:|---|--:|--:|--:|---|\n")
	for _, r := range rows {
		cycles, busiest, yield, limit, verdict := "", "", r.unit, "", ""
		if r.per > 0 {
			cycles = fmt.Sprintf("%.1f", r.turn.cycles)
			busiest = fmt.Sprintf("%s %.1f", r.turn.busiest, r.turn.busy)
			yield = fmt.Sprintf("%d %s", r.per, r.unit)
		}
		if r.limit > 0 {
			limit, verdict = fmt.Sprintf("%.2f", r.limit), "met"
			if r.missed() {
				verdict = "missed"
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %.4f | %s | %s |\n",
			r.kernel, r.cpu, cycles, busiest, yield, r.each, limit, verdict)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// check returns an error that names what is above its limit.
func check(rows []row) error {
	var missed []string
	n := 0
	for _, r := range rows {
		if r.limit > 0 {
			n++
		}
		if r.missed() {
			missed = append(missed, fmt.Sprintf("%s on %s: %.4f > %.2f cycles", r.kernel, r.cpu, r.each, r.limit))
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("%d of %d figures missed:\n\t%s", len(missed), n, strings.Join(missed, "\n\t"))
	}
	return nil
}
