package main

import (
	"cmp"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// lanes turns bits of a keep mask into masks of the lanes of vectors: bits[j] has bit i of
// the j-th piece of a doubleword in lane i. Lanes of eight bytes have the first one alone, as
// all would take too many registers: the doubleword is shifted. Those of two bytes take a
// vector's bits at a time, AVX-512 as they are.
type lanes struct {
	a    *amd64
	bits []vec
	word vec // the doubleword of 32 elements
}

var laneBits = table(32, func(i int) u32 { return 1 << i })

func (a *amd64) lanes() lanes {
	switch a.element.bytes {
	case 2:
		if a.isa == avx512 {
			return lanes{a: a}
		}
		return lanes{a: a, bits: []vec{a.load(a.data("laneBits2", table(8, func(i int) u32 { return 0x20001 << (2 * i) })...))}}
	case 8:
		return lanes{a: a, bits: []vec{a.load(a.data("laneBits8", table(8, func(i int) u64 { return 1 << i })...))}}
	}
	bits := a.data("laneBits", laneBits...)
	l := lanes{a: a, bits: a.vecs(128 / a.isa.bytes)}
	for j, v := range l.bits {
		a.move(bits.Offset(a.isa.bytes*j), v)
	}
	return l
}

// mask returns the mask of the i-th vector of the elements of a word, which is disp bytes
// behind keep: a register of the AVX-512 masks, or a vector of ones.
func (l *lanes) mask(keep gp, disp, i int) register {
	a, vector := l.a, l.a.vector()
	switch {
	case vector == 32:
		k := a.K()
		a.KMOVD(at(keep, disp+4*i), k)
		return k
	case a.element.bytes == 2:
		word := a.vec()
		a.VPBROADCASTW(at(keep, disp+2*i), word)
		return l.test(word, 0)
	}
	half, j := i*vector/32, i%(32/vector)
	if j == 0 {
		l.word = a.spread(at(keep, disp+4*half))
	}
	return l.test(l.word, j)
}

// test returns the mask of the lanes whose bits in the j-th piece of word are 1.
func (l *lanes) test(word vec, j int) register {
	a := l.a
	if a.element.bytes == 8 && j > 0 {
		shifted := a.vec()
		a.VPSRLQ(u8(a.vector()*j), word, shifted)
		word, j = shifted, 0
	}
	if a.isa == avx512 {
		k := a.K()
		if a.element.bytes == 8 {
			a.VPTESTMQ(l.bits[j], word, k)
		} else {
			a.VPTESTMD(l.bits[j], word, k)
		}
		return k
	}
	m := a.YMM()
	a.VPAND(l.bits[j], word, m)
	switch a.element.bytes {
	case 2:
		a.VPCMPEQW(l.bits[j], m, m)
	case 4:
		a.VPCMPEQD(l.bits[j], m, m)
	case 8:
		a.VPCMPEQQ(l.bits[j], m, m)
	}
	return m
}

// maskedLoop is work on n elements, of the kernel's type, whose keep bits are at keep.
type maskedLoop struct {
	n, keep, dst gp
	// value makes the vector of a piece.
	value  func(p piece, m register) vec
	held   int  // vectors are made, at most, before they are stored; all of a word if 0
	stream bool // the vectors of a word are stored with non-temporal stores
	// moves are the pointers to elements, which go on with them.
	moves []gp
	// touch comes before the values of a word, in a loop of its own. It is left out
	// where dst is src and where there are few elements.
	touch func()
	src   gp
	// ahead asks for what later words need, if it is not nil.
	ahead func()
	// make writes the next word to keep, which stays where it is, if it is not nil.
	make func()
}

// A piece is elements at an offset, in bytes.
type piece struct {
	offset, elements int
	halved           bool     // 64 bytes are loaded in halves
	exist            register // the mask of those that there are, or nil for all
}

// fewTouched is the least number of bytes that are touched. Fewer are in the first two
// cache levels, where touching costs more than the loop itself.
const fewTouched = 1 << 15

// masked goes on by 64 elements with the masks of a word, then by what is left of
// them.
func (a *amd64) masked(w maskedLoop) {
	l := a.lanes()
	a.words(w, func(halved bool) { a.turn(w, &l, halved) })
	a.skipIfZero(w.n, "done")
	if w.make != nil {
		w.make()
	}
	rest := a.movq(at(w.keep, 0))
	if a.isa == avx512 {
		a.restMasked(w, rest)
	} else {
		a.restHalving(w, l, rest)
	}
	a.Label("done")
}

// words goes on by 64 elements, first through those whose lines are touched.
func (a *amd64) words(w maskedLoop, turn func(halved bool)) {
	if w.touch != nil {
		a.CMPQ(w.n, u32(fewTouched/a.element.bytes))
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
}

// turn makes and stores the elements of a word.
func (a *amd64) turn(w maskedLoop, l *lanes, halved bool) {
	vector := a.vector()
	held := min(cmp.Or(w.held, 64), 64/vector)
	if w.ahead != nil {
		w.ahead()
	}
	if w.make != nil {
		w.make()
	}
	var x []vec
	stored := piece{elements: vector}
	for i := range 64 / vector {
		p := piece{offset: a.isa.bytes * i, elements: vector, halved: a.isa == avx512 && (halved || w.stream)}
		if x = append(x, w.value(p, l.mask(w.keep, 0, i))); len(x) < held {
			continue
		}
		for _, v := range x {
			if to := at(w.dst, stored.offset); w.stream {
				a.VMOVNTPS(v, to)
			} else {
				a.storeElements(v, stored, to)
			}
			stored.offset += a.isa.bytes
		}
		x = nil
	}
	if w.make == nil {
		a.ADDQ(u8(8), w.keep)
	}
	a.advance(64*a.element.bytes, w.moves...)
}

// restMasked takes vectors of which the last one is cut off by a mask.
func (a *amd64) restMasked(w maskedLoop, rest gp) {
	vector := a.vector()
	exist := a.movq(i32(-1))
	a.BZHIQ(w.n, exist, exist)
	a.Label("rest")
	there, keep := a.K(), a.K()
	move := a.KMOVW
	if vector > 16 {
		move = a.KMOVD
	}
	move(exist.As32(), there)
	move(rest.As32(), keep)
	p := piece{elements: vector, exist: there}
	a.storeElements(w.value(p, keep), p, at(w.dst, 0))
	a.advance(a.isa.bytes, w.moves...)
	a.SHRQ(u8(vector), rest)
	a.SHRQ(u8(vector), exist)
	a.JNZ(ref("rest"))
}

// restHalving takes a vector at a time, then half of one, then single elements:
// some CPUs are slow to store through a mask of vectors.
func (a *amd64) restHalving(w maskedLoop, l lanes, rest gp) {
	for _, elements := range []int{a.vector(), a.vector() / 2, 1} {
		a.loop(label("rest%d", elements), w.n, elements, func() {
			word := a.vec()
			a.VMOVQ(rest, word.AsX())
			if a.element.bytes == 2 {
				a.VPBROADCASTW(word.AsX(), word)
			} else {
				a.VPBROADCASTD(word.AsX(), word)
			}
			p := piece{elements: elements}
			a.storeElements(w.value(p, l.test(word, 0)), p, at(w.dst, 0))
			a.SHRQ(u8(elements), rest)
			a.advance(elements*a.element.bytes, w.moves...)
		})
	}
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
	switch lanes { // There may be no memory behind the bits of a turn.
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
