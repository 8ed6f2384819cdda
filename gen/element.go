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
	{name: "float64", suffix: "Float64", scale: "float64"},
	{name: "Float16", suffix: "Float16", scale: "float32", family: "Half"},
	{name: "BFloat16", suffix: "BFloat16", scale: "float32", family: "Half"},
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

// elementNEON is the same for NEON, whose vectors have four lanes.
type elementNEON struct {
	// load loads one element or whole vectors, and store stores them. They go on behind.
	load      func(a *neon, elements int, x []arm64.Vec, from arm64.GP)
	multiply  func(a *neon, x, s arm64.Vec)
	store     func(a *neon, elements int, x []arm64.Vec, to arm64.GP)
	broadcast func(a *neon, param string) arm64.Vec
}

var float32NEON = elementNEON{
	load: func(a *neon, elements int, x []arm64.Vec, from arm64.GP) {
		if elements == 1 {
			a.LDR(x[0].S(), from.Post(4))
		} else {
			qwords{a, 16}.load(x, from)
			a.advance(16*len(x), from)
		}
	},
	multiply: func(a *neon, x, s arm64.Vec) { a.FMUL(x.S4(), x.S4(), s.S4()) },
	store: func(a *neon, elements int, x []arm64.Vec, to arm64.GP) {
		if elements == 1 {
			a.STR(x[0].S(), to.Post(4))
		} else {
			qwords{a, 16}.store(x, to)
			a.advance(16*len(x), to)
		}
	},
	broadcast: func(a *neon, param string) arm64.Vec {
		s := a.LoadFloat(param)
		a.DUP(s.S4(), s.S().At(0))
		return s
	},
}
