package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// lanes turns bits of a keep mask into masks of the lanes of vectors, of four bytes each:
// bits[j] has bit i of the j-th piece of a doubleword in lane i.
type lanes struct {
	a    *amd64
	bits []vec
}

var laneBits = table(32, func(i int) u32 { return 1 << i })

func (a *amd64) lanes() lanes {
	bits := a.data("laneBits", laneBits...)
	l := lanes{a: a, bits: a.vecs(128 / a.isa.bytes)}
	for j, v := range l.bits {
		a.move(bits.Offset(a.isa.bytes*j), v)
	}
	return l
}

// mask returns the mask of the lanes whose bits in the j-th piece of word are
// 1: a register of the AVX-512 masks, or a vector of ones.
func (l *lanes) mask(word vec, j int) register {
	if l.a.isa == avx512 {
		k := l.a.K()
		l.a.VPTESTMD(l.bits[j], word, k)
		return k
	}
	m := l.a.YMM()
	l.a.VPAND(l.bits[j], word, m)
	l.a.VPCMPEQD(l.bits[j], m, m)
	return m
}

// maskedLoop is work on n elements, of the kernel's type, whose keep bits are at keep.
type maskedLoop struct {
	n, keep, dst gp
	// value makes the vector of elements at an offset, or of fewer in its low end.
	value   func(v piece, m register) vec
	stream  bool // the vectors of a word are stored with non-temporal stores
	advance func(elements int)
	// touch comes before the values of a word, in a loop of its own. It is left out
	// where dst is src and where there are few elements.
	touch func()
	src   gp
	// ahead asks for what later words need, if it is not nil.
	ahead func()
}

// A piece is elements at an offset.
type piece struct {
	offset, elements int
	apart            bool     // have been touched
	exist            register // the mask of those that there are, or nil for all
}

// fewTouched is the least number of elements that are touched. Fewer are in the first two
// cache levels, where touching costs more than the loop itself.
const fewTouched = 1 << 13

// masked goes on by 64 elements with the masks of a word, then by what is left of
// them.
func (a *amd64) masked(w maskedLoop) {
	l := a.lanes()
	vector := a.isa.bytes / 4
	turn := func(apart bool) {
		if w.ahead != nil {
			w.ahead()
		}
		var x []vec
		for half := range 2 {
			word := a.spread(at(w.keep, 4*half))
			for j := range l.bits {
				p := piece{offset: a.element.bytes * (32*half + vector*j), elements: vector, apart: apart}
				x = append(x, w.value(p, l.mask(word, j)))
			}
		}
		for i := range x {
			if to := at(w.dst, vector*a.element.bytes*i); w.stream {
				a.element.stream(a, x[i], to)
			} else {
				a.element.store(a, x[i], vector, to)
			}
		}
		a.ADDQ(u8(8), w.keep)
		w.advance(64)
	}
	if w.touch != nil {
		a.CMPQ(w.n, u32(fewTouched))
		a.JL(ref("near"))
		a.CMPQ(w.dst, w.src)
		a.JEQ(ref("near"))
		a.loop("apart", w.n, 64, func() {
			w.touch()
			turn(true)
		})
		a.Label("near")
	}
	a.loop("word", w.n, 64, func() { turn(false) })
	a.skipIfZero(w.n, "done")
	rest := a.movq(at(w.keep, 0))
	if a.isa == avx512 {
		a.restMasked(w, rest)
	} else {
		a.restHalving(w, l, rest)
	}
	a.Label("done")
}

// restMasked takes vectors of which the last one is cut off by a mask.
func (a *amd64) restMasked(w maskedLoop, rest gp) {
	exist := a.movq(i32(-1))
	a.BZHIQ(w.n, exist, exist)
	a.Label("rest")
	there, keep := a.K(), a.K()
	a.KMOVW(exist.As32(), there)
	a.KMOVW(rest.As32(), keep)
	x := w.value(piece{elements: 16, exist: there}, keep)
	a.element.storeMasked(a, x, there, at(w.dst, 0))
	w.advance(16)
	a.SHRQ(u8(16), rest)
	a.SHRQ(u8(16), exist)
	a.JNZ(ref("rest"))
}

// restHalving takes a vector at a time, then half of one, then single elements:
// some CPUs are slow to store through a mask of vectors.
func (a *amd64) restHalving(w maskedLoop, l lanes, rest gp) {
	for _, elements := range []int{8, 4, 1} {
		a.loop(label("rest%d", elements), w.n, elements, func() {
			word := a.vec()
			a.VMOVQ(rest, word.AsX())
			a.VPBROADCASTD(word.AsX(), word)
			x := w.value(piece{elements: elements}, l.mask(word, 0))
			a.element.store(a, x, elements, at(w.dst, 0))
			a.SHRQ(u8(elements), rest)
			w.advance(elements)
		})
	}
}

// broadcast loads a parameter that is an element into every lane.
func (a *amd64) broadcast(param string) vec {
	s := a.vec()
	a.element.broadcast(a, a.address(a.Param(param)), s)
	return s
}

// masked runs body over n elements whose keep bits are at keep: eight vectors of them at a
// time, then one vector, then one element. body gets the number of elements and the masks of
// their lanes.
func (a *neon) masked(n, keep arm64.GP, body func(elements int, m []arm64.Vec)) {
	e := a.element
	lanes, vectors := 16/e.bytes, len(e.bits)*e.bytes/16
	bits := qwords{a, 16}.loads(vectors, a.table(label("laneBits%d", 8*e.bytes), e.bits...))
	a.loop("word", n, 8*lanes, func() {
		word, m := a.Vec(), a.Vecs(8)
		for i := range m {
			switch {
			case i%vectors > 0:
			case len(e.bits) == 32:
				a.LD1R(word.S4(), keep.Post(4))
			default:
				a.LD1R(word.H8(), keep.Post(2))
			}
			a.CMTST(e.vector(m[i]), e.vector(word), e.vector(bits[i%vectors]))
		}
		body(8*lanes, m)
	})
	a.CBZ(n, "done")
	rest := a.GP()
	switch lanes { // Beyond the bits of a turn may be none.
	case 2:
		a.LDRH(rest.W(), keep.Off(0))
	case 4:
		a.LDR(rest.W(), keep.Off(0))
	case 8:
		a.LDR(rest, keep.Off(0))
	}
	lane := rest
	if e.bytes < 8 {
		lane = rest.W()
	}
	for _, elements := range []int{lanes, 1} {
		a.loop(label("rest%d", elements), n, elements, func() {
			m := a.Vec()
			a.DUP(e.vector(m), lane)
			a.CMTST(e.vector(m), e.vector(m), e.vector(bits[0]))
			body(elements, []arm64.Vec{m})
			a.LSR(rest, rest, elements)
		})
	}
	a.Label("done")
}
