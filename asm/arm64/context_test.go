package arm64

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/printer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// function makes a context with one function and returns what it compiles to.
func function(body func(*Context)) (string, error) {
	c := NewContext("")
	c.Function("f", "func(p []uint64, n int32, x float32) (r uint8)")
	body(c)
	asm, _, err := c.Print(printer.Config{Name: "test", Pkg: "p"})
	return string(asm), err
}

type contextTest struct {
	want string
	body func(*Context)
}

func TestContextErrors(t *testing.T) {
	for _, e := range []contextTest{
		{"f: fmul: destination arrangement 16b, want 4h, 8h, 2s, 4s or 2d", func(c *Context) {
			v := c.Vec()
			c.FMUL(v.B16(), v.B16(), v.B16())
		}},
		{"f: fmul: operand 3: element index 4 of s, want 0 to 3", func(c *Context) {
			v := c.Vec()
			c.FMUL(v.S4(), v.S4(), v.S().At(4))
		}},
		{"f: add: operand 2 is an immediate, want a vector", func(c *Context) { c.emit("add", c.Vec().S4(), 1, c.Vec().S4()) }},
		{"f: add: operand 1 is a general register, want a vector or a scalar", func(c *Context) {
			c.emit("add", c.GP(), c.GP(), c.Vec().S4())
		}},
		{"f: add: operand 3: string, want a register's view, memory, an integer or a float64", func(c *Context) { c.ADD(c.GP(), c.GP(), "x") }},
		{"f: add: operand 3: vector without arrangement, want a view such as S4, S or S().At", func(c *Context) { c.ADD(c.GP(), c.GP(), c.Vec()) }},
		{"f: add: operand 1: zero register value, want one made by GP, Vec, R or V", func(c *Context) { c.ADD(GP{}, c.GP(), 1) }},
		{"f: add: operand 3: no register R31", func(c *Context) { c.ADD(c.GP(), c.GP(), R(31)) }},
		{"f: orr: operand 1: no register V32", func(c *Context) { c.ORR(V(32).B16(), V(0).B16(), V(0).B16()) }},
		{"f: add: operand 1: R28 is reserved, it is the runtime's g", func(c *Context) { c.ADD(R(28), c.GP(), 1) }},
		{"f: ldr: operand 2: R16 is reserved, it is the linker's", func(c *Context) { c.LDR(c.GP(), R(16).Off(0)) }},
		{"f: ldr: operand 2: memory with a 32-bit register", func(c *Context) { c.LDR(c.GP(), c.GP().W().Off(0)) }},
		{"f: ldr: operand 2: memory at the zero register", func(c *Context) { c.LDR(c.GP(), ZR.Off(0)) }},
		{"f: add: operand 3 has 32 bits, want 64", func(c *Context) { c.ADD(c.GP(), c.GP(), c.GP().W()) }},
		{"f: umulh: operand 1 has 32 bits, want 64", func(c *Context) { g := c.GP().W(); c.UMULH(g, g, g) }},
		{"f: ldrb: operand 1 has 64 bits, want 32", func(c *Context) { c.LDRB(c.GP(), c.GP().Off(0)) }},
		{"f: add: immediate 4097, want 0 to 4095 or a multiple of 4096 up to 16773120", func(c *Context) { c.ADD(c.GP(), c.GP(), 4097) }},
		{"f: sub: immediate -1, want 0 to 4095 or a multiple of 4096 up to 16773120", func(c *Context) { c.SUB(c.GP(), c.GP(), -1) }},
		{"f: and: immediate 0x5, want a rotated run of ones, alone or repeated", func(c *Context) { c.AND(c.GP(), c.GP(), 5) }},
		{"f: lsr: shift by 64, want 0 to 63", func(c *Context) { c.LSR(c.GP(), c.GP(), 64) }},
		{"f: ubfx: width 33, want 1 to 32", func(c *Context) { c.UBFX(c.GP(), c.GP(), 32, 33) }},
		{"f: eor: lsl by 64, want 0 to 63", func(c *Context) { c.EOR(c.GP(), c.GP(), c.GP().LSL(64)) }},
		{"f: ldr: offset 32768, want -256 to 255 or a multiple of 8 up to 32760", func(c *Context) { c.LDR(c.GP(), c.GP().Off(32768)) }},
		{"f: ldr: the base is advanced and is an operand too", func(c *Context) { g := c.GP(); c.LDR(g, g.Post(8)) }},
		{"f: ldp: both destinations are one register", func(c *Context) { g := c.GP(); c.LDP(g, g, c.GP().Off(0)) }},
		{"f: ldp: both destinations are one register", func(c *Context) { v := c.Vec(); c.LDP(v.Q(), v.Q(), c.GP().Off(0)) }},
		{"f: ld1: list of virtual registers, want consecutive ones made by V", func(c *Context) {
			c.LD1(ListOf(c.Vec().S4(), c.Vec().S4()), c.GP().Off(0))
		}},
		{"f: ld1: list with V5, want V4", func(c *Context) { c.LD1(ListOf(V(3).S4(), V(5).S4()), c.GP().Off(0)) }},
		{"f: ld1: list with arrangements 4s and 2d", func(c *Context) { c.LD1(ListOf(V(3).S4(), V(4).D2()), c.GP().Off(0)) }},
		{"f: ld1: operand 1: empty list", func(c *Context) { c.LD1(List{}, c.GP().Off(0)) }},
		{"f: tbz: bit 32, want 0 to 31", func(c *Context) { c.TBZ(c.GP().W(), 32, "l") }},
		{"f: cbz: zero register value, want one made by GP, Vec, R or V", func(c *Context) { c.CBZ(GP{}, "l") }},
		{"f: pcalign: 12, want a power of two from 8 to 2048", func(c *Context) { c.PCALIGN(12) }},
		{"f: parameter n: scalar of size d, want 4 bytes", func(c *Context) { c.Load(c.Vec().D(), c.Param("n")) }},
		{"f: parameter n: zero register value, want one made by GP, Vec, R or V", func(c *Context) { c.Load(GP{}, c.Param("n")) }},
		{"f: add: operand 2 is an integer, want a general register", func(c *Context) { c.emit("add", c.GP(), 1, 2) }},
		{"f: madd: 3 operands of these kinds, want 4", func(c *Context) { c.emit("madd", c.GP(), c.GP(), c.GP()) }},
		{"f: vmul: unknown instruction", func(c *Context) { c.emit("vmul", c.GP()) }},
		{"f: b: condition al, want EQ to LE", func(c *Context) { c.BCond(LE+1, "l") }},
		{"f: parameter n: 32-bit register, want 64 bits", func(c *Context) { c.Load(c.GP().W(), c.Param("n")) }},
		{"f: parameter n: operand is a vector, want a general register or a scalar", func(c *Context) { c.Load(c.Vec().S4(), c.Param("n")) }},
		{"f: unknown variable \"q\"", func(c *Context) { c.LoadParam("q") }},
		{"f: data d is there with other values", func(c *Context) {
			c.Data("d", operand.U32(1))
			c.Data("d", operand.U32(2))
		}},
	} {
		_, err := function(e.body)
		if assert.Error(t, err, e.want) {
			assert.Regexp(t, `^context_test.go:\d+: `+regexp.QuoteMeta(e.want)+`$`, err.Error())
		}
	}
	for _, e := range []contextTest{
		{"f: no instructions", func(*Context) {}},
		{"f: ends with add, want RET or B", func(c *Context) { c.ADD(R(0), R(1), 2) }},
		{`f: unknown label "nowhere"`, func(c *Context) { c.CBZ(ZR, "nowhere"); c.RET() }},
		{`f: duplicate label "l"`, func(c *Context) { c.Label("l"); c.RET(); c.Label("l"); c.B("l") }},
		{"f: add, instruction 2, reads a general register that is not written on every path to it", func(c *Context) {
			g := c.GP()
			c.MOV(g, 1)
			c.ADD(g, g, c.GP())
			c.RET()
		}},
		{"f: fmla, instruction 2, reads a vector register that is not written on every path to it", func(c *Context) {
			v := c.Vec()
			c.MOVI(v.D2(), 0)
			c.FMLA(c.Vec().S4(), v.S4(), v.S4())
			c.RET()
		}},
		{"f: CBZ, instruction 1, reads a general register that is not written on every path to it", func(c *Context) {
			g := c.GP()
			c.Label("l")
			c.CBZ(g, "l")
			c.RET()
		}},
		{"f: 33 vector registers are live at instruction 33, movi, and there are 32", func(c *Context) { sum(c, 33) }},
		{"f: 25 general registers are live at instruction 25, mov, and there are 24", func(c *Context) {
			var g []GP
			for i := range 25 {
				g = append(g, c.GP())
				c.MOV(g[i], i)
			}
			for _, r := range g {
				c.CBZ(r, "done")
			}
			c.Label("done")
			c.RET()
		}},
		{"f: no vector registers found, with at most 17 of 32 live, at instruction 17, movi; 17 have to be among V0 to V15", func(c *Context) {
			v := c.Vecs(17)
			for _, r := range v {
				c.MOVI(r.D2(), 0)
			}
			for _, r := range v {
				c.FMUL(v[0].H8(), v[0].H8(), r.H().At(1))
			}
			c.RET()
		}},
	} {
		_, err := function(e.body)
		assert.EqualError(t, err, e.want, e.want)
	}

	c := NewContext("")
	c.ADD(c.GP(), c.GP(), 1)
	_, err := c.Result()
	assert.ErrorContains(t, err, ": add outside of a function")
}

