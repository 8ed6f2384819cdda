// Package neon encodes the A64 Advanced SIMD and scalar floating-point
// instructions, of which Go's assembler knows some only.
//
//	w, err := neon.Encode("umull", neon.Vec{0, neon.D2}, neon.Vec{1, neon.S2}, neon.Vec{2, neon.S2})
//	// w.Word is 0x2ea2c020, w.Text "umull v0.2d, v1.2s, v2.2s"
//
// Mnemonics and the order of operands are the architecture's: the destination
// is first. Every instruction is a row of a table; encodings are those of the
// Arm Architecture Reference Manual (DDI 0487), section C4.1.
package neon

import (
	"fmt"
	"slices"
	"strings"
)

// A Feature is what a CPU needs to have for an instruction, under the name of
// Linux's hwcap and golang.org/x/sys/cpu.
type Feature string

// Features. Every instruction of this package needs ASIMD.
const (
	ASIMD   Feature = "ASIMD"
	ASIMDHP Feature = "ASIMDHP" // arithmetic in half precision
	ASIMDDP Feature = "ASIMDDP" // dot products
	SHA3    Feature = "SHA3"
)

// An Inst is an encoded instruction.
type Inst struct {
	Word    uint32
	Text    string // in the architecture's syntax
	Feature Feature
	Form    *Form
	// LowElem says that the element operand's register must be one of V0 to
	// V15, as there are four bits for it.
	LowElem bool
}

// A Form is an instruction with a combination of kinds of operands.
type Form struct {
	Name string
	// Shape has a letter for each operand: v vector, e element, f scalar, g
	// general register, # immediate, . floating-point immediate, s shift of
	// an immediate, c condition, l list, L element of a list, m memory.
	Shape string
	// Writes is how many of the first operands are destinations.
	Writes int
	// Reads says that the destination's old value matters.
	Reads bool

	class class
	op    uint32
	arrs  set // arrangements, or sizes, that the class's deciding operand may have
	upper uint32
}

// set holds the arrangements or sizes that a row allows.
type set uint16

func arrs(a ...Arr) (s set) {
	for _, a := range a {
		s |= 1 << a
	}
	return s
}

func sizes(z ...Size) (s set) {
	for _, z := range z {
		s |= 1 << z
	}
	return s
}

func (s set) has(a Arr) bool { return s>>a&1 != 0 }

func (s set) hasSize(z Size) bool { return s>>z&1 != 0 }

func (s set) arrNames() string {
	var names []string
	for a := B8; a <= D2; a++ {
		if s.has(a) {
			names = append(names, a.String())
		}
	}
	return oneOf(names)
}

func (s set) sizeNames() string {
	var names []string
	for z := B; z <= Q; z++ {
		if s.hasSize(z) {
			names = append(names, z.String())
		}
	}
	return oneOf(names)
}

func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

var (
	forms  []*Form
	byName = map[string][]*Form{}
)

func init() {
	for i := range table {
		for _, f := range table[i].forms() {
			for _, g := range byName[f.Name] {
				if g.Shape == f.Shape {
					panic("neon: two rows for " + f.Name + " " + f.Shape)
				}
			}
			forms = append(forms, f)
			byName[f.Name] = append(byName[f.Name], f)
		}
	}
}

// Forms lists every form.
func Forms() []*Form { return slices.Clone(forms) }

// Lookup returns the forms of a mnemonic.
func Lookup(name string) []*Form { return slices.Clone(byName[name]) }

// Encode encodes an instruction. Its errors name the mnemonic and the operand.
func Encode(name string, operands ...Operand) (Inst, error) {
	in, err := encode(name, operands)
	if err != nil {
		return Inst{}, fmt.Errorf("%s: %w", name, err)
	}
	return in, nil
}

func encode(name string, operands []Operand) (Inst, error) {
	fs, ok := byName[name]
	if !ok {
		return Inst{}, fmt.Errorf("unknown instruction")
	}
	var shape strings.Builder
	for i, o := range operands {
		if o == nil {
			return Inst{}, fmt.Errorf("operand %d is nil", i+1)
		}
		if err := o.check(); err != nil {
			return Inst{}, fmt.Errorf("operand %d: %w", i+1, err)
		}
		shape.WriteByte(byte(o.kind()))
	}
	i := slices.IndexFunc(fs, func(f *Form) bool { return f.Shape == shape.String() })
	if i < 0 {
		return Inst{}, shapeError(fs, operands)
	}
	e := encoder{form: fs[i], ops: operands, in: Inst{Form: fs[i], Feature: ASIMD}}
	e.in.Word = classes[e.form.class].base | e.form.op
	if err := classes[e.form.class].encode(&e); err != nil {
		return Inst{}, err
	}
	text := make([]string, len(operands))
	for i, o := range operands {
		text[i] = o.String()
	}
	if e.name == "" {
		e.name = name
	}
	e.in.Text = e.name + " " + strings.Join(text, ", ")
	return e.in, nil
}

// shapeError says what the forms that agree with the operands longest want
// next.
func shapeError(fs []*Form, operands []Operand) error {
	best, counts, want := -1, []string{}, []string{}
	for _, f := range fs {
		n := 0
		for n < len(operands) && n < len(f.Shape) && byte(operands[n].kind()) == f.Shape[n] {
			n++
		}
		if c := fmt.Sprint(len(f.Shape)); !slices.Contains(counts, c) {
			counts = append(counts, c)
		}
		if n > best {
			best, want = n, nil
		}
		if n == best && n < len(f.Shape) {
			if k := kindNames[kind(f.Shape[n])]; !slices.Contains(want, k) {
				want = append(want, k)
			}
		}
	}
	if best < len(operands) && len(want) > 0 {
		return fmt.Errorf("operand %d is %s, want %s", best+1, kindNames[operands[best].kind()], oneOf(want))
	}
	return fmt.Errorf("%d operands, want %s", len(operands), oneOf(counts))
}

