package main

import (
	"strings"

	"github.com/mmcloughlin/avo/build"

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

// elementAMD64 is what the loops in lanes.go do with elements. A vector of them is what is
// computed with in one register: as many as it has lanes, each as wide as an element or
// wider.
type elementAMD64 struct {
	bytes int // in memory
	lane  *laneAMD64
	// widen makes lanes of elements in memory or a register. Where elements are lanes, it
	// is nil, as narrow is.
	widen func(a *amd64, from op, x vec)
	// narrow rounds lanes, which it destroys, to elements. It leaves those of to as they
	// are where m is none. m is of AVX-512 or nil, for all.
	narrow func(a *amd64, x vec, m register, to vec)
	// move loads or stores through a mask of AVX-512, moveZero with +0 for the others.
	move     func(c *build.Context, ops ...op)
	moveZero func(c *build.Context, from, exist, to op)
}

// laneAMD64 is the instructions on lanes.
type laneAMD64 struct {
	bytes         int
	multiply, add func(c *build.Context, ops ...op)
	multiplyZero  func(c *build.Context, y, x, m, to op) // with +0 where m is none
	merge         func(c *build.Context, ops ...op)      // a move through a mask of AVX-512
	moveZero      func(c *build.Context, x, m, to op)    // the same with +0 where m is none
	blend         func(c *build.Context, m, y, x, to op) // y where m is one, else x
	broadcast     func(c *build.Context, ops ...op)
}

var (
	lanes4 = laneAMD64{
		bytes:    4,
		multiply: (*build.Context).VMULPS, add: (*build.Context).VADDPS, multiplyZero: (*build.Context).VMULPS_Z,
		merge: (*build.Context).VMOVAPS, moveZero: (*build.Context).VMOVAPS_Z, blend: (*build.Context).VBLENDVPS, broadcast: (*build.Context).VBROADCASTSS,
	}
	lanes8 = laneAMD64{
		bytes:    8,
		multiply: (*build.Context).VMULPD, add: (*build.Context).VADDPD, multiplyZero: (*build.Context).VMULPD_Z,
		merge: (*build.Context).VMOVAPD, moveZero: (*build.Context).VMOVAPD_Z, blend: (*build.Context).VBLENDVPD, broadcast: (*build.Context).VBROADCASTSD,
	}

	float32AMD64 = elementAMD64{
		bytes: 4, lane: &lanes4,
		move: (*build.Context).VMOVUPS, moveZero: (*build.Context).VMOVUPS_Z,
	}
	float64AMD64 = elementAMD64{
		bytes: 8, lane: &lanes8,
		move: (*build.Context).VMOVUPD, moveZero: (*build.Context).VMOVUPD_Z,
	}
	float16AMD64 = elementAMD64{
		bytes: 2, lane: &lanes4,
		widen: func(a *amd64, from op, x vec) { a.VCVTPH2PS(from, x) },
		narrow: func(a *amd64, x vec, m register, to vec) {
			const nearest = u8(0) // ties to even, whatever MXCSR says
			if m == nil {
				a.VCVTPS2PH(nearest, x, to)
			} else {
				a.VCVTPS2PH(nearest, x, m, to)
			}
		},
		move: (*build.Context).VMOVDQU16, moveZero: (*build.Context).VMOVDQU16_Z,
	}
	// VCVTNEPS2BF16 is no help: it takes subnormal numbers for zero.
	bfloat16AMD64 = elementAMD64{
		bytes: 2, lane: &lanes4,
		widen: func(a *amd64, from op, x vec) {
			a.VPMOVZXWD(from, x)
			a.VPSLLD(u8(16), x, x)
		},
		narrow: func(a *amd64, x vec, m register, to vec) {
			// (x + 0x7fff + x>>16&1) >> 16. No sum carries out of a NaN: the lower half of
			// one is 0, as a NaN operand's is, or that of an invalid operation.
			odd := a.vec()
			a.VPSRLD(u8(16), x, odd)
			a.and(a.repeat32("halfOdd", 1), odd, odd)
			a.VPADDD(a.repeat32("halfBias", 0x7fff), x, x)
			a.VPADDD(odd, x, x)
			a.VPSRLD(u8(16), x, x)
			switch {
			case a.isa != avx512:
				upper := a.XMM()
				a.VEXTRACTI128(u8(1), x, upper)
				a.VPACKUSDW(upper, x.AsX(), to)
			case m == nil:
				a.VPMOVDW(x, to)
			default:
				a.VPMOVDW(x, m, to)
			}
		},
		move: (*build.Context).VMOVDQU16, moveZero: (*build.Context).VMOVDQU16_Z,
	}
)

// vector is the number of elements of a vector.
func (a *amd64) vector() int { return a.isa.bytes / a.element.lane.bytes }

// elements makes a register for a vector of elements as they are in memory.
func (a *amd64) elements() vec {
	switch a.vector() * a.element.bytes {
	case 16:
		return a.XMM()
	case 32:
		return a.YMM()
	}
	return a.ZMM()
}

// loadElements loads elements as they are in memory.
func (a *amd64) loadElements(from mem, p piece) vec {
	x := a.elements()
	switch n := p.elements * a.element.bytes; {
	case p.exist != nil:
		a.element.moveZero(a.Context, from, p.exist, x)
	case p.halved && n == 64:
		a.VMOVUPS(from, x.AsY())
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
		a.element.move(a.Context, x, p.exist, to)
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

// loadLanes loads elements into lanes.
func (a *amd64) loadLanes(from mem, p piece) vec {
	switch {
	case a.element.widen == nil:
		return a.loadElements(from, p)
	case p.exist == nil && p.elements == a.vector():
		return a.widened(from)
	}
	return a.widened(a.loadElements(from, p))
}

// widened is lanes of elements in memory or in a register.
func (a *amd64) widened(from op) vec {
	x := a.vec()
	a.element.widen(a, from, x)
	return x
}

// narrowed is elements of lanes, which it destroys.
func (a *amd64) narrowed(x vec) vec {
	if a.element.narrow == nil {
		return x
	}
	y := a.elements()
	a.element.narrow(a, x, nil, y)
	return y
}

// merge sets the elements of to where m is one to those of the lanes x, which it destroys.
func (a *amd64) merge(x vec, m register, to vec) {
	e := a.element
	switch {
	case a.isa == avx512 && e.narrow != nil:
		e.narrow(a, x, m, to)
	case a.isa == avx512:
		e.lane.merge(a.Context, x, m, to)
	case e.narrow == nil:
		e.lane.blend(a.Context, m, x, to, to)
	default:
		words := a.XMM()
		a.VEXTRACTI128(u8(1), m, words)
		a.VPACKSSDW(words, m.(vec).AsX(), words)
		a.VPBLENDVB(words, a.narrowed(x), to, to)
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
