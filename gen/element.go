package main

import (
	"strings"

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
	{name: "float64", suffix: "Float64", scale: "float64", neon: &float64NEON},
	{name: "Float16", suffix: "Float16", scale: "float32", family: "Half", neon: &float16NEON},
	{name: "BFloat16", suffix: "BFloat16", scale: "float32", family: "Half", neon: &bfloat16NEON},
}

// noElement is that of kernels which have none.
var noElement = &element{}

// constant is the root package's name for the element.
func (e *element) constant() string {
	return "element" + strings.ToUpper(e.name[:1]) + e.name[1:]
}

// elementAMD64 is what the loops in lanes.go do with elements in lanes of four bytes.
type elementAMD64 struct {
	bytes int // in memory
	// load loads a number of elements into the low end of x: a vector's, half of those, or one.
	load func(a *amd64, from mem, elements int, x vec)
	// loadHalves is load of an AVX-512 vector, in halves.
	loadHalves func(a *amd64, from mem, x vec)
	// loadMasked loads those that there are, with +0 for the others.
	loadMasked func(a *amd64, from mem, exist register, x vec)
	// multiplyMasked multiplies x by s, with +0 where m is none.
	multiplyMasked func(a *amd64, s op, m register, x vec)
	store          func(a *amd64, x vec, elements int, to mem)
	storeMasked    func(a *amd64, x vec, exist register, to mem)
	// stream stores a vector with a non-temporal store.
	stream func(a *amd64, x vec, to mem)
	// broadcast loads one into every lane.
	broadcast func(a *amd64, from mem, s vec)
}

var float32AMD64 = elementAMD64{
	bytes: 4,
	load: func(a *amd64, from mem, elements int, x vec) {
		if elements == 1 {
			a.VMOVSS(from, x.AsX())
		} else {
			a.VMOVUPS(from, low(x, 4*elements))
		}
	},
	loadHalves: func(a *amd64, from mem, x vec) {
		a.VMOVUPS(from, x.AsY())
		a.VINSERTF64X4(u8(1), from.Offset(32), x, x)
	},
	loadMasked: func(a *amd64, from mem, exist register, x vec) { a.VMOVUPS_Z(from, exist, x) },
	multiplyMasked: func(a *amd64, s op, m register, x vec) {
		if a.isa == avx512 {
			a.VMULPS_Z(s, x, m, x)
			return
		}
		a.VMULPS(s, x, x)
		a.VPAND(m, x, x)
	},
	store: func(a *amd64, x vec, elements int, to mem) {
		if elements == 1 {
			a.VMOVSS(x.AsX(), to)
		} else {
			a.VMOVUPS(low(x, 4*elements), to)
		}
	},
	storeMasked: func(a *amd64, x vec, exist register, to mem) { a.VMOVUPS(x, exist, to) },
	stream:      func(a *amd64, x vec, to mem) { a.VMOVNTPS(x, to) },
	broadcast:   func(a *amd64, from mem, s vec) { a.VBROADCASTSS(from, s) },
}

// elementNEON is the same for NEON, whose vectors have 16 bytes.
type elementNEON struct {
	bytes  int
	vector func(arm64.Vec) arm64.VecArr // a register as elements
	scalar func(arm64.Vec) arm64.Scalar // and as one
	// bits has a keep bit for each lane of consecutive vectors. Words of as many bits are
	// loaded into all lanes of their own size, and so are in the low end of every lane.
	bits []datum
	// half is the conversions of elements that are computed with as float32, scaled by s.
	half func(a *neon, s arm64.Vec) conversions
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
	half: func(a *neon, _ arm64.Vec) conversions {
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
	half: func(a *neon, s arm64.Vec) conversions {
		zero, one, tie := a.Vec(), a.Vec(), a.Vec()
		a.MOVI(zero.D2(), 0)
		a.MOVI(one.H8(), 1)
		a.MOVI(tie.H8(), 0x80, arm64.LSL(8))
		// narrow rounds a NaN as it does a number, which changes nothing where the lower half is
		// 0: that of an element is, and so those of its products and sums, which keep its
		// payload. A scale that is NaN is made such a one.
		quiet, number := a.Vec(), a.Vec()
		a.FCMEQ(number.S4(), s.S4(), s.S4())
		a.MOV(quiet.B16(), s.B16())
		a.ORR(quiet.S4(), 0x40, arm64.LSL(16))
		a.BIC(quiet.S4(), 0xff)
		a.BIC(quiet.S4(), 0xff, arm64.LSL(8))
		a.BIF(s.B16(), quiet.B16(), number.B16())
		widen := func(elements int, x arm64.Vec) []arm64.Vec {
			w := a.halves(elements)
			a.ZIP1(w[0].H8(), zero.H8(), x.H8())
			if len(w) == 2 {
				a.ZIP2(w[1].H8(), zero.H8(), x.H8())
			}
			return w
		}
		// To the nearest, ties to even: up if the lower half is above a half of the upper
		// one's last bit, or is a half and that bit is 1.
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
		return &arithmetic{a, arm64.Vec.S4, s, e.half(a, s)}
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
