package neon

import (
	"fmt"
	"math"
	"strings"
)

// A class is an encoding: where the fields are and what operands agree.
type class struct {
	base  uint32
	shift int // of the opcode
	shape string
	// plan has a letter for each operand, but the last ones where they are of the kind -:
	//
	//	T	decides: the row lists its arrangements or sizes, or takes any
	//	=	has T's arrangement, or the size of its elements
	//	L	has elements twice as long, in a whole register; T then is the half of one
	//		that the form is for
	//	P	has elements twice as long, in as many bytes
	//	B	has elements of one byte, in as many bytes
	//	G	is a general register for an element: x for doublewords, or w
	//	-	is none of these
	plan string
	// sizes has the bits of the word that a size of T's elements flips: for half precision, which
	// the manual has classes of its own for, also such as are those of the class.
	sizes sizes
	// feature is what a CPU needs to have: ASIMDHP for elements of size H alone.
	feature Feature
	writes  int
	// rest checks and encodes what neither the plan nor the registers do, if it is not nil. It
	// gets the size of T's elements.
	rest func(*encoder, Size) error
}

type sizes [Q + 1]uint32

const (
	u  = 1 << 29 // the U bit
	hi = 1 << 23 // the upper bit of size, which is part of a floating-point opcode
)

var (
	noSize     sizes
	intSize    = sizes{H: 1 << 22, S: 2 << 22, D: 3 << 22}
	floatSize  = sizes{D: 1 << 22}
	floatHalf  = sizes{H: 0x00580000, D: 1 << 22}
	narrowSize = sizes{S: 1 << 22}
	fpSize     = sizes{H: 3 << 22, D: 1 << 22}
	imm5       = sizes{B: 1 << 16, H: 2 << 16, S: 4 << 16, D: 8 << 16}
)

