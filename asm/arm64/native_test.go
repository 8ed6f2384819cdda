package arm64

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/reg"
	"github.com/stretchr/testify/require"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// goAssemble returns the words that Go's assembler makes of each line, or its
// message.
func goAssemble(t *testing.T, lines []string) (words [][]uint32, failed map[int]string) {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "a.s")
	failed = map[int]string{}
	at := regexp.MustCompile(`a\.s:(\d+)`)
	for {
		text := "TEXT ·f(SB), 4|512, $0\n"
		for i, l := range lines {
			if failed[i] != "" {
				l = ""
			}
			text += "\t" + l + "\n"
		}
		require.NoError(t, os.WriteFile(src, []byte(text+"\tRET\n"), 0o644))
		cmd := exec.Command("go", "tool", "asm", "-e", "-S", "-p", "x", "-o", filepath.Join(dir, "a.o"), src)
		cmd.Env = append(os.Environ(), "GOARCH=arm64")
		out, err := cmd.CombinedOutput()
		if err == nil {
			return parseListing(t, string(out), len(lines)), failed
		}
		before := len(failed)
		for _, l := range strings.Split(string(out), "\n") {
			if m := at.FindStringSubmatch(l); m != nil && !listing.MatchString(l) {
				n, _ := strconv.Atoi(m[1])
				failed[n-2] = l
			}
		}
		require.Greater(t, len(failed), before, "%s", out)
	}
}

var (
	listing = regexp.MustCompile(`^\t0x[0-9a-f]+ (\d+) \(.*a\.s:(\d+)\)\t(\S+)`)
	dump    = regexp.MustCompile(`^\t0x[0-9a-f]{4,} ((?:[0-9a-f]{2} )+)`)
)

func parseListing(t *testing.T, out string, n int) [][]uint32 {
	var code []byte
	starts := make([]int, n+1)
	for i := range starts {
		starts[i] = -1
	}
	for _, l := range strings.Split(out, "\n") {
		if m := listing.FindStringSubmatch(l); m != nil {
			pc, _ := strconv.Atoi(m[1])
			line, _ := strconv.Atoi(m[2])
			if i := line - 2; i >= 0 && i <= n && m[3] != "FUNCDATA" {
				starts[i] = pc
			}
		} else if m := dump.FindStringSubmatch(l); m != nil {
			for _, b := range strings.Fields(m[1]) {
				v, err := strconv.ParseUint(b, 16, 8)
				require.NoError(t, err)
				code = append(code, byte(v))
			}
		}
	}
	words := make([][]uint32, n)
	end := starts[n]
	for i := n - 1; i >= 0; i-- {
		if starts[i] < 0 {
			continue
		}
		for at := starts[i]; at < end; at += 4 {
			words[i] = append(words[i], uint32(code[at])|uint32(code[at+1])<<8|uint32(code[at+2])<<16|uint32(code[at+3])<<24)
		}
		end = starts[i]
	}
	return words
}

// parse reads an instruction in the architecture's syntax, as package neon and
// this one print it, with physical registers.
func parse(t *testing.T, line string) (string, []Operand) {
	name, rest, _ := strings.Cut(line, " ")
	var ops []Operand
	for rest != "" {
		var o string
		switch rest[0] {
		case '[', '{':
			end := strings.IndexByte(rest, map[byte]byte{'[': ']', '{': '}'}[rest[0]]) + 1
			if rest[0] == '[' && strings.HasPrefix(rest[end:], ", ") || end < len(rest) && strings.ContainsRune("![", rune(rest[end])) && rest[0] == '{' == (rest[end] == '[') {
				if e := strings.Index(rest[end:], ", "); rest[0] == '{' && e >= 0 {
					end += e
				} else {
					end = len(rest)
				}
			}
			o, rest = rest[:end], strings.TrimPrefix(rest[end:], ", ")
		default:
			o, rest, _ = strings.Cut(rest, ", ")
		}
		if m := regexp.MustCompile(`^(lsl|lsr|asr|ror|uxtw|sxtw) #(\d+)$`).FindStringSubmatch(o); m != nil {
			if g, ok := ops[len(ops)-1].(GP); ok {
				n, _ := strconv.Atoi(m[2])
				ops[len(ops)-1] = Shifted{g, m[1], n}
				continue
			}
		}
		ops = append(ops, parseOperand(t, o))
	}
	return name, ops
}

var (
	sizeOf = map[string]neon.Size{"b": neon.B, "h": neon.H, "s": neon.S, "d": neon.D, "q": neon.Q}
	arrOf  = map[string]neon.Arr{
		"8b": neon.B8, "16b": neon.B16, "4h": neon.H4, "8h": neon.H8,
		"2s": neon.S2, "4s": neon.S4, "1d": neon.D1, "2d": neon.D2,
	}
	regexps = map[string]*regexp.Regexp{}
)

func match(pattern, s string) []string {
	if regexps[pattern] == nil {
		regexps[pattern] = regexp.MustCompile("^" + pattern + "$")
	}
	return regexps[pattern].FindStringSubmatch(s)
}

