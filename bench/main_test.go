package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
	args := []string{
		"-rounds", "3", "-slice", "100us", "-shapes", strings.Join(shapes, ","),
		"-peers", "torchvision,tutorial,opencv-u8", "-peer-every", "2", "-python", fakePython(t, "good"), "-o", out,
	}
	var stdout, stderr bytes.Buffer
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	kernels := implNames(opForward)
	tables, err := os.ReadFile(out[:len(out)-len("json")] + "md")
	if err != nil || !bytes.Equal(tables, stdout.Bytes()) {
		t.Errorf("the tables in the file are not those printed: %v", err)
	}

	ratios := table(t, stdout.String(), "shape, block | kernels | MiB | apply | backward | in place | forward | forward in place |")
	if want := 2 + len(shapes)*len(kernels); len(ratios) != want {
		t.Errorf("%d lines of ratios, want %d:\n%s", len(ratios), want, &stdout)
	}
	for i, row := range ratios[2:] {
		if want := []string{shapes[i/len(kernels)], kernels[i%len(kernels)], "0.0"}; !slices.Equal(row[:3], want) {
			t.Errorf("row %d begins %q, want %q", i, row[:3], want)
		}
		for _, cell := range row[3:] { // A tiny shape has no targets.
			if number(t, cell) <= 0 {
				t.Errorf("the ratio is %q", cell)
			}
		}
	}
	ratio := regexp.MustCompile(`^(\d+\.\d\d) \((\d+\.\d\d)–(\d+\.\d\d)\)$`)
	quartiles := table(t, stdout.String(), "shape, block | kernels | scale-copy | apply | backward |")
	for _, row := range quartiles[2:] {
		for i, cell := range row[2:] {
			if i == 0 && cell == "–" && row[1] != "generic" { // a kernel set without a scale-copy
				continue
			}
			m := ratio.FindStringSubmatch(cell)
			if m == nil {
				t.Fatalf("%q is not a ratio with quartiles", cell)
			}
			if median, q1, q3 := number(t, m[1]), number(t, m[2]), number(t, m[3]); !(0 < median && q1 <= median && median <= q3) {
				t.Errorf("%q: not quartiles around a median above 0", cell)
			}
		}
	}
	times := table(t, stdout.String(), "shape, block |  | copy |")
	if want := 2 + len(shapes)*(len(kernels)+len(implNames(opCopy))); len(times) != want {
		t.Errorf("%d lines of times, want %d:\n%s", len(times), want, &stdout)
	}
	if n := strings.Count(stdout.String(), "| ▸ "); n != len(shapes) {
		t.Errorf("%d fastest copies, want %d", n, len(shapes))
	}
	if runtime.NumCPU() > 1 {
		workers := table(t, stdout.String(), "shape, block | kernels | MiB | copy | apply |")
		if want := 2 + len(shapes)*len(kernels); len(workers) != want {
			t.Errorf("%d lines of workers, want %d:\n%s", len(workers), want, &stdout)
		}
	}
	peers := table(t, stdout.String(), "shape, block | peer |")
	var got []string
	for _, row := range peers[2:] {
		got = append(got, row[0]+" "+row[1])
		for _, cell := range row[4 : 4+len(kernels)] {
			if number(t, cell) <= 0 {
				t.Errorf("the speed-up is %q", cell)
			}
		}
	}
	if want := []string{shapes[0] + " torchvision", shapes[0] + " opencv-u8", shapes[1] + " tutorial"}; !slices.Equal(got, want) {
		t.Errorf("peers %q, want %q", got, want)
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
	if rep.Machine.CPU == "" || rep.Machine.Go == "" || rep.Date.IsZero() || rep.Versions["fake"] != "1" || len(rep.Results) != len(shapes) {
		t.Errorf("the JSON lacks something: %+v", rep)
	}
	for i, res := range rep.Results {
		if res.Setting != shapes[i] {
			t.Errorf("result %d is of %s", i, res.Setting)
		}
		if fastest := res.find(opCopy, res.Copy, 1); fastest.Ratio.Median != 1 {
			t.Errorf("%s: the fastest copy has the ratio %v to itself", res.Setting, fastest.Ratio)
		}
		for _, s := range res.Series {
			rounds := 3
			if s.Every == 2 {
				rounds = 2
			}
			if len(s.Wall) != rounds || s.CPU != nil && len(s.CPU) != rounds || s.NsPerElement != quartilesOf(s.rounds()) {
				t.Errorf("%s: %s of %s: %v of %v and %v", res.Setting, s.Op, s.Impl, s.NsPerElement, s.CPU, s.Wall)
			}
		}
		for _, k := range kernels {
			for _, op := range stepOpNames {
				for threads := 1; threads <= min(2, runtime.NumCPU()); threads++ {
					if res.find(op, k, threads) == nil {
						t.Errorf("%s: no %s of %s with %d workers", res.Setting, op, k, threads)
					}
				}
			}
		}
	}
}

