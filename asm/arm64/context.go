package arm64

import (
	"errors"
	"fmt"
	"go/types"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// A Context takes the functions and data of one assembly file.
type Context struct {
	ctx  *build.Context
	fn   *ir.Function
	data map[string]*ir.Global
	made map[reg.Kind]int
	errs []error

	compiled bool
}

// NewContext begins a file with a build constraint in the syntax of avo's
// ConstraintExpr: "gc,!purego" is gc && !purego. An empty one is none.
func NewContext(constraint string) *Context {
	c := &Context{ctx: build.NewContext(), data: map[string]*ir.Global{}, made: map[reg.Kind]int{}}
	if constraint != "" {
		c.ctx.ConstraintExpr(constraint)
	}
	return c
}

// Package names the package that the file belongs to, by its import path, so
// that signatures can use its types.
func (c *Context) Package(path string) { c.ctx.Package(path) }

// Function begins a function. It is NOSPLIT and its pointers do not escape;
// the lines of doc become its stub's comment.
func (c *Context) Function(name, signature string, doc ...string) {
	c.function(name, func() { c.ctx.SignatureExpr(signature) }, doc)
}

// FunctionOf is [Context.Function] with a signature that may have the types of
// a package, as [gotypes.ParseSignatureInPackage] returns it.
func (c *Context) FunctionOf(name string, signature *gotypes.Signature, doc ...string) {
	c.function(name, func() { c.ctx.Signature(signature) }, doc)
}

func (c *Context) function(name string, sign func(), doc []string) {
	c.ctx.Function(name)
	c.ctx.Attributes(attr.NOSPLIT)
	sign()
	c.ctx.Doc(doc...)
	c.ctx.Pragma("noescape")
	file, _ := c.ctx.Result() // its errors are reported at the end
	fns := file.Functions()
	c.fn = fns[len(fns)-1]
}

// Attributes replaces the function's attributes.
func (c *Context) Attributes(a attr.Attribute) { c.ctx.Attributes(a) }

// Pragma adds a compiler directive to the function's stub.
func (c *Context) Pragma(directive string, args ...string) { c.ctx.Pragma(directive, args...) }

// Label puts a branch target here. Labels are the function's own.
func (c *Context) Label(name string) { c.ctx.Label(name) }

// Comment puts a comment here.
func (c *Context) Comment(lines ...string) { c.ctx.Comment(lines...) }

// GP makes a virtual general register.
func (c *Context) GP() GP { return GP{r: c.virtual(KindGP, reg.S64)} }

// Vec makes a virtual vector register.
func (c *Context) Vec() Vec { return Vec{c.virtual(KindVec, reg.S128)} }

// Vecs makes n virtual vector registers.
func (c *Context) Vecs(n int) []Vec {
	v := make([]Vec, n)
	for i := range v {
		v[i] = c.Vec()
	}
	return v
}

func (c *Context) virtual(k reg.Kind, s reg.Spec) reg.Register {
	if c.made[k]++; c.made[k] > 1<<16 {
		c.errorf("%d virtual registers in a file, avo can tell %d apart", c.made[k], 1<<16)
	}
	return c.ctx.VirtualRegister(k, s)
}

// Param is a parameter of the function, Return a result by its index. Their
// parts are reached by Base, Len, Index, Field and so on.
func (c *Context) Param(name string) gotypes.Component { return c.ctx.Param(name) }
func (c *Context) Return(i int) gotypes.Component      { return c.ctx.ReturnIndex(i) }

// Deref is what a pointer parameter, which p holds, points to. Its parts are
// reached by Field and Index.
func (c *Context) Deref(param gotypes.Component, p GP) gotypes.Component {
	if p.w {
		c.errorf("deref: 32-bit register, want 64 bits")
	}
	c.valid("deref", p)
	return param.Dereference(p.r)
}

// Load loads a parameter or a part of one, of whatever width: smaller integers
// are extended by their sign or with zeros. dst is a general register, or a
// scalar of the size of a float.
func (c *Context) Load(dst Operand, src gotypes.Component) {
	op, p, ok := c.slot(dst, src, true)
	if ok {
		c.raw(op, p.base, dst.regs(), p.operand, dst)
	}
}

// Store stores a register into a result.
func (c *Context) Store(src Operand, dst gotypes.Component) {
	op, p, ok := c.slot(src, dst, false)
	if ok {
		c.raw(op, append(src.regs(), p.base...), nil, src, p.operand)
	}
}

// LoadBase loads the address of a slice or string parameter.
func (c *Context) LoadBase(name string) GP { return c.load(c.Param(name).Base()) }

// LoadLen loads the length of a slice or string parameter.
func (c *Context) LoadLen(name string) GP { return c.load(c.Param(name).Len()) }

// LoadParam loads a scalar or pointer parameter.
func (c *Context) LoadParam(name string) GP { return c.load(c.Param(name)) }

func (c *Context) load(p gotypes.Component) GP {
	g := c.GP()
	c.Load(g, p)
	return g
}

// LoadFloat loads a float32 or float64 parameter.
func (c *Context) LoadFloat(name string) Vec {
	v := c.Vec()
	size := neon.S
	if b, err := c.Param(name).Resolve(); err == nil && b.Type.Kind() == types.Float64 {
		size = neon.D
	}
	c.Load(v.Scalar(size), c.Param(name))
	return v
}

// A slot is where a parameter or result is, or what a parameter points to.
type slot struct {
	operand any // of raw
	name    string
	base    []reg.Register // the pointer
}

func slotOf(b *gotypes.Basic) slot {
	if b.Addr.Symbol.Name != "" {
		return slot{operand: goText(b.Addr.Asm()), name: "parameter " + b.Addr.Symbol.Name}
	}
	m := GP{r: b.Addr.Base}.Off(b.Addr.Disp)
	return slot{operand: m, name: fmt.Sprintf("memory at offset %d of a parameter", b.Addr.Disp), base: m.regs()}
}

// slot finds the opcode for a parameter or result.
func (c *Context) slot(o Operand, p gotypes.Component, load bool) (string, slot, bool) {
	fail := func(err error) (string, slot, bool) {
		c.errorf("%w", err)
		return "", slot{}, false
	}
	b, err := p.Resolve()
	if err != nil {
		return fail(err)
	}
	at := slotOf(b)
	if _, err := operandOf(o); err != nil {
		return fail(fmt.Errorf("%s: %w", at.name, err))
	}
	size := int(gotypes.Sizes.Sizeof(b.Type))
	switch o := o.(type) {
	case GP:
		if o.w {
			return fail(fmt.Errorf("%s: 32-bit register, want 64 bits", at.name))
		}
		op := map[int]string{1: "MOVB", 2: "MOVH", 4: "MOVW", 8: "MOVD"}[size]
		if load && size < 8 && b.Type.Info()&types.IsUnsigned|b.Type.Info()&types.IsBoolean|b.Type.Info()&types.IsFloat != 0 {
			op += "U"
		}
		return op, at, true
	case Scalar:
		op := map[neon.Size]string{neon.S: "FMOVS", neon.D: "FMOVD"}[o.size]
		if op == "" || o.size.Bytes() != size {
			return fail(fmt.Errorf("%s: scalar of size %v, want %d bytes", at.name, o.size, size))
		}
		return op, at, true
	}
	return fail(fmt.Errorf("%s: operand is %s, want a general register or a scalar", at.name, operandNames[o.kind()]))
}

// Data is a read-only table. Its address is loaded by [Context.ADR].
type Data struct{ addr operand.Mem }

// Data makes a table, which the functions of the file may share: the same name
// has to stand for the same values.
func (c *Context) Data(name string, values ...operand.Constant) Data {
	g := ir.NewStaticGlobal(name)
	for _, v := range values {
		g.Append(v)
	}
	d := Data{g.Base()}
	if made, ok := c.data[name]; ok {
		same := len(made.Data) == len(g.Data)
		for i := 0; same && i < len(g.Data); i++ {
			same = made.Data[i] == g.Data[i]
		}
		if !same {
			c.errorf("data %s is there with other values", name)
		}
		return d
	}
	c.data[name] = g
	c.ctx.StaticGlobal(name)
	c.ctx.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, v := range values {
		c.ctx.AppendDatum(v)
	}
	return d
}

// ADR loads the address of data.
func (c *Context) ADR(dst GP, d Data) {
	if c.valid("adr", dst) {
		c.raw("MOVD", nil, dst.regs(), goText("$"+d.addr.Asm()), dst)
	}
}

// Local makes room for a number of bytes in the function's frame. The memory's
// address can be taken with [Context.LEA].
func (c *Context) Local(bytes int) Mem {
	m := c.ctx.AllocLocal((bytes + 7) &^ 7)
	return Mem{base: GP{r: stack}, off: 8 + m.Disp} // the link register is saved below
}

// LEA loads the address of memory with an offset.
func (c *Context) LEA(dst GP, m Mem) {
	if m.mode != neon.Offset {
		c.errorf("lea: memory %s, want an offset", text(m))
		return
	}
	c.emit("add", dst, m.base, m.off)
}

// B branches.
func (c *Context) B(label string) { c.branch("B", label, false) }

// BCond branches on a condition.
func (c *Context) BCond(cond Cond, label string) {
	if cond > LE {
		c.errorf("b: condition %v, want EQ to LE", cond)
		return
	}
	c.branch("B"+strings.ToUpper(cond.String()), label, true)
}

func (c *Context) BEQ(label string) { c.BCond(EQ, label) }
func (c *Context) BNE(label string) { c.BCond(NE, label) }
func (c *Context) BHS(label string) { c.BCond(HS, label) }
func (c *Context) BLO(label string) { c.BCond(LO, label) }
func (c *Context) BMI(label string) { c.BCond(MI, label) }
func (c *Context) BPL(label string) { c.BCond(PL, label) }
func (c *Context) BHI(label string) { c.BCond(HI, label) }
func (c *Context) BLS(label string) { c.BCond(LS, label) }
func (c *Context) BGE(label string) { c.BCond(GE, label) }
func (c *Context) BLT(label string) { c.BCond(LT, label) }
func (c *Context) BGT(label string) { c.BCond(GT, label) }
func (c *Context) BLE(label string) { c.BCond(LE, label) }

// CBZ branches if a register is zero, CBNZ if it is not.
func (c *Context) CBZ(g GP, label string)  { c.branchOn("cbz", g, label) }
func (c *Context) CBNZ(g GP, label string) { c.branchOn("cbnz", g, label) }

// TBZ branches if a bit of a register is zero, TBNZ if it is not. The target
// has to be within 32 KiB.
func (c *Context) TBZ(g GP, bit int, label string)  { c.branchBit("tbz", g, bit, label) }
func (c *Context) TBNZ(g GP, bit int, label string) { c.branchBit("tbnz", g, bit, label) }

func (c *Context) branchOn(name string, g GP, label string) {
	if !c.valid(name, g) {
		return
	}
	op := strings.ToUpper(name)
	if g.w {
		op += "W"
	}
	c.branch(op, label, true, g)
}

func (c *Context) branchBit(name string, g GP, bit int, label string) {
	if !c.valid(name, g) {
		return
	}
	if bit < 0 || bit >= width(g) {
		c.errorf("%s: bit %d, want 0 to %d", name, bit, width(g)-1)
		return
	}
	c.branch(strings.ToUpper(name), label, true, imm(bit), g)
}

// branch adds a branch. Its label is the first operand, where avo looks for it.
func (c *Context) branch(op, label string, conditional bool, ops ...Operand) {
	i := &ir.Instruction{
		Opcode:        op,
		Operands:      []operand.Op{operand.LabelRef(label)},
		IsBranch:      true,
		IsConditional: conditional,
	}
	for _, o := range ops {
		i.Operands = append(i.Operands, bindable{o})
		for _, r := range o.regs() {
			i.Inputs = append(i.Inputs, r)
		}
	}
	c.instruction(i)
}

// RET returns.
func (c *Context) RET() { c.instruction(&ir.Instruction{Opcode: "RET", IsTerminal: true}) }

// PCALIGN aligns the next instruction to a power of two from 8 to 2048.
func (c *Context) PCALIGN(n int) {
	if n < 8 || n > 2048 || n&(n-1) != 0 {
		c.errorf("pcalign: %d, want a power of two from 8 to 2048", n)
		return
	}
	c.raw("PCALIGN", nil, nil, imm(n))
}

// PRFM prefetches memory. hint is one of PLDL1KEEP, PLDL1STRM, PLDL2KEEP,
// PLDL2STRM, PSTL1KEEP, PSTL1STRM and so on.
func (c *Context) PRFM(hint string, m Mem) {
	if m.mode != neon.Offset || m.off < 0 || m.off%8 != 0 || m.off > 4095*8 {
		c.errorf("prfm: memory %s, want an offset that is a multiple of 8 up to %d", text(m), 4095*8)
		return
	}
	if c.valid("prfm", m) {
		c.raw("PRFM", m.regs(), nil, m, goText(hint))
	}
}

// bindable is an operand of an instruction of Go's syntax.
type bindable struct{ Operand }

func (b bindable) Asm() string { return b.goasm() }

// raw adds an instruction in Go's syntax and order.
func (c *Context) raw(op string, in, out []reg.Register, ops ...any) {
	i := &ir.Instruction{Opcode: op}
	for _, o := range ops {
		switch o := o.(type) {
		case goText:
			i.Operands = append(i.Operands, o)
		case Operand:
			i.Operands = append(i.Operands, bindable{o})
		}
	}
	for _, r := range in {
		i.Inputs = append(i.Inputs, r)
	}
	for _, r := range out {
		i.Outputs = append(i.Outputs, r)
	}
	c.instruction(i)
}

// emit adds an instruction with a mnemonic of the architecture.
func (c *Context) emit(name string, args ...any) {
	i, err := newInst(name, args)
	if err != nil {
		c.errorf("%s: %w", name, err)
		return
	}
	c.instruction(i.ir())
}

func (c *Context) valid(name string, o Operand) bool {
	_, err := operandOf(o)
	if m, ok := o.(Mem); ok && err == nil {
		err = checkMem(m)
	}
	if err != nil {
		c.errorf("%s: %w", name, err)
	}
	return err == nil
}

func (c *Context) instruction(i *ir.Instruction) {
	if c.fn == nil {
		c.errorf("%s outside of a function", i.Opcode)
		return
	}
	c.ctx.Instruction(i)
}

// errorf notes an error with the line of the caller of this package.
func (c *Context) errorf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if c.fn != nil {
		err = fmt.Errorf("%s: %w", c.fn.Name, err)
	}
	c.errs = append(c.errs, fmt.Errorf("%s: %w", callerLine(), err))
}

