package neon

import (
	"fmt"
	"math"
)

// A class is an encoding: where the fields are and what arrangements agree.
type class uint8

const (
	same3 class = iota
	logic3
	float3
	long3
	wide3
	narrow3
	permute
	extract
	table3
	same2
	compareZero
	floatZero
	float2
	narrow2
	floatNarrow
	floatLong
	shiftLong
	pairLong
	across
	acrossLong
	acrossFloat
	pairScalar
	pairScalarFloat
	shiftRight
	shiftLeft
	shiftNarrow
	shiftWiden
	extend
	fixed
	byElem
	byElemFloat
	byElemLong
	dupElem
	dupGP
	dupScalar
	insElem
	insGP
	moveOut
	moveOutSigned
	moveVec
	modImm
	modImmShift
	modImmScalar
	modImmFloat
	dot
	vector4
	vectorXAR
	rax
	scalar3
	scalarZero
	scalarShiftRight
	scalarShiftLeft
	scalarConvert
	fp2
	fp1
	fpConvert
	fp3
	fpSelect
	fpCompare
	fpCompareZero
	fpImm
	fpFromGP
	fpToGP
	moveFromGP
	moveToGP
	loadStore
	loadStorePair
	loadReplicate
	loadStoreList
	loadStoreLane
)

const (
	u  = 1 << 29 // the U bit
	hi = 1 << 23 // the upper bit of size, which is part of a floating-point opcode
)

