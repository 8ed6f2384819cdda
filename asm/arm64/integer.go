package arm64

import (
	"fmt"
	"math/bits"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// An intForm is an instruction of general registers, which Go's assembler
// spells, with one combination of operands.
type intForm struct {
	name, shape string
	// op is Go's mnemonic of the 64-bit form and opW that of the 32-bit form;
	// empty where there is none.
	op, opW string
	widths  string // of the operands, x or w; by default all are the first's
	order   string // of the operands in Go's syntax, by default reversed
	writes  int
	reads   bool
	check   func([]Operand) error
}

// both is a form for both widths, spelled op and opW.
func both(name, shape, op string, check func([]Operand) error) intForm {
	return intForm{name: name, shape: shape, op: op, opW: op + "W", writes: 1, check: check}
}

// ordered is the form with another order of operands in Go's syntax.
func (f intForm) ordered(order string) intForm { f.order = order; return f }

// compare is the form without destination.
func (f intForm) compare() intForm { f.writes = 0; return f }

// update is the form whose destination is read too.
func (f intForm) update() intForm { f.reads = true; return f }

// mixed is the form for operands of given widths only.
func (f intForm) mixed(widths string) intForm { f.widths, f.opW = widths, ""; return f }

var integers = intForms()

func intForms() map[string][]intForm {
	var list []intForm
	add := func(f ...intForm) { list = append(list, f...) }

	for name, op := range map[string]string{"add": "ADD", "adds": "ADDS", "sub": "SUB", "subs": "SUBS"} {
		add(both(name, "ggg", op, nil), both(name, "gg#", op, addImm), both(name, "ggx", op, shiftOrExtend))
	}
	for name, op := range map[string]string{"and": "AND", "orr": "ORR", "eor": "EOR", "ands": "ANDS"} {
		add(both(name, "ggg", op, nil), both(name, "gg#", op, logicalImm), both(name, "ggx", op, shiftAny))
	}
	for name, op := range map[string]string{"bic": "BIC", "orn": "ORN", "eon": "EON", "bics": "BICS"} {
		add(both(name, "ggg", op, nil), both(name, "ggx", op, shiftAny))
	}
	for name, op := range map[string]string{"cmp": "CMP", "cmn": "CMN"} {
		add(both(name, "gg", op, nil).compare(), both(name, "g#", op, addImm).compare(), both(name, "gx", op, shiftOrExtend).compare())
	}
	add(both("tst", "gg", "TST", nil).compare(), both("tst", "g#", "TST", logicalImm).compare(), both("tst", "gx", "TST", shiftAny).compare())
	for name, op := range map[string]string{"neg": "NEG", "negs": "NEGS"} {
		add(both(name, "gg", op, nil), both(name, "gx", op, shift))
	}
	add(both("mvn", "gg", "MVN", nil), both("mvn", "gx", "MVN", shiftAny))
	for name, op := range map[string]string{"lsl": "LSL", "lsr": "LSR", "asr": "ASR", "ror": "ROR"} {
		add(both(name, "ggg", op, nil), both(name, "gg#", op, shiftImm))
	}
	for name, op := range map[string]string{
		"mul": "MUL", "mneg": "MNEG", "udiv": "UDIV", "sdiv": "SDIV",
		"adc": "ADC", "adcs": "ADCS", "sbc": "SBC", "sbcs": "SBCS",
	} {
		add(both(name, "ggg", op, nil))
	}
	for name, op := range map[string]string{"umulh": "UMULH", "smulh": "SMULH"} {
		add(both(name, "ggg", op, nil).mixed("xxx"))
	}
	for name, op := range map[string]string{"umull": "UMULL", "smull": "SMULL"} {
		add(both(name, "ggg", op, nil).mixed("xww"))
	}
	for name, op := range map[string]string{"umaddl": "UMADDL", "smaddl": "SMADDL", "umsubl": "UMSUBL", "smsubl": "SMSUBL"} {
		add(both(name, "gggg", op, nil).mixed("xwwx").ordered("2310"))
	}
	for name, op := range map[string]string{"madd": "MADD", "msub": "MSUB"} {
		add(both(name, "gggg", op, nil).ordered("2310"))
	}
	for name, op := range map[string]string{"clz": "CLZ", "cls": "CLS", "rbit": "RBIT", "rev": "REV", "rev16": "REV16"} {
		add(both(name, "gg", op, nil))
	}
	add(both("rev32", "gg", "REV32", nil).mixed("xx"))
	for name, op := range map[string]string{"ubfx": "UBFX", "sbfx": "SBFX", "ubfiz": "UBFIZ", "sbfiz": "SBFIZ"} {
		add(both(name, "gg##", op, bitField).ordered("2130"))
	}
	for name, op := range map[string]string{"bfi": "BFI", "bfxil": "BFXIL"} {
		add(both(name, "gg##", op, bitField).ordered("2130").update())
	}
	add(both("extr", "ggg#", "EXTR", shiftImm))
	for name, op := range map[string]string{"sxtb": "SXTB", "sxth": "SXTH", "sxtw": "SXTW"} {
		add(both(name, "gg", op, nil).mixed("xw"))
	}
	for name, op := range map[string]string{"uxtb": "UXTBW", "uxth": "UXTHW"} {
		f := both(name, "gg", "", nil)
		f.opW = op
		add(f)
	}
	for name, op := range map[string]string{"csel": "CSEL", "csinc": "CSINC", "csinv": "CSINV", "csneg": "CSNEG"} {
		add(both(name, "gggc", op, nil).ordered("3120"))
	}
	for name, op := range map[string]string{"cinc": "CINC", "cinv": "CINV", "cneg": "CNEG"} {
		add(both(name, "ggc", op, nil))
	}
	for name, op := range map[string]string{"cset": "CSET", "csetm": "CSETM"} {
		add(both(name, "gc", op, nil))
	}
	for name, op := range map[string]string{"ccmp": "CCMP", "ccmn": "CCMN"} {
		add(both(name, "gg#c", op, flagsImm).ordered("3012").compare(), both(name, "g##c", op, flagsImm).ordered("3012").compare())
	}

	add(both("mov", "gg", "MOVD", nil).mixed("xx"), both("mov", "g#", "MOVD", nil).mixed("x"))

	memory := func(name, op, opW string, size neon.Size, writes int) {
		add(intForm{name: name, shape: "gm", op: op, opW: opW, writes: writes, check: address(size)})
	}
	memory("ldr", "MOVD", "MOVWU", neon.Q, 1)
	memory("ldrb", "", "MOVBU", neon.B, 1)
	memory("ldrh", "", "MOVHU", neon.H, 1)
	memory("ldrsb", "MOVB", "", neon.B, 1)
	memory("ldrsh", "MOVH", "", neon.H, 1)
	memory("ldrsw", "MOVW", "", neon.S, 1)
	memory("str", "MOVD", "MOVW", neon.Q, 0)
	memory("strb", "", "MOVB", neon.B, 0)
	memory("strh", "", "MOVH", neon.H, 0)
	add(intForm{name: "ldp", shape: "ggm", op: "LDP", opW: "LDPW", writes: 2, check: addressPair})
	add(intForm{name: "stp", shape: "ggm", op: "STP", opW: "STPW", check: addressPair})

	forms := map[string][]intForm{}
	for _, f := range list {
		forms[f.name] = append(forms[f.name], f)
	}
	return forms
}

// width is the number of bits of a register operand.
func width(o Operand) int {
	if o.(GP).w {
		return 32
	}
	return 64
}

// last is the immediate at the end.
func last(ops []Operand) int64 { return int64(ops[len(ops)-1].(imm)) }

func addImm(ops []Operand) error {
	v := last(ops)
	if v < 0 || v > 4095<<12 || v > 4095 && v&4095 != 0 {
		return fmt.Errorf("immediate %d, want 0 to 4095 or a multiple of 4096 up to %d", v, 4095<<12)
	}
	return nil
}

// logicalImm checks for a run of ones, rotated and repeated: at every width of
// the repetition it has to be one run on the circle.
func logicalImm(ops []Operand) error {
	v, w := uint64(last(ops)), width(ops[0])
	x := v
	if w == 32 {
		if v>>32 != 0 {
			return fmt.Errorf("immediate %#x, want 32 bits", v)
		}
		x |= v << 32
	}
	period := 64
	for p := 2; p < 64; p *= 2 {
		if bits.RotateLeft64(x, p) == x {
			period = p
			break
		}
	}
	// Each run has one boundary from 0 to 1.
	if x == 0 || x == ^uint64(0) || bits.OnesCount64(x&^bits.RotateLeft64(x, 1)) != 64/period {
		return fmt.Errorf("immediate %#x, want a rotated run of ones, alone or repeated", v)
	}
	return nil
}

func shiftImm(ops []Operand) error {
	if v, w := last(ops), width(ops[0]); v < 0 || v >= int64(w) {
		return fmt.Errorf("shift by %d, want 0 to %d", v, w-1)
	}
	return nil
}

func shiftedBy(o Operand, w int, allowed ...string) error {
	s := o.(Shifted)
	known := false
	for _, a := range allowed {
		known = known || a == s.op
	}
	if !known {
		return fmt.Errorf("operand %s, want one of %v", text(o), allowed)
	}
	if extend := s.op == "uxtw" || s.op == "sxtw"; extend {
		if s.n < 0 || s.n > 4 {
			return fmt.Errorf("%s by %d, want 0 to 4", s.op, s.n)
		}
		return nil
	}
	if s.g.w != (w == 32) {
		return fmt.Errorf("operand %s, want %d bits", text(o), w)
	}
	if s.n < 0 || s.n >= w {
		return fmt.Errorf("%s by %d, want 0 to %d", s.op, s.n, w-1)
	}
	return nil
}

func shift(ops []Operand) error {
	return shiftedBy(ops[len(ops)-1], width(ops[0]), "lsl", "lsr", "asr")
}

func shiftAny(ops []Operand) error {
	return shiftedBy(ops[len(ops)-1], width(ops[0]), "lsl", "lsr", "asr", "ror")
}

func shiftOrExtend(ops []Operand) error {
	return shiftedBy(ops[len(ops)-1], width(ops[0]), "lsl", "lsr", "asr", "uxtw", "sxtw")
}

func bitField(ops []Operand) error {
	lsb, n, w := int64(ops[2].(imm)), int64(ops[3].(imm)), int64(width(ops[0]))
	if lsb < 0 || lsb >= w {
		return fmt.Errorf("lowest bit %d, want 0 to %d", lsb, w-1)
	}
	if n < 1 || n > w-lsb {
		return fmt.Errorf("width %d, want 1 to %d", n, w-lsb)
	}
	return nil
}

func flagsImm(ops []Operand) error {
	if v := int64(ops[2].(imm)); v < 0 || v > 15 {
		return fmt.Errorf("flags %d, want 0 to 15", v)
	}
	if i, ok := ops[1].(imm); ok && (i < 0 || i > 31) {
		return fmt.Errorf("immediate %d, want 0 to 31", i)
	}
	return nil
}

// address checks the memory operand of a load or store. Size Q stands for the
// register's width.
func address(size neon.Size) func([]Operand) error {
	return func(ops []Operand) error {
		size := size
		if size == neon.Q {
			size = neon.D
			if ops[0].(GP).w {
				size = neon.S
			}
		}
		m, bytes := ops[1].(Mem), size.Bytes()
		switch {
		case m.mode == neon.Index:
			if m.shift != 0 && m.shift != int(size) {
				return fmt.Errorf("index shift %d, want 0 or %d", m.shift, size)
			}
			return nil
		case m.mode == neon.PostReg:
			return fmt.Errorf("the base cannot be advanced by a register")
		case m.mode == neon.Offset && m.off >= 0 && m.off%bytes == 0 && m.off/bytes < 1<<12:
			return nil
		case m.off < -256 || m.off > 255:
			if m.mode == neon.Offset {
				return fmt.Errorf("offset %d, want -256 to 255 or a multiple of %d up to %d", m.off, bytes, 4095*bytes)
			}
			return fmt.Errorf("offset %d, want -256 to 255", m.off)
		}
		return baseApart(m, ops[:1])
	}
}

func addressPair(ops []Operand) error {
	m, bytes := ops[2].(Mem), width(ops[0])/8
	if m.indexed() {
		return fmt.Errorf("memory %s, want an immediate offset", text(m))
	}
	if m.off < -64*bytes || m.off > 63*bytes || m.off%bytes != 0 {
		return fmt.Errorf("offset %d, want a multiple of %d from %d to %d", m.off, bytes, -64*bytes, 63*bytes)
	}
	return baseApart(m, ops[:2])
}

// baseApart refuses to move a register that is advanced at the same time.
func baseApart(m Mem, ops []Operand) error {
	if !m.writesBase() {
		return nil
	}
	for _, o := range ops {
		if g := o.(GP); len(g.regs()) > 0 && g.r.ID() == m.base.r.ID() {
			return fmt.Errorf("the base is advanced and is an operand too")
		}
	}
	return nil
}
