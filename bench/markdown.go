package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// markdown writes the report as tables, those for readers first.
func (r *report) markdown(w io.Writer) error {
	b := new(strings.Builder)
	r.caption(b)
	r.copyTable(b)
	r.peerTable(b)
	r.workersTable(b)
	if len(r.NotRun) > 0 {
		b.WriteString("\n### Not run\n\n")
		for _, text := range r.NotRun {
			fmt.Fprintf(b, "- %s\n", text)
		}
	}
	r.timeTable(b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) caption(b *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(b, "%s, %d CPUs", m.CPU, m.CPUs)
	if m.Caches != nil {
		fmt.Fprintf(b, ", caches %s", strings.Join(m.Caches, ", "))
	}
	fmt.Fprintf(b, ", %s %s/%s", m.Go, m.OS, m.Arch)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(b, ", %s %s", name, r.Versions[name])
	}
	fmt.Fprintf(b, ", %s\n`%s`\n", r.Date.Format(time.DateOnly), r.Command)
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

func mebibytes(res *result) string { return fmt.Sprintf("%.1f", float64(4*res.Elements)/mib) }

func titled(ops []string) (all []string) {
	for _, op := range ops {
		all = append(all, title(op))
	}
	return all
}

func (r *report) copyTable(b *strings.Builder) {
	ops := []string{opApply, opBackward, opInPlace, opForward, opForwardInPlace}
	fmt.Fprintf(b, "\n### Beside a copy\n\nTime ÷ the fastest copy of the same feature map, one thread, p = %v: medians of %d interleaved rounds in %s.\nBackward is apply on other memory, forward is sample, then apply.\n\n", r.P, r.Rounds, passes(r.Passes))
	var rows [][]string
	for _, res := range r.Results {
		for _, k := range r.Kernels {
			row := []string{res.Setting, k, mebibytes(res)}
			for _, op := range ops {
				text := "–"
				if s := res.find(op, k, 1); s != nil {
					text = figure(s.Ratio.Median)
				}
				row = append(row, text)
			}
			rows = append(rows, row)
		}
	}
	writeTable(b, 2, append([]string{"shape, block", "kernels", "MiB"}, titled(ops)...), rows)
}

func (r *report) peerTable(b *strings.Builder) {
	var rows [][]string
	for _, res := range r.Results {
		for _, theirs := range res.Series {
			if theirs.Threads != 1 || !slices.ContainsFunc(res.SpeedUps, func(s speedUp) bool { return s.Peer == theirs.Impl }) {
				continue
			}
			row := []string{res.Setting, theirs.Impl, fmt.Sprintf("%.3g", theirs.NsPerElement.Median), "–"}
			if two := res.find(theirs.Op, theirs.Impl, 2); two != nil {
				row[3] = fmt.Sprintf("%.3g", two.NsPerElement.Median)
			}
			cell := func(impl string, threads int) {
				for _, s := range res.SpeedUps {
					if s.Peer == theirs.Impl && s.Impl == impl && s.Threads == threads {
						row = append(row, figure(s.Times.Median))
						return
					}
				}
				row = append(row, "–")
			}
			for _, k := range r.Kernels {
				cell(k, 1)
			}
			cell(r.Kernels[0], 2)
			rows = append(rows, row)
		}
	}
	if rows == nil {
		return
	}
	fmt.Fprintf(b, "\n### Beside others\n\nTime of others ÷ ours by the clock, with the options that give their masks from their seeds, which was checked before: each of\nour kernel sets with one worker against one thread, and %s with two against two. Medians of the %d rounds in which they\ntook part. Forward, but dilation alone for OpenCV.\n\n", r.Kernels[0], (r.Rounds-1)/r.PeerEvery+1)
	head := []string{"shape, block", "peer", "its ns per element", "2 threads"}
	for _, k := range r.Kernels {
		head = append(head, "÷ "+k)
	}
	writeTable(b, 2, append(head, "2 threads ÷ 2 workers"), rows)
}

func (r *report) workersTable(b *strings.Builder) {
	var rows [][]string
	for _, res := range r.Results {
		copies, ok := res.copiesTimes()
		if !ok {
			return
		}
		for _, k := range r.Kernels {
			row := []string{res.Setting, k, mebibytes(res), figure(copies)}
			for _, op := range stepOpNames {
				v, _ := res.workersTimes(op, k)
				row = append(row, figure(v))
			}
			rows = append(rows, row)
		}
	}
	fmt.Fprintf(b, "\n### Two workers\n\nOne worker ÷ two, by the clock, beside the fastest copy by one goroutine ÷ the fastest by two.\n\n")
	head := append([]string{"shape, block", "kernels", "MiB", "copy"}, titled(stepOpNames)...)
	writeTable(b, 2, head, rows)
}

func (r *report) timeTable(b *strings.Builder) {
	clock := "CPU time"
	if !slices.ContainsFunc(r.Results[0].Series, func(s series) bool { return s.CPU != nil }) {
		clock = "time by the clock"
	}
	fmt.Fprintf(b, "\n### Times\n\nMedian ns per element of %s, one thread; ▸ marks the fastest copy.\n\n", clock)
	ops := append([]string{opScaleCopy}, stepOpNames...)
	var rows [][]string
	for _, res := range r.Results {
		for _, s := range res.Series {
			if s.Op == opCopy && s.Threads == 1 {
				mark := ""
				if s.Impl == res.Copy {
					mark = "▸ "
				}
				row := []string{res.Setting, s.Impl, fmt.Sprintf("%s%.4f", mark, s.NsPerElement.Median)}
				rows = append(rows, append(row, make([]string, len(ops))...))
			}
		}
		for _, k := range r.Kernels {
			row := []string{res.Setting, k, ""}
			for _, op := range ops {
				text := "–"
				if s := res.find(op, k, 1); s != nil {
					text = fmt.Sprintf("%.4f", s.NsPerElement.Median)
				}
				row = append(row, text)
			}
			rows = append(rows, row)
		}
	}
	writeTable(b, 2, append([]string{"shape, block", "", "copy"}, titled(ops)...), rows)
}

// passes is a number of passes in words.
func passes(n int) string {
	if n == 1 {
		return "one pass"
	}
	return fmt.Sprintf("%d passes through all settings", n)
}
