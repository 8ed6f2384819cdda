package neon

import (
	"fmt"
	"strconv"
	"strings"
)

// A Size is the width of an element or of a scalar register: 1<<Size bytes.
type Size uint8

// Sizes.
const (
	B Size = iota
	H
	S
	D
	Q
)

// Bytes is the width in bytes.
func (s Size) Bytes() int { return 1 << s }

func (s Size) bits() int64 { return 8 << s }

func (s Size) String() string {
	if s > Q {
		return fmt.Sprintf("Size(%d)", uint8(s))
	}
	return "bhsdq"[s : s+1]
}

// An Arr is a vector arrangement.
type Arr uint8

// Arrangements: element size and number of elements.
const (
	B8 Arr = iota
	B16
	H4
	H8
	S2
	S4
	D1
	D2
)

func arrOf(s Size, q uint32) Arr { return Arr(s<<1) | Arr(q) }

// Size is the element size.
func (a Arr) Size() Size { return Size(a >> 1) }

// Lanes is the number of elements.
func (a Arr) Lanes() int { return 8 << (a & 1) >> a.Size() }

func (a Arr) q() uint32 { return uint32(a & 1) }

func (a Arr) String() string {
	if a > D2 {
		return fmt.Sprintf("Arr(%d)", uint8(a))
	}
	return strconv.Itoa(a.Lanes()) + a.Size().String()
}

// An Operand of an instruction. Its String is its spelling in the
// architecture's syntax.
type Operand interface {
	fmt.Stringer
	kind() kind
	check() error
}

// kind is an operand's letter in the shape of a form.
type kind byte

const (
	kindVec   kind = 'v'
	kindElem  kind = 'e'
	kindFP    kind = 'f'
	kindGP    kind = 'g'
	kindImm   kind = '#'
	kindFloat kind = '.'
	kindShift kind = 's'
	kindCond  kind = 'c'
	kindList  kind = 'l'
	kindLane  kind = 'L'
	kindMem   kind = 'm'
)

var kindNames = map[kind]string{
	kindVec: "a vector", kindElem: "an element", kindFP: "a scalar", kindGP: "a general register",
	kindImm: "an immediate", kindFloat: "a floating-point immediate", kindShift: "a shift", kindCond: "a condition",
	kindList: "a register list", kindLane: "a register list's element", kindMem: "memory",
}

// Vec is a vector register with an arrangement: v3.4s.
type Vec struct {
	N   int
	Arr Arr
}

// Elem is an element of a vector register: v3.s[1].
type Elem struct {
	N     int
	Size  Size
	Index int
}

// FP is a vector register's scalar view: s3.
type FP struct {
	N    int
	Size Size
}

// GP is a general register: x3, or w3 with W. Register 31 is the zero
// register.
type GP struct {
	N int
	W bool
}

// Imm is an integer immediate.
type Imm int64

// Float is a floating-point immediate.
type Float float64

// Shift is the shift of an immediate by N bits, with zeros (lsl) or ones (MSL)
// coming in.
type Shift struct {
	N   int
	MSL bool
}

// Cond is a condition.
type Cond uint8

// Conditions.
const (
	EQ Cond = iota
	NE
	HS
	LO
	MI
	PL
	VS
	VC
	HI
	LS
	GE
	LT
	GT
	LE
	AL
)

// List is Len consecutive vector registers from N on, 31 followed by 0.
type List struct {
	N, Len int
	Arr    Arr
}

// Lane is an element of each of a list's registers: {v0.s, v1.s}[2].
type Lane struct {
	N, Len int
	Size   Size
	Index  int
}

// Mode is what a memory operand does with its base.
type Mode uint8

// Modes.
const (
	Offset  Mode = iota // the address is Base + Off
	Pre                 // the same, and the base becomes it
	Post                // the address is Base, which becomes Base + Off
	Index               // the address is Base + Index<<Shift
	PostReg             // the address is Base, which becomes Base + Index
)

// Mem is a memory operand. Base 31 is the stack pointer.
type Mem struct {
	Base  int
	Off   int
	Mode  Mode
	Index int
	Shift int
}

func (Vec) kind() kind   { return kindVec }
func (Elem) kind() kind  { return kindElem }
func (FP) kind() kind    { return kindFP }
func (GP) kind() kind    { return kindGP }
func (Imm) kind() kind   { return kindImm }
func (Float) kind() kind { return kindFloat }
func (Shift) kind() kind { return kindShift }
func (Cond) kind() kind  { return kindCond }
func (List) kind() kind  { return kindList }
func (Lane) kind() kind  { return kindLane }
func (Mem) kind() kind   { return kindMem }