// sum adds up n vectors that are live at the same time.
func sum(c *Context, n int) {
	v := c.Vecs(n)
	for _, r := range v {
		c.MOVI(r.D2(), 0)
	}
	for _, r := range v[1:] {
		c.ADD(v[0].S4(), v[0].S4(), r.S4())
	}
	c.RET()
}

func TestContextText(t *testing.T) {
	for _, e := range []contextTest{
		{"TEXT ·f(SB), NOSPLIT, $0-33\n\tCBZ R0, end", func(c *Context) { c.CBZ(R(0), "end") }},
		{"\tTBNZ $3, R1, end", func(c *Context) { c.TBNZ(R(1), 3, "end") }},
		{"\tCBNZW R1, end", func(c *Context) { c.CBNZ(R(1).W(), "end") }},
		{"\tMOVW n+24(FP), R0\n\tMOVB R0, r+32(FP)", func(c *Context) { c.Store(c.LoadParam("n"), c.Return(0)) }},
		{"\tFMOVS x+28(FP), F0\n", func(c *Context) { c.LoadFloat("x") }},
		{"\tPCALIGN $32\n", func(c *Context) { c.PCALIGN(32) }},
		{"\tPRFM 256(R1), PLDL1STRM\n", func(c *Context) { c.PRFM("PLDL1STRM", R(1).Off(256)) }},
		{"$24-33\n\tSTP (R0, R1), 8(RSP)\n\tADD $8, RSP, R2\n\tMOVD (R2), R3", func(c *Context) {
			m := c.Local(16)
			c.STP(R(0), R(1), m)
			c.LEA(R(2), m)
			c.LDR(R(3), R(2).Off(0))
		}},
		// What is written and not read needs a register of its own.
		{"\tLDP (R1), (R0, R2)\n", func(c *Context) { c.LDP(c.GP(), c.GP(), R(1).Off(0)); c.MOV(R(3), R(1)) }},
		{"\tMOVD (R1)(R2<<3), R0\n", func(c *Context) { c.LDR(R(0), R(1).Idx(R(2), 3)) }},
		{"\tADD R2.UXTW<<2, R1, R0\n", func(c *Context) { c.ADD(R(0), R(1), R(2).UXTW(2)) }},
		{"\tFCMPS F1, F0\n", func(c *Context) { c.FCMP(V(0).S(), V(1).S()) }},
		{"\tWORD $0x1e202008 // fcmp s0, #0.0\n", func(c *Context) { c.FCMP(V(0).S(), 0) }},
		{"\tVLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]\n", func(c *Context) {
			c.LD1(ListOf(V(0).S4(), V(1).S4(), V(2).S4(), V(3).S4()), R(0).Post(64))
		}},
		{"\tVLD1 (R0), V0.S[1]\n", func(c *Context) { c.MOVI(V(0).D2(), 0); c.LD1(V(0).S().At(1), R(0).Off(0)) }},
		{"\tVTBL V2.B16, [V1.B16], V0.B16\n", func(c *Context) { c.TBL(V(0).B16(), V(1).B16(), V(2).B16()) }},
		{"\t// why\n", func(c *Context) { c.Comment("why") }},
	} {
		asm, err := function(func(c *Context) {
			for i := range 4 {
				c.MOV(R(i), i)
				c.MOVI(V(i).D2(), 0)
			}
			c.Label("start")
			e.body(c)
			c.CBNZ(R(1), "start")
			c.Label("end")
			c.CBZ(R(1), "end")
			c.RET()
		})
		if assert.NoError(t, err, e.want) {
			assert.Contains(t, squeezed(asm), e.want)
		}
	}
}