var classes = [...]struct {
	base   uint32
	shift  int // of the opcode
	shape  string
	writes int
	encode func(*encoder) error
}{
	same3:       {0x0e200400, 11, "vvv", 1, (*encoder).same3},
	logic3:      {0x0e200400, 11, "vvv", 1, (*encoder).logic3},
	float3:      {0x0e200400, 11, "vvv", 1, (*encoder).float3},
	long3:       {0x0e200000, 12, "vvv", 1, (*encoder).long3},
	wide3:       {0x0e200000, 12, "vvv", 1, (*encoder).wide3},
	narrow3:     {0x0e200000, 12, "vvv", 1, (*encoder).narrow3},
	permute:     {0x0e000800, 12, "vvv", 1, (*encoder).same3},
	extract:     {0x2e000000, 0, "vvv#", 1, (*encoder).extract},
	table3:      {0x0e000000, 12, "vlv", 1, (*encoder).tableLookup},
	same2:       {0x0e200800, 12, "vv", 1, (*encoder).same2},
	compareZero: {0x0e200800, 12, "vv#", 1, (*encoder).compareZero},
	floatZero:   {0x0e200800, 12, "vv.", 1, (*encoder).float2},
	float2:      {0x0e200800, 12, "vv", 1, (*encoder).float2},
	narrow2:     {0x0e200800, 12, "vv", 1, (*encoder).narrow2},
	floatNarrow: {0x0e200800, 12, "vv", 1, (*encoder).floatNarrow},
	floatLong:   {0x0e200800, 12, "vv", 1, (*encoder).floatLong},
	shiftLong:   {0x0e200800, 12, "vv#", 1, (*encoder).shiftLong},
	pairLong:    {0x0e200800, 12, "vv", 1, (*encoder).pairLong},

	across:          {0x0e300800, 12, "fv", 1, (*encoder).across},
	acrossLong:      {0x0e300800, 12, "fv", 1, (*encoder).across},
	acrossFloat:     {0x0e300800, 12, "fv", 1, (*encoder).acrossFloat},
	pairScalar:      {0x5e300800, 12, "fv", 1, (*encoder).pairScalar},
	pairScalarFloat: {0x7e300800, 12, "fv", 1, (*encoder).pairScalar},

	shiftRight:  {0x0f000400, 11, "vv#", 1, (*encoder).shiftRight},
	shiftLeft:   {0x0f000400, 11, "vv#", 1, (*encoder).shiftLeft},
	shiftNarrow: {0x0f000400, 11, "vv#", 1, (*encoder).shiftNarrow},
	shiftWiden:  {0x0f000400, 11, "vv#", 1, (*encoder).shiftWiden},
	extend:      {0x0f000400, 11, "vv", 1, (*encoder).extend},
	fixed:       {0x0f000400, 11, "vv#", 1, (*encoder).fixed},

	byElem:      {0x0f000000, 12, "vve", 1, (*encoder).byElem},
	byElemFloat: {0x0f000000, 12, "vve", 1, (*encoder).byElemFloat},
	byElemLong:  {0x0f000000, 12, "vve", 1, (*encoder).byElemLong},

	dupElem:       {0x0e000400, 0, "ve", 1, (*encoder).dupElem},
	dupGP:         {0x0e000c00, 0, "vg", 1, (*encoder).dupGP},
	dupScalar:     {0x5e000400, 0, "fe", 1, (*encoder).dupScalar},
	insElem:       {0x6e000400, 0, "ee", 1, (*encoder).insElem},
	insGP:         {0x4e001c00, 0, "eg", 1, (*encoder).insGP},
	moveOut:       {0x0e003c00, 0, "ge", 1, (*encoder).moveOut},
	moveOutSigned: {0x0e002c00, 0, "ge", 1, (*encoder).moveOut},
	moveVec:       {0x0ea01c00, 0, "vv", 1, (*encoder).moveVec},

	modImm:       {0x0f000400, 0, "v#", 1, (*encoder).modImm},
	modImmShift:  {0x0f000400, 0, "v#s", 1, (*encoder).modImm},
	modImmScalar: {0x2f00e400, 0, "f#", 1, (*encoder).modImmScalar},
	modImmFloat:  {0x0f00f400, 0, "v.", 1, (*encoder).modImmFloat},

	dot:       {0x0e809400, 0, "vvv", 1, (*encoder).dot},
	vector4:   {0xce000000, 0, "vvvv", 1, (*encoder).sha3},
	vectorXAR: {0xce800000, 0, "vvv#", 1, (*encoder).sha3},
	rax:       {0xce608c00, 0, "vvv", 1, (*encoder).sha3},

	scalar3:          {0x5e200400, 11, "fff", 1, (*encoder).scalar},
	scalarZero:       {0x5e200800, 12, "ff#", 1, (*encoder).scalar},
	scalarShiftRight: {0x5f000400, 11, "ff#", 1, (*encoder).scalarShift},
	scalarShiftLeft:  {0x5f000400, 11, "ff#", 1, (*encoder).scalarShift},
	scalarConvert:    {0x5e200800, 12, "ff", 1, (*encoder).scalarConvert},

	fp2:           {0x1e200800, 12, "fff", 1, (*encoder).fpSame},
	fp1:           {0x1e204000, 15, "ff", 1, (*encoder).fpSame},
	fpConvert:     {0x1e224000, 15, "ff", 1, (*encoder).fpConvert},
	fp3:           {0x1f000000, 0, "ffff", 1, (*encoder).fpSame},
	fpSelect:      {0x1e200c00, 0, "fffc", 1, (*encoder).fpSame},
	fpCompare:     {0x1e202000, 0, "ff", 0, (*encoder).fpCompare},
	fpCompareZero: {0x1e202008, 0, "f.", 0, (*encoder).fpCompare},
	fpImm:         {0x1e201000, 0, "f.", 1, (*encoder).fpImm},
	fpFromGP:      {0x1e200000, 16, "fg", 1, (*encoder).fpGP},
	fpToGP:        {0x1e200000, 16, "gf", 1, (*encoder).fpGP},
	moveFromGP:    {0x1e270000, 0, "fg", 1, (*encoder).moveGP},
	moveToGP:      {0x1e260000, 0, "gf", 1, (*encoder).moveGP},

	loadStore:     {0x3c000000, 0, "fm", 0, (*encoder).loadStore},
	loadStorePair: {0x2c000000, 0, "ffm", 0, (*encoder).loadStorePair},
	loadReplicate: {0x0d40c000, 12, "lm", 1, (*encoder).loadStoreList},
	loadStoreList: {0x0c000000, 0, "lm", 0, (*encoder).loadStoreList},
	loadStoreLane: {0x0d000000, 0, "Lm", 0, (*encoder).loadStoreLane},
}

func (e *encoder) same3() error {
	a, err := e.same(0, 1, 2)
	e.q(a)
	e.size(a.Size())
	e.regs()
	return err
}

// logic3's size field is part of the opcode.
func (e *encoder) logic3() error {
	a, err := e.same(0, 1, 2)
	e.q(a)
	e.regs()
	return err
}

// sz is a floating-point instruction's size bit.
func (e *encoder) sz(z Size) { e.or(uint32(z-S), 22) }

