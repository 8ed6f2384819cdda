package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A report is a run of the program.
type report struct {
	Machine machine   `json:"machine"`
	Load    [2]string `json:"load_average,omitzero"` // of Linux, before and after
	Date    time.Time `json:"date"`
	Command string    `json:"command"`
	Clock   string    `json:"clock"`
	P       float64   `json:"p"`
	Rounds  int       `json:"rounds"`
	SliceNs int64     `json:"slice_ns"`
	Results []*result `json:"results"`

	kernels []string
}

var stepOpNames = []string{opApply, opInPlace, opSample, opForward}

// markdown writes the report as tables.
func (r *report) markdown(w io.Writer) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, %d CPUs", m.CPU, m.CPUs)
	if m.Caches != nil {
		fmt.Fprintf(&b, ", caches %s", strings.Join(m.Caches, ", "))
	}
	fmt.Fprintf(&b, ", %s %s/%s, %s", m.Go, m.OS, m.Arch, r.Date.Format(time.DateOnly))
	if r.Load[0] != "" {
		fmt.Fprintf(&b, ", load %s before and %s after", r.Load[0], r.Load[1])
	}
	fmt.Fprintf(&b, "\n`%s`\n\n", r.Command)
	fmt.Fprintf(&b, "Ratio of %s to that of the fastest copy of the same feature map in the same round: median (quartiles)\nof %d interleaved rounds, p = %v, one thread. Forward is sample, then apply.\n\n", r.Clock, r.Rounds, r.P)

	b.WriteString("| shape, block | MiB | kernels | apply | in place | sample | forward | targets |\n|---|--:|---|--:|--:|--:|--:|---|\n")
	for _, res := range r.Results {
		for _, k := range r.kernels {
			fmt.Fprintf(&b, "| %s | %.1f | %s |", res.Setting, float64(4*res.Elements)/mib, k)
			for _, op := range stepOpNames {
				q := res.find(op, k).Ratio
				fmt.Fprintf(&b, " %.2f (%.2f–%.2f) |", q.Median, q.Q1, q.Q3)
			}
			fmt.Fprintf(&b, " %s |\n", verdict(res.missed(k)))
		}
	}

	b.WriteString("\nMedian ns per element; ▸ marks the fastest copy.\n\n")
	b.WriteString("| shape, block | | copy | apply | in place | sample | forward |\n|---|---|--:|--:|--:|--:|--:|\n")
	for _, res := range r.Results {
		for _, s := range res.Series {
			if s.Op == opCopy {
				mark := ""
				if s.Impl == res.Copy {
					mark = "▸ "
				}
				fmt.Fprintf(&b, "| %s | %s | %s%.4f | | | | |\n", res.Setting, s.Impl, mark, s.NsPerElement.Median)
			}
		}
		for _, k := range r.kernels {
			fmt.Fprintf(&b, "| %s | %s | |", res.Setting, k)
			for _, op := range stepOpNames {
				fmt.Fprintf(&b, " %.4f |", res.find(op, k).NsPerElement.Median)
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func verdict(missed []string, n int) string {
	switch {
	case n == 0:
		return "–"
	case len(missed) == 0:
		return "met"
	}
	return "missed: " + strings.Join(missed, ", ")
}

// check returns an error that names the targets missed, or that there were
// none.
func (r *report) check() error {
	var all []string
	total := 0
	for _, res := range r.Results {
		for _, k := range r.kernels {
			missed, n := res.missed(k)
			total += n
			for _, text := range missed {
				all = append(all, fmt.Sprintf("%s %s: %s", res.Setting, k, text))
			}
		}
	}
	switch {
	case total == 0:
		return fmt.Errorf("no target is set for these shapes: they are for 3 MiB or more and a mask per channel")
	case len(all) > 0:
		return fmt.Errorf("%d of %d targets missed:\n\t%s", len(all), total, strings.Join(all, "\n\t"))
	}
	return nil
}

// write puts the report into a file as JSON, a line for a series, whole or not
// at all.
func (r *report) write(name string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for _, start := range []string{`{"setting":`, `{"op":`} { // Quotes inside a value are escaped.
		text = bytes.ReplaceAll(text, []byte(start), []byte("\n"+start))
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