func atoi(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

func general(t *testing.T, s string) GP {
	switch {
	case s == "sp":
		return GP{r: stack}
	case s[1:] == "zr":
		return GP{r: zero, w: s[0] == 'w'}
	}
	return GP{newPhysical(KindGP, atoi(t, s[1:])), s[0] == 'w'}
}

func parseOperand(t *testing.T, s string) Operand {
	vec := func(n string) reg.Register { return newPhysical(KindVec, atoi(t, n)) }
	if m := match(`v(\d+)\.(\d+[bhsd])`, s); m != nil {
		return VecArr{vec(m[1]), arrOf[m[2]]}
	}
	if m := match(`v(\d+)\.([bhsd])\[(\d+)\]`, s); m != nil {
		return Elem{vec(m[1]), sizeOf[m[2]], atoi(t, m[3])}
	}
	if m := match(`([bhsdq])(\d+)`, s); m != nil {
		return Scalar{vec(m[2]), sizeOf[m[1]]}
	}
	if match(`[xw](\d+|zr)|sp`, s) != nil {
		return general(t, s)
	}
	if m := match(`#(.*\..*)`, s); m != nil {
		f, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		return float(f)
	}
	if m := match(`#(.*)`, s); m != nil {
		if n, err := strconv.ParseInt(m[1], 0, 64); err == nil {
			return imm(n)
		}
		n, err := strconv.ParseUint(m[1], 0, 64)
		require.NoError(t, err)
		return imm(n)
	}
	if m := match(`(lsl|msl) #(\d+)`, s); m != nil {
		return Shift{neon.Shift{N: atoi(t, m[2]), MSL: m[1] == "msl"}}
	}
	if m := match(`\{(.*)\}(\[\d+\])?`, s); m != nil {
		var l List
		for _, v := range strings.Split(m[1], ", ") {
			l.items = append(l.items, parseOperand(t, v+m[2]))
		}
		return l
	}
	if m := match(`\[(\w+)\], #(.*)`, s); m != nil {
		return general(t, m[1]).Post(atoi(t, m[2]))
	}
	if m := match(`\[(\w+)\], (x.*)`, s); m != nil {
		return general(t, m[1]).PostReg(general(t, m[2]))
	}
	if m := match(`\[(\w+), #(.*)\]!`, s); m != nil {
		return general(t, m[1]).Pre(atoi(t, m[2]))
	}
	if m := match(`\[(\w+)(?:, #(.*))?\]`, s); m != nil {
		if m[2] == "" {
			m[2] = "0"
		}
		return general(t, m[1]).Off(atoi(t, m[2]))
	}
	if m := match(`\[(\w+), (x\w+)(?:, lsl #(\d))?\]`, s); m != nil {
		if m[3] == "" {
			m[3] = "0"
		}
		return general(t, m[1]).Idx(general(t, m[2]), atoi(t, m[3]))
	}
	for c := EQ; c <= neon.AL; c++ {
		if c.String() == s {
			return cond(c)
		}
	}
	t.Fatalf("operand %q", s)
	return nil
}

// gnuForms calls f with the lines of a golden file.
func gnuForms(t *testing.T, file string, f func(word uint32, text, name string, ops []Operand)) {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var w uint32
		_, err := fmt.Sscanf(line, "%x", &w)
		require.NoError(t, err)
		_, text, _ := strings.Cut(line, " ")
		name, ops := parse(t, text)
		f(w, text, name, ops)
	}
}

// free replaces reserved registers.
func free(r reg.Register) reg.Register {
	if r.Kind() == KindGP && reserved[num(r)] != "" {
		return newPhysical(KindGP, num(r)%8)
	}
	return r
}

// TestNative compares what Go's assembler makes of the instructions that are
// spelled for it with package neon's encoding, for all its forms.
func TestNative(t *testing.T) {
	var lines []string
	var want []uint32
	seen, all := map[string]bool{}, 0
	gnuForms(t, "../neon/testdata/gnu.txt", func(_ uint32, text, name string, ops []Operand) {
		all++
		if strings.HasPrefix(name, "ldu") || strings.HasPrefix(name, "stu") {
			name = name[:2] + name[3:]
		}
		i := &inst{name: name, ops: ops}
		for n, o := range ops {
			ops[n] = o.bind(free)
		}
		same := func(r reg.Register) reg.Register { return r }
		in, err := i.encode(same)
		require.NoError(t, err, text)
		op, operands, err := i.spell(same)
		require.NoError(t, err, text)
		if op == "WORD" {
			return
		}
		seen[in.Form.Name+" "+in.Form.Shape] = true
		s := make([]string, len(operands))
		for n, o := range operands {
			s[n] = o.Asm()
		}
		lines = append(lines, op+" "+strings.Join(s, ", "))
		want = append(want, in.Word)
	})
	words, failed := goAssemble(t, lines)
	for i, l := range lines {
		if failed[i] != "" || len(words[i]) != 1 || words[i][0] != want[i] {
			t.Errorf("%s: %08x, want %08x %s", l, words[i], want[i], failed[i])
		}
	}
	for key := range natives {
		require.True(t, seen[key], "%s is not among the forms", key)
	}
	t.Logf("%d of %d forms in Go's syntax", len(lines), all)
}