func (e *encoder) float3() error {
	a, err := e.same(0, 1, 2)
	if err != nil {
		return err
	}
	if a.Size() == H {
		e.half()
		e.in.Word = 0x0e400400 | e.form.op&(u|hi|0x7<<11)
	} else {
		e.sz(a.Size())
	}
	e.q(a)
	e.regs()
	return nil
}

func (e *encoder) long3() error {
	ta, err := e.wide(1)
	if err != nil {
		return err
	}
	if err := e.want(2, e.vec(1).Arr, 1); err != nil {
		return err
	}
	if e.vec(0).Arr != ta {
		return fmt.Errorf("destination arrangement %v, want %v for sources %v", e.vec(0).Arr, ta, e.vec(1).Arr)
	}
	e.q(e.vec(1).Arr)
	e.size(e.vec(1).Arr.Size())
	e.regs()
	return nil
}

func (e *encoder) wide3() error {
	ta, err := e.wide(2)
	if err != nil {
		return err
	}
	for i := range 2 {
		if err := e.want(i, ta, 2); err != nil {
			return err
		}
	}
	e.q(e.vec(2).Arr)
	e.size(e.vec(2).Arr.Size())
	e.regs()
	return nil
}

func (e *encoder) narrow3() error {
	ta, err := e.wide(0)
	if err != nil {
		return err
	}
	for i := 1; i < len(e.ops); i++ {
		if err := e.want(i, ta, 0); err != nil {
			return err
		}
	}
	e.q(e.vec(0).Arr)
	e.size(e.vec(0).Arr.Size())
	e.regs()
	return nil
}

func (e *encoder) narrow2() error { return e.narrow3() }

func (e *encoder) extract() error {
	a, err := e.same(0, 1, 2)
	if err != nil {
		return err
	}
	v, err := e.between(3, 0, int64(a.Lanes()-1))
	e.or(uint32(v), 11)
	e.q(a)
	e.regs()
	return err
}

func (e *encoder) tableLookup() error {
	a, err := e.same(0, 2)
	if err != nil {
		return err
	}
	l := e.ops[1].(List)
	if l.Arr != B16 {
		return fmt.Errorf("list arrangement %v, want 16b", l.Arr)
	}
	e.or(uint32(l.Len-1), 13)
	e.q(a)
	e.d(e.vec(0).N)
	e.n(l.N)
	e.m(e.vec(2).N)
	return nil
}

func (e *encoder) same2() error {
	a, err := e.same(0, 1)
	e.q(a)
	e.size(a.Size())
	e.regs()
	return err
}

func (e *encoder) compareZero() error {
	if err := e.same2(); err != nil {
		return err
	}
	_, err := e.between(2, 0, 0)
	return err
}

// zero checks the immediate of a comparison with 0.0.
func (e *encoder) zero(i int) error {
	if f, ok := e.ops[i].(Float); ok && (f != 0 || math.Signbit(float64(f))) {
		return fmt.Errorf("immediate %v, want 0", f)
	}
	return nil
}

func (e *encoder) float2() error {
	a, err := e.same(0, 1)
	if err != nil {
		return err
	}
	if a.Size() == H {
		e.half()
		e.in.Word |= 0x00580000
	} else {
		e.sz(a.Size())
	}
	e.q(a)
	e.regs()
	return e.zero(len(e.ops) - 1)
}

func (e *encoder) floatNarrow() error {
	ta, err := e.wide(0)
	if err != nil {
		return err
	}
	if err := e.want(1, ta, 0); err != nil {
		return err
	}
	e.q(e.vec(0).Arr)
	e.size(e.vec(0).Arr.Size() - H)
	e.regs()
	return nil
}

func (e *encoder) floatLong() error {
	ta, err := e.wide(1)
	if err != nil {
		return err
	}
	if err := e.want(0, ta, 1); err != nil {
		return err
	}
	e.q(e.vec(1).Arr)
	e.size(e.vec(1).Arr.Size() - H)
	e.regs()
	return nil
}

func (e *encoder) shiftLong() error {
	ta, err := e.wide(1)
	if err != nil {
		return err
	}
	if err := e.want(0, ta, 1); err != nil {
		return err
	}
	a := e.vec(1).Arr
	bits := int64(a.Size().bits())
	_, err = e.between(2, bits, bits)
	e.q(a)
	e.size(a.Size())
	e.regs()
	return err
}

