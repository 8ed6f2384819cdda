package arm64

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// inst is an instruction until its registers are allocated. It stands in the
// operands of avo's.
type inst struct {
	name    string
	ops     []Operand
	integer *intForm // nil for one of package neon
	writes  int
	reads   bool
	isa     neon.Feature
	low     reg.Register // has to be one of V0 to V15
}

// Asm is the instruction for messages.
func (i *inst) Asm() string { return i.name }

// newInst checks an instruction.
func newInst(name string, args []any) (*inst, error) {
	i := &inst{name: name, ops: make([]Operand, len(args))}
	for n, a := range args {
		o, err := operandOf(a)
		if err != nil {
			return nil, fmt.Errorf("operand %d: %w", n+1, err)
		}
		if m, ok := o.(Mem); ok {
			if err := checkMem(m); err != nil {
				return nil, fmt.Errorf("operand %d: %w", n+1, err)
			}
		}
		i.ops[n] = o
	}
	i.adapt()
	var shape strings.Builder
	for _, o := range i.ops {
		shape.WriteByte(o.kind())
	}

	for n := range integers[name] {
		if f := &integers[name][n]; f.shape == shape.String() {
			i.integer, i.writes, i.reads = f, f.writes, f.reads
			return i, f.legal(i.ops)
		}
	}
	if len(neon.Lookup(name)) == 0 || !strings.ContainsAny(shape.String(), "vfelL") && len(integers[name]) > 0 {
		return nil, integerShapeError(name, i.ops)
	}
	return i, i.encodeTrial()
}

func checkMem(m Mem) error {
	switch {
	case m.base.w || m.indexed() && m.index.w:
		return fmt.Errorf("memory with a 32-bit register")
	case m.base.r == zero:
		return fmt.Errorf("memory at the zero register")
	}
	return nil
}

// adapt makes lists of single registers where lists are wanted, and floats of
// integers.
func (i *inst) adapt() {
	for _, f := range neon.Lookup(i.name) {
		for n, k := range f.Shape {
			if n >= len(i.ops) {
				break
			}
			switch o := i.ops[n].(type) {
			case VecArr, Elem:
				if k == 'l' || k == 'L' {
					i.ops[n] = List{[]Operand{o}}
				}
			case imm:
				if k == '.' {
					i.ops[n] = float(o)
				}
			}
		}
	}
}

// operandNames are what messages call an operand of a shape.
var operandNames = map[byte]string{
	'v': "a vector", 'f': "a scalar", 'e': "an element", 'l': "a list", 'L': "a list of elements",
	'g': "a general register", 'x': "a shifted register", '#': "an integer", '.': "a float",
	's': "a shift", 'c': "a condition", 'm': "memory",
}

func integerShapeError(name string, ops []Operand) error {
	forms := integers[name]
	if len(forms) == 0 {
		return fmt.Errorf("unknown instruction")
	}
	for n, o := range ops {
		var want []string
		for _, f := range forms {
			if n < len(f.shape) {
				if f.shape[n] == o.kind() {
					want = nil
					break
				}
				if k := operandNames[f.shape[n]]; !slices.Contains(want, k) {
					want = append(want, k)
				}
			}
		}
		if len(want) > 0 {
			return fmt.Errorf("operand %d is %s, want %s", n+1, operandNames[o.kind()], strings.Join(want, " or "))
		}
	}
	return fmt.Errorf("%d operands of these kinds, want %d", len(ops), len(forms[0].shape))
}

// legal checks widths and immediates.
func (f *intForm) legal(ops []Operand) error {
	var first byte
	for n, o := range ops {
		g, ok := o.(GP)
		if !ok {
			continue
		}
		w := byte('x')
		if g.w {
			w = 'w'
		}
		if first == 0 {
			first = w
		}
		want := first
		if f.widths != "" {
			want = f.widths[n]
		}
		if w != want {
			return fmt.Errorf("operand %d has %d bits, want %d", n+1, width(g), map[byte]int{'x': 64, 'w': 32}[want])
		}
	}
	if first == 'x' && f.op == "" || first == 'w' && f.opW == "" {
		return fmt.Errorf("operand 1 has %d bits, want %d", width(ops[0]), 96-width(ops[0]))
	}
	if f.writes == 2 && ops[0].(GP).r == ops[1].(GP).r {
		return fmt.Errorf("both destinations are one register")
	}
	if f.check != nil {
		return f.check(ops)
	}
	return nil
}

