package arm64

import (
	"strings"

	"github.com/mmcloughlin/avo/operand"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// nativeForm is Go's spelling of a form of package neon. Go's assembler has
// some instructions for some arrangements only.
type nativeForm struct {
	op    string // {0} and {1} stand for the size of that operand, {w} for W with a 32-bit register
	only  string // arrangements or sizes of the first vector or scalar; all if empty
	order string // of operands, by default reversed
	v     bool   // scalars are spelled V, not F
}

// natives is by mnemonic and shape. TestNative holds it against Go's
// assembler.
var natives = map[string]nativeForm{
	"dup ve":    {op: "VDUP"},
	"dup vg":    {op: "VDUP"},
	"ins ee":    {op: "VMOV"},
	"ins eg":    {op: "VMOV"},
	"mov ee":    {op: "VMOV"},
	"mov eg":    {op: "VMOV"},
	"mov ge":    {op: "VMOV"},
	"mov vv":    {op: "VMOV"},
	"umov ge":   {op: "VMOV"},
	"dup fe":    {op: "VMOV", v: true},
	"mov fe":    {op: "VMOV", v: true},
	"movi v#":   {op: "VMOVI", only: "8b 16b"},
	"addv fv":   {op: "VADDV", v: true},
	"uaddlv fv": {op: "VUADDLV", v: true},
	"pmull vvv": {op: "VPMULL"}, "pmull2 vvv": {op: "VPMULL2"},
	"fmla vvv": {op: "VFMLA", only: "2s 4s 2d"},
	"fmls vvv": {op: "VFMLS", only: "2s 4s 2d"},

	"fmov f.":    {op: "FMOV{0}", only: "s d"},
	"fmov ff":    {op: "FMOV{0}", only: "s d"},
	"fmov fg":    {op: "FMOV{0}", only: "s d"},
	"fmov gf":    {op: "FMOV{1}", only: "s d"},
	"fcvt ff":    {op: "FCVT{1}{0}"},
	"scvtf fg":   {op: "SCVTF{w}{0}", only: "s d"},
	"ucvtf fg":   {op: "UCVTF{w}{0}", only: "s d"},
	"fcvtzs gf":  {op: "FCVTZS{1}{w}", only: "s d"},
	"fcvtzu gf":  {op: "FCVTZU{1}{w}", only: "s d"},
	"fcmp ff":    {op: "FCMP{0}", only: "s d"},
	"fcsel fffc": {op: "FCSEL{0}", only: "s d", order: "3120"},

	"ldr fm":  {op: "FMOV{0}", only: "s d q"},
	"str fm":  {op: "FMOV{0}", only: "s d q"},
	"ldp ffm": {op: "FLDP{0}"},
	"stp ffm": {op: "FSTP{0}"},
	"ld1 Lm":  {op: "VLD1"},
	"st1 Lm":  {op: "VST1"},
}

func init() {
	for _, name := range strings.Fields(`
		add addp and bif bit bsl cmeq cmtst eor orr sub trn1 trn2 uaddw uaddw2 umax umin
		uzp1 uzp2 zip1 zip2 rax1`) {
		natives[name+" vvv"] = nativeForm{op: "V" + strings.ToUpper(name)}
	}
	for _, name := range []string{"cnt", "rbit", "rev16", "rev32", "rev64", "uxtl", "uxtl2"} {
		natives[name+" vv"] = nativeForm{op: "V" + strings.ToUpper(name)}
	}
	for _, name := range []string{"shl", "sli", "sri", "ushr", "usra", "ushll", "ushll2"} {
		natives[name+" vv#"] = nativeForm{op: "V" + strings.ToUpper(name)}
	}
	for key, op := range map[string]string{
		"bcax vvvv": "VBCAX", "eor3 vvvv": "VEOR3", "xar vvv#": "VXAR", "ext vvv#": "VEXT", "tbl vlv": "VTBL", "tbx vlv": "VTBX",
	} {
		natives[key] = nativeForm{op: op}
	}
	for _, name := range []string{"ld1", "ld2", "ld3", "ld4", "st1", "st2", "st3", "st4", "ld1r", "ld2r", "ld3r", "ld4r"} {
		natives[name+" lm"] = nativeForm{op: "V" + strings.ToUpper(name)}
	}
	for shape, names := range map[string]string{
		"fff":  "fadd fdiv fmax fmaxnm fmin fminnm fmul fnmul fsub",
		"ff":   "fabs fneg frinta frinti frintm frintn frintp frintx frintz fsqrt",
		"ffff": "fmadd fmsub fnmadd fnmsub",
	} {
		for _, name := range strings.Fields(names) {
			f := nativeForm{op: strings.ToUpper(name) + "{0}", only: "s d"}
			if shape == "ffff" {
				f.order = "2310"
			}
			natives[name+" "+shape] = f
		}
	}
}

// native is Go's spelling of an instruction of package neon, if it has one.
func native(f *neon.Form, ops []Operand) (string, []operand.Op, bool) {
	n, ok := natives[f.Name+" "+f.Shape]
	if !ok || !n.takes(ops) {
		return "", nil, false
	}
	op := n.op
	for i, o := range ops {
		switch o := o.(type) {
		case Scalar:
			op = strings.ReplaceAll(op, "{"+string('0'+rune(i))+"}", strings.ToUpper(o.size.String()))
			if n.v {
				ops[i] = spelledV{o}
			}
		case GP:
			w := ""
			if o.w {
				w = "W"
			}
			op = strings.ReplaceAll(op, "{w}", w)
		}
	}
	op, text := spelled(op, n.order, f.Writes == 0 && strings.HasSuffix(f.Shape, "m"), ops)
	return op, text, true
}

// spelledV is a scalar under the name of its vector.
type spelledV struct{ Scalar }

func (s spelledV) goasm() string { return s.r.Asm() }

func (n *nativeForm) takes(ops []Operand) bool {
	if m, ok := ops[len(ops)-1].(Mem); ok && m.mode == neon.Index {
		if s, ok := ops[0].(Scalar); ok && s.size == neon.Q {
			return false
		}
	}
	if n.only == "" {
		return true
	}
	for _, o := range ops {
		var size string
		switch o := o.(type) {
		case VecArr:
			size = o.arr.String()
		case Scalar:
			size = o.size.String()
		default:
			continue
		}
		return strings.Contains(" "+n.only+" ", " "+size+" ")
	}
	return false
}
