package dropblock

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The instructions that a kernel executes do not depend on the machine. Those
// of NEON are counted under QEMU and held against a budget: without arm64
// hardware it is what notices that a kernel has become slower.

// A countedCall is one of a NEON kernel, with work for its main loop and for
// every tail.
type countedCall struct {
	kernel, name string
	call         func()
}

func countedCalls() []countedCall {
	const (
		elements = 32*32 + 7
		words    = 8*32 + 7
	)
	var ks roundKeys
	key := NewKey(1, 2, 3)
	expandKey(&ks, key[0], key[1])
	ctr := [4]uint32{1, 2, 3, 4}
	seeds, keep := make([]uint64, words+3), make([]uint64, words)
	bools := make([]bool, 64*32+7)
	for i := range seeds {
		seeds[i] = 0x0123456789abcdef << (i % 64)
	}
	copy(keep, seeds)
	calls := []countedCall{
		{"philox", "words=1024", func() { isaNEON.philox(make([]uint32, 1024), &ks, &ctr) }},
		{"head", "words=256/levels=1", func() { isaNEON.head(make([]uint64, 256), &ks, &ctr, 1, 1) }},
		{"head", "words=256/levels=5", func() { isaNEON.head(make([]uint64, 256), &ks, &ctr, 19, 5) }},
	}
	for _, b := range []int{1, 2, 3, 5, 9, 17, 64} { // one of each number of steps
		calls = append(calls, countedCall{"dilateRow", fmt.Sprintf("words=%d/block=%d", words, b),
			func() { isaNEON.dilateRow(make([]uint64, words), seeds[:words+1], b) }})
	}
	for _, shifts := range [][2]int{{70, 70}, {65, 70}, {64, 64}} { // one, two, whole words
		at := fmt.Sprintf("words=%d/a=%d/b=%d", words, shifts[0], shifts[1])
		calls = append(calls,
			countedCall{"dilateStep", at, func() { isaNEON.dilateStep(make([]uint64, words), seeds[:words+2], shifts[0], shifts[1]) }},
			countedCall{"dilateKeep", at, func() { isaNEON.dilateKeep(make([]uint64, words), seeds[:words+2], shifts[0], shifts[1]) }})
	}
	calls = append(calls,
		countedCall{"dilateBorder", fmt.Sprintf("words=%d", words-1), func() {
			isaNEON.dilateBorder(make([]uint64, words-1), seeds[:words+3], keep[1:], keep[1:], 70)
		}},
		countedCall{"stretch", fmt.Sprintf("words=%d/each=3", words), func() {
			isaNEON.stretch(make([]uint64, words), keep, lanesOf(3))
		}},
		countedCall{"stretchBytes", "words=256/each=16", func() { isaNEON.stretchBytes(make([]uint64, 256), keep, lanesOf(2), nil, nil) }},
	)
	calls = append(calls, elementCalls[float32](elements, "", keep)...)
	calls = append(calls, elementCalls[float64](elements, "Float64", keep)...)
	calls = append(calls, elementCalls[Float16](elements+8, "Float16", keep)...)
	calls = append(calls, elementCalls[BFloat16](elements+8, "BFloat16", keep)...)
	return append(calls,
		countedCall{"expandBool", fmt.Sprintf("elements=%d", len(bools)), func() { isaNEON.expandBool(bools, keep) }},
		countedCall{"count", fmt.Sprintf("words=%d", words), func() { isaNEON.count(keep) }},
	)
}

// elementCalls are those of the kernels that have a type of elements.
func elementCalls[E Float](n int, suffix string, keep []uint64) []countedCall {
	x, y := spanOf(make([]E, n)), spanOf(make([]E, n))
	name := fmt.Sprintf("elements=%d", n)
	return []countedCall{
		{"scale" + suffix, name, func() { isaNEON.scaleSpan(y, x, keep, 2, false) }},
		{"add" + suffix, name, func() { isaNEON.addSpan(y, x, keep, 2) }},
		{"fill" + suffix, name, func() { isaNEON.fillSpan(y, x, y, keep, 2, false) }},
		{"expand" + suffix, name, func() { isaNEON.expandSpan(y, keep, 2) }},
		{"noise" + suffix, "quads=64", func() {
			isaNEON.noise(y.at, y.n, y.element, make([]uint32, 4*noiseStride), new(roundKeys), new([4]uint32), nil, nil, 0)
		}},
	}
}