var (
	same3   = &class{0x0e200400, 11, "vvv", "T==", intSize, ASIMD, 1, nil}
	logic3  = &class{0x0e200400, 11, "vvv", "T==", noSize, ASIMD, 1, nil}
	float3  = &class{0x0e200400, 11, "vvv", "T==", sizes{H: 3<<21 | 3<<14, D: 1 << 22}, ASIMDHP, 1, nil}
	long3   = &class{0x0e200000, 12, "vvv", "LT=", intSize, ASIMD, 1, nil}
	wide3   = &class{0x0e200000, 12, "vvv", "LLT", intSize, ASIMD, 1, nil}
	narrow3 = &class{0x0e200000, 12, "vvv", "TLL", intSize, ASIMD, 1, nil}
	permute = &class{0x0e000800, 12, "vvv", "T==", intSize, ASIMD, 1, nil}
	extract = &class{0x2e000000, 0, "vvv#", "T==", noSize, ASIMD, 1, (*encoder).byteIndex}
	table3  = &class{0x0e000000, 12, "vlv", "T-=", noSize, ASIMD, 1, (*encoder).tableLen}
	dot     = &class{0x0e809400, 0, "vvv", "TBB", noSize, ASIMDDP, 1, nil}

	same2       = &class{0x0e200800, 12, "vv", "T=", intSize, ASIMD, 1, nil}
	compareZero = &class{0x0e200800, 12, "vv#", "T=", intSize, ASIMD, 1, (*encoder).zero}
	floatZero   = &class{0x0e200800, 12, "vv.", "T=", floatHalf, ASIMDHP, 1, (*encoder).floatZero}
	float2      = &class{0x0e200800, 12, "vv", "T=", floatHalf, ASIMDHP, 1, nil}
	narrow2     = &class{0x0e200800, 12, "vv", "TL", intSize, ASIMD, 1, nil}
	floatNarrow = &class{0x0e200800, 12, "vv", "TL", narrowSize, ASIMD, 1, nil}
	floatLong   = &class{0x0e200800, 12, "vv", "LT", narrowSize, ASIMD, 1, nil}
	shiftLong   = &class{0x0e200800, 12, "vv#", "LT", intSize, ASIMD, 1, (*encoder).allBits}
	pairLong    = &class{0x0e200800, 12, "vv", "PT", intSize, ASIMD, 1, nil}
	moveVec     = &class{0x0ea01c00, 0, "vv", "T=", noSize, ASIMD, 1, (*encoder).twice}

	across          = &class{0x0e300800, 12, "fv", "=T", intSize, ASIMD, 1, nil}
	acrossLong      = &class{0x0e300800, 12, "fv", "PT", intSize, ASIMD, 1, nil}
	acrossFloat     = &class{0x0e300800, 12, "fv", "=T", sizes{H: u}, ASIMDHP, 1, nil}
	pairScalar      = &class{0x5e300800, 12, "fv", "=T", intSize, ASIMD, 1, nil}
	pairScalarFloat = &class{0x7e300800, 12, "fv", "=T", floatSize, ASIMD, 1, nil}

	shiftRight  = &class{0x0f000400, 11, "vv#", "T=", noSize, ASIMD, 1, (*encoder).right}
	shiftLeft   = &class{0x0f000400, 11, "vv#", "T=", noSize, ASIMD, 1, (*encoder).left}
	shiftNarrow = &class{0x0f000400, 11, "vv#", "TL", noSize, ASIMD, 1, (*encoder).right}
	shiftWiden  = &class{0x0f000400, 11, "vv#", "LT", noSize, ASIMD, 1, (*encoder).left}
	extend      = &class{0x0f000400, 11, "vv", "LT", sizes{B: 8 << 16, H: 16 << 16, S: 32 << 16}, ASIMD, 1, nil}
	fixed       = &class{0x0f000400, 11, "vv#", "T=", noSize, ASIMDHP, 1, (*encoder).right}

	byElem      = &class{0x0f000000, 12, "vve", "T==", intSize, ASIMD, 1, (*encoder).index}
	byElemFloat = &class{0x0f000000, 12, "vve", "T==", sizes{S: 2 << 22, D: 3 << 22}, ASIMDHP, 1, (*encoder).index}
	byElemLong  = &class{0x0f000000, 12, "vve", "LT=", intSize, ASIMD, 1, (*encoder).index}

	dupElem       = &class{0x0e000400, 0, "ve", "T=", imm5, ASIMD, 1, (*encoder).elements}
	dupGP         = &class{0x0e000c00, 0, "vg", "TG", imm5, ASIMD, 1, nil}
	dupScalar     = &class{0x5e000400, 0, "fe", "T=", imm5, ASIMD, 1, (*encoder).elements}
	insElem       = &class{0x6e000400, 0, "ee", "T=", imm5, ASIMD, 1, (*encoder).elements}
	insGP         = &class{0x4e001c00, 0, "eg", "TG", imm5, ASIMD, 1, (*encoder).elements}
	moveOut       = &class{0x0e003c00, 0, "ge", "-T", imm5, ASIMD, 1, (*encoder).moveOut}
	moveOutSigned = &class{0x0e002c00, 0, "ge", "-T", imm5, ASIMD, 1, (*encoder).moveOut}

	modImm       = &class{0x0f000400, 0, "v#", "T", noSize, ASIMD, 1, (*encoder).modImm}
	modImmShift  = &class{0x0f000400, 0, "v#s", "T", noSize, ASIMD, 1, (*encoder).modImm}
	modImmScalar = &class{0x2f00e400, 0, "f#", "T", noSize, ASIMD, 1, (*encoder).bytes}
	modImmFloat  = &class{0x0f00f400, 0, "v.", "T", sizes{H: 1 << 11, D: u}, ASIMDHP, 1, (*encoder).modImmFloat}

	vector4   = &class{0xce000000, 0, "vvvv", "T===", noSize, SHA3, 1, nil}
	vectorXAR = &class{0xce800000, 0, "vvv#", "T==", noSize, SHA3, 1, (*encoder).rotation}
	rax       = &class{0xce608c00, 0, "vvv", "T==", noSize, SHA3, 1, nil}

	scalar3          = &class{0x5e200400, 11, "fff", "T==", intSize, ASIMD, 1, nil}
	scalarZero       = &class{0x5e200800, 12, "ff#", "T=", intSize, ASIMD, 1, (*encoder).zero}
	scalarShiftRight = &class{0x5f000400, 11, "ff#", "T=", noSize, ASIMD, 1, (*encoder).right}
	scalarShiftLeft  = &class{0x5f000400, 11, "ff#", "T=", noSize, ASIMD, 1, (*encoder).left}
	scalarConvert    = &class{0x5e200800, 12, "ff", "T=", floatHalf, ASIMDHP, 1, nil}

	fp2           = &class{0x1e200800, 12, "fff", "T==", fpSize, ASIMDHP, 1, nil}
	fp1           = &class{0x1e204000, 15, "ff", "T=", fpSize, ASIMDHP, 1, nil}
	fpConvert     = &class{0x1e224000, 15, "ff", "-T", fpSize, ASIMD, 1, (*encoder).fpConvert}
	fp3           = &class{0x1f000000, 0, "ffff", "T===", fpSize, ASIMDHP, 1, nil}
	fpSelect      = &class{0x1e200c00, 0, "fffc", "T==", fpSize, ASIMDHP, 1, (*encoder).condition}
	fpCompare     = &class{0x1e202000, 0, "ff", "T=", fpSize, ASIMDHP, 0, nil}
	fpCompareZero = &class{0x1e202008, 0, "f.", "T", fpSize, ASIMDHP, 0, (*encoder).floatZero}
	fpImm         = &class{0x1e201000, 0, "f.", "T", fpSize, ASIMDHP, 1, (*encoder).fpImm}
	fpFromGP      = &class{0x1e200000, 16, "fg", "T-", fpSize, ASIMDHP, 1, (*encoder).gpWidth}
	fpToGP        = &class{0x1e200000, 16, "gf", "-T", fpSize, ASIMDHP, 1, (*encoder).gpWidth}
	moveFromGP    = &class{0x1e270000, 0, "fg", "T-", fpSize, ASIMDHP, 1, (*encoder).moveGP}
	moveToGP      = &class{0x1e260000, 0, "gf", "-T", fpSize, ASIMDHP, 1, (*encoder).moveGP}

	loadStore     = &class{0x3c000000, 0, "fm", "T", sizes{H: 1 << 30, S: 2 << 30, D: 3 << 30, Q: 1 << 23}, ASIMD, 0, (*encoder).loadStore}
	loadStorePair = &class{0x2c000000, 0, "ffm", "T=", sizes{D: 1 << 30, Q: 2 << 30}, ASIMD, 0, (*encoder).loadStorePair}
	loadReplicate = &class{0x0d40c000, 12, "lm", "T", sizes{H: 1 << 10, S: 2 << 10, D: 3 << 10}, ASIMD, 1, (*encoder).loadReplicate}
	loadStoreList = &class{0x0c000000, 0, "lm", "T", sizes{H: 1 << 10, S: 2 << 10, D: 3 << 10}, ASIMD, 0, (*encoder).loadStoreList}
	loadStoreLane = &class{0x0d000000, 0, "Lm", "T", sizes{H: 2 << 13, S: 4 << 13, D: 4<<13 | 1<<10}, ASIMD, 0, (*encoder).loadStoreLane}
)

