package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// named is the test binary under a name that tells how it serves.
func named(t *testing.T, mode string) string {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), mode)
	if err := os.Symlink(exe, name); err != nil {
		t.Skip(err) // of Windows
	}
	return name
}

func fakeBuild(mode string) {
	greeting, tasks, digest, ns := protocol+" build of "+mode, "forward/generic/1 apply/generic/1 apply/generic/2", "d1", "100 300"
	switch mode {
	default: // the test binary's own name
		os.Exit(run([]string{"serve"}, os.Stdout, os.Stderr))
	case "quick":
	case "slow":
		ns = "103 330"
	case "less":
		tasks, digest = "forward/generic/1 new/generic/1 apply/avx9/1", "d2"
	case "nothing in common":
		tasks = "new/generic/1"
	case "next version":
		greeting = "dropblock-bench 2 build"
	case "no serve":
		fmt.Fprintln(os.Stderr, `bench: unexpected argument "serve": there are only flags`)
		os.Exit(2)
	case "bad tasks":
		tasks = "forward/generic"
	case "bad time":
		ns = "1e3 NaN"
	case "one time":
		ns = "100"
	case "babbles", "dies", "hangs", "refuses 1x1x8x8", "fails":
	}
	fmt.Println(greeting)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		f := strings.Fields(in.Text())
		switch f[0] {
		case "open":
			if mode == "refuses 1x1x8x8" && strings.HasPrefix(f[1], "1x1x8x8") {
				fmt.Println("error no such map")
				continue
			}
			fmt.Println("ok", tasks)
		case "digest":
			fmt.Println("ok", digest)
		case "runs":
			fmt.Println("ok 3")
		case "time":
			switch mode {
			case "babbles":
				fmt.Println("100 300")
			case "dies":
				fmt.Fprintln(os.Stderr, "panic: half way\n\ngoroutine 1 [running]")
				os.Exit(2)
			case "hangs":
				time.Sleep(time.Minute)
			case "fails":
				fmt.Println("error out of luck")
			default:
				fmt.Println("ok", ns)
			}
		}
	}
}

// against compares two builds as flags say.
func against(t *testing.T, ours, theirs string, flags ...string) (stdout string, err error) {
	args := append([]string{"-against", theirs, "-ours", ours, "-rounds", "5", "-kernels", "generic", "-workers", "1,2"}, flags...)
	opt, err := parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = opt.compare(&out, io.Discard)
	return out.String(), err
}

func TestAgainst(t *testing.T) {
	quick, slow := named(t, "quick"), named(t, "slow")
	out, err := against(t, slow, quick, "-shapes", "1x1x8x8-b3,1x1x9x9-b3", "-check")
	if err == nil || !strings.Contains(err.Error(), "6 of 6 rows are slower") || !strings.Contains(err.Error(), "1x1x9x9-b3: apply/generic/2: 1.100 (1.100–1.100)") {
		t.Errorf("%v, want 6 rows that are slower", err)
	}
	if !strings.HasPrefix(out, "Ours: build of slow. Theirs: build of quick. "+thisHost().CPU) {
		t.Errorf("the builds are not named:\n%s", out)
	}
	var want [][]string
	for _, shape := range []string{"1x1x8x8-b3", "1x1x9x9-b3"} {
		ns := map[string][2]string{"1x1x8x8-b3": {"1.6090", "5.1560"}, "1x1x9x9-b3": {"1.2720", "4.0740"}}[shape]
		want = append(want,
			[]string{shape, "apply", "generic", "1", ns[0], "**1.030**", "1.030–1.030", "slower"},
			[]string{shape, "apply", "generic", "2", ns[1], "**1.100**", "1.100–1.100", "slower"}, // by the clock
			[]string{shape, "forward", "generic", "1", ns[0], "**1.030**", "1.030–1.030", "slower"})
	}
	if rows := table(t, out, "shape, block | op |")[2:]; !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("rows %q, want %q", rows, want)
	}
	means := [][]string{
		{"apply", "4", "1.0644", "1.030–1.100"}, // √(1.03 · 1.1)
		{"forward", "2", "1.0300", "1.030–1.030"},
		{"all", "6", "1.0528", "1.030–1.100"},
	}
	if rows := table(t, out, "op | rows |")[2:]; !slices.EqualFunc(rows, means, slices.Equal) {
		t.Errorf("means %q, want %q", rows, means)
	}

	if out, err := against(t, quick, slow, "-shapes", "1x1x8x8-b3", "-check"); err != nil || strings.Contains(out, "| slower") {
		t.Errorf("%v although ours is faster:\n%s", err, out)
	}
	if _, err := against(t, slow, quick, "-shapes", "1x1x8x8-b3"); err != nil {
		t.Errorf("without -check: %v", err)
	}
	out, err = against(t, slow, quick, "-shapes", "1x1x8x8-b3", "-ops", "forward", "-workers", "1")
	if rows := table(t, out, "shape, block | op |")[2:]; err != nil || len(rows) != 1 || rows[0][1] != "forward" {
		t.Errorf("%v; of forward alone: %q", err, rows)
	}
}

