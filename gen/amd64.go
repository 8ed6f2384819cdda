package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What the generators say often.
type (
	gp       = reg.GPVirtual
	vec      = reg.VecVirtual
	register = reg.Register
	op       = operand.Op
	mem      = operand.Mem
	ref      = operand.LabelRef
	datum    = operand.Constant
	i8       = operand.I8
	i32      = operand.I32
	f32      = operand.F32
	u8       = operand.U8
	u16      = operand.U16
	u32      = operand.U32
	u64      = operand.U64
)

// amd64 is the instruction layer that the generators share.
type amd64 struct {
	*build.Context
	// What a kernel is emitted for. element is nil for kernels that have none.
	isa     isa
	element *elementAMD64
	halves  halfConstants // of a kernel of BFloat16

	tables map[string]mem
}

// function begins a kernel. Its pointers do not escape.
func (a *amd64) function(name string, signature *gotypes.Signature, doc string) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.Pragma("noescape")
	a.Signature(signature)
	a.Doc(doc)
}

// ret ends a kernel. It clears the upper halves of the vector registers, which
// would slow down legacy SSE instructions, which Go compiles to.
func (a *amd64) ret() {
	a.VZEROUPPER()
	a.RET()
}

// slice loads the base and the length of a slice parameter.
func (a *amd64) slice(name string) (base, length gp) {
	base, length = a.base(name), a.GP64()
	a.Load(a.Param(name).Len(), length)
	return base, length
}

// base loads the base of a slice parameter.
func (a *amd64) base(name string) gp {
	base := a.GP64()
	a.Load(a.Param(name).Base(), base)
	return base
}

// param loads a scalar or pointer parameter.
func (a *amd64) param(name string) gp {
	r := a.GP64()
	a.Load(a.Param(name), r)
	return r
}

// field is a field of the struct that a parameter, which r holds, points to.
func (a *amd64) field(param string, r gp, name string) mem {
	return a.address(a.Param(param).Dereference(r).Field(name))
}

// address is where a component is.
func (a *amd64) address(c gotypes.Component) mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// alignedLocal returns the address of memory in the frame that is aligned to
// vectors, as Go's frames are not: a loop that spills vectors runs at half speed
// if they span two cache lines.
func (a *amd64) alignedLocal(bytes int) gp {
	at := a.leaq(a.AllocLocal(bytes + a.isa.bytes - 8).Offset(a.isa.bytes - 8))
	a.ANDQ(i8(-a.isa.bytes), at)
	return at
}

// loop runs body while n is at least step, and subtracts step from n each time. Bodies
// advance their pointers.
func (a *amd64) loop(name string, n gp, step int, body func()) {
	done := name + "Done"
	a.CMPQ(n, u32(step))
	a.JL(ref(done))
	a.Label(name)
	body()
	a.SUBQ(u32(step), n)
	a.CMPQ(n, u32(step))
	a.JGE(ref(name))
	a.Label(done)
}

// data returns the read-only table of that name, which it makes at first use.
func (a *amd64) data(name string, values ...datum) mem {
	if m, ok := a.tables[name]; ok {
		return m
	}
	m := a.StaticGlobal(name)
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	offset := 0
	for _, v := range values {
		a.AddDatum(offset, v)
		offset += v.Bytes()
	}
	a.tables[name] = m
	return m
}

// table is the values of a table at its n places.
func table[C datum](n int, at func(i int) C) []datum {
	values := make([]datum, n)
	for i := range values {
		values[i] = at(i)
	}
	return values
}

// number is for tables of their places' numbers.
func number[C u16 | u32 | u64](i int) C { return C(i) }

// movq is a register that from, a register or memory, is moved to.
func (a *amd64) movq(from op) gp {
	to := a.GP64()
	a.MOVQ(from, to)
	return to
}

// movl is the same of four bytes.
func (a *amd64) movl(from op) gp {
	to := a.GP64()
	a.MOVL(from, to.As32())
	return to
}

// movw is the same of two bytes.
func (a *amd64) movw(from op) register {
	to := a.GP32()
	a.MOVWLZX(from, to)
	return to
}

// leaq is a register of an address.
func (a *amd64) leaq(of mem) gp {
	to := a.GP64()
	a.LEAQ(of, to)
	return to
}

// advance moves pointers on.
func (a *amd64) advance(bytes int, pointers ...gp) {
	for _, p := range pointers {
		a.ADDQ(u32(bytes), p)
	}
}

// skipIfZero jumps to a label if n is 0.
func (a *amd64) skipIfZero(n gp, to string) {
	a.TESTQ(n, n)
	a.JZ(ref(to))
}

// at is the memory disp bytes behind base.
func at(base register, disp int) mem {
	return mem{Base: base, Disp: disp}
}

// label names a branch target of a kernel.
func label(format string, args ...any) string { return fmt.Sprintf(format, args...) }
