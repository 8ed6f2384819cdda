package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// amd64 is the instruction layer that the generators share.
type amd64 struct {
	*build.Context
	// What a kernel is emitted for. element is nil for kernels that have none.
	isa     isa
	element *elementAMD64

	tables map[string]operand.Mem
}

// function begins a kernel. Its pointers do not escape.
func (a *amd64) function(name string, signature *gotypes.Signature, doc string) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.Pragma("noescape")
	a.Signature(signature)
	a.Doc(doc)
}

// ret ends a kernel. The upper halves of the vector registers are cleared:
// code with legacy SSE instructions, Go's own, is slow otherwise.
func (a *amd64) ret() {
	a.VZEROUPPER()
	a.RET()
}

// slice loads the base and the length of a slice parameter.
func (a *amd64) slice(name string) (base, length reg.GPVirtual) {
	base, length = a.GP64(), a.GP64()
	a.Load(a.Param(name).Base(), base)
	a.Load(a.Param(name).Len(), length)
	return base, length
}

// base loads the base of a slice parameter.
func (a *amd64) base(name string) reg.GPVirtual {
	base := a.GP64()
	a.Load(a.Param(name).Base(), base)
	return base
}

// param loads a scalar or pointer parameter.
func (a *amd64) param(name string) reg.GPVirtual {
	r := a.GP64()
	a.Load(a.Param(name), r)
	return r
}

// field is a field of the struct that a parameter, which r holds, points to.
func (a *amd64) field(param string, r reg.GPVirtual, name string) operand.Mem {
	return a.address(a.Param(param).Dereference(r).Field(name))
}

// address is where a component is.
func (a *amd64) address(c gotypes.Component) operand.Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// alignedLocal returns the address of a piece of the frame that begins with a
// vector: Go's frames do not, and vectors that span two cache lines make a loop
// that keeps them there half as fast.
func (a *amd64) alignedLocal(bytes int) reg.GPVirtual {
	local, at := a.AllocLocal(bytes+a.isa.bytes-8), a.GP64()
	a.LEAQ(local.Offset(a.isa.bytes-8), at)
	a.ANDQ(operand.I8(-a.isa.bytes), at)
	return at
}

// loop runs body while at least step of the count n are left and takes step
// off each time. Bodies advance their pointers.
func (a *amd64) loop(name string, n reg.GPVirtual, step int, body func()) {
	done := name + "Done"
	a.CMPQ(n, operand.U32(uint32(step)))
	a.JL(operand.LabelRef(done))
	a.Label(name)
	body()
	a.SUBQ(operand.U32(uint32(step)), n)
	a.CMPQ(n, operand.U32(uint32(step)))
	a.JGE(operand.LabelRef(name))
	a.Label(done)
}

// data returns the read-only table of that name, which it makes at first use.
func (a *amd64) data(name string, values ...operand.Constant) operand.Mem {
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
func table[C operand.Constant](n int, at func(i int) C) []operand.Constant {
	values := make([]operand.Constant, n)
	for i := range values {
		values[i] = at(i)
	}
	return values
}

// Tables of their places' numbers.

func u32(i int) operand.U32 { return operand.U32(i) }
func u64(i int) operand.U64 { return operand.U64(i) }

// advance moves pointers on.
func (a *amd64) advance(bytes int, pointers ...reg.GPVirtual) {
	for _, p := range pointers {
		a.ADDQ(operand.U32(uint32(bytes)), p)
	}
}

// skipIfZero jumps to a label if n is 0.
func (a *amd64) skipIfZero(n reg.GPVirtual, to string) {
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef(to))
}

// at is the memory disp bytes behind base.
func at(base reg.Register, disp int) operand.Mem {
	return operand.Mem{Base: base, Disp: disp}
}

// label names a branch target of a kernel.
func label(format string, args ...any) string { return fmt.Sprintf(format, args...) }
