package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock"
)

// table is the lines of a Markdown table as cells, its head first.
func table(t *testing.T, text, head string) [][]string {
	var rows [][]string
	at := strings.Index(text, "| "+head)
	if at < 0 {
		t.Fatalf("no table that begins with %q in:\n%s", head, text)
	}
	for line := range strings.Lines(text[at:]) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "|")
		if !ok {
			break
		}
		cells := strings.Split(strings.TrimSuffix(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(rows) > 0 && len(cells) != len(rows[0]) {
			t.Fatalf("a row of %d cells under a head of %d: %q", len(cells), len(rows[0]), line)
		}
		rows = append(rows, cells)
	}
	return rows
}

func TestRun(t *testing.T) {
	shapes := []string{"3x5x14x14-b7", "2x3x9x8-b3/share=channels"}
	out := filepath.Join(t.TempDir(), "out.json")
	args := []string{"-rounds", "3", "-slice", "100us", "-shapes", strings.Join(shapes, ","), "-o", out}
	var stdout, stderr bytes.Buffer
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	kernels := implNames(opForward)
	copies := implNames(opCopy)

	ratios := table(t, stdout.String(), "shape, block | MiB | kernels | apply | in place | sample | forward | targets |")
	if want := 2 + len(shapes)*len(kernels); len(ratios) != want {
		t.Errorf("%d lines of ratios, want %d:\n%s", len(ratios), want, &stdout)
	}
	ratio := regexp.MustCompile(`^(\d+\.\d\d) \((\d+\.\d\d)–(\d+\.\d\d)\)$`)
	for i, row := range ratios[2:] {
		if want := []string{shapes[i/len(kernels)], "0.0", kernels[i%len(kernels)]}; !slices.Equal(row[:3], want) {
			t.Errorf("row %d begins %q, want %q", i, row[:3], want)
		}
		for _, cell := range row[3:7] {
			m := ratio.FindStringSubmatch(cell)
			if m == nil {
				t.Fatalf("%q is not a ratio with quartiles", cell)
			}
			if median, q1, q3 := number(t, m[1]), number(t, m[2]), number(t, m[3]); !(0 < median && q1 <= median && median <= q3) {
				t.Errorf("%q: not quartiles around a median above 0", cell)
			}
		}
		if row[7] != "–" {
			t.Errorf("a tiny shape has the targets %q", row[7])
		}
	}

	ns := table(t, stdout.String(), "shape, block | | copy |")
	if want := 2 + len(shapes)*(len(kernels)+len(copies)); len(ns) != want {
		t.Errorf("%d lines of times, want %d:\n%s", len(ns), want, &stdout)
	}
	if n := strings.Count(stdout.String(), "| ▸ "); n != len(shapes) {
		t.Errorf("%d fastest copies, want %d", n, len(shapes))
	}

	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(text, &rep); err != nil {
		t.Fatal(err)
	}
	if want := "go run ./bench " + strings.Join(args, " "); rep.Command != want {
		t.Errorf("command %q, want %q", rep.Command, want)
	}
	if rep.Machine.CPU == "" || rep.Machine.Go == "" || rep.Date.IsZero() || len(rep.Results) != len(shapes) {
		t.Errorf("the JSON lacks something: %+v", rep)
	}
	for i, res := range rep.Results {
		if res.Setting != shapes[i] || len(res.Series) != len(copies)+len(stepOpNames)*len(kernels) {
			t.Errorf("result %d is %d series of %s", i, len(res.Series), res.Setting)
		}
		if fastest := res.find(opCopy, res.Copy); fastest.Ratio != (quartiles{1, 1, 1}) {
			t.Errorf("%s: the fastest copy has the ratio %v to itself", res.Setting, fastest.Ratio)
		}
		for _, s := range res.Series {
			if len(s.Rounds) != 3 || s.NsPerElement.Median != slices.Sorted(slices.Values(s.Rounds))[1] {
				t.Errorf("%s %s of %s: the median of %v is %v", res.Setting, s.Op, s.Impl, s.Rounds, s.NsPerElement.Median)
			}
		}
	}
}

