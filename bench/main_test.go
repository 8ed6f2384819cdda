package main

import (
	"bytes"
	"io"
	"path/filepath"
	"runtime"
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
	shapes := []string{"3x5x14x14-b7", "2x3x9x8-b3/share=channels", "3x5x14x14-b7-f64", "3x5x7x7-b7-f16", "3x5x7x7-b7-bf16"}
	fakePython(t, "good")
	out := filepath.Join(t.TempDir(), "out.json")
	args := []string{
		"-rounds", "6", "-slice", "100us", "-shapes", strings.Join(shapes, ","),
		"-peers", "torchvision,tutorial,opencv-u8", "-o", out,
	}
	var stdout, stderr bytes.Buffer
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	kernels := implNames(opForward)
	ratios := table(t, stdout.String(), "shape, block | kernels | MiB | apply | backward | in place | forward | forward in place |")
	if want := 2 + len(shapes)*len(kernels); len(ratios) != want {
		t.Errorf("%d lines of ratios, want %d:\n%s", len(ratios), want, &stdout)
	}
	for i, row := range ratios[2:] {
		if want := []string{shapes[i/len(kernels)], kernels[i%len(kernels)], "0.0"}; !slices.Equal(row[:3], want) {
			t.Errorf("row %d begins %q, want %q", i, row[:3], want)
		}
		for _, cell := range row[3:] {
			if number(t, cell) <= 0 {
				t.Errorf("the ratio is %q", cell)
			}
		}
	}
	times := table(t, stdout.String(), "shape, block |  | copy |")
	if want := 2 + len(shapes)*(len(kernels)+len(implNames(opCopy))); len(times) != want {
		t.Errorf("%d lines of times, want %d:\n%s", len(times), want, &stdout)
	}
	if strings.Contains(stdout.String(), "per element of CPU time") != (runtime.GOOS == "linux") {
		t.Errorf("the clock is not that of the system:\n%s", &stdout)
	}
	if n := strings.Count(stdout.String(), "| ▸ "); n != len(shapes) {
		t.Errorf("%d fastest copies, want %d", n, len(shapes))
	}
	if runtime.NumCPU() > 1 {
		workers := table(t, stdout.String(), "shape, block | kernels | MiB | copy | apply |")
		if want := 2 + 2*len(kernels); len(workers) != want { // of the usual settings
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

	rep, err := readReport(out)
	if err != nil {
		t.Fatal(err)
	}
	if again := rep.markdown(); again != stdout.String() {
		t.Errorf("the file's tables are not those printed:\n%s", again)
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
		for _, s := range res.Series {
			rounds := 6
			if s.Every == peerEvery {
				rounds = 2
			}
			if len(s.Wall) != rounds || s.CPU != nil && len(s.CPU) != rounds {
				t.Errorf("%s: %v: %v and %v", res.Setting, s.task, s.CPU, s.Wall)
			}
		}
		for _, k := range kernels {
			for _, op := range stepNames {
				most := min(2, runtime.NumCPU())
				if !res.setting.usual() {
					most = 1
				}
				for threads := 1; threads <= most; threads++ {
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
	fakePython(t, "good")
	opt, err := parse([]string{"-slice", "1us", "-rounds", "2", "-peers", "all"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	opt.workers = []int{1, 2}
	var rep report
	opt.startPeers(&rep)
	defer opt.process.stop()
	sizes := sweepSettings()
	results, err := opt.measure(&rep, []setting{sizes[0], sizes[13]}, 2, true, newProgress(io.Discard, 1))
	if err != nil || rep.NotRun != nil {
		t.Fatal(err, rep.NotRun)
	}
	for _, res := range results {
		s := res.setting
		for _, k := range opt.kernels {
			if res.find(opForward, k.String(), 1) == nil {
				t.Errorf("%v: no forward of %v", s, k)
			}
		}
		for _, p := range []string{"torchvision", "tutorial", "dropout"} {
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
		{[]string{"-rounds", "0"}, "-rounds 0"},
		{[]string{"-rounds", "x"}, `invalid value "x" for flag -rounds`},
		{[]string{"-slice", "0s"}, "-slice 0s"},
		{[]string{"-slice", "2h"}, "-slice 2h"},
		{[]string{"-sweep", "-1"}, "-sweep -1"},
		{[]string{"-shapes", "14x14"}, `for flag -shapes: "14x14" is not of the form`},
		{[]string{"-shapes", "1x1x8x8-b0"}, "for flag -shapes: \"1x1x8x8-b0\" is not of the form"},
		{[]string{"-shapes", "1x1x8x8-b3,1x1x8x8-b3"}, "for flag -shapes: 1x1x8x8-b3 is there twice"},
		{[]string{"-shapes", "0x1x8x8-b3"}, "has 0 bytes"},
		{[]string{"-shapes", "1024x1024x512x1-b3"}, "has 2147483648 bytes"},
		{[]string{"-shapes", "1x1x8x8-b3/share=some"}, "is not of the form"},
		{[]string{"-shapes", "1x1x8x8-b3/share=channels-f64"}, "is not of the form"},
		{[]string{"-kernels", "sse"}, `for flag -kernels: dropblock: the kernel set is "sse"`},
		{[]string{"-kernels", "auto," + dropblock.KernelSets()[0].String()}, "is there twice"},
		{[]string{"-o", filepath.Join(t.TempDir(), "none", "x.json")}, "for flag -o: want a directory"},
		{[]string{"-o", filepath.Join(t.TempDir(), "x.txt")}, "for flag -o: want a directory"},
		{[]string{"-peers", "torch"}, `for flag -peers: "torch" is not a peer, want all or some of [torchvision`},
		{[]string{"-peers", "timm,timm"}, "for flag -peers: timm is there twice"},
		{[]string{"-nosuch"}, "-nosuch"},
		{[]string{"-against", "/nosuch/bench"}, `invalid value "/nosuch/bench" for flag -against`},
		{[]string{"-against", "sh", "-ops", "apply,x"}, `for flag -ops: "x" is not an op, want some of [apply`},
		{[]string{"-against", "sh", "-ops", "apply,apply"}, "for flag -ops: apply is there twice"},
		{[]string{"-against", "sh", "-workers", "0"}, `for flag -workers: "0" is not a number of workers`},
		{[]string{"-against", "sh", "-workers", "2,2"}, "for flag -workers: 2 is there twice"},
		{[]string{"-against", "sh", "-peers", "all"}, "-peers does not go with -against"},
		{[]string{"-ops", "apply"}, "-ops is for -against"},
		{[]string{"-check"}, "-check is for -against"},
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
	for _, s := range slices.Concat(settings, otherSettings, smallSettings) {
		if got, err := parseSetting(s.String()); err != nil || got != s {
			t.Errorf("%v parses as %v, %v", s, got, err)
		}
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
		h    host
		slug string
	}{
		{host{CPU: "AMD EPYC 9355P 32-Core Processor (family 26, model 2, stepping 1)", Caches: []string{"L1d 48K", "L2 1024K", "L3 32768K"}}, "amd-epyc-9355p-32-core-family-26-model-2"},
		{host{CPU: "Intel(R) Xeon(R) CPU @ 2.60GHz (family 6, model 85, stepping 7)", Caches: []string{"36M"}}, "intel-xeon-2-60ghz-family-6-model-85"},
		{host{CPU: "arm64"}, "arm64"},
	} {
		if got := c.h.slug(); got != c.slug {
			t.Errorf("the slug of %q is %q, want %q", c.h.CPU, got, c.slug)
		}
	}
}
