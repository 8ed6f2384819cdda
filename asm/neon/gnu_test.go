package neon

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/gnu.txt anew, from GNU as")

const golden = "testdata/gnu.txt"

// gnuAssemble returns the words of GNU as for lines of source.
func gnuAssemble(t *testing.T, lines []string) []uint32 {
	t.Helper()
	dir := t.TempDir()
	src, obj, bin := filepath.Join(dir, "a.s"), filepath.Join(dir, "a.o"), filepath.Join(dir, "a.bin")
	text := ".arch armv8.2-a+fp16+dotprod+sha3\n" + strings.Join(lines, "\n") + "\n"
	require.NoError(t, os.WriteFile(src, []byte(text), 0o644))
	out, err := exec.Command("aarch64-linux-gnu-as", "-o", obj, src).CombinedOutput()
	require.NoError(t, err, "%.3000s", out)
	out, err = exec.Command("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", obj, bin).CombinedOutput()
	require.NoError(t, err, "%s", out)
	b, err := os.ReadFile(bin)
	require.NoError(t, err)
	require.Len(t, b, 4*len(lines))
	words := make([]uint32, len(lines))
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return words
}

// TestGNU compares every form with what GNU as makes of its text: the words of
// testdata/gnu.txt, and those of the assembler itself where it is installed.
func TestGNU(t *testing.T) {
	var lines []string
	var words []uint32
	legal(func(in Inst, _ []Operand) {
		lines = append(lines, in.Text)
		words = append(words, in.Word)
	})
	require.Greater(t, len(lines), 4000)

	check := func(t *testing.T, want []uint32) {
		bad := 0
		for i, w := range want {
			if w != words[i] {
				t.Errorf("%s: %08x, want %08x", lines[i], words[i], w)
				if bad++; bad == 50 {
					t.FailNow()
				}
			}
		}
	}

	t.Run("live", func(t *testing.T) {
		if _, err := exec.LookPath("aarch64-linux-gnu-as"); err != nil {
			require.False(t, *update, err)
			t.Skip(err)
		}
		want := gnuAssemble(t, lines)
		if *update {
			var b bytes.Buffer
			for i, w := range want {
				fmt.Fprintf(&b, "%08x %s\n", w, lines[i])
			}
			require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
		}
		check(t, want)
	})
	t.Run("golden", func(t *testing.T) {
		data, err := os.ReadFile(golden)
		require.NoError(t, err)
		var want []uint32
		for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
			word, text, _ := strings.Cut(line, " ")
			require.Less(t, i, len(lines), "the table lost a form; run testdata/update.sh")
			require.Equal(t, lines[i], text, "the forms have changed; run testdata/update.sh")
			var w uint32
			_, err := fmt.Sscanf(word, "%x", &w)
			require.NoError(t, err)
			want = append(want, w)
		}
		require.Len(t, want, len(lines), "the table has new forms; run testdata/update.sh")
		check(t, want)
	})
	t.Logf("%d forms of %d rows", len(lines), len(Forms()))
}
