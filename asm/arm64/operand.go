package arm64

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// An Operand is a register's view, a list or element of registers, memory, a
// shifted register or a condition.
type Operand interface {
	// kind is the letter of the operand in an instruction's shape, as in
	// package neon, with x for a shifted or extended register.
	kind() byte
	// regs lists the registers that there are.
	regs() []reg.Register
	// bind replaces registers.
	bind(func(reg.Register) reg.Register) Operand
	// neon is the operand in the architecture's syntax and for the encoder,
	// once registers are physical.
	neon() neon.Operand
	// goasm is the operand in Go's syntax.
	goasm() string
}

type imm int64

type float float64

// Cond is a condition.
type Cond = neon.Cond

// Conditions.
const (
	EQ = neon.EQ
	NE = neon.NE
	HS = neon.HS
	LO = neon.LO
	MI = neon.MI
	PL = neon.PL
	VS = neon.VS
	VC = neon.VC
	HI = neon.HI
	LS = neon.LS
	GE = neon.GE
	LT = neon.LT
	GT = neon.GT
	LE = neon.LE
)

type cond Cond

// Shift is the shift of an immediate.
type Shift struct{ s neon.Shift }

// LSL shifts an immediate left by n bits.
func LSL(n int) Shift { return Shift{neon.Shift{N: n}} }

// MSL shifts an immediate left by n bits with ones coming in.
func MSL(n int) Shift { return Shift{neon.Shift{N: n, MSL: true}} }

// List is consecutive registers, as loads and stores of structures and TBL take
// them. A list of one is its register; longer ones must be of physical registers,
// as the allocator does not look for neighbors.
type List struct{ items []Operand }

// ListOf makes a list of vectors, or of elements with one index.
func ListOf[T VecArr | Elem](items ...T) List {
	l := List{}
	for _, i := range items {
		l.items = append(l.items, any(i).(Operand))
	}
	return l
}

// Mem is a memory operand.
type Mem struct {
	base  GP
	off   int
	mode  neon.Mode
	index GP
	shift int
}

// Off is the memory n bytes behind the address in g.
func (g GP) Off(n int) Mem { return Mem{base: g, off: n} }

// Pre is the same, and g becomes that address.
func (g GP) Pre(n int) Mem { return Mem{base: g, off: n, mode: neon.Pre} }

// Post is the memory at the address in g, to which n is added after.
func (g GP) Post(n int) Mem { return Mem{base: g, off: n, mode: neon.Post} }

// PostReg is the memory at the address in g, to which n is added after. Only
// LD1 to LD4, LD1R to LD4R and ST1 to ST4 have it.
func (g GP) PostReg(n GP) Mem { return Mem{base: g, mode: neon.PostReg, index: n} }

// Idx is the memory at g + index<<shift. shift is 0 or the logarithm of the
// size of the access.
func (g GP) Idx(index GP, shift int) Mem {
	return Mem{base: g, mode: neon.Index, index: index, shift: shift}
}

// Add is the memory n bytes behind m, which has an offset.
func (m Mem) Add(n int) Mem {
	m.off += n
	return m
}

// Shifted is a general register whose value is shifted or extended on its way
// into an instruction.
type Shifted struct {
	g  GP
	op string
	n  int
}

// LSL is the register shifted left, LSR, ASR and ROR are its like.
func (g GP) LSL(n int) Shifted { return Shifted{g, "lsl", n} }
func (g GP) LSR(n int) Shifted { return Shifted{g, "lsr", n} }
func (g GP) ASR(n int) Shifted { return Shifted{g, "asr", n} }
func (g GP) ROR(n int) Shifted { return Shifted{g, "ror", n} }

// UXTW is the lower half, zero-extended and shifted left by n ≤ 4, as ADD and
// SUB and their like take it; SXTW is its like with the sign.
func (g GP) UXTW(n int) Shifted { return Shifted{g.W(), "uxtw", n} }
func (g GP) SXTW(n int) Shifted { return Shifted{g.W(), "sxtw", n} }