// byteIndex encodes where bytes are taken from.
func (e *encoder) byteIndex(Size) error {
	v, err := e.between(3, 0, int64(e.vec(0).Arr.Lanes()-1))
	e.or(uint32(v), 11)
	return err
}

func (e *encoder) tableLen(Size) error {
	l := e.ops[1].(List)
	if l.Arr != B16 {
		return fmt.Errorf("%s, want 16b", e.described(1))
	}
	e.or(uint32(l.Len-1), 13)
	return nil
}

func (e *encoder) zero(Size) error {
	_, err := e.between(2, 0, 0)
	return err
}

// floatZero checks the immediate of a comparison with 0.0.
func (e *encoder) floatZero(Size) error {
	if f := float64(e.ops[len(e.ops)-1].(Float)); f != 0 || math.Signbit(f) {
		return fmt.Errorf("immediate %v, want 0", Float(f))
	}
	return nil
}

// allBits checks a shift by all bits of an element.
func (e *encoder) allBits(z Size) error {
	_, err := e.between(2, z.bits(), z.bits())
	return err
}

// twice encodes a move as the OR of the source with itself.
func (e *encoder) twice(Size) error {
	e.or(uint32(e.vec(1).N), 16)
	return nil
}

// right sets the field immh:immb for a right shift, and left for a left one.

