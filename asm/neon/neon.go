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

	class *class
	op    uint32
	arrs  set // what the class's deciding operand may have
	upper uint32
}

// set holds the arrangements or sizes that a row allows, any if it is empty.
type set uint16

func arrs(a ...Arr) (s set) {
	for _, a := range a {
		s |= 1 << a
	}
	return s
}

func sizesOf(z ...Size) (s set) {
	for _, z := range z {
		s |= 1 << z
	}
	return s
}

// names lists what is in the set for operands of a kind.
func (s set) names(k kind) string {
	var names []string
	for i := range 16 {
		switch {
		case s>>i&1 == 0:
		case k == kindVec || k == kindList:
			names = append(names, Arr(i).String())
		default:
			names = append(names, Size(i).String())
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
	c := fs[i].class
	e := encoder{form: fs[i], ops: operands, in: Inst{Form: fs[i], Word: c.base | fs[i].op, Feature: ASIMD}}
	z, err := e.agree()
	if err != nil {
		return Inst{}, err
	}
	e.regs()
	if c.rest != nil {
		if err := c.rest(&e, z); err != nil {
			return Inst{}, err
		}
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

// regs sets the fields of the operands' registers.
func (e *encoder) regs() {
	at := []int{0, 5, 16, 10}
	switch e.form.class {
	case fpCompare, fpCompareZero:
		at = at[1:]
	case loadStorePair:
		at = []int{0, 10, 5}
	}
	for i, o := range e.ops {
		n := 0
		switch o := o.(type) {
		case Vec:
			n = o.N
		case Elem:
			n = o.N
		case FP:
			n = o.N
		case GP:
			n = o.N
		case List:
			n = o.N
		case Lane:
			n = o.N
		case Mem:
			n = o.Base
		}
		e.or(uint32(n), at[i])
	}
}

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

// agree checks the operands by the class's plan, encodes the arrangement or size of the one that
// decides, and returns the size of its elements.
func (e *encoder) agree() (z Size, err error) {
	c := e.form.class
	t := strings.IndexByte(c.plan, 'T')
	z, q, err := e.allow(t)
	if err != nil {
		return z, err
	}
	if strings.Contains(c.plan, "L") && q != e.form.upper {
		return z, fmt.Errorf("%s, want %v", e.described(t), arrOf(z, e.form.upper))
	}
	// The last one first, so that the sources agree where the destination is checked.
	for i := len(c.plan) - 1; i >= 0; i-- {
		var want string
		switch c.plan[i] {
		case '=':
			want = e.sortOf(i, z, q)
		case 'L':
			want = e.sortOf(i, z+1, 1)
		case 'P':
			want = e.sortOf(i, z+1, q)
		case 'B':
			want = e.sortOf(i, B, q)
		case 'G':
			want = gpFor(z)
		default:
			continue
		}
		if err := e.want(i, want, t); err != nil {
			return z, err
		}
	}
	e.or(q, 30)
	e.in.Word ^= c.sizes[z]
	if c.feature != ASIMDHP || z == H {
		e.in.Feature = c.feature
	}
	return z, nil
}

// allow checks that the row has operand i's arrangement or size, and returns the size of its
// elements and whether it is a whole vector.
func (e *encoder) allow(i int) (z Size, q uint32, err error) {
	var member uint8
	switch o := e.ops[i].(type) {
	case Vec:
		z, q, member = o.Arr.Size(), o.Arr.q(), uint8(o.Arr)
	case List:
		z, q, member = o.Arr.Size(), o.Arr.q(), uint8(o.Arr)
	case FP:
		z, member = o.Size, uint8(o.Size)
	case Elem:
		z = o.Size
	case Lane:
		z = o.Size
	}
	if s := e.form.arrs; s != 0 && s>>member&1 == 0 {
		return z, q, fmt.Errorf("%s, want %s", e.described(i), s.names(e.ops[i].kind()))
	}
	return z, q, nil
}

// sort is an operand without its register, which the caller may know by
// another name.
func sort(o Operand) string {
	switch o := o.(type) {
	case Vec:
		return o.Arr.String()
	case List:
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

// sortOf is the sort that operand i is of if it has such elements.
func (e *encoder) sortOf(i int, z Size, q uint32) string {
	if e.ops[i].kind() == kindVec {
		return arrOf(z, q).String()
	}
	return z.String()
}

// gpFor is the sort of a general register for an element.
func gpFor(z Size) string { return sort(GP{W: z < D}) }

// described is what errors say of operand i.
func (e *encoder) described(i int) string {
	what := ""
	switch e.ops[i].kind() {
	case kindVec, kindList:
		what = " arrangement"
	case kindFP, kindElem:
		what = " size"
	}
	return e.operandName(i) + what + " " + sort(e.ops[i])
}

// want checks the sort of operand i, which operand because asks for.
func (e *encoder) want(i int, want string, because int) error {
	if sort(e.ops[i]) == want {
		return nil
	}
	name := e.operandName(because)
	if i == 0 && e.form.class.plan == "LT=" {
		name = "sources"
	}
	return fmt.Errorf("%s, want %s for %s %s", e.described(i), want, name, sort(e.ops[because]))
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