// squeezed leaves out alignment and what stands before every body.
func squeezed(asm string) string {
	asm = regexp.MustCompile(` +`).ReplaceAllString(asm, " ")
	asm = regexp.MustCompile(`(?s)\tMOVD ZR, R0.*start:\n|\tMOVD \$0, R0.*?start:\n`).ReplaceAllString(asm, "")
	return asm
}

func TestFeatures(t *testing.T) {
	for _, e := range []contextTest{
		{"", func(c *Context) { c.ADD(R(0), R(1), 1) }},
		{"// Requires: ASIMD\n", func(c *Context) { c.ADD(V(0).S4(), V(1).S4(), V(1).S4()) }},
		{"// Requires: ASIMD, SHA3\n", func(c *Context) { c.RAX1(V(0).D2(), V(1).D2(), V(1).D2()) }},
		{"// Requires: ASIMD, ASIMDHP\n", func(c *Context) {
			c.FMUL(V(0).H8(), V(1).H8(), V(1).H8())
			c.FCVTN(V(0).H4(), V(1).S4())
		}},
	} {
		asm, err := function(func(c *Context) {
			c.MOV(R(1), 1)
			if e.want != "" {
				c.MOVI(V(1).D2(), 0)
			}
			e.body(c)
			c.RET()
		})
		require.NoError(t, err)
		if e.want == "" {
			assert.NotContains(t, asm, "Requires")
		}
		assert.Contains(t, asm, e.want)
	}
	c := NewContext("")
	c.Function("g", "func()")
	c.FCVTL(V(0).S4(), V(0).H4())
	c.RET()
	f, err := c.Result()
	assert.EqualError(t, err, "g: fcvtl, instruction 1, reads a vector register that is not written on every path to it")
	assert.Nil(t, f)
}