func (e *encoder) right(z Size) error {
	v, err := e.between(2, 1, z.bits())
	e.or(uint32(2*z.bits()-v), 16)
	return err
}

func (e *encoder) left(z Size) error {
	v, err := e.between(2, 0, z.bits()-1)
	e.or(uint32(z.bits()+v), 16)
	return err
}

func (e *encoder) rotation(Size) error {
	v, err := e.between(3, 0, 63)
	e.or(uint32(v), 10)
	return err
}

// index sets the index of the element that a vector is calculated with: H:L:M above the register.
func (e *encoder) index(z Size) error {
	x := e.elem(2)
	at := uint32(x.Index) << (z - H)
	if z == H {
		e.in.LowElem = true
		if x.N > 15 {
			return fmt.Errorf("operand %d: element of size h of v%d, want v0 to v15", 3, x.N)
		}
	}
	e.or(at>>2, 11)
	e.or(at&3, 20)
	return nil
}

// elements sets the indices of elements: that of the only one, or the destination's, is above
// the bit of the size.
func (e *encoder) elements(z Size) error {
	shift := 17
	for _, o := range e.ops {
		if x, ok := o.(Elem); ok {
			e.or(uint32(x.Index), shift+int(z))
			shift = 11
		}
	}
	return nil
}

func (e *encoder) moveOut(z Size) error {
	w := e.gp(0).W
	least, most := B, S
	switch signed := e.form.Name == "smov"; {
	case signed && w:
		most = H
	case !signed && !w:
		least, most = D, D
	}
	if e.form.Name == "mov" && w {
		least = S // mov is umov of whole registers
	}
	if z < least || z > most {
		var s set
		for z := least; z <= most; z++ {
			s |= sizesOf(z)
		}
		return fmt.Errorf("%s, want %s for destination %s", e.described(1), s.names(kindElem), sort(e.gp(0)))
	}
	if !w {
		e.or(1, 30)
	}
	return e.elements(z)
}

// abcdefgh sets an immediate of eight bits.
func (e *encoder) abcdefgh(v uint32) {
	e.or(v>>5, 16)
	e.or(v&31, 5)
}

// modImm encodes a shifted or replicated immediate. op and the lowest bit of
// cmode, which tells orr and bic from movi and mvni, are the form's.
func (e *encoder) modImm(z Size) error {
	a := e.vec(0).Arr
	var shift Shift
	if len(e.ops) == 3 {
		shift = e.ops[2].(Shift)
	}
	if z == D {
		if len(e.ops) == 3 {
			return fmt.Errorf("%v has no shift", a)
		}
		e.or(0xe, 12)
		e.or(u, 0)
		return e.bytes(z)
	}
	v, err := e.between(1, 0, 255)
	if err != nil {
		return err
	}
	e.abcdefgh(uint32(v))
	most := 8 * (z.Bytes() - 1)
	ones := shift.MSL
	switch {
	case ones && (z != S || e.form.Reads):
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
	case z == S:
		e.or(n<<1, 12)
	case z == H:
		e.or(8|n<<1, 12)
	default:
		e.or(0xe, 12)
	}
	return nil
}