func (v Vec) String() string  { return fmt.Sprintf("v%d.%v", v.N, v.Arr) }
func (e Elem) String() string { return fmt.Sprintf("v%d.%v[%d]", e.N, e.Size, e.Index) }
func (f FP) String() string   { return fmt.Sprintf("%v%d", f.Size, f.N) }

func (g GP) String() string {
	prefix, n := "x", strconv.Itoa(g.N)
	if g.W {
		prefix = "w"
	}
	if g.N == 31 {
		n = "zr"
	}
	return prefix + n
}

func (i Imm) String() string {
	if i > 0xffff {
		return fmt.Sprintf("#%#x", uint64(i))
	}
	return fmt.Sprintf("#%d", int64(i))
}

func (f Float) String() string {
	s := strconv.FormatFloat(float64(f), 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return "#" + s
}

func (s Shift) String() string {
	if s.MSL {
		return fmt.Sprintf("msl #%d", s.N)
	}
	return fmt.Sprintf("lsl #%d", s.N)
}

var condNames = [...]string{"eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al"}

func (c Cond) String() string {
	if int(c) >= len(condNames) {
		return fmt.Sprintf("Cond(%d)", uint8(c))
	}
	return condNames[c]
}

// Not is the opposite condition.
func (c Cond) Not() Cond { return c ^ 1 }

func (l List) String() string {
	s := make([]string, l.Len)
	for i := range s {
		s[i] = Vec{(l.N + i) % 32, l.Arr}.String()
	}
	return "{" + strings.Join(s, ", ") + "}"
}

func (l Lane) String() string {
	s := make([]string, l.Len)
	for i := range s {
		s[i] = fmt.Sprintf("v%d.%v", (l.N+i)%32, l.Size)
	}
	return fmt.Sprintf("{%s}[%d]", strings.Join(s, ", "), l.Index)
}

func (m Mem) String() string {
	base := "sp"
	if m.Base != 31 {
		base = "x" + strconv.Itoa(m.Base)
	}
	index := GP{N: m.Index}.String()
	switch m.Mode {
	case Pre:
		return fmt.Sprintf("[%s, #%d]!", base, m.Off)
	case Post:
		return fmt.Sprintf("[%s], #%d", base, m.Off)
	case PostReg:
		return fmt.Sprintf("[%s], %s", base, index)
	case Index:
		if m.Shift == 0 {
			return fmt.Sprintf("[%s, %s]", base, index)
		}
		return fmt.Sprintf("[%s, %s, lsl #%d]", base, index, m.Shift)
	}
	if m.Off == 0 {
		return fmt.Sprintf("[%s]", base)
	}
	return fmt.Sprintf("[%s, #%d]", base, m.Off)
}

func checkReg(what string, n int) error {
	if n < 0 || n > 31 {
		return fmt.Errorf("%s register %d, want 0 to 31", what, n)
	}
	return nil
}

func checkElem(size Size, index int) error {
	if size > D {
		return fmt.Errorf("element size %v, want b, h, s or d", size)
	}
	if n := 16 >> size; index < 0 || index >= n {
		return fmt.Errorf("element index %d of %v, want 0 to %d", index, size, n-1)
	}
	return nil
}

func checkList(n, length int) error {
	if length < 1 || length > 4 {
		return fmt.Errorf("list of %d registers, want 1 to 4", length)
	}
	return checkReg("vector", n)
}

func (v Vec) check() error {
	if v.Arr > D2 {
		return fmt.Errorf("unknown arrangement %v", v.Arr)
	}
	return checkReg("vector", v.N)
}

func (e Elem) check() error {
	if err := checkElem(e.Size, e.Index); err != nil {
		return err
	}
	return checkReg("vector", e.N)
}

func (f FP) check() error {
	if f.Size > Q {
		return fmt.Errorf("unknown scalar size %v", f.Size)
	}
	return checkReg("scalar", f.N)
}

func (g GP) check() error { return checkReg("general", g.N) }

func (Imm) check() error   { return nil }
func (Float) check() error { return nil }
func (Shift) check() error { return nil }

func (c Cond) check() error {
	if c > AL {
		return fmt.Errorf("unknown condition %v", c)
	}
	return nil
}

func (l List) check() error {
	if l.Arr > D2 {
		return fmt.Errorf("unknown arrangement %v", l.Arr)
	}
	return checkList(l.N, l.Len)
}

func (l Lane) check() error {
	if err := checkElem(l.Size, l.Index); err != nil {
		return err
	}
	return checkList(l.N, l.Len)
}

func (m Mem) check() error {
	if m.Mode > PostReg {
		return fmt.Errorf("unknown addressing mode %d", m.Mode)
	}
	if m.Mode == Index || m.Mode == PostReg {
		if err := checkReg("index", m.Index); err != nil {
			return err
		}
	}
	return checkReg("base", m.Base)
}