// callerLine is the line outside this package's own files that the call comes
// from.
func callerLine() string {
	_, self, _, _ := runtime.Caller(0)
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	for {
		f, more := frames.Next()
		own := filepath.Dir(f.File) == filepath.Dir(self) && !strings.HasSuffix(f.File, "_test.go")
		if !own || !more {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
	}
}

// Result compiles the file. Nothing can be added after.
func (c *Context) Result() (*ir.File, error) {
	f, err := c.ctx.Result()
	errs := c.errs
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if !c.compiled {
		if err := compile.Execute(f); err != nil {
			c.errs = append(c.errs, err)
			return nil, err
		}
		c.compiled = true
	}
	return f, nil
}

// Print returns the text of the assembly file and of the Go file with its
// declarations.
func (c *Context) Print(cfg printer.Config) (asm, stubs []byte, err error) {
	f, err := c.Result()
	if err != nil {
		return nil, nil, err
	}
	if asm, err = printer.NewGoAsm(cfg).Print(f); err != nil {
		return nil, nil, err
	}
	stubs, err = printer.NewStubs(cfg).Print(f)
	return asm, stubs, err
}

// with is the arguments of a method with a variable number.
func with[T any](more []T, args ...any) []any {
	for _, m := range more {
		args = append(args, m)
	}
	return args
}
