package arm64

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
	"github.com/stretchr/testify/require"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// module writes a program of the context's functions and main in a directory.
func module(t *testing.T, c *Context, main string) string {
	t.Helper()
	asm, stubs, err := c.Print(printer.Config{Name: "arm64", Pkg: "main"})
	require.NoError(t, err)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":        "module program\n\ngo 1.26.0\n",
		"main.go":       main,
		"asm_arm64.s":   string(asm),
		"stub_arm64.go": string(stubs),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

func goCommand(t *testing.T, dir, goos string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOARCH=arm64", "GOOS="+goos, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// vet vets the program for the systems of arm64.
func vet(t *testing.T, dir string) {
	t.Helper()
	for _, goos := range []string{"linux", "darwin", "windows"} {
		goCommand(t, dir, goos, "vet", ".")
	}
}

// run builds the program and runs it on the CPUs of the emulator, or here if
// this is an arm64.
func run(t *testing.T, dir string, cpus ...string) string {
	t.Helper()
	goCommand(t, dir, "linux", "build", "-o", "program", ".")
	program := filepath.Join(dir, "program")
	commands := [][]string{}
	if err := exec.Command(program, "-h").Run(); err == nil {
		commands = append(commands, []string{program})
	} else {
		qemu, err := exec.LookPath("qemu-aarch64-static")
		if err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
		for _, cpu := range cpus {
			commands = append(commands, []string{qemu, "-cpu", cpu, program})
		}
	}
	var last []byte
	for _, command := range commands {
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		require.NoError(t, err, "%v: %s", command, out)
		if last != nil {
			require.Equal(t, string(last), string(out), command)
		}
		last = out
	}
	return string(last)
}

// TestReads runs every form with a destination twice, with other old values in
// it, and compares whether that matters with what the table says. Liveness
// rests on it.
func TestReads(t *testing.T) {
	c := NewContext("")
	var table strings.Builder
	seen := map[string]bool{}
	form := func(i *inst) {
		name, ops := i.name, i.ops
		var shape strings.Builder
		for _, o := range ops {
			shape.WriteByte(o.kind())
		}
		key := name + " " + shape.String()
		m, ok := ops[len(ops)-1].(Mem)
		if i.writes == 0 || seen[key] || ok && (m.mode != neon.Offset || m.off != 0) {
			return
		}
		if v, ok := ops[len(ops)-1].(imm); ok && name == "sli" && v == 0 {
			return // a shift that leaves nothing of the destination
		}
		seen[key] = true

		// Operand n takes V4n to V4n+3, or Rn+3.
		fn := fmt.Sprintf("form%d", len(seen))
		c.Function(fn, "func(out, src, old *[64]byte)")
		for n, p := range []string{"out", "src", "old"} {
			c.Load(R(n), c.Param(p))
		}
		args := make([]any, len(ops))
		for n, o := range ops {
			from := R(1)
			if n < i.writes {
				from = R(2)
			}
			switch o := o.(type) {
			case GP:
				c.LDR(R(n+3), from.Off(16*n))
				args[n] = GP{R(n + 3).r, o.w}
			case Mem:
				args[n] = R(1).Off(0)
			case imm:
				args[n] = int64(o)
			case float:
				args[n] = float64(o)
			case cond:
				args[n] = Cond(o)
			case Shift:
				args[n] = o
			case Shifted:
				c.LDR(R(n+3), from.Off(16*n))
				o.g.r = R(n + 3).r
				args[n] = o
			default:
				k := 0
				args[n] = o.bind(func(reg.Register) reg.Register {
					v := V(4*n + k)
					c.LDR(v.Q(), from.Off(16*((n+k)%4)))
					k++
					return v.r
				})
			}
		}
		c.CMP(R(1), R(1)) // for conditions
		c.emit(name, args...)
		for n := range i.writes {
			at := 0
			switch o := args[n].(type) {
			case GP:
				c.STR(R(n+3), R(0).Off(16*n))
			case Operand:
				for range o.regs() {
					c.STR(V(4*n+at).Q(), R(0).Off(16*(n+at)))
					at++
				}
			}
		}
		c.RET()
		fmt.Fprintf(&table, "\t{%q, %v, %s},\n", key, i.reads, fn)
	}
	gnuForms(t, "../neon/testdata/gnu.txt", func(_ uint32, _, name string, ops []Operand) {
		i := &inst{name: name, ops: ops}
		if err := i.encodeTrial(); err == nil { // which says nothing of LDUR and STUR
			form(i)
		}
	})
	legalIntegers(t, form)
	main := fmt.Sprintf(`package main

import (
	"fmt"
	"math/rand/v2"
)

func main() {
	rng := rand.New(rand.NewPCG(1, 2))
	bytes := func() (b [64]byte) {
		for i := range b {
			b[i] = byte(rng.Uint32()) >> (rng.Uint32() & 7)
		}
		return b
	}
	for _, f := range forms {
		reads := false
		for range 100 {
			src, old1, old2 := bytes(), bytes(), bytes()
			var out1, out2 [64]byte
			f.f(&out1, &src, &old1)
			f.f(&out2, &src, &old2)
			reads = reads || out1 != out2
		}
		if reads != f.reads {
			fmt.Printf("%%s: reads its destination: %%v, in the table: %%v\n", f.name, reads, f.reads)
		}
	}
	fmt.Println(len(forms))
}

var forms = []struct {
	name  string
	reads bool
	f     func(out, src, old *[64]byte)
}{
%s}
`, table.String())
	require.Equal(t, fmt.Sprintln(len(seen)), run(t, module(t, c, main), "max"))
	require.Greater(t, len(seen), 450)
}