// TestProgram runs functions that use what kernels use besides instructions:
// all widths of parameters and results, frames, tables, branches, and as many
// registers as there are.
func TestProgram(t *testing.T) {
	c := NewContext("gc")
	params := []string{"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "bool"}
	var main strings.Builder
	for i, p := range params {
		fn := fmt.Sprintf("widen%d", i)
		c.Function(fn, fmt.Sprintf("func(pad bool, x %s) (wide int64, same %s)", p, p))
		x := c.LoadParam("x")
		c.Store(x, c.Return(0))
		c.Store(x, c.Return(1))
		c.RET()
		if p == "bool" {
			fmt.Fprintf(&main, "for _, x := range []bool{false, true} {\nw, s := %s(true, x)\ncheck(%q, s == x && (w == 1) == x)\n}\n", fn, fn)
		} else {
			fmt.Fprintf(&main, "for _, y := range []int64{0, 1, 127, 128, 255, -1, 1 << 15, 1 << 31, -1 << 63} {\nx := %s(y)\nw, s := %s(true, x)\ncheck(%q, w == int64(x) && s == x)\n}\n", p, fn, fn)
		}
	}

	c.Function("reverse", "func(s []byte)", "reverse turns up to 64 bytes around by way of the frame.")
	s, n := c.LoadBase("s"), c.LoadLen("s")
	buf, at, i := c.Local(64), c.GP(), c.GP()
	c.LEA(at, buf)
	c.MOV(i, n)
	c.CBZ(n, "done")
	c.Label("out")
	b := c.GP()
	c.LDRB(b.W(), s.Post(1))
	c.STRB(b.W(), at.Post(1))
	c.SUBS(i, i, 1)
	c.BNE("out")
	c.SUB(s, s, n)
	c.Label("in")
	c.LDRB(b.W(), at.Pre(-1))
	c.STRB(b.W(), s.Idx(i, 0))
	c.ADD(i, i, 1)
	c.CMP(i, n)
	c.BLO("in")
	c.Label("done")
	c.RET()
	main.WriteString(`for n := range 65 {
	s := make([]byte, n)
	for i := range s {
		s[i] = byte(i * 7)
	}
	r := slices.Clone(s)
	slices.Reverse(r)
	reverse(s)
	check("reverse", slices.Equal(s, r))
}
`)

	c.Function("branches", "func(x uint64) (r uint64)", "branches counts what holds: x != 0, bit 5, bit 40, lower half != 0, x > 100, int64(x) < -3.")
	x, r := c.LoadParam("x"), c.GP()
	c.MOV(r, 0)
	step := func(name string, branch func(string)) {
		branch(name)
		c.ADD(r, r, 1)
		c.Label(name)
	}
	step("zero", func(l string) { c.CBZ(x, l) })
	step("five", func(l string) { c.TBZ(x, 5, l) })
	c.TBNZ(x, 40, "forty")
	c.B("notForty")
	c.Label("forty")
	c.ADD(r, r, 1)
	c.Label("notForty")
	step("half", func(l string) { c.CBZ(x.W(), l) })
	c.CMP(x, 100)
	step("hundred", func(l string) { c.BLS(l) })
	c.CMN(x, 3)
	step("negative", func(l string) { c.BGE(l) })
	c.Store(r, c.Return(0))
	c.RET()
	main.WriteString(`for i := range uint64(64) {
	for _, x := range []uint64{1 << i, i, -i, 1<<40 | i} {
		var r uint64
		for _, b := range []bool{x != 0, x>>5&1 != 0, x>>40&1 != 0, uint32(x) != 0, x > 100, int64(x) < -3} {
			if b {
				r++
			}
		}
		check("branches", branches(x) == r)
	}
}
`)

	for i := range 2 {
		fn := fmt.Sprintf("lookup%d", i)
		c.Function(fn, "func(i int) (x uint32)")
		table, index := c.GP(), c.LoadParam("i")
		c.ADR(table, c.Data("squares", operand.U32(0), operand.U32(1), operand.U32(4), operand.U32(9)))
		c.LDR(index.W(), table.Idx(index, 2))
		c.Store(index, c.Return(0))
		c.RET()
		fmt.Fprintf(&main, "for i := range 4 {\ncheck(%q, %s(i) == uint32(i*i))\n}\n", fn, fn)
	}

	// Random programs on as many vectors as there are registers, and on as
	// many general registers as the pointer leaves.
	rng := rand.New(rand.NewPCG(5, 6))
	for p := range 8 {
		fn := fmt.Sprintf("random%d", p)
		c.Function(fn, "func(dst *[64]uint64)")
		dst := c.LoadParam("dst")
		vectors, generals := len(allocatable[KindVec]), len(allocatable[KindGP])-1
		v, g := make([]Vec, vectors), make([]GP, generals)
		var state [64]uint64
		for i := range g {
			g[i] = c.GP()
			state[32+i] = rng.Uint64()
			c.MOV(g[i], state[32+i])
		}
		for i := range v {
			v[i] = c.Vec()
			from := rng.IntN(len(g))
			state[i] = state[32+from]
			c.FMOV(v[i].D(), g[from])
		}
		for range 300 {
			d, n, m := rng.IntN(len(v)), rng.IntN(len(v)), rng.IntN(len(v))
			switch rng.IntN(4) {
			case 0:
				state[d] = state[n] + state[m]
				next := c.Vec()
				c.ADD(next.D(), v[n].D(), v[m].D())
				v[d] = next
			case 1:
				state[d] = state[n] ^ state[m]
				c.EOR(v[d].B16(), v[n].B16(), v[m].B16())
			default:
				d, n, m = d%len(g), n%len(g), m%len(g)
				state[32+d] = state[32+n] - state[32+m]
				next := c.GP()
				c.SUB(next, g[n], g[m])
				g[d] = next
			}
		}
		for i, r := range v {
			c.STR(r.D(), dst.Off(8*i))
		}
		for i, r := range g {
			c.STR(r, dst.Off(256+8*i))
		}
		c.RET()
		fmt.Fprintf(&main, "{\nvar got [64]uint64\n%s(&got)\ncheck(%q, got == %#v)\n}\n", fn, fn, state)
	}

	c.Function("low", "func(dst, src *[8]float32)", "low doubles eight floats in half precision, with many registers taken.")
	to, from := c.LoadParam("dst"), c.LoadParam("src")
	taken := c.Vecs(20)
	for _, v := range taken {
		c.MOVI(v.D2(), 0)
	}
	a, two := c.Vecs(2), c.Vec()
	c.FMOV(two.H8(), 2)
	c.LDP(a[0].Q(), a[1].Q(), from.Off(0))
	c.FCVTN(a[0].H4(), a[0].S4())
	c.FCVTN2(a[0].H8(), a[1].S4())
	c.FMUL(a[0].H8(), a[0].H8(), two.H().At(3))
	c.FCVTL2(a[1].S4(), a[0].H8())
	c.FCVTL(a[0].S4(), a[0].H4())
	for _, v := range taken {
		for i := range a {
			c.FADD(a[i].S4(), a[i].S4(), v.S4())
		}
	}
	c.STP(a[0].Q(), a[1].Q(), to.Off(0))
	c.RET()
	main.WriteString(`src, dst := [8]float32{1, 2, -3, 4.5, 0, 0.25, 1000, -0.125}, [8]float32{}
low(&dst, &src)
for i, x := range src {
	check("low", dst[i] == 2*x)
}
`)

	dir := module(t, c, `package main

import (
	"fmt"
	"slices"
)

func check(name string, ok bool) {
	if !ok {
		fmt.Println("wrong:", name)
	}
}

func main() {
`+main.String()+"fmt.Println(\"done\")\n}\n")
	vet(t, dir)
	require.Equal(t, "done\n", run(t, dir, "neoverse-n1", "max"))
}

func TestDeterministic(t *testing.T) {
	text := func() string {
		c := NewContext("gc,!purego")
		for i := range 4 {
			c.Function(fmt.Sprint("f", i), "func()")
			sum(c, 32-i)
		}
		asm, stubs, err := c.Print(printer.Config{Name: "test", Pkg: "p"})
		require.NoError(t, err)
		again, _, err := c.Print(printer.Config{Name: "test", Pkg: "p"})
		require.NoError(t, err)
		require.Equal(t, string(asm), string(again))
		return string(asm) + string(stubs)
	}
	first := text()
	for range 5 {
		require.Equal(t, first, text())
	}
}

func TestLogicalImm(t *testing.T) {
	legal := map[uint64]bool{}
	for size := 2; size <= 64; size *= 2 {
		for ones := 1; ones < size; ones++ {
			for rot := range size {
				v := uint64(1)<<ones - 1
				v = v>>rot | v<<(size-rot)
				if size < 64 {
					v &= 1<<size - 1
				}
				for s := size; s < 64; s *= 2 {
					v |= v << s
				}
				legal[v] = true
			}
		}
	}
	require.Len(t, legal, 5334)
	x := []Operand{GP{r: zero}}
	for v := range legal {
		require.NoError(t, logicalImm(append(x, imm(v))), "%#x", v)
		for bit := range 64 {
			require.Equal(t, legal[v^1<<bit], logicalImm(append(x, imm(v^1<<bit))) == nil, "%#x", v^1<<bit)
		}
	}
}