const (
	countedEnv = "DROPBLOCK_TEST_COUNTED" // has this test make the calls
	budgetFile = "testdata/arm64/instructions.txt"
	budgetHead = "# Instructions that one call of each NEON kernel executes. Do not edit: go test -run TestInstructions -update .\n"
)

// TestInstructions holds what the NEON kernels execute against the budget.
func TestInstructions(t *testing.T) {
	if os.Getenv(countedEnv) != "" {
		for _, c := range countedCalls() {
			c.call()
		}
		return
	}
	if testing.Short() {
		t.Skip("it builds for arm64, whatever this build is")
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// A cached result is void once a file has changed that the test has read.
	_, err = os.ReadFile("kernel_arm64.s")
	pass(t, err)
	binary := filepath.Join(t.TempDir(), "kernels")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build.Args, err, out)
	}
	kernels, err := kernelRanges(binary)
	pass(t, err)
	counts, err := countUnder(qemu, binary, kernels)
	pass(t, err)

	var got []budgetLine
	for i, c := range countedCalls() {
		if i >= len(counts) || counts[i].kernel != c.kernel {
			t.Fatalf("call %d is not one of %s in what was counted: %v", i, c.kernel, counts)
		}
		got = append(got, budgetLine{c.kernel + "/" + c.name, counts[i].n})
	}
	if len(counts) != len(got) {
		t.Fatalf("%d calls counted, want %d: %v", len(counts), len(got), counts)
	}
	if *update {
		var b bytes.Buffer
		b.WriteString(budgetHead)
		for _, l := range got {
			fmt.Fprintf(&b, "%s %d\n", l.name, l.n)
		}
		pass(t, os.MkdirAll(filepath.Dir(budgetFile), 0o755))
		pass(t, os.WriteFile(budgetFile, b.Bytes(), 0o644))
		return
	}
	text, err := os.ReadFile(budgetFile)
	pass(t, err)
	budget, err := parseBudget(string(text))
	pass(t, err)
	pass(t, compareBudget(got, budget))
}

// An addressRange is the code of a kernel.
type addressRange struct {
	kernel string
	addr   uint64
	size   uint64
}

func kernelRanges(binary string) (ranges []addressRange, err error) {
	f, err := elf.Open(binary)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	kernel := regexp.MustCompile(`/dropblock\.(\w+)NEON\.abi0$`)
	for _, s := range symbols {
		if m := kernel.FindStringSubmatch(s.Name); m != nil {
			ranges = append(ranges, addressRange{m[1], s.Value, s.Size})
		}
	}
	return ranges, nil
}

// A callCount is the instructions of one call.
type callCount struct {
	kernel string
	n      int
}

// countUnder makes the counted calls under QEMU, with a block of code for each
// instruction, and counts the blocks that it logs.
func countUnder(qemu, binary string, kernels []addressRange) ([]callCount, error) {
	help, err := exec.Command(qemu, "-help").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", qemu, err)
	}
	single := "-singlestep"
	if bytes.Contains(help, []byte("one-insn-per-tb")) { // its name from QEMU 8.1 on
		single = "-one-insn-per-tb"
	}
	var filter []string
	for _, k := range kernels {
		filter = append(filter, fmt.Sprintf("%#x+%#x", k.addr, k.size))
	}
	log := binary + ".log"
	cmd := exec.Command(qemu, single, "-d", "nochain,exec", "-dfilter", strings.Join(filter, ","), "-D", log,
		binary, "-test.run", "^TestInstructions$")
	cmd.Env = append(os.Environ(), countedEnv+"=1", "GODEBUG=asyncpreemptoff=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTrace(f, kernels)
}

var traceLine = regexp.MustCompile(`^(Trace \d+:|Stopped execution of TB chain before) \S+ \[(?:[0-9a-f]+/)?([0-9a-f]{16})[/\]]`)

// parseTrace counts instructions by call, which begins with the first
// instruction of a kernel. A block that QEMU was stopped before it had begun
// is logged once more.
func parseTrace(r io.Reader, kernels []addressRange) (calls []callCount, err error) {
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		m := traceLine.FindStringSubmatch(sc.Text())
		if m == nil {
			continue
		}
		pc, err := strconv.ParseUint(m[2], 16, 64)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(kernels, func(k addressRange) bool { return k.addr <= pc && pc < k.addr+k.size })
		if i < 0 {
			return nil, fmt.Errorf("%q is in no kernel", sc.Text())
		}
		first := pc == kernels[i].addr
		switch last := len(calls) - 1; {
		case first && m[1][0] == 'T':
			calls = append(calls, callCount{kernels[i].kernel, 1})
		case last < 0 || calls[last].kernel != kernels[i].kernel:
			return nil, fmt.Errorf("%q is in %s, which was not called", sc.Text(), kernels[i].kernel)
		case first:
			calls = calls[:last]
		case m[1][0] == 'T':
			calls[last].n++
		default:
			calls[last].n--
		}
	}
	return calls, sc.Err()
}