func (e *encoder) pairLong() error {
	a, err := e.allow(1)
	if err != nil {
		return err
	}
	if err := e.want(0, arrOf(a.Size()+1, a.q()), 1); err != nil {
		return err
	}
	e.q(a)
	e.size(a.Size())
	e.regs()
	return nil
}

func (e *encoder) across() error {
	a, err := e.allow(1)
	if err != nil {
		return err
	}
	z := a.Size()
	if e.form.class == acrossLong {
		z++
	}
	e.q(a)
	e.size(a.Size())
	e.regs()
	return e.wantSize(0, z, 1)
}

func (e *encoder) acrossFloat() error {
	a, err := e.allow(1)
	if err != nil {
		return err
	}
	if a.Size() == H {
		e.half()
		e.in.Word &^= u
	}
	e.q(a)
	e.regs()
	return e.wantSize(0, a.Size(), 1)
}

func (e *encoder) pairScalar() error {
	a, err := e.allow(1)
	if err != nil {
		return err
	}
	if e.form.class == pairScalar {
		e.size(a.Size())
	} else {
		e.sz(a.Size())
	}
	e.regs()
	return e.wantSize(0, a.Size(), 1)
}

// right sets the field immh:immb for a right shift of elements of size z.
func (e *encoder) right(i int, z Size) error {
	v, err := e.between(i, 1, int64(z.bits()))
	e.or(uint32(2*int64(z.bits())-v), 16)
	return err
}

// left is its like for a left shift.
func (e *encoder) left(i int, z Size) error {
	v, err := e.between(i, 0, int64(z.bits()-1))
	e.or(uint32(int64(z.bits())+v), 16)
	return err
}

func (e *encoder) shiftRight() error {
	a, err := e.same(0, 1)
	if err != nil {
		return err
	}
	e.q(a)
	e.regs()
	return e.right(2, a.Size())
}

func (e *encoder) shiftLeft() error {
	a, err := e.same(0, 1)
	if err != nil {
		return err
	}
	e.q(a)
	e.regs()
	return e.left(2, a.Size())
}

func (e *encoder) shiftNarrow() error {
	ta, err := e.wide(0)
	if err != nil {
		return err
	}
	if err := e.want(1, ta, 0); err != nil {
		return err
	}
	e.q(e.vec(0).Arr)
	e.regs()
	return e.right(2, e.vec(0).Arr.Size())
}

func (e *encoder) extend() error {
	ta, err := e.wide(1)
	if err != nil {
		return err
	}
	a := e.vec(1).Arr
	e.q(a)
	e.regs()
	e.or(uint32(a.Size().bits()), 16)
	return e.want(0, ta, 1)
}

func (e *encoder) shiftWiden() error {
	ta, err := e.wide(1)
	if err != nil {
		return err
	}
	if err := e.want(0, ta, 1); err != nil {
		return err
	}
	e.q(e.vec(1).Arr)
	e.regs()
	return e.left(2, e.vec(1).Arr.Size())
}

func (e *encoder) fixed() error {
	a, err := e.same(0, 1)
	if err != nil {
		return err
	}
	if a.Size() == H {
		e.half()
	}
	e.q(a)
	e.regs()
	return e.right(2, a.Size())
}

// index sets the index and register of an element operand.
func (e *encoder) index(i int) error {
	x := e.elem(i)
	l, h, m := uint32(x.Index)&1, uint32(x.Index)>>1&1, 0
	switch x.Size {
	case H:
		e.in.LowElem = true
		if x.N > 15 {
			return fmt.Errorf("operand %d: element of size h of v%d, want v0 to v15", i+1, x.N)
		}
		m, l, h = x.Index&1, uint32(x.Index)>>1&1, uint32(x.Index)>>2
	case D:
		l, h = 0, uint32(x.Index)
	}
	e.or(h, 11)
	e.or(l, 21)
	e.or(uint32(m), 20)
	e.m(x.N)
	e.regs()
	return nil
}

func (e *encoder) wantElem(i int, z Size, because int) error {
	if got := e.elem(i).Size; got != z {
		return fmt.Errorf("%s size %v, want %v for %s %s", e.operandName(i), got, z, e.operandName(because), sort(e.ops[because]))
	}
	return nil
}

func (e *encoder) byElem() error {
	a, err := e.same(0, 1)
	if err != nil {
		return err
	}
	if err := e.wantElem(2, a.Size(), 0); err != nil {
		return err
	}
	e.q(a)
	e.size(a.Size())
	return e.index(2)
}

