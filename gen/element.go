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
	amd64  *elementAMD64
	neon   *elementNEON
}

var elements = []*element{
	{name: "float32", amd64: &float32AMD64, neon: &float32NEON},
	{name: "float64", suffix: "Float64", neon: &float64NEON},
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
}

var float32NEON = elementNEON{bytes: 4, vector: arm64.Vec.S4, scalar: arm64.Vec.S, bits: laneBits}

var float64NEON = elementNEON{
	bytes: 8, vector: arm64.Vec.D2, scalar: arm64.Vec.D, bits: table(16, func(i int) u64 { return 1 << i }),
}

// loadNext loads one element or whole vectors, and goes on behind.
func (a *neon) loadNext(elements int, x []arm64.Vec, from arm64.GP) {
	a.elements(elements, x, from, a.LDR, qwords{a, 16}.load)
}

// storeNext stores one element or whole vectors, and goes on behind.
func (a *neon) storeNext(elements int, x []arm64.Vec, to arm64.GP) {
	a.elements(elements, x, to, a.STR, qwords{a, 16}.store)
}

func (a *neon) elements(
	elements int, x []arm64.Vec, at arm64.GP, one func(arm64.Operand, arm64.Mem), vectors func([]arm64.Vec, arm64.GP),
) {
	if elements == 1 {
		one(a.element.scalar(x[0]), at.Post(a.element.bytes))
	} else {
		vectors(x, at)
		a.advance(16*len(x), at)
	}
}

// broadcast is a vector of a parameter that is an element.
func (a *neon) broadcast(param string) arm64.Vec {
	s := a.LoadFloat(param)
	a.DUP(a.element.vector(s), a.element.scalar(s).At(0))
	return s
}