// bytes encodes an immediate of bytes that are 0 or 0xff.
func (e *encoder) bytes(Size) error {
	v := uint64(e.imm(1))
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

func (e *encoder) modImmFloat(Size) error {
	v, err := imm8(e.ops[1].(Float))
	e.abcdefgh(v)
	return err
}

func (e *encoder) fpImm(Size) error {
	v, err := imm8(e.ops[1].(Float))
	e.or(v, 13)
	return err
}

func (e *encoder) condition(Size) error {
	e.or(uint32(e.ops[3].(Cond)), 12)
	return nil
}

func (e *encoder) fpConvert(from Size) error {
	to, _, err := e.allow(0)
	if err != nil {
		return err
	}
	if from == to {
		return fmt.Errorf("source size %v is the destination's", from)
	}
	e.or(fpSize[to]>>22, 15)
	return nil
}

// gpWidth says that a general register is a whole one.
func (e *encoder) gpWidth(Size) error {
	for _, o := range e.ops {
		if g, ok := o.(GP); ok && !g.W {
			e.or(1, 31)
		}
	}
	return nil
}

func (e *encoder) moveGP(z Size) error {
	g := strings.IndexByte(e.form.Shape, byte(kindGP))
	if z != H { // a half goes to either width
		if err := e.want(g, gpFor(z), 1-g); err != nil {
			return err
		}
	}
	return e.gpWidth(z)
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

func (e *encoder) loadStore(z Size) error {
	m := e.mem(1)
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
		e.or(uint32(m.Index), 16)
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

func (e *encoder) loadStorePair(z Size) error {
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
	bytes := z.Bytes()
	e.or(uint32(m.Off/bytes)&0x7f, 15)
	return offset(m.Off, -64*bytes, 63*bytes, bytes)
}

// structMem sets the addressing of a structure of a number of bytes.
func (e *encoder) structMem(bytes int) error {
	m := e.mem(1)
	switch m.Mode {
	case Offset:
		return offset(m.Off, 0, 0, 1)
	case Post:
		e.or(1, 23)
		e.or(31, 16)
		return offset(m.Off, bytes, bytes, 1)
	case PostReg:
		if m.Index == 31 {
			return fmt.Errorf("the base cannot be advanced by the zero register")
		}
		e.or(1, 23)
		e.or(uint32(m.Index), 16)
		return nil
	}
	return fmt.Errorf("memory %v, want no offset but an advance by %d or a register", m, bytes)
}

// structLen is how many elements the structures of ld1, ld2, … have.
func (f *Form) structLen() int { return int(f.Name[2] - '0') }

// wantLen checks the length of a list.
func (e *encoder) wantLen(n int) error {
	if want := e.form.structLen(); n != want {
		return fmt.Errorf("list of %d registers, want %d", n, want)
	}
	return nil
}

func (e *encoder) loadReplicate(z Size) error {
	l := e.ops[0].(List)
	if err := e.wantLen(l.Len); err != nil {
		return err
	}
	return e.structMem(l.Len * z.Bytes())
}

func (e *encoder) loadStoreList(Size) error {
	l, n := e.ops[0].(List), e.form.structLen()
	if n == 1 {
		e.or([...]uint32{7, 10, 6, 2}[l.Len-1], 12)
	} else {
		if err := e.wantLen(l.Len); err != nil {
			return err
		}
		e.or([...]uint32{8, 4, 0}[n-2], 12)
	}
	return e.structMem(l.Len * 8 << l.Arr.q())
}

func (e *encoder) loadStoreLane(z Size) error {
	l, n := e.ops[0].(Lane), e.form.structLen()
	if err := e.wantLen(l.Len); err != nil {
		return err
	}
	e.or(uint32(n-1)&1, 21)
	e.or(uint32(n-1)>>1, 13)
	at := uint32(l.Index) << z // Q:S:size
	e.or(at>>3, 30)
	e.or(at&7, 10)
	return e.structMem(n * z.Bytes())
}