// encoder is an instruction on its way through its class.
type encoder struct {
	form *Form
	ops  []Operand
	name string // spelling where it is not the form's
	in   Inst
}

func (e *encoder) vec(i int) Vec   { return e.ops[i].(Vec) }
func (e *encoder) elem(i int) Elem { return e.ops[i].(Elem) }
func (e *encoder) fp(i int) FP     { return e.ops[i].(FP) }
func (e *encoder) gp(i int) GP     { return e.ops[i].(GP) }
func (e *encoder) imm(i int) int64 { return int64(e.ops[i].(Imm)) }
func (e *encoder) mem(i int) Mem   { return e.ops[i].(Mem) }

// or sets bits of the word.
func (e *encoder) or(value uint32, shift int) { e.in.Word |= value << shift }

// d, n, m, a set register fields.
func (e *encoder) d(n int) { e.or(uint32(n), 0) }
func (e *encoder) n(n int) { e.or(uint32(n), 5) }
func (e *encoder) m(n int) { e.or(uint32(n), 16) }
func (e *encoder) a(n int) { e.or(uint32(n), 10) }

// regs sets the fields of the first operands, vectors or scalars.
func (e *encoder) regs() {
	fields := []func(int){e.d, e.n, e.m, e.a}
	for i, o := range e.ops {
		switch o := o.(type) {
		case Vec:
			fields[i](o.N)
		case FP:
			fields[i](o.N)
		case GP:
			fields[i](o.N)
		default:
			return
		}
	}
}

// q and size set the fields of an arrangement.
func (e *encoder) q(a Arr)     { e.or(a.q(), 30) }
func (e *encoder) size(z Size) { e.or(uint32(z), 22) }

// operandName is what errors call operand i.
func (e *encoder) operandName(i int) string {
	switch {
	case e.form.Writes == 0:
		return fmt.Sprintf("operand %d", i+1)
	case i < e.form.Writes:
		return "destination"
	case len(e.ops) == 2 || byte(e.ops[min(2, len(e.ops)-1)].kind()) == byte(kindImm):
		return "source"
	}
	return [...]string{"first", "second", "third"}[i-e.form.Writes] + " source"
}

// allow checks a deciding operand's arrangement.
func (e *encoder) allow(i int) (Arr, error) {
	a := e.vec(i).Arr
	if !e.form.arrs.has(a) {
		return a, fmt.Errorf("%s arrangement %v, want %s", e.operandName(i), a, e.form.arrs.arrNames())
	}
	return a, nil
}

// same checks that the other vectors have the deciding operand's arrangement.
func (e *encoder) same(i int, others ...int) (Arr, error) {
	a, err := e.allow(i)
	if err != nil {
		return a, err
	}
	for _, j := range others {
		if err := e.want(j, a, i); err != nil {
			return a, err
		}
	}
	return a, nil
}

// sort is an operand without its register, which the caller may know by
// another name.
func sort(o Operand) string {
	switch o := o.(type) {
	case Vec:
		return o.Arr.String()
	case FP:
		return o.Size.String()
	case Elem:
		return o.Size.String()
	case GP:
		if o.W {
			return "w"
		}
		return "x"
	}
	return o.String()
}

// want checks that vector i has arrangement a, as operand because has it.
func (e *encoder) want(i int, a Arr, because int) error {
	if got := e.vec(i).Arr; got != a {
		return fmt.Errorf("%s arrangement %v, want %v for %s %s", e.operandName(i), got, a, e.operandName(because), sort(e.ops[because]))
	}
	return nil
}

// wide is the arrangement of elements twice as wide of a whole register, and
// checks that operand i has the half that the form is for.
func (e *encoder) wide(i int) (Arr, error) {
	a, err := e.allow(i)
	if err != nil {
		return a, err
	}
	if a.q() != e.form.upper {
		return a, fmt.Errorf("%s arrangement %v, want %v", e.operandName(i), a, arrOf(a.Size(), e.form.upper))
	}
	return arrOf(a.Size()+1, 1), nil
}

func (e *encoder) allowSize(i int) (Size, error) {
	z := e.fp(i).Size
	if !e.form.arrs.hasSize(z) {
		return z, fmt.Errorf("%s size %v, want %s", e.operandName(i), z, e.form.arrs.sizeNames())
	}
	return z, nil
}

func (e *encoder) wantSize(i int, z Size, because int) error {
	if got := e.fp(i).Size; got != z {
		return fmt.Errorf("%s size %v, want %v for %s %s", e.operandName(i), got, z, e.operandName(because), sort(e.ops[because]))
	}
	return nil
}

func (e *encoder) sameSize(others ...int) (Size, error) {
	z, err := e.allowSize(0)
	if err != nil {
		return z, err
	}
	for _, i := range others {
		if err := e.wantSize(i, z, 0); err != nil {
			return z, err
		}
	}
	return z, nil
}

// between checks an immediate.
func (e *encoder) between(i int, lo, hi int64) (int64, error) {
	v := e.imm(i)
	if v < lo || v > hi {
		if lo == hi {
			return v, fmt.Errorf("immediate %d, want %d", v, lo)
		}
		return v, fmt.Errorf("immediate %d, want %d to %d", v, lo, hi)
	}
	return v, nil
}

// half notes that the instruction calculates in half precision.
func (e *encoder) half() { e.in.Feature = ASIMDHP }
