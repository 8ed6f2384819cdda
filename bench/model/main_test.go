package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-nosuch"}, "-nosuch"},
		{[]string{"stray"}, `unexpected argument "stray"`},
	} {
		var stdout, stderr bytes.Buffer
		status := run(c.args, "../..", &stdout, &stderr)
		if text := stderr.String(); status != 2 || !strings.Contains(text, c.want) {
			t.Errorf("%q: status %d, want 2, with %q; standard error %q", c.args, status, c.want, text)
		}
		if stdout.Len() > 0 {
			t.Errorf("%q: standard output %q", c.args, &stdout)
		}
	}
}

// TestNoLLVM has neither tool on the PATH: the error tells how to get them.
func TestNoLLVM(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stdout, stderr bytes.Buffer
	if status := run(nil, "../..", &stdout, &stderr); status != 1 || !strings.Contains(stderr.String(), "apt-get install llvm-19") {
		t.Errorf("status %d, standard error %q", status, &stderr)
	}
}

// TestLabels holds the table of kernels against the assembly.
func TestLabels(t *testing.T) {
	source, err := os.ReadFile("../../kernel_arm64.s")
	if err != nil {
		t.Fatal(err)
	}
	labels := loopLabels(string(source))
	for _, k := range kernels {
		if !slices.Contains(labels[k.symbol()], k.label) {
			t.Errorf("%s has loops at %v, want one at %s", k.symbol(), labels[k.symbol()], k.label)
		}
	}
	for name := range labels {
		if findKernel(strings.TrimSuffix(name, "NEON")) == nil {
			t.Errorf("no loop of %s is in the table", name)
		}
	}
}

const assembly = `
TEXT ·oneNEON(SB), NOSPLIT, $0-8
	CBZ R0, done

outer:
	MOVD R1, R2

inner:
	SUBS $1, R2, R2
	BGE  inner
	CBNZ R0, outer

done:
	RET

TEXT ·twoNEON(SB), NOSPLIT, $0-8
inner:
	B inner
`

const machineCode = `
k:	file format elf64-littleaarch64

00000000001d5480 <example.org/k.oneNEON.abi0>:
  1d5480:      	cbz	x0, 0x1d5494 <example.org/k.oneNEON.abi0+0x14>
  1d5484:      	mov	x2, x1
  1d5488:      	subs	x2, x2, #0x1
  1d548c:      	b.ge	0x1d5488 <example.org/k.oneNEON.abi0+0x8>
  1d5490:      	cbnz	x0, 0x1d5484 <example.org/k.oneNEON.abi0+0x4>
  1d5494:      	ret
`

func TestLoops(t *testing.T) {
	labels := loopLabels(assembly)
	if got := labels["oneNEON"]; !slices.Equal(got, []string{"inner", "outer"}) {
		t.Errorf("loops of oneNEON at %v, want inner and outer", got)
	}
	if got := labels["twoNEON"]; !slices.Equal(got, []string{"inner"}) {
		t.Errorf("loops of twoNEON at %v, want inner", got)
	}
	code := disassembly(machineCode)["oneNEON"]
	if len(code) != 6 {
		t.Fatalf("%d instructions, want 6", len(code))
	}
	got, err := loopAt("inner", labels["oneNEON"], code)
	if want := "loop:\n\tsubs\tx2, x2, #0x1\n\tb.ge\tloop\n"; err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	for _, c := range []struct {
		label  string
		labels []string
		want   string
	}{
		{"outer", labels["oneNEON"], "inside, want a straight line"},
		{"done", labels["oneNEON"], "no loop begins at done"},
		{"inner", labels["twoNEON"], "2 backward branches in the machine code, want the 1 of the assembly"},
	} {
		if _, err := loopAt(c.label, c.labels, code); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.label, err, c.want)
		}
	}
}

func TestParseReport(t *testing.T) {
	const text = `{"CodeRegions": [{"Instructions": ["a", "b"],
		"ResourcePressureView": {"ResourcePressureInfo": [
			{"InstructionIndex": 0, "ResourceIndex": 0, "ResourceUsage": 9},
			{"InstructionIndex": 2, "ResourceIndex": 0, "ResourceUsage": 1},
			{"InstructionIndex": 2, "ResourceIndex": 1, "ResourceUsage": 1.5}]},
		"SummaryView": {"Iterations": 10, "TotalCycles": 25}}],
		"TargetInfo": {"Resources": ["N1UnitV0", "N1UnitL.\u0001"]}}`
	if got, err := parseReport([]byte(text)); err != nil || got != (turn{2.5, "L", 1.5}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", `{"CodeRegions": [{}]}`} {
		if got, err := parseReport([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// TestCheck makes up turns that take what the limits allow, then a bit more.
func TestCheck(t *testing.T) {
	at := func(times float64) []row {
		turns := map[string]map[string]turn{}
		for _, cpu := range cores {
			turns[cpu] = map[string]turn{}
			for _, k := range kernels {
				limit := limits[k.name][cpu]
				if dilation[k.name] > 0 {
					limit = limits[dilationName][cpu] / 4 // four passes
				}
				turns[cpu][k.name] = turn{cycles: times * limit * float64(k.per)}
			}
		}
		return tabulate(turns)
	}
	if err := check(at(1)); err != nil {
		t.Error(err)
	}
	err := check(at(1.01))
	if err == nil || !strings.Contains(err.Error(), "21 of 21 figures missed") {
		t.Errorf("a hundredth above every limit: %v", err)
	}
}

// TestModel runs the program on a core where LLVM is installed.
func TestModel(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds for arm64")
	}
	if _, err := findLLVM(); err != nil {
		t.Skip(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run(nil, "../..", &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	for _, k := range append(kernels, kernel{name: dilationName}) {
		if n := strings.Count(stdout.String(), "\n| "+k.name+" | neoverse-n1 |"); n != 1 {
			t.Errorf("%d rows of %s, want 1:\n%s", n, k.name, &stdout)
		}
	}
}