func (imm) kind() byte     { return '#' }
func (float) kind() byte   { return '.' }
func (cond) kind() byte    { return 'c' }
func (Shift) kind() byte   { return 's' }
func (GP) kind() byte      { return 'g' }
func (VecArr) kind() byte  { return 'v' }
func (Scalar) kind() byte  { return 'f' }
func (Elem) kind() byte    { return 'e' }
func (Mem) kind() byte     { return 'm' }
func (Shifted) kind() byte { return 'x' }
func (l List) kind() byte {
	if _, ok := l.items[0].(Elem); ok {
		return 'L'
	}
	return 'l'
}

func (imm) regs() []reg.Register      { return nil }
func (float) regs() []reg.Register    { return nil }
func (cond) regs() []reg.Register     { return nil }
func (Shift) regs() []reg.Register    { return nil }
func (v VecArr) regs() []reg.Register { return []reg.Register{v.r} }
func (s Scalar) regs() []reg.Register { return []reg.Register{s.r} }
func (e Elem) regs() []reg.Register   { return []reg.Register{e.r} }

// regs leaves out the zero register and the stack pointer.
func (g GP) regs() []reg.Register {
	if g.r == zero || g.r == stack {
		return nil
	}
	return []reg.Register{g.r}
}

func (s Shifted) regs() []reg.Register { return s.g.regs() }

func (m Mem) regs() []reg.Register {
	rs := m.base.regs()
	if m.indexed() {
		rs = append(rs, m.index.regs()...)
	}
	return rs
}

func (m Mem) indexed() bool { return m.mode == neon.Index || m.mode == neon.PostReg }

// writesBase says that the base is advanced.
func (m Mem) writesBase() bool {
	return m.mode == neon.Pre || m.mode == neon.Post || m.mode == neon.PostReg
}

func (l List) regs() (rs []reg.Register) {
	for _, i := range l.items {
		rs = append(rs, i.regs()...)
	}
	return rs
}

func (i imm) bind(func(reg.Register) reg.Register) Operand       { return i }
func (f float) bind(func(reg.Register) reg.Register) Operand     { return f }
func (c cond) bind(func(reg.Register) reg.Register) Operand      { return c }
func (s Shift) bind(func(reg.Register) reg.Register) Operand     { return s }
func (v VecArr) bind(to func(reg.Register) reg.Register) Operand { v.r = to(v.r); return v }
func (s Scalar) bind(to func(reg.Register) reg.Register) Operand { s.r = to(s.r); return s }
func (e Elem) bind(to func(reg.Register) reg.Register) Operand   { e.r = to(e.r); return e }

func (g GP) bind(to func(reg.Register) reg.Register) Operand {
	if len(g.regs()) > 0 {
		g.r = to(g.r)
	}
	return g
}

func (s Shifted) bind(to func(reg.Register) reg.Register) Operand {
	s.g = s.g.bind(to).(GP)
	return s
}

func (m Mem) bind(to func(reg.Register) reg.Register) Operand {
	m.base = m.base.bind(to).(GP)
	if m.indexed() {
		m.index = m.index.bind(to).(GP)
	}
	return m
}

func (l List) bind(to func(reg.Register) reg.Register) Operand {
	var b List
	for _, i := range l.items {
		b.items = append(b.items, i.bind(to))
	}
	return b
}

// num is a physical register's number.
func num(r reg.Register) int { return int(r.ID().Index()) }

func (i imm) neon() neon.Operand    { return neon.Imm(i) }
func (f float) neon() neon.Operand  { return neon.Float(f) }
func (c cond) neon() neon.Operand   { return neon.Cond(c) }
func (s Shift) neon() neon.Operand  { return s.s }
func (g GP) neon() neon.Operand     { return neon.GP{N: num(g.r), W: g.w} }
func (v VecArr) neon() neon.Operand { return neon.Vec{N: num(v.r), Arr: v.arr} }
func (s Scalar) neon() neon.Operand { return neon.FP{N: num(s.r), Size: s.size} }
func (e Elem) neon() neon.Operand   { return neon.Elem{N: num(e.r), Size: e.size, Index: e.index} }

func (l List) neon() neon.Operand {
	switch i := l.items[0].(type) {
	case VecArr:
		return neon.List{N: num(i.r), Len: len(l.items), Arr: i.arr}
	case Elem:
		return neon.Lane{N: num(i.r), Len: len(l.items), Size: i.size, Index: i.index}
	}
	return nil
}