func number(t *testing.T, s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestUsage gives bad flags: status 2, one line that names the flag and the
// value, and nothing measured.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-rounds", "0"}, "-rounds is 0"},
		{[]string{"-rounds", "-3"}, "-rounds is -3"},
		{[]string{"-rounds", "x"}, `invalid value "x" for flag -rounds`},
		{[]string{"-slice", "0s"}, "-slice is 0s"},
		{[]string{"-slice", "2h"}, "-slice is 2h"},
		{[]string{"-shapes", "14x14"}, `-shapes: "14x14" is not of the form`},
		{[]string{"-shapes", "1x1x8x8-b0"}, "-shapes: dropblock: Block.H is 0"},
		{[]string{"-shapes", "1x1x8x8-b3,1x1x8x8-b3"}, "-shapes: 1x1x8x8-b3 is there twice"},
		{[]string{"-shapes", "0x1x8x8-b3"}, "has 0 elements"},
		{[]string{"-shapes", "1024x1024x1024x1-b3"}, "has 1073741824 elements"},
		{[]string{"-shapes", "1x1x8x8-b3/share=batch"}, "is not of the form"},
		{[]string{"-kernels", "sse"}, `-kernels: dropblock: kernel set "sse"`},
		{[]string{"-kernels", "auto," + dropblock.Kernels()[0].String()}, "is there twice"},
		{[]string{"-o", filepath.Join(t.TempDir(), "none", "x.json")}, "-o is"},
		{[]string{"-nosuch"}, "-nosuch"},
		{[]string{"stray"}, `unexpected argument "stray"`},
	} {
		var stdout, stderr bytes.Buffer
		status := run(c.args, &stdout, &stderr)
		if text := stderr.String(); status != 2 || !strings.Contains(text, c.want) || strings.Count(text, "\n") != 1 {
			t.Errorf("%q: status %d, want 2, with %q; standard error %q", c.args, status, c.want, text)
		}
		if stdout.Len() > 0 {
			t.Errorf("%q: standard output %q", c.args, &stdout)
		}
	}
}

func TestSettingNames(t *testing.T) {
	for _, s := range settings {
		if got, err := parseSetting(s.String()); err != nil || got != s {
			t.Errorf("%v parses as %v, %v", s, got, err)
		}
	}
}

// TestCheck holds made-up measurements against the targets.
func TestCheck(t *testing.T) {
	made := func(name, impl string, apply, forward float64) *report {
		s, err := parseSetting(name)
		if err != nil {
			t.Fatal(err)
		}
		return &report{kernels: []string{impl}, Results: []*result{{
			Setting: name, setting: s,
			Series: []series{
				{Op: opApply, Impl: impl, Ratio: quartiles{Median: apply}},
				{Op: opForward, Impl: impl, Ratio: quartiles{Median: forward}},
			},
		}}}
	}
	for _, c := range []struct {
		name, impl     string
		apply, forward float64
		want           string // of the error; empty for none
	}{
		{"32x512x7x7-b7", "avx2", 1.06, 1.35, ""},
		{"32x512x7x7-b7", "avx2", 1.061, 1.35, "apply 1.061 > 1.06"},
		{"32x512x7x7-b7", "avx2", 1, 1.351, "forward 1.351 > 1.35"},
		{"16x256x28x28-b5", "avx2", 1, 1.40, ""},
		{"16x256x28x28-b5", "avx2", 1, 1.41, "forward 1.410 > 1.40"},
		{"64x64x32x32-b3", "avx2", 1.06, 1.60, ""},
		{"64x64x32x32-b3", "avx2", 1.07, 1.61, "2 of 2 targets missed"},
		{"8x256x56x56-b7", "avx2", 9, 1.35, ""}, // too large for the target of apply
		{"8x256x56x56-b7", "avx2", 1, 1.36, "1 of 1 targets missed"},
		{"32x512x7x7-b7", "generic", 9, 8, ""},
		{"32x512x7x7-b7", "generic", 1, 8.1, "forward 8.100 > 8.00"},
		{"32x256x14x14-b1", "avx2", 1.05, 9, ""},
		{"32x256x14x14-b1", "generic", 9, 9, "no target is set"},
		{"32x512x7x7-b7/share=channels", "avx2", 1, 1, "no target is set"},
		{"1x1x8x8-b3", "avx2", 1, 1, "no target is set"},
	} {
		err := made(c.name, c.impl, c.apply, c.forward).check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %s, apply %v, forward %v: %v, want %q", c.name, c.impl, c.apply, c.forward, err, c.want)
		}
	}
}

// TestCheckStatus runs the program where no target is set, which -check does
// not pass off as a success.
func TestCheckStatus(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := []string{"-check", "-rounds", "1", "-slice", "1us", "-shapes", "1x1x8x8-b3", "-kernels", "generic"}
	if status := run(args, &stdout, &stderr); status != 1 || !strings.Contains(stderr.String(), "no target is set") {
		t.Errorf("status %d, standard error %q", status, &stderr)
	}
}

func TestQuartiles(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want quartiles
	}{
		{[]float64{7}, quartiles{7, 7, 7}},
		{[]float64{2, 1}, quartiles{1.25, 1.5, 1.75}},
		{[]float64{5, 1, 4, 2, 3}, quartiles{2, 3, 4}},
	} {
		if got := quartilesOf(c.v); got != c.want {
			t.Errorf("quartiles of %v are %v, want %v", c.v, got, c.want)
		}
	}
}