func (e *encoder) byElemFloat() error {
	a, err := e.same(0, 1)
	if err != nil {
		return err
	}
	if err := e.wantElem(2, a.Size(), 0); err != nil {
		return err
	}
	if a.Size() == H {
		e.half()
	} else {
		e.size(a.Size())
	}
	e.q(a)
	return e.index(2)
}

func (e *encoder) byElemLong() error {
	ta, err := e.wide(1)
	if err != nil {
		return err
	}
	a := e.vec(1).Arr
	if err := e.want(0, ta, 1); err != nil {
		return err
	}
	if err := e.wantElem(2, a.Size(), 1); err != nil {
		return err
	}
	e.q(a)
	e.size(a.Size())
	return e.index(2)
}

// imm5 is the field that holds an element's size and index.
func imm5(z Size, index int) uint32 { return uint32(index)<<(z+1) | 1<<z }

func (e *encoder) dupElem() error {
	a, err := e.allow(0)
	if err != nil {
		return err
	}
	if err := e.wantElem(1, a.Size(), 0); err != nil {
		return err
	}
	x := e.elem(1)
	e.q(a)
	e.or(imm5(x.Size, x.Index), 16)
	e.d(e.vec(0).N)
	e.n(x.N)
	return nil
}

// wantGP checks the width of a general register that holds an element.
func (e *encoder) wantGP(i int, w bool, because int) error {
	if e.gp(i).W != w {
		return fmt.Errorf("%s %s, want %s for %s %s", e.operandName(i), sort(e.gp(i)), sort(GP{W: w}), e.operandName(because), sort(e.ops[because]))
	}
	return nil
}

func (e *encoder) dupGP() error {
	a, err := e.allow(0)
	if err != nil {
		return err
	}
	e.q(a)
	e.or(imm5(a.Size(), 0), 16)
	e.regs()
	return e.wantGP(1, a.Size() < D, 0)
}

func (e *encoder) dupScalar() error {
	z, err := e.allowSize(0)
	if err != nil {
		return err
	}
	x := e.elem(1)
	e.or(imm5(z, x.Index), 16)
	e.d(e.fp(0).N)
	e.n(x.N)
	return e.wantElem(1, z, 0)
}

func (e *encoder) insElem() error {
	d, n := e.elem(0), e.elem(1)
	e.or(imm5(d.Size, d.Index), 16)
	e.or(uint32(n.Index)<<n.Size, 11)
	e.d(d.N)
	e.n(n.N)
	return e.wantElem(1, d.Size, 0)
}

func (e *encoder) insGP() error {
	d := e.elem(0)
	e.or(imm5(d.Size, d.Index), 16)
	e.d(d.N)
	e.n(e.gp(1).N)
	return e.wantGP(1, d.Size < D, 0)
}

func (e *encoder) moveOut() error {
	x := e.elem(1)
	w := e.gp(0).W
	least, most := B, S
	switch signed := e.form.class == moveOutSigned; {
	case signed && w:
		most = H
	case !signed && !w:
		least, most = D, D
	}
	if e.form.Name == "mov" && w {
		least = S // mov is umov of whole registers
	}
	if x.Size < least || x.Size > most {
		var names set
		for z := least; z <= most; z++ {
			names |= 1 << z
		}
		return fmt.Errorf("source size %v, want %s for destination %s", x.Size, names.sizeNames(), sort(e.gp(0)))
	}
	if !w {
		e.or(1, 30)
	}
	e.or(imm5(x.Size, x.Index), 16)
	e.d(e.gp(0).N)
	e.n(x.N)
	return nil
}

func (e *encoder) moveVec() error {
	a, err := e.same(0, 1)
	e.q(a)
	e.regs()
	e.m(e.vec(1).N)
	return err
}

// abcdefgh sets an immediate of eight bits.
func (e *encoder) abcdefgh(v uint32) {
	e.or(v>>5, 16)
	e.or(v&31, 5)
}

