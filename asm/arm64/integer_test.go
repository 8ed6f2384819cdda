package arm64

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const integerGolden = "testdata/gnu.txt"

// integerCandidates are operands for a letter of a shape.
func integerCandidates(k byte, rng *rand.Rand) (out []any) {
	g := func() GP { return GP{r: allocatable[KindGP][rng.IntN(len(allocatable[KindGP]))].(physical)} }
	switch k {
	case 'g':
		out = append(out, g(), g().W())
	case '#':
		for _, v := range []int64{
			0, 1, 5, 15, 16, 31, 32, 63, 64, 255, 4095, 4096, 4097, 0xfff000, 0x1000000, 0xffff, 0x00ff00ff, 0x80000001,
			0xaaaaaaaa, -0x5555555555555556, -2, 0x7fffffffffffffff, -1, 0x0ff0000000000000,
		} {
			out = append(out, v)
		}
	case 'x':
		for _, n := range []int{0, 1, 4, 31, 32, 63} {
			for _, r := range []GP{g(), g().W()} {
				out = append(out, r.LSL(n), r.LSR(n), r.ASR(n), r.ROR(n))
			}
			out = append(out, g().UXTW(n), g().SXTW(n))
		}
	case 'c':
		for c := EQ; c <= LE; c++ {
			out = append(out, c)
		}
	case 'm':
		for _, n := range []int{0, 1, 2, 4, 8, 16, 255, 256, 4095, 4096, 8190, 16380, 32760, 32768, -1, -8, -256, -257, -512, 504} {
			out = append(out, g().Off(n), g().Pre(n), g().Post(n))
		}
		for n := range 5 {
			out = append(out, g().Idx(g(), n))
		}
	}
	return out
}

// legalIntegers calls f with instructions of all integer forms.
func legalIntegers(t *testing.T, f func(*inst)) (refused int) {
	for _, name := range slices.Sorted(maps.Keys(integers)) {
		for _, form := range integers[name] {
			h := fnv.New64a()
			fmt.Fprint(h, name, form.shape)
			rng := rand.New(rand.NewPCG(h.Sum64(), 0))
			legal := 0
			var walk func(args []any)
			walk = func(args []any) {
				if n := len(args); n < len(form.shape) {
					for _, a := range integerCandidates(form.shape[n], rng) {
						walk(append(args[:n:n], a))
					}
					return
				}
				i, err := newInst(name, args)
				if err != nil {
					refused++
					return
				}
				if v, ok := i.ops[len(args)-1].(imm); ok && name == "mov" && (v <= 0 || v > 0xffff || logicalImm(i.ops) == nil) {
					return // there are several ways, and some need several instructions
				}
				f(i)
				legal++
			}
			walk(nil)
			require.NotZero(t, legal, "%s %s", name, form.shape)
		}
	}
	return refused
}

// TestIntegers compares what Go's assembler makes of the integer instructions
// with what GNU as, or its words in testdata/gnu.txt, makes of their names in
// the architecture's syntax.
func TestIntegers(t *testing.T) {
	var lines, texts []string
	refused := legalIntegers(t, func(i *inst) {
		op, operands, err := i.spell(free)
		require.NoError(t, err)
		s, ops := make([]string, len(operands)), make([]string, len(i.ops))
		for n, o := range operands {
			s[n] = o.Asm()
		}
		for n, o := range i.ops {
			ops[n] = text(o)
		}
		lines = append(lines, op+" "+strings.Join(s, ", "))
		texts = append(texts, i.name+" "+strings.Join(ops, ", "))
	})
	require.Greater(t, refused, 1000)

	var b bytes.Buffer
	if _, err := exec.LookPath("aarch64-linux-gnu-as"); err == nil {
		for i, w := range gnuAssemble(t, texts) {
			fmt.Fprintf(&b, "%08x %s\n", w, texts[i])
		}
		if *update {
			require.NoError(t, os.WriteFile(integerGolden, b.Bytes(), 0o644))
		}
	}
	golden, err := os.ReadFile(integerGolden)
	require.NoError(t, err)
	if b.Len() > 0 {
		require.Equal(t, string(golden), b.String(), "run testdata/update.sh")
	}

	words, failed := goAssemble(t, lines)
	want := strings.Split(strings.TrimSpace(string(golden)), "\n")
	require.Len(t, want, len(lines), "run testdata/update.sh")
	for i, l := range want {
		word, text, _ := strings.Cut(l, " ")
		require.Equal(t, text, texts[i], "run testdata/update.sh")
		if got := fmt.Sprintf("%08x", words[i]); got != "["+word+"]" {
			t.Errorf("%s: %s, want %s of %s %s", lines[i], got, word, text, failed[i])
		}
	}
	t.Logf("%d forms", len(lines))
}

func gnuAssemble(t *testing.T, lines []string) []uint32 {
	dir := t.TempDir()
	src, obj, bin := filepath.Join(dir, "a.s"), filepath.Join(dir, "a.o"), filepath.Join(dir, "a.bin")
	require.NoError(t, os.WriteFile(src, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	out, err := exec.Command("aarch64-linux-gnu-as", "-o", obj, src).CombinedOutput()
	require.NoError(t, err, "%.3000s", out)
	out, err = exec.Command("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", obj, bin).CombinedOutput()
	require.NoError(t, err, "%s", out)
	code, err := os.ReadFile(bin)
	require.NoError(t, err)
	require.Len(t, code, 4*len(lines))
	words := make([]uint32, len(lines))
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(code[4*i:])
	}
	return words
}