// TestAgainstBuilds takes the next build in each pass.
func TestAgainstBuilds(t *testing.T) {
	quick, slow := named(t, "quick"), named(t, "slow")
	out, err := against(t, quick+","+slow, quick, "-shapes", "1x1x8x8-b3", "-ops", "forward", "-rounds", "3")
	if err != nil || !strings.HasPrefix(out, "Ours: build of quick; build of slow. Theirs: build of quick. ") {
		t.Fatalf("%v\n%s", err, out)
	}
	if rows := table(t, out, "shape, block | op |")[2:]; len(rows) != 1 || rows[0][6] != "1.000–1.015" { // 1, 1.03 and 1
		t.Errorf("rows %q", rows)
	}
}

// TestAgainstOther lists what builds do not have in common, and ends where they
// have nothing or one of them fails.
func TestAgainstOther(t *testing.T) {
	quick := named(t, "quick")
	for _, c := range []struct {
		mode  string
		err   string // empty for none
		notes []string
	}{
		{"less", "", []string{
			"1x1x8x8-b3: masks or outputs differ",
			"1x1x8x8-b3: only build of quick has apply/generic/1, apply/generic/2",
			"1x1x9x9-b3: masks or outputs differ",
		}},
		{"refuses 1x1x8x8", "", []string{"1x1x8x8-b3: build of refuses 1x1x8x8: no such map"}},
		{"nothing in common", "nothing to compare", nil},
		{"next version", `greets with "dropblock-bench 2 build", want "dropblock-bench 1"`, nil},
		{"no serve", `no greeting: the process ended: bench: unexpected argument "serve"`, nil},
		{"bad tasks", `"forward/generic" is not of the form forward/avx2/1`, nil},
		{"bad time", `the answer is ["1e3" "NaN"], want 2 numbers`, nil},
		{"one time", `the answer is ["100"], want 2 numbers`, nil},
		{"babbles", "want ok or error", nil},
		{"dies", "the process ended: panic: half way", nil},
		{"fails", "build of fails: time", nil},
	} {
		out, err := against(t, quick, named(t, c.mode), "-shapes", "1x1x8x8-b3,1x1x9x9-b3", "-check")
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.mode, err, c.err)
		}
		for _, note := range c.notes {
			if !strings.Contains(out, "\n- "+note+"\n") {
				t.Errorf("%s: %q is not said:\n%s", c.mode, note, out)
			}
		}
	}

	b, err := startBuild(named(t, "hangs"), 50*time.Millisecond)
	if err == nil {
		defer b.stop()
		_, err = b.numbers(2, "time apply/generic/1 1 1ms")
	}
	if err == nil || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("of a build that hangs: %v", err)
	}
}

// TestServe compares a build with itself, and asks for what it does not have.
func TestServe(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := against(t, exe, exe, "-shapes", "1x2x8x8-b3", "-rounds", "1", "-slice", "10us")
	if err != nil || strings.Contains(out, "\n- ") {
		t.Fatalf("%v\n%s", err, out)
	}
	if rows := table(t, out, "shape, block | op |")[2:]; len(rows) != 2*len(stepNames)+2 {
		t.Errorf("%d rows, want 6 ops with 1 and 2 workers and 2 with one: %q", len(rows), rows)
	}

	requests := []string{
		"digest", "time apply/generic/1 1 1ms", "", "open 1x1x8x8 1", "open 1x1x8x8-b3 0", "open 1x1x8x8-b3 1",
		"time apply/generic/2 1 1ms", "time apply/generic/1 0 1ms", "time apply/generic/1 1 1", "runs", "time apply/generic/1 1 1us",
	}
	var answers strings.Builder
	if err := serve(strings.NewReader(strings.Join(requests, "\n")), &answers); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(answers.String()), "\n")
	if len(lines) != 1+len(requests) || !strings.HasPrefix(lines[0], protocol+" ") {
		t.Fatalf("answers %q", lines)
	}
	for i, request := range requests {
		want := "error "
		if i == 5 || i == 10 {
			want = "ok "
		}
		if !strings.HasPrefix(lines[1+i], want) {
			t.Errorf("to %q: %q, want %s", request, lines[1+i], want)
		}
	}
}