// modImm encodes a shifted or replicated immediate. op and the lowest bit of
// cmode, which tells orr and bic from movi and mvni, are the form's.
func (e *encoder) modImm() error {
	a, err := e.allow(0)
	if err != nil {
		return err
	}
	var shift Shift
	if len(e.ops) == 3 {
		shift = e.ops[2].(Shift)
	}
	e.q(a)
	e.d(e.vec(0).N)
	if a == D2 {
		if len(e.ops) == 3 {
			return fmt.Errorf("%v has no shift", a)
		}
		e.or(0xe, 12)
		e.or(1, 29)
		return e.bytes(1)
	}
	v, err := e.between(1, 0, 255)
	if err != nil {
		return err
	}
	e.abcdefgh(uint32(v))
	most := 8 * (a.Size().Bytes() - 1)
	ones := shift.MSL
	switch {
	case ones && (a.Size() != S || e.form.Reads):
		return fmt.Errorf("%v has no shift of ones here", a)
	case ones && shift.N != 8 && shift.N != 16:
		return fmt.Errorf("shift %v, want 8 or 16", shift)
	case !ones && (shift.N < 0 || shift.N%8 != 0 || shift.N > most):
		return fmt.Errorf("shift %v, want a multiple of 8 up to %d for %v", shift, most, a)
	}
	n := uint32(shift.N / 8)
	switch {
	case ones:
		e.or(0xc|(n-1), 12)
	case a.Size() == S:
		e.or(n<<1, 12)
	case a.Size() == H:
		e.or(8|n<<1, 12)
	default:
		e.or(0xe, 12)
	}
	return nil
}

// bytes encodes an immediate of bytes that are 0 or 0xff.
func (e *encoder) bytes(i int) error {
	v := uint64(e.imm(i))
	var m uint32
	for j := range 8 {
		switch b := v >> (8 * j) & 0xff; b {
		case 0:
		case 0xff:
			m |= 1 << j
		default:
			return fmt.Errorf("immediate %#x, want bytes of 0 and 0xff", v)
		}
	}
	e.abcdefgh(m)
	return nil
}

func (e *encoder) modImmScalar() error {
	if _, err := e.allowSize(0); err != nil {
		return err
	}
	e.d(e.fp(0).N)
	return e.bytes(1)
}

// imm8 is the encoding of a floating-point immediate: ±n/16·2^r with n from 16
// to 31 and r from −3 to 4.
func imm8(f Float) (uint32, error) {
	b := math.Float64bits(float64(f))
	exp := int(b>>52&0x7ff) - 1023
	if b<<16 != 0 || exp < -3 || exp > 4 {
		return 0, fmt.Errorf("immediate %v, want ±n/16·2^r with n from 16 to 31 and r from -3 to 4", f)
	}
	return uint32(b>>63<<7 | (uint64(exp+3)^4)<<4 | b>>48&15), nil
}

func (e *encoder) modImmFloat() error {
	a, err := e.allow(0)
	if err != nil {
		return err
	}
	v, err := imm8(e.ops[1].(Float))
	switch a.Size() {
	case H:
		e.half()
		e.or(1, 11)
	case D:
		e.or(1, 29)
	}
	e.q(a)
	e.d(e.vec(0).N)
	e.abcdefgh(v)
	return err
}

func (e *encoder) dot() error {
	a, err := e.allow(0)
	if err != nil {
		return err
	}
	for i := 1; i <= 2; i++ {
		if err := e.want(i, arrOf(B, a.q()), 0); err != nil {
			return err
		}
	}
	e.in.Feature = ASIMDDP
	e.q(a)
	e.regs()
	return nil
}

func (e *encoder) sha3() error {
	e.in.Feature = SHA3
	for i, o := range e.ops {
		if v, ok := o.(Vec); ok && !e.form.arrs.has(v.Arr) {
			return fmt.Errorf("%s arrangement %v, want %s", e.operandName(i), v.Arr, e.form.arrs.arrNames())
		}
	}
	e.regs()
	if e.form.class == vectorXAR {
		v, err := e.between(3, 0, 63)
		e.or(uint32(v), 10)
		return err
	}
	return nil
}

func (e *encoder) scalar() error {
	others := []int{1, 2}
	if e.form.class == scalarZero {
		others = others[:1]
		if _, err := e.between(2, 0, 0); err != nil {
			return err
		}
	}
	z, err := e.sameSize(others...)
	e.size(z)
	e.regs()
	return err
}

func (e *encoder) scalarShift() error {
	z, err := e.sameSize(1)
	if err != nil {
		return err
	}
	e.regs()
	if e.form.class == scalarShiftRight {
		return e.right(2, z)
	}
	return e.left(2, z)
}

