package main

import (
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/x86"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// An element is a type of the elements of feature maps, in kernels that have one. Where it
// has no instructions for an architecture its kernels are the generic ones there.
type element struct {
	name   string // Go's
	suffix string // of the names of its assembly: none for the first one
	scale  string // the Go type of a scale for it
	// family is what the names of the generic functions for it have before Generic.
	family string
	amd64  *elementAMD64
	neon   *elementNEON
}

var elements = []*element{
	{name: "float32", scale: "float32", amd64: &float32AMD64, neon: &float32NEON},
	{name: "float64", suffix: "Float64", scale: "float64", amd64: &float64AMD64, neon: &float64NEON},
	{name: "Float16", suffix: "Float16", scale: "float32", family: "Half", amd64: &float16AMD64, neon: &float16NEON},
	{name: "BFloat16", suffix: "BFloat16", scale: "float32", family: "Half", amd64: &bfloat16AMD64, neon: &bfloat16NEON},
}

// noElement is that of kernels which have none.
var noElement = &element{}

// constant is the root package's name for the element.
func (e *element) constant() string {
	return "element" + strings.ToUpper(e.name[:1]) + e.name[1:]
}

// elementAMD64 is what the loops in lanes.go do with elements, the lanes of vectors.
type elementAMD64 struct {
	bytes int
	// broadcast, multiply and add are of the floats that are computed with.
	broadcast, multiply, add func(c *build.Context, ops ...op)
	// Of AVX-512, through a mask: load loads with +0 for elements that there are not, store
	// stores those that there are, zero moves with +0 for the others, merge moves. blend is
	// AVX2's: y where m is one, else x.
	load, zero   func(c *build.Context, from, m, to op)
	store, merge func(c *build.Context, ops ...op)
	blend        func(c *build.Context, m, y, x, to op)
	// multiplyZero is multiply and zero at once, if it is not nil.
	multiplyZero func(c *build.Context, y, x, m, to op)
	// Where elements are not floats, split makes two vectors of floats of one of elements,
	// and join rounds them back, which it destroys. narrow rounds one, into half a vector of
	// elements in the same order.
	split  func(a *amd64, x vec) (p, q vec)
	join   func(a *amd64, p, q vec) vec
	narrow func(a *amd64, x vec) vec
}

var (
	float32AMD64 = elementAMD64{
		bytes:     4,
		broadcast: (*build.Context).VBROADCASTSS,
		multiply:  (*build.Context).VMULPS, multiplyZero: (*build.Context).VMULPS_Z, add: (*build.Context).VADDPS,
		load: (*build.Context).VMOVUPS_Z, store: (*build.Context).VMOVUPS,
		zero: (*build.Context).VMOVAPS_Z, merge: (*build.Context).VMOVAPS, blend: (*build.Context).VBLENDVPS,
	}
	float64AMD64 = elementAMD64{
		bytes:     8,
		broadcast: (*build.Context).VBROADCASTSD,
		multiply:  (*build.Context).VMULPD, multiplyZero: (*build.Context).VMULPD_Z, add: (*build.Context).VADDPD,
		load: (*build.Context).VMOVUPD_Z, store: (*build.Context).VMOVUPD,
		zero: (*build.Context).VMOVAPD_Z, merge: (*build.Context).VMOVAPD, blend: (*build.Context).VBLENDVPD,
	}
	float16AMD64  = halfAMD64(splitFloat16, joinFloat16, narrowFloat16)
	bfloat16AMD64 = halfAMD64(splitBFloat16, joinBFloat16, narrowBFloat16)
)

func halfAMD64(split func(*amd64, vec) (p, q vec), join func(a *amd64, p, q vec) vec, narrow func(*amd64, vec) vec) elementAMD64 {
	return elementAMD64{
		bytes:     2,
		broadcast: (*build.Context).VBROADCASTSS, multiply: (*build.Context).VMULPS, add: (*build.Context).VADDPS,
		load: (*build.Context).VMOVDQU16_Z, store: (*build.Context).VMOVDQU16,
		zero: (*build.Context).VMOVDQU16_Z, merge: (*build.Context).VMOVDQU16, blend: (*build.Context).VPBLENDVB,
		split: split, join: join, narrow: narrow,
	}
}

// Float16 are converted by halves of a vector.

func splitFloat16(a *amd64, x vec) (p, q vec) {
	p, q = a.vec(), a.vec()
	if a.isa == avx512 {
		a.VCVTPH2PS(x.AsY(), p)
		a.VEXTRACTI64X4(u8(1), x, q.AsY())
		a.VCVTPH2PS(q.AsY(), q)
	} else {
		a.VCVTPH2PS(x.AsX(), p)
		a.VEXTRACTI128(u8(1), x, q.AsX())
		a.VCVTPH2PS(q.AsX(), q)
	}
	return p, q
}

// loadFloat16 splits a vector in memory.
func loadFloat16(a *amd64, from mem) (p, q vec) {
	p, q = a.vec(), a.vec()
	a.VCVTPH2PS(from, p)
	a.VCVTPH2PS(from.Offset(a.isa.bytes/2), q)
	return p, q
}

func joinFloat16(a *amd64, p, q vec) vec {
	narrowFloat16(a, p)
	if high := narrowFloat16(a, q); a.isa == avx512 {
		a.VINSERTI64X4(u8(1), high, p, p)
	} else {
		a.VINSERTI128(u8(1), high, p, p)
	}
	return p
}

func narrowFloat16(a *amd64, x vec) vec {
	y := x.AsX()
	if a.isa == avx512 {
		y = x.AsY()
	}
	a.VCVTPS2PH(u8(0), x, y) // to nearest, ties to even, whatever MXCSR says
	return y.(vec)
}

// BFloat16 are the upper halves of floats: those of even number are shifted there, those of
// odd number are there. VCVTNEPS2BF16 is no help: it takes subnormal numbers for zero.

// halfConstants are in registers where there are enough, as is faster by a seventh.
type halfConstants struct{ upper, ones, above op }

func (a *amd64) halfConstants() (c halfConstants) {
	table := func(name string, v uint32) op {
		m := a.repeat32(name, v)
		if a.isa == avx512 {
			return a.load(m)
		}
		return m
	}
	return halfConstants{table("upperHalves", 0xffff0000), table("halfOnes", 0x00010001), table("halfAbove", 0x80018001)}
}

func splitBFloat16(a *amd64, x vec) (even, odd vec) {
	even, odd = a.vec(), a.vec()
	a.VPSLLD(u8(16), x, even)
	a.and(a.halves.upper, x, odd)
	return even, odd
}

// joinBFloat16 rounds up where the lower half is above 0x8000, the upper half's last bit
// put in. That leaves NaN alone: the lower half of one is 0, as an operand's is (a scale's
// too, which is a mask's or a half), or that of the result of an invalid operation.
func joinBFloat16(a *amd64, even, odd vec) vec {
	upper, ones, above := a.halves.upper, a.halves.ones, a.halves.above
	y, lower := a.vec(), a.vec()
	a.VPSRLD(u8(16), even, y)
	a.VPSLLD(u8(16), odd, lower)
	if a.isa == avx512 {
		a.VPTERNLOGD(u8(orAnd), upper, odd, y)
		a.VPTERNLOGD(u8(orAndNot), upper, even, lower)
		a.VPTERNLOGD(u8(orAnd), ones, y, lower)
		up := a.K()
		a.VPCMPUW(u8(notLess), above, lower, up)
		a.VPADDW(ones, y, up, y)
		return y
	}
	a.VPBLENDW(u8(0xaa), odd, y, y)
	a.VPBLENDW(u8(0x55), even, lower, lower)
	a.VPAND(ones, y, odd)
	a.VPOR(odd, lower, lower)
	a.VPMAXUW(above, lower, odd)
	a.VPCMPEQW(odd, lower, lower)
	a.VPSUBW(lower, y, y)
	return y
}

// narrowBFloat16 takes no more registers than it must: (x + 0x7fff + x>>16&1) >> 16.
func narrowBFloat16(a *amd64, x vec) vec {
	odd := a.vec()
	a.VPSRLD(u8(16), x, odd)
	a.and(a.repeat32("halfOdd", 1), odd, odd)
	a.VPADDD(a.repeat32("halfBias", 0x7fff), x, x)
	a.VPADDD(odd, x, x)
	a.VPSRLD(u8(16), x, x)
	if a.isa == avx512 {
		a.VPMOVDW(x, x.AsY())
		return x.AsY().(vec)
	}
	a.VEXTRACTI128(u8(1), x, odd.AsX())
	a.VPACKUSDW(odd.AsX(), x.AsX(), x.AsX())
	return x.AsX().(vec)
}

// vector is the number of elements of a vector.
func (a *amd64) vector() int { return a.isa.bytes / a.element.bytes }

// loadElements loads a piece.
func (a *amd64) loadElements(from mem, p piece) vec {
	x := a.vec()
	switch n := p.elements * a.element.bytes; {
	case p.exist != nil:
		a.element.load(a.Context, from, p.exist, x)
	case p.halved:
		// The load of one half clears the other one, too, which avo does not know.
		half, err := x86.VMOVUPS(from, x.AsY())
		if err != nil {
			panic(err)
		}
		half.Outputs = []op{x}
		a.Instruction(half)
		a.VINSERTF64X4(u8(1), from.Offset(32), x, x)
	case n == 2:
		a.VMOVD(a.movw(from), x.AsX())
	default:
		a.moveBytes(n, from, low(x, n))
	}
	return x
}

// storeElements is the inverse.
func (a *amd64) storeElements(x vec, p piece, to mem) {
	switch n := p.elements * a.element.bytes; {
	case p.exist != nil:
		a.element.store(a.Context, x, p.exist, to)
	case n == 2:
		a.VPEXTRW(u8(0), x.AsX(), to)
	default:
		a.moveBytes(n, low(x, n), to)
	}
}

// moveBytes loads or stores the low end of a register.
func (a *amd64) moveBytes(n int, from, to op) {
	switch n {
	case 4:
		a.VMOVSS(from, to)
	case 8:
		a.VMOVSD(from, to)
	default:
		a.VMOVUPS(from, to)
	}
}

// scale is a vector of a parameter that is a scale. It loads what join needs.
func (a *amd64) scale(param string) vec {
	s := a.vec()
	a.element.broadcast(a.Context, a.address(a.Param(param)), s)
	a.makeConstants()
	return s
}

func (a *amd64) makeConstants() {
	if a.element == &bfloat16AMD64 {
		a.halves = a.halfConstants()
	}
}

// multiply is the elements of a piece times s, and plus y, which is loaded from sum, if it is
// not nil.
func (a *amd64) multiply(s vec, from mem, p piece, y vec, sum mem) vec {
	e := a.element
	if e.split == nil {
		x := a.loadElements(from, p)
		e.multiply(a.Context, s, x, x)
		if y != nil {
			e.add(a.Context, x, y, x)
		}
		return x
	}
	x, z := a.floats(from, p, nil)
	e.multiply(a.Context, s, x, x)
	e.multiply(a.Context, s, z, z)
	if y != nil {
		u, v := a.floats(sum, p, y)
		e.add(a.Context, x, u, x)
		e.add(a.Context, z, v, z)
	}
	return e.join(a, x, z)
}

// floats are those of a piece, which x has been loaded with if it is not nil.
func (a *amd64) floats(from mem, p piece, x vec) (vec, vec) {
	if p.exist == nil && p.elements == a.vector() && a.element == &float16AMD64 {
		return loadFloat16(a, from)
	}
	if x == nil {
		x = a.loadElements(from, p)
	}
	return a.element.split(a, x)
}

// zero moves x with +0 for elements where m is none.
func (a *amd64) zero(x vec, m register, to vec) {
	if a.isa == avx512 {
		a.element.zero(a.Context, x, m, to)
	} else {
		a.VPAND(m, x, to)
	}
}

// merge sets the elements of to where m is one to those of x.
func (a *amd64) merge(x vec, m register, to vec) {
	if a.isa == avx512 {
		a.element.merge(a.Context, x, m, to)
	} else {
		a.element.blend(a.Context, m, x, to, to)
	}
}

// elementNEON is the same for NEON, whose vectors have 16 bytes.
type elementNEON struct {
	bytes  int
	vector func(arm64.Vec) arm64.VecArr // a register as elements
	scalar func(arm64.Vec) arm64.Scalar // and as one
	// bits has a keep bit for each lane of consecutive vectors. Words of as many bits are
	// loaded into all lanes of their own size, and so are in the low end of every lane.
	bits []datum
	// half is the conversions of elements that are computed with as float32.
	half func(a *neon) conversions
}

// conversions are between a vector of half-precision elements and two of float32, or one if
// there is one element.
type conversions struct {
	widen  func(elements int, x arm64.Vec) []arm64.Vec
	narrow func(x arm64.Vec, w []arm64.Vec)
}

var float32NEON = elementNEON{bytes: 4, vector: arm64.Vec.S4, scalar: arm64.Vec.S, bits: laneBits}

var float64NEON = elementNEON{
	bytes: 8, vector: arm64.Vec.D2, scalar: arm64.Vec.D, bits: table(16, func(i int) u64 { return 1 << i }),
}

var float16NEON = elementNEON{
	bytes: 2, vector: arm64.Vec.H8, scalar: arm64.Vec.H, bits: laneBits16,
	half: func(a *neon) conversions {
		widen := func(elements int, x arm64.Vec) []arm64.Vec {
			w := a.halves(elements)
			a.FCVTL(w[0].S4(), x.H4())
			if len(w) == 2 {
				a.FCVTL2(w[1].S4(), x.H8())
			}
			return w
		}
		narrow := func(x arm64.Vec, w []arm64.Vec) {
			a.FCVTN(x.H4(), w[0].S4())
			if len(w) == 2 {
				a.FCVTN2(x.H8(), w[1].S4())
			}
		}
		return conversions{widen, narrow}
	},
}

var bfloat16NEON = elementNEON{
	bytes: 2, vector: arm64.Vec.H8, scalar: arm64.Vec.H, bits: laneBits16,
	half: func(a *neon) conversions {
		zero, one, tie := a.Vec(), a.Vec(), a.Vec()
		a.MOVI(zero.D2(), 0)
		a.MOVI(one.H8(), 1)
		a.MOVI(tie.H8(), 0x80, arm64.LSL(8))
		widen := func(elements int, x arm64.Vec) []arm64.Vec {
			w := a.halves(elements)
			a.ZIP1(w[0].H8(), zero.H8(), x.H8())
			if len(w) == 2 {
				a.ZIP2(w[1].H8(), zero.H8(), x.H8())
			}
			return w
		}
		// To the nearest, ties to even: up if the lower half is above a half of the upper
		// one's last bit, or is a half and that bit is 1. The lower half of a NaN is 0, as that
		// of a NaN operand, whose payload it has, or of an invalid operation's.
		narrow := func(x arm64.Vec, w []arm64.Vec) {
			last, lower, upper := w[len(w)-1], a.Vec(), a.Vec()
			a.UZP1(lower.H8(), w[0].H8(), last.H8())
			a.UZP2(upper.H8(), w[0].H8(), last.H8())
			a.CMTST(x.H8(), upper.H8(), one.H8()) // −1 if it is 1
			a.ADD(x.H8(), x.H8(), tie.H8())
			a.CMHI(x.H8(), lower.H8(), x.H8())
			a.SUB(x.H8(), upper.H8(), x.H8())
		}
		return conversions{widen, narrow}
	},
}

var laneBits16 = table(16, func(i int) u16 { return 1 << i })

// halves makes the registers that elements in half precision are widened to.
func (a *neon) halves(elements int) []arm64.Vec { return a.Vecs(min(elements, 2)) }

// load loads one element or whole vectors.
func (a *neon) load(elements int, x []arm64.Vec, from arm64.GP) {
	if elements == 1 {
		a.LDR(a.element.scalar(x[0]), from.Off(0))
	} else {
		qwords{a, 16}.load(x, from)
	}
}

// loadNext is load that goes on behind them.
func (a *neon) loadNext(elements int, x []arm64.Vec, from arm64.GP) {
	if elements == 1 {
		a.LDR(a.element.scalar(x[0]), from.Post(a.element.bytes))
	} else {
		qwords{a, 16}.load(x, from)
		a.advance(16*len(x), from)
	}
}

// storeNext stores one element or whole vectors, and goes on behind.
func (a *neon) storeNext(elements int, x []arm64.Vec, to arm64.GP) {
	if elements == 1 {
		a.STR(a.element.scalar(x[0]), to.Post(a.element.bytes))
	} else {
		qwords{a, 16}.store(x, to)
		a.advance(16*len(x), to)
	}
}

// arithmetic is what kernels compute with elements and their parameter scale.
type arithmetic struct {
	a      *neon
	vector func(arm64.Vec) arm64.VecArr
	s      arm64.Vec // the scale in all lanes
	conversions
}

func (a *neon) arithmetic() *arithmetic {
	s := a.LoadFloat("scale")
	e := a.element
	if e.half != nil {
		a.DUP(s.S4(), s.S().At(0))
		return &arithmetic{a, arm64.Vec.S4, s, e.half(a)}
	}
	a.DUP(e.vector(s), e.scalar(s).At(0))
	return &arithmetic{a, e.vector, s, conversions{
		widen:  func(_ int, x arm64.Vec) []arm64.Vec { return []arm64.Vec{x} },
		narrow: func(arm64.Vec, []arm64.Vec) {},
	}}
}

// factor is the scale as elements.
func (r *arithmetic) factor() arm64.Vec {
	if r.a.element.half == nil {
		return r.s
	}
	x := r.a.Vec()
	r.narrow(x, []arm64.Vec{r.s, r.s})
	return x
}

// multiply multiplies the elements of x by the scale.
func (r *arithmetic) multiply(elements int, x arm64.Vec) {
	w := r.widen(elements, x)
	for _, w := range w {
		r.a.FMUL(r.vector(w), r.vector(w), r.vector(r.s))
	}
	r.narrow(x, w)
}

// multiplyAdd multiplies them and adds those of y, by two operations that round.
func (r *arithmetic) multiplyAdd(elements int, x, y arm64.Vec) {
	w, wide := r.widen(elements, x), r.widen(elements, y)
	for i, w := range w {
		r.a.FMUL(r.vector(w), r.vector(w), r.vector(r.s))
		r.a.FADD(r.vector(w), r.vector(wide[i]), r.vector(w))
	}
	r.narrow(x, w)
}
