package neon

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/arch/arm64/arm64asm"
)

var (
	immediate = regexp.MustCompile(`#[-+.0-9a-fx]+`)
	spellings = strings.NewReplacer(",lsl#0\n", "", ",lo\n", ",cc", ",hs\n", ",cs", "\n", "")
	list      = regexp.MustCompile(`\{(v\d+\.\w+), .*, (v\d+\.\w+)\}`)
)

// normal brings the spellings of immediates and lists together.
func normal(s string) string {
	s = immediate.ReplaceAllStringFunc(strings.ToLower(s), func(v string) string {
		if n, err := strconv.ParseInt(v[1:], 0, 64); err == nil {
			return fmt.Sprintf("#%d", n)
		}
		if n, err := strconv.ParseUint(v[1:], 0, 64); err == nil {
			return fmt.Sprintf("#%d", int64(n))
		}
		if f, err := strconv.ParseFloat(v[1:], 64); err == nil {
			return fmt.Sprintf("#%g", f)
		}
		return v
	})
	s = list.ReplaceAllString(s, "{$1-$2}")
	s = strings.ReplaceAll(s, " ", "")
	return spellings.Replace(s + "\n")
}

// preferred is the spelling that disassemblers have to prefer for some
// instructions.
func preferred(in Inst) string {
	name, rest, _ := strings.Cut(in.Text, " ")
	switch base := strings.TrimSuffix(name, "2"); {
	case (base == "sshll" || base == "ushll") && strings.HasSuffix(rest, ", #0"):
		name = base[:1] + "xtl" + name[len(base):]
		rest = strings.TrimSuffix(rest, ", #0")
	case name == "orr" && in.Form.Shape == "vvv" && in.Word>>16&31 == in.Word>>5&31:
		name, rest = "mov", rest[:strings.LastIndex(rest, ",")]
	case name == "ins", name == "dup" && in.Form.Shape == "fe", name == "umov" && rest[0] == 'x',
		name == "umov" && strings.Contains(rest, ".s["):
		name = "mov"
	}
	return name + " " + rest
}

// decode is nil for what arm64asm, which knows ARMv8.0, does not know.
func decode(t require.TestingT, in Inst) *string {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], in.Word)
	d, err := arm64asm.Decode(b[:])
	if err != nil {
		require.NotEqual(t, ASIMD, in.Feature, "%s: %08x: %v", in.Text, in.Word, err)
		return nil
	}
	s := arm64asm.GNUSyntax(d)
	return &s
}

func TestArm64asm(t *testing.T) {
	known, newer := 0, 0
	legal(func(in Inst, _ []Operand) {
		s := decode(t, in)
		if s == nil {
			newer++
			return
		}
		known++
		if got, want := normal(*s), normal(preferred(in)); got != want {
			t.Errorf("%08x: arm64asm has %s, want %s", in.Word, *s, in.Text)
		}
	})
	require.Greater(t, known, 4000)
	t.Logf("%d forms compared, %d of newer architectures", known, newer)
}