func (m Mem) neon() neon.Operand {
	n := neon.Mem{Base: num(m.base.r), Off: m.off, Mode: m.mode, Shift: m.shift}
	if m.indexed() {
		n.Index = num(m.index.r)
	}
	return n
}

// neon is nil: no instruction of that package takes shifted registers.
func (s Shifted) neon() neon.Operand { return nil }

func (i imm) goasm() string   { return "$" + strconv.FormatInt(int64(i), 10) }
func (f float) goasm() string { return "$(" + neon.Float(f).String()[1:] + ")" }
func (c cond) goasm() string  { return strings.ToUpper(Cond(c).String()) }
func (s Shift) goasm() string { return "$" + strconv.Itoa(s.s.N) }
func (g GP) goasm() string    { return g.r.Asm() }

func (v VecArr) goasm() string {
	return fmt.Sprintf("%s.%s%d", v.r.Asm(), strings.ToUpper(v.arr.Size().String()), v.arr.Lanes())
}

func (s Scalar) goasm() string { return "F" + s.r.Asm()[1:] }

func (e Elem) goasm() string {
	return fmt.Sprintf("%s.%s[%d]", e.r.Asm(), strings.ToUpper(e.size.String()), e.index)
}

func (l List) goasm() string {
	if l.kind() == 'L' {
		return l.items[0].goasm() // there is no list of more than one in Go's syntax
	}
	return "[" + joined(l.items) + "]"
}

func (m Mem) goasm() string {
	base := "(" + m.base.goasm() + ")"
	switch {
	case m.mode == neon.Index && m.shift == 0, m.mode == neon.PostReg:
		return base + "(" + m.index.goasm() + ")"
	case m.mode == neon.Index:
		return fmt.Sprintf("%s(%s<<%d)", base, m.index.goasm(), m.shift)
	case m.off == 0:
		return base
	}
	return strconv.Itoa(m.off) + base
}

var goShifts = map[string]string{"lsl": "<<", "lsr": ">>", "asr": "->", "ror": "@>", "uxtw": ".UXTW<<", "sxtw": ".SXTW<<"}

func (s Shifted) goasm() string { return fmt.Sprintf("%s%s%d", s.g.goasm(), goShifts[s.op], s.n) }

func joined(ops []Operand) string {
	s := make([]string, len(ops))
	for i, o := range ops {
		s[i] = o.goasm()
	}
	return strings.Join(s, ", ")
}

// text is an operand in the architecture's syntax.
func text(o Operand) string {
	if s, ok := o.(Shifted); ok {
		return fmt.Sprintf("%v, %s #%d", s.g.neon(), s.op, s.n)
	}
	return o.neon().String()
}

// operandOf is the operand for an argument of a method.
func operandOf(arg any) (Operand, error) {
	switch a := arg.(type) {
	case Vec:
		return nil, fmt.Errorf("vector without arrangement, want a view such as S4, S or S().At")
	case Operand:
		if l, ok := a.(List); ok && len(l.items) == 0 {
			return nil, fmt.Errorf("empty list")
		}
		for _, r := range a.regs() {
			if err := checkRegister(r); err != nil {
				return nil, err
			}
		}
		return a, nil
	case Cond:
		return cond(a), nil
	case int:
		return imm(a), nil
	case int64:
		return imm(a), nil
	case int32:
		return imm(a), nil
	case uint64:
		return imm(a), nil
	case uint32:
		return imm(a), nil
	case uint:
		return imm(a), nil
	case float64:
		return float(a), nil
	case float32:
		return float(a), nil
	}
	return nil, fmt.Errorf("%T, want a register's view, memory, an integer or a float64", arg)
}

// checkRegister refuses registers that are not for use.
func checkRegister(r reg.Register) error {
	if r == nil {
		return fmt.Errorf("zero register value, want one made by GP, Vec, R or V")
	}
	p, ok := r.(physical)
	if !ok {
		return nil
	}
	if p.Register == nil {
		return fmt.Errorf("no register %s", p.name)
	}
	if whose, ok := reserved[num(p)]; ok && p.Kind() == KindGP {
		return fmt.Errorf("%s is reserved, it is %s", p.name, whose)
	}
	return nil
}