func (e *encoder) scalarConvert() error {
	z, err := e.sameSize(1)
	if err != nil {
		return err
	}
	if z == H {
		e.half()
		e.in.Word |= 0x00580000
	} else {
		e.sz(z)
	}
	e.regs()
	return nil
}

// fpType sets a scalar's type field.
func (e *encoder) fpType(z Size) {
	if z == H {
		e.half()
		e.or(3, 22)
		return
	}
	e.or(uint32(z-S), 22)
}

func (e *encoder) fpSame() error {
	z, err := e.allowSize(0)
	if err != nil {
		return err
	}
	for i := 1; i < len(e.ops) && e.ops[i].kind() == kindFP; i++ {
		if err := e.wantSize(i, z, 0); err != nil {
			return err
		}
	}
	e.fpType(z)
	if e.form.class == fpSelect {
		e.or(uint32(e.ops[3].(Cond)), 12)
	}
	e.regs()
	return nil
}

func (e *encoder) fpConvert() error {
	to, err := e.allowSize(0)
	if err != nil {
		return err
	}
	from, err := e.allowSize(1)
	if err != nil {
		return err
	}
	if from == to {
		return fmt.Errorf("source size %v is the destination's", from)
	}
	// The type field of half precision is 3; conversion needs no feature.
	e.fpType(from)
	e.in.Feature = ASIMD
	e.or(map[Size]uint32{S: 0, D: 1, H: 3}[to], 15)
	e.regs()
	return nil
}

func (e *encoder) fpCompare() error {
	z, err := e.allowSize(0)
	if err != nil {
		return err
	}
	e.fpType(z)
	e.n(e.fp(0).N)
	if e.form.class == fpCompare {
		e.m(e.fp(1).N)
		return e.wantSize(1, z, 0)
	}
	return e.zero(1)
}

func (e *encoder) fpImm() error {
	z, err := e.allowSize(0)
	if err != nil {
		return err
	}
	e.fpType(z)
	v, err := imm8(e.ops[1].(Float))
	e.or(v, 13)
	e.d(e.fp(0).N)
	return err
}

func (e *encoder) fpGP() error {
	f, g := 0, 1
	if e.form.class == fpToGP {
		f, g = 1, 0
	}
	z, err := e.allowSize(f)
	if err != nil {
		return err
	}
	e.fpType(z)
	if !e.gp(g).W {
		e.or(1, 31)
	}
	e.regs()
	return nil
}

func (e *encoder) moveGP() error {
	f, g := 0, 1
	if e.form.class == moveToGP {
		f, g = 1, 0
	}
	z, err := e.allowSize(f)
	if err != nil {
		return err
	}
	e.fpType(z)
	if z == H {
		if !e.gp(g).W {
			e.or(1, 31)
		}
	} else {
		if err := e.wantGP(g, z == S, f); err != nil {
			return err
		}
		if z == D {
			e.or(1, 31)
		}
	}
	e.regs()
	return nil
}

// offset checks an offset from lo to hi and its alignment.
func offset(off, lo, hi, step int) error {
	if off < lo || off > hi || off%step != 0 {
		switch {
		case lo == hi:
			return fmt.Errorf("offset %d, want %d", off, lo)
		case step == 1:
			return fmt.Errorf("offset %d, want %d to %d", off, lo, hi)
		}
		return fmt.Errorf("offset %d, want a multiple of %d from %d to %d", off, step, lo, hi)
	}
	return nil
}

func (e *encoder) loadStore() error {
	z, m := e.fp(0).Size, e.mem(1)
	if z == Q {
		e.or(1, 23)
	} else {
		e.or(uint32(z), 30)
	}
	e.d(e.fp(0).N)
	e.n(m.Base)
	bytes := z.Bytes()
	switch {
	case m.Mode == Offset && m.Off >= 0 && m.Off%bytes == 0 && m.Off/bytes < 1<<12:
		e.or(1, 24)
		e.or(uint32(m.Off/bytes), 10)
		return nil
	case m.Mode == Index:
		if m.Shift != 0 && m.Shift != int(z) {
			return fmt.Errorf("index shift %d, want 0 or %d for size %v", m.Shift, z, z)
		}
		e.or(1<<21|3<<13|2<<10, 0)
		e.m(m.Index)
		if m.Shift != 0 {
			e.or(1, 12)
		}
		return nil
	case m.Mode == PostReg:
		return fmt.Errorf("the base cannot be advanced by a register")
	}
	if m.Off < -256 || m.Off > 255 {
		if m.Mode == Offset {
			return fmt.Errorf("offset %d, want -256 to 255 or a multiple of %d up to %d", m.Off, bytes, 4095*bytes)
		}
		return offset(m.Off, -256, 255, 1)
	}
	switch m.Mode {
	case Offset:
		e.name = e.form.Name[:2] + "u" + e.form.Name[2:] // ldur, stur
	case Post:
		e.or(1, 10)
	case Pre:
		e.or(3, 10)
	}
	e.or(uint32(m.Off)&0x1ff, 12)
	return nil
}

