package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// markdown returns the report as tables, those for readers first.
func (r *report) markdown() string {
	b := new(strings.Builder)
	b.WriteString(r.Machine.String())
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(b, ", %s %s", name, r.Versions[name])
	}
	fmt.Fprintf(b, ", %s\n`%s`\n", r.Date.Format(time.DateOnly), r.Command)
	r.copyTable(b)
	r.fewTable(b)
	r.peerTable(b)
	r.workersTable(b)
	writeList(b, "\n### Not run\n\n", r.NotRun)
	r.timeTable(b)
	return b.String()
}

// writeTable writes a table whose first columns are text and the others numbers.
func writeTable(b *strings.Builder, text int, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|", strings.Join(head, " | "))
	for i := range head {
		b.WriteString(map[bool]string{true: "---|", false: "--:|"}[i < text])
	}
	b.WriteString("\n")
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

// writeList writes lines below a heading, if there are any.
func writeList(b *strings.Builder, heading string, lines []string) {
	for i, text := range lines {
		if i == 0 {
			b.WriteString(heading)
		}
		fmt.Fprintf(b, "- %s\n", text)
	}
}

// figure writes a ratio with as many digits as it is worth.
func figure(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

const none = "–"

// ratio is that of two tasks, if both were measured.
func ratio(above, below *series, cpu bool) string {
	if above == nil || below == nil {
		return none
	}
	return figure(quotients(above, below, cpu).median)
}

// ns is a task's time an element, if it was measured.
func ns(format string, s *series) string {
	if s == nil {
		return none
	}
	return fmt.Sprintf(format, s.median())
}

// rows are of each kernel set, with a cell for each op behind the cells of begin.
func (res *result) rows(kernels, begin, ops []string, cell func(op, kernels string) string) (rows [][]string) {
	for _, k := range kernels {
		row := append([]string{res.Setting, k}, begin...)
		for _, op := range ops {
			row = append(row, cell(op, k))
		}
		rows = append(rows, row)
	}
	return rows
}

func mebibytes(res *result) string { return fmt.Sprintf("%.1f", float64(res.setting.bytes())/(1<<20)) }

func (r *report) copyTable(b *strings.Builder) {
	ops := slices.DeleteFunc(slices.Clone(stepNames), func(op string) bool { return op == opSample })
	fmt.Fprintf(b, "\n### Beside a copy\n\nTime ÷ the fastest copy of the same feature map, one thread, p = %v: medians of %d interleaved rounds in %s.\nBackward is apply on other memory, forward is sample, then apply.\n\n", r.P, r.Rounds, inPasses(r.Passes))
	var rows [][]string
	for _, res := range r.Results {
		rows = append(rows, res.rows(r.Kernels, []string{mebibytes(res)}, ops, func(op, k string) string {
			return ratio(res.find(op, k, 1), res.fastest(1), true)
		})...)
	}
	writeTable(b, 2, append([]string{"shape, block", "kernels", "MiB"}, names(ops, title)...), rows)
}

// fewTable is of the steps that few settings have.
func (r *report) fewTable(b *strings.Builder) {
	var rows [][]string
	for _, res := range r.Results {
		if res.fastestOf(opAddLoop, 1) == nil {
			continue
		}
		rows = append(rows, res.rows(r.Kernels, []string{mebibytes(res)}, fewNames, func(op, k string) string {
			below := res.fastest(1)
			switch op {
			case "add":
				below = res.fastestOf(opAddLoop, 1)
			case "ramp":
				below = res.find(opForward, k, 1)
			}
			return ratio(res.find(op, k, 1), below, true)
		})...)
	}
	if rows == nil {
		return
	}
	b.WriteString("\n### Other ways to apply\n\nOf the same run: add ÷ the fastest loop that reads two maps of these bytes and writes one, fill and noise ÷ the fastest copy, and\nforward with another drop probability at each step ÷ forward.\n\n")
	writeTable(b, 2, append([]string{"shape, block", "kernels", "MiB"}, names(fewNames, title)...), rows)
}

func (r *report) peerTable(b *strings.Builder) {
	var rows [][]string
	for _, res := range r.Results {
		for _, p := range allPeers {
			op := opForward
			if p.dilates {
				op = opDilate
			}
			one, two, rival := res.find(op, p.name, 1), res.find(op, p.name, 2), p.rival(res.setting)
			if one == nil {
				continue
			}
			row := []string{res.Setting, p.name, ns("%.3g", one), ns("%.3g", two)}
			for _, k := range r.Kernels {
				row = append(row, ratio(one, res.find(rival, k, 1), false))
			}
			rows = append(rows, append(row, ratio(two, res.find(rival, r.Kernels[0], 2), false)))
		}
	}
	if rows == nil {
		return
	}
	fmt.Fprintf(b, "\n### Beside others\n\nTime of others ÷ ours by the clock, with the options that give their masks from their seeds, which was checked before: each of\nour kernel sets with one worker against one thread, and %s with two against two. Medians of the %d rounds in which they\ntook part. Forward, but dilation alone for OpenCV.\n\n", r.Kernels[0], (r.Rounds-1)/r.PeerEvery+1)
	head := append([]string{"shape, block", "peer", "its ns per element", "2 threads"}, names(r.Kernels, func(k string) string { return "÷ " + k })...)
	writeTable(b, 2, append(head, "2 threads ÷ 2 workers"), rows)
}

func (r *report) workersTable(b *strings.Builder) {
	if !slices.ContainsFunc(r.Results, func(res *result) bool { return res.setting.usual() && res.fastest(2) != nil }) {
		return
	}
	b.WriteString("\n### Two workers\n\nOne worker ÷ two, by the clock, beside the fastest copy by one goroutine ÷ the fastest by two.\n\n")
	var rows [][]string
	for _, res := range r.Results {
		if !res.setting.usual() {
			continue
		}
		begin := []string{mebibytes(res), ratio(res.fastest(1), res.fastest(2), false)}
		rows = append(rows, res.rows(r.Kernels, begin, stepNames, func(op, k string) string {
			return ratio(res.find(op, k, 1), res.find(op, k, 2), false)
		})...)
	}
	writeTable(b, 2, append([]string{"shape, block", "kernels", "MiB", "copy"}, names(stepNames, title)...), rows)
}

func (r *report) timeTable(b *strings.Builder) {
	clock := "CPU time"
	if r.Results[0].fastest(1).CPU == nil {
		clock = "time by the clock"
	}
	fmt.Fprintf(b, "\n### Times\n\nMedian ns per element of %s, one thread; ▸ marks the fastest copy.\n\n", clock)
	ops := append([]string{opScaleCopy}, stepNames...)
	var rows [][]string
	for _, res := range r.Results {
		for _, s := range res.Series {
			if s.Op == opCopy && s.Threads == 1 {
				mark := ""
				if s.task == res.fastest(1).task {
					mark = "▸ "
				}
				rows = append(rows, append([]string{res.Setting, s.Impl, mark + ns("%.4f", &s)}, make([]string, len(ops))...))
			}
		}
		rows = append(rows, res.rows(r.Kernels, []string{""}, ops, func(op, k string) string {
			return ns("%.4f", res.find(op, k, 1))
		})...)
	}
	writeTable(b, 2, append([]string{"shape, block", "", "copy"}, names(ops, title)...), rows)
}

// inPasses is a number of passes in words.
func inPasses(n int) string {
	if n == 1 {
		return "one pass"
	}
	return fmt.Sprintf("%d passes through all settings", n)
}