// A budgetLine is a call and its instructions.
type budgetLine struct {
	name string
	n    int
}

func parseBudget(text string) (map[string]int, error) {
	budget := map[string]int{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, count, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(count)
		if err != nil || n <= 0 || budget[name] != 0 {
			return nil, fmt.Errorf("%s: bad line %q", budgetFile, line)
		}
		budget[name] = n
	}
	return budget, nil
}

// compareBudget allows 2% either way, so that a gain is written down too.
func compareBudget(got []budgetLine, budget map[string]int) error {
	const again = "go test -run TestInstructions -update ."
	var errs []error
	left := maps.Clone(budget)
	for _, l := range got {
		n, ok := budget[l.name]
		delete(left, l.name)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s has no budget: %s", l.name, again))
		case 100*l.n > 102*n:
			errs = append(errs, fmt.Errorf("%s executes %d instructions, want at most 2%% above %d", l.name, l.n, n))
		case 100*l.n < 98*n:
			errs = append(errs, fmt.Errorf("%s executes %d instructions, over 2%% below the budget of %d: lower it with %s", l.name, l.n, n, again))
		}
	}
	for name := range left {
		errs = append(errs, fmt.Errorf("%s is in the budget only: %s", name, again))
	}
	return errors.Join(errs...)
}

func TestCompareBudget(t *testing.T) {
	budget, err := parseBudget(budgetHead + "a 1000\nb 50\n")
	pass(t, err)
	for _, c := range []struct {
		got  []budgetLine
		want string // of the error; empty for none
	}{
		{[]budgetLine{{"a", 1020}, {"b", 50}}, ""},
		{[]budgetLine{{"a", 980}, {"b", 51}}, ""},
		{[]budgetLine{{"a", 1021}, {"b", 50}}, "a executes 1021 instructions, want at most"},
		{[]budgetLine{{"a", 1000}, {"b", 52}}, "b executes 52 instructions, want at most"},
		{[]budgetLine{{"a", 979}, {"b", 50}}, "lower it"},
		{[]budgetLine{{"a", 1000}, {"b", 50}, {"c", 1}}, "c has no budget"},
		{[]budgetLine{{"a", 1000}}, "b is in the budget only"},
	} {
		err := compareBudget(c.got, budget)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.got, err, c.want)
		}
	}
	for _, bad := range []string{"a\n", "a x\n", "a 0\n", "a 1\na 1\n", "a 1 2\n"} {
		if got, err := parseBudget(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestParseTrace(t *testing.T) {
	kernels := []addressRange{{"a", 0x1000, 0x10}, {"b", 0x2000, 0x8}}
	trace := func(pcs ...string) string {
		var b strings.Builder
		for i, pc := range pcs {
			pc, stopped := strings.CutPrefix(pc, "!")
			if stopped {
				fmt.Fprintf(&b, "Stopped execution of TB chain before 0x7f%08x [%016s] a\n", i, pc)
			} else {
				fmt.Fprintf(&b, "Trace 0: 0x7f%08x [0000000000000000/%016s/00000100/ff000201] a\n", i, pc)
			}
		}
		return b.String()
	}
	for _, c := range []struct {
		log  string
		want []callCount // nil for an error
	}{
		{trace("1000", "1004", "1008", "1004", "1008", "1000", "2000", "2004"), []callCount{{"a", 5}, {"a", 1}, {"b", 2}}},
		{trace("1000", "!1000", "1000", "1004", "!1004", "1004"), []callCount{{"a", 2}}},
		{"other\n" + trace("1000"), []callCount{{"a", 1}}},
		{trace("1000", "1010"), nil},
		{trace("1004"), nil},
		{trace("1000", "2004"), nil},
		{trace("!1000"), nil},
	} {
		got, err := parseTrace(strings.NewReader(c.log), kernels)
		if (err != nil) != (c.want == nil) || !slices.Equal(got, c.want) {
			t.Errorf("%s%v, %v, want %v", c.log, got, err, c.want)
		}
	}
}