func (e *encoder) loadStorePair() error {
	z, err := e.allowSize(0)
	if err != nil {
		return err
	}
	if err := e.wantSize(1, z, 0); err != nil {
		return err
	}
	if e.form.Writes == 2 && e.fp(0).N == e.fp(1).N {
		return fmt.Errorf("both destinations are one register")
	}
	m := e.mem(2)
	nonTemporal := e.form.Name[2] == 'n'
	switch {
	case m.Mode == Index || m.Mode == PostReg:
		return fmt.Errorf("memory %v, want an immediate offset", m)
	case nonTemporal && m.Mode != Offset:
		return fmt.Errorf("memory %v, want no write-back", m)
	case m.Mode == Offset && !nonTemporal:
		e.or(2, 23)
	case m.Mode == Pre:
		e.or(3, 23)
	case m.Mode == Post:
		e.or(1, 23)
	}
	e.or(uint32(z-S), 30)
	bytes := z.Bytes()
	e.d(e.fp(0).N)
	e.a(e.fp(1).N)
	e.n(m.Base)
	e.or(uint32(m.Off/bytes)&0x7f, 15)
	return offset(m.Off, -64*bytes, 63*bytes, bytes)
}

// structMem sets the addressing of a structure of a number of bytes.
func (e *encoder) structMem(bytes int) error {
	m := e.mem(1)
	e.n(m.Base)
	switch m.Mode {
	case Offset:
		return offset(m.Off, 0, 0, 1)
	case Post:
		e.or(1, 23)
		e.m(31)
		return offset(m.Off, bytes, bytes, 1)
	case PostReg:
		if m.Index == 31 {
			return fmt.Errorf("the base cannot be advanced by the zero register")
		}
		e.or(1, 23)
		e.m(m.Index)
		return nil
	}
	return fmt.Errorf("memory %v, want no offset but an advance by %d or a register", m, bytes)
}

// structLen is how many elements the structures of ld1, ld2, … have.
func (f *Form) structLen() int { return int(f.Name[2] - '0') }

func (e *encoder) loadStoreList() error {
	l := e.ops[0].(List)
	if !e.form.arrs.has(l.Arr) {
		return fmt.Errorf("list arrangement %v, want %s", l.Arr, e.form.arrs.arrNames())
	}
	n := e.form.structLen()
	bytes := l.Len * 8 << l.Arr.q()
	switch {
	case e.form.class == loadReplicate:
		bytes = l.Len * l.Arr.Size().Bytes()
		fallthrough
	case n > 1:
		if l.Len != n {
			return fmt.Errorf("list of %d registers, want %d", l.Len, n)
		}
	}
	if e.form.class == loadStoreList {
		if n == 1 {
			e.or([...]uint32{7, 10, 6, 2}[l.Len-1], 12)
		} else {
			e.or([...]uint32{8, 4, 0}[n-2], 12)
		}
	}
	e.q(l.Arr)
	e.or(uint32(l.Arr.Size()), 10)
	e.d(l.N)
	return e.structMem(bytes)
}

func (e *encoder) loadStoreLane() error {
	l := e.ops[0].(Lane)
	n := e.form.structLen()
	if l.Len != n {
		return fmt.Errorf("list of %d registers, want %d", l.Len, n)
	}
	e.or(uint32(n-1)&1, 21)
	e.or(uint32(n-1)>>1, 13)
	e.or([...]uint32{B: 0, H: 2, S: 4, D: 4}[l.Size], 13)
	at := uint32(l.Index) << l.Size // Q:S:size
	if l.Size == D {
		at |= 1
	}
	e.or(at>>3, 30)
	e.or(at&7, 10)
	e.d(l.N)
	return e.structMem(n * l.Size.Bytes())
}