// encodeTrial encodes with virtual registers replaced, to check everything but
// their numbers.
func (i *inst) encodeTrial() error {
	trial := map[reg.ID]reg.Register{}
	for _, o := range i.ops {
		if l, ok := o.(List); ok {
			if err := l.consecutive(); err != nil {
				return err
			}
		}
	}
	to := func(r reg.Register) reg.Register {
		if r.ID().IsPhysical() {
			return r
		}
		if _, ok := trial[r.ID()]; !ok {
			trial[r.ID()] = newPhysical(r.Kind(), len(trial))
		}
		return trial[r.ID()]
	}
	in, err := i.encode(to)
	if err != nil {
		return err
	}
	i.writes, i.reads, i.isa = in.Form.Writes, in.Form.Reads, in.Feature
	if in.LowElem {
		i.low = i.ops[len(i.ops)-1].(Elem).r
	}
	return nil
}

func (i *inst) encode(to func(reg.Register) reg.Register) (neon.Inst, error) {
	ops := make([]neon.Operand, len(i.ops))
	for n, o := range i.ops {
		if o.kind() == 'x' {
			return neon.Inst{}, fmt.Errorf("operand %d is a shifted register", n+1)
		}
		ops[n] = o.bind(to).neon()
	}
	in, err := neon.Encode(i.name, ops...)
	if err != nil {
		// The caller says the mnemonic.
		return in, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), i.name+": "))
	}
	return in, nil
}

// consecutive checks the registers of a list.
func (l List) consecutive() error {
	if len(l.items) == 1 {
		return nil
	}
	for n, r := range l.regs() {
		if !r.ID().IsPhysical() {
			return fmt.Errorf("list of virtual registers, want consecutive ones made by V")
		}
		if want := (num(l.regs()[0]) + n) % 32; num(r) != want {
			return fmt.Errorf("list with %s, want V%d", r.Asm(), want)
		}
	}
	for _, o := range l.items[1:] {
		switch a := l.items[0].(type) {
		case VecArr:
			if o.(VecArr).arr != a.arr {
				return fmt.Errorf("list with arrangements %v and %v", a.arr, o.(VecArr).arr)
			}
		case Elem:
			if e := o.(Elem); e.size != a.size || e.index != a.index {
				return fmt.Errorf("list with different elements")
			}
		}
	}
	return nil
}

// ir is avo's instruction, with what it reads and writes.
func (i *inst) ir() *ir.Instruction {
	a := &ir.Instruction{Opcode: i.name, Operands: []operand.Op{i}}
	for n, o := range i.ops {
		m, isMem := o.(Mem)
		for _, r := range o.regs() {
			if n < i.writes {
				a.Outputs = append(a.Outputs, r)
			}
			if n >= i.writes || i.reads {
				a.Inputs = append(a.Inputs, r)
			}
		}
		if isMem && m.writesBase() {
			for _, r := range m.base.regs() {
				a.Outputs = append(a.Outputs, r)
			}
		}
	}
	if i.isa != "" {
		a.ISA = append(a.ISA, string(neon.ASIMD))
		if i.isa != neon.ASIMD {
			a.ISA = append(a.ISA, string(i.isa))
		}
	}
	return a
}

// goText is an operand in Go's syntax whose registers, if any, are physical.
type goText string

func (t goText) Asm() string { return string(t) }

// spell returns Go's opcode and operands for physical registers.
func (i *inst) spell(to func(reg.Register) reg.Register) (string, []operand.Op, error) {
	bound := make([]Operand, len(i.ops))
	for n, o := range i.ops {
		bound[n] = o.bind(to)
	}
	if f := i.integer; f != nil {
		op := f.op
		if bound[0].(GP).w {
			op = f.opW
		}
		op, text := spelled(op, f.order, f.writes == 0 && strings.HasSuffix(f.shape, "m"), bound)
		return op, text, nil
	}
	in, err := i.encode(to)
	if err != nil {
		return "", nil, err
	}
	if op, text, ok := native(in.Form, bound); ok {
		return op, text, nil
	}
	return "WORD", []operand.Op{goText(fmt.Sprintf("$0x%08x // %s", in.Word, in.Text))}, nil
}

// spelled puts operands in Go's order: as order says, or reversed but for
// stores. A pair is in parentheses.
func spelled(op, order string, store bool, ops []Operand) (string, []operand.Op) {
	var parts []operand.Op
	m, isMem := ops[len(ops)-1].(Mem)
	switch {
	case order != "":
		for _, c := range order {
			parts = append(parts, goText(ops[c-'0'].goasm()))
		}
	case isMem:
		data := joined(ops[:len(ops)-1])
		if len(ops) == 3 {
			data = "(" + data + ")"
		}
		parts = []operand.Op{goText(m.goasm()), goText(data)}
		if store {
			parts[0], parts[1] = parts[1], parts[0]
		}
		switch m.mode {
		case neon.Pre:
			op += ".W"
		case neon.Post, neon.PostReg:
			op += ".P"
		}
	default:
		for n := len(ops) - 1; n >= 0; n-- {
			parts = append(parts, goText(ops[n].goasm()))
		}
	}
	return op, parts
}