// TestSweep runs the sweep's first sizes.
func TestSweep(t *testing.T) {
	opt, err := parse([]string{"-slice", "1us", "-rounds", "2", "-peers", "all", "-python", fakePython(t, "good")}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	opt.workers = []int{1, 2}
	if _, notRun := opt.startPeers(); notRun != nil {
		t.Fatal(notRun)
	}
	defer opt.stopPeers()
	sizes := sweepSettings()
	results, err := opt.measureAll([]setting{sizes[0], sizes[13]}, true, newProgress(io.Discard, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range results {
		s := res.setting
		if res.failed != nil {
			t.Fatal(res.failed)
		}
		for _, k := range opt.kernels {
			if res.find(opForward, k.String(), 1) == nil {
				t.Errorf("%v: no forward of %v", s, k)
			}
		}
		for _, p := range sweepPeers {
			if res.find(opForward, p, 1) == nil {
				t.Errorf("%v: no %s", s, p)
			}
		}
	}
	if n := 4 * sizes[0].shape.Len(); n < 16<<10 || n > 17<<10 {
		t.Errorf("the sweep begins with %d bytes", n)
	}
	if n := 4 * sizes[12].shape.Len(); n < 64<<20 || n > 65<<20 {
		t.Errorf("the sweep ends with %d bytes", n)
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
		{[]string{"-passes", "0"}, "-passes is 0, want 1 or more"},
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
		{[]string{"-o", filepath.Join(t.TempDir(), "x.txt")}, "-o is"},
		{[]string{"-sweep", "-1"}, "-sweep is -1"},
		{[]string{"-peer-every", "0"}, "-peer-every is 0"},
		{[]string{"-peers", "torch"}, `-peers: "torch" is not a peer, want none, all or some of [torchvision`},
		{[]string{"-peers", "timm,timm"}, "-peers: timm is there twice"},
		{[]string{"-python", "/nosuch/python"}, `-python is "/nosuch/python"`},
		{[]string{"-nosuch"}, "-nosuch"},
		{[]string{"-against", "/nosuch/bench"}, "-against: want a program"},
		{[]string{"-against", "sh", "-ops", "apply,x"}, `-ops: "x" is not an op, want some of [apply`},
		{[]string{"-against", "sh", "-ops", "apply,apply"}, "-ops: apply is there twice"},
		{[]string{"-against", "sh", "-workers", "0"}, `-workers: "0" is not a number of workers`},
		{[]string{"-against", "sh", "-workers", "2,2"}, "-workers: 2 is there twice"},
		{[]string{"-against", "sh", "-peers", "all"}, "-peers does not go with -against"},
		{[]string{"-ops", "apply"}, "-ops and -workers are for -against"},
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
	type values map[string]float64 // op, then kernel set or peer
	made := func(name string, others float64, v values) *report {
		s, err := parseSetting(name)
		if err != nil {
			t.Fatal(err)
		}
		res := &result{Setting: name, setting: s, Others: &others}
		for key, value := range v {
			f := strings.Split(key, "/")
			switch {
			case len(f) == 3 && f[2] == "2": // with two workers
				res.Series = append(res.Series,
					series{Op: f[0], Impl: f[1], Threads: 1, Wall: []float64{value}, Ratio: quartiles{Median: 1}},
					series{Op: f[0], Impl: f[1], Threads: 2, Wall: []float64{1}})
			case len(f) == 3:
				res.SpeedUps = append(res.SpeedUps, speedUp{f[2], f[0], f[1], 1, quartiles{Median: value}})
			default:
				res.Series = append(res.Series, series{Op: f[0], Impl: f[1], Threads: 1, Ratio: quartiles{Median: value}})
			}
		}
		return &report{Results: []*result{res}, Machine: machine{Caches: []string{"L1d 48K", "L3 32768K"}}}
	}
	for _, c := range []struct {
		name string
		v    values
		want string // of the error; empty for none
	}{
		{"32x512x7x7-b7", values{"apply/avx2": 1.06, "forward/avx2": 1.22}, ""},
		{"32x512x7x7-b7", values{"apply/avx2": 1.061}, "apply of avx2, ÷ copy: 1.06 > 1.06"},
		{"32x512x7x7-b7", values{"backward/avx2": 1.07}, "backward of avx2, ÷ copy: 1.07 > 1.06"},
		{"32x512x7x7-b7", values{"forward/avx2": 1.23}, "forward of avx2, ÷ copy: 1.23 > 1.22"},
		{"16x256x28x28-b5", values{"forward/avx2": 1.40, "forward/avx512": 1.20}, ""},
		{"16x256x28x28-b5", values{"forward/avx2": 1.41, "forward/avx512": 1.21}, "2 of 2 targets missed"},
		{"64x64x32x32-b3", values{"forward/avx2": 1.60, "forward/avx512": 1.28}, ""},
		{"64x64x32x32-b3", values{"forward/avx2": 1.61, "forward/avx512": 1.29}, "2 of 2 targets missed"},
		{"32x256x14x14-b7", values{"inplace/avx512": 0.59, "forwardinplace/avx512": 0.71}, "2 of 2 targets missed"},
		{"32x256x14x14-b7", values{"inplace/avx512": 0.58, "forwardinplace/avx512": 0.70, "forward/avx512": 1.15}, ""},
		{"32x256x14x14-b1", values{"forward/avx512": 1.5, "apply/avx512": 1.03}, ""},
		{"32x256x14x14-b1", values{"forward/avx512": 1.6, "apply/avx512": 1.04}, "2 of 2 targets missed"},
		// Over the last-level cache.
		{"8x256x56x56-b7", values{"apply/avx512": 1.03, "forward/avx512": 1.10, "forward/avx2": 1.35}, ""},
		{"8x256x56x56-b7", values{"apply/avx512": 1.04, "forward/avx512": 1.11, "forward/avx2": 1.36}, "3 of 3 targets missed"},
		{"8x256x56x56-b7", values{"apply/avx2": 9}, "no target is set"},
		{"32x512x7x7-b7/share=channels", values{"forward/avx512": 1.03}, ""},
		{"32x512x7x7-b7/share=channels", values{"forward/avx512": 1.04}, "1 of 1 targets missed"},
		{"32x512x7x7-b7", values{"forward/generic": 8, "apply/generic": 99}, ""},
		{"32x512x7x7-b7", values{"forward/generic": 8.1}, "forward of generic, ÷ copy: 8.10 > 8"},
		{"1x1x8x8-b3", values{"apply/avx2": 1}, "no target is set"},
		// Peers.
		{"32x256x14x14-b7", values{"forward/avx512/torchvision": 200}, ""},
		{"32x256x14x14-b7", values{"forward/avx512/torchvision": 199}, "÷ torchvision: 199 < 200"},
		{"1x64x224x224-b7", values{"forward/avx512/torchvision": 199}, "199 < 200"},
		{"32x512x7x7-b7", values{"forward/avx512/torchvision": 149}, "149 < 150"},
		{"32x512x7x7-b3", values{"forward/avx512/torchvision": 74}, "74.0 < 75"},
		{"16x256x28x28-b5", values{"forward/generic/torchvision": 19}, "19.0 < 20"},
		{"32x256x14x14-b1", values{"forward/avx512/dropout": 39}, "39.0 < 40"},
		{"8x256x56x56-b7/share=channels", values{"forward as tutorial/avx512/tutorial": 4.9}, "4.90 < 5"},
		{"8x256x56x56-b7/share=channels", values{"forward as tutorial/avx512/tutorial": 5}, ""},
		// Workers, where the CPUs are free.
		{"32x256x14x14-b7", values{"apply/avx512/2": 1.8}, ""},
		{"32x256x14x14-b7", values{"apply/avx512/2": 1.7}, "÷ one worker: 1.70 < 1.8"},
		{"32x256x14x14-b7", values{"apply/avx512/2": 1.7, "copy/go/2": 1.8}, "÷ one worker: 1.70 < 1.8"},
		{"32x256x14x14-b7", values{"apply/avx512/2": 1, "copy/go/2": 1.7}, ""}, // nor do copies
	} {
		err := made(c.name, 0, c.v).check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s with %v: %v, want %q", c.name, c.v, err, c.want)
		}
	}
	if err := made("32x256x14x14-b7", 0.1, values{"apply/avx512/2": 1}).check(); err != nil {
		t.Errorf("two workers are judged although others have the CPUs: %v", err)
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

// TestQuotients divides what rounds of both have in common.
func TestQuotients(t *testing.T) {
	ours := &series{Wall: []float64{1, 2, 3, 4, 5}, CPU: []float64{1, 1, 1, 1, 1}}
	theirs := &series{Wall: []float64{10, 60, 100}, Every: 2}
	for _, c := range []struct {
		above, below *series
		cpu          bool
		want         quartiles
	}{
		{theirs, ours, false, quartiles{15, 20, 20}}, // 10, 20, 20
		{ours, theirs, false, quartiles{0.05, 0.05, 0.075}},
		{ours, ours, false, quartiles{1, 1, 1}},
		{ours, ours, true, quartiles{1, 1, 1}},
	} {
		if got := quotients(c.above, c.below, c.cpu); got != c.want {
			t.Errorf("quotients of %v and %v are %v, want %v", c.above.Wall, c.below.Wall, got, c.want)
		}
	}
}

func TestMachine(t *testing.T) {
	for _, c := range []struct {
		m    machine
		slug string
		last int
	}{
		{machine{CPU: "AMD EPYC 9355P 32-Core Processor (family 26, model 2, stepping 1)", Caches: []string{"L1d 48K", "L2 1024K", "L3 32768K"}}, "amd-epyc-9355p-32-core-family-26-model-2", 32 * mib},
		{machine{CPU: "Intel(R) Xeon(R) CPU @ 2.60GHz (family 6, model 85, stepping 7)", Caches: []string{"36M"}}, "intel-xeon-2-60ghz-family-6-model-85", 36 * mib},
		{machine{CPU: "arm64"}, "arm64", 32 * mib},
	} {
		if got := c.m.slug(); got != c.slug {
			t.Errorf("the slug of %q is %q, want %q", c.m.CPU, got, c.slug)
		}
		if got := c.m.lastLevel(); got != c.last {
			t.Errorf("the last level of %q is %d, want %d", c.m.Caches, got, c.last)
		}
	}
}

// TestOthers watches for CPU time of others: there is some, or it is not known.
func TestOthers(t *testing.T) {
	var o others
	end := o.watch(new(plan))
	time.Sleep(150 * time.Millisecond)
	end()
	if cpus := o.cpus(); cpus != nil && !(0 <= *cpus && *cpus <= float64(runtime.NumCPU())+1) {
		t.Errorf("others had %v CPUs", *cpus)
	}
}
