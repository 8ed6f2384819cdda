package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// lanes turns bits of a keep mask into masks of the lanes of float32 vectors:
// bits[j] has bit i of the j-th piece of a doubleword in lane i.
type lanes struct {
	a    *amd64
	bits []reg.VecVirtual
}

func (a *amd64) lanes() lanes {
	var values []operand.Constant
	for i := range 32 {
		values = append(values, operand.U32(1<<i))
	}
	table := a.data("laneBits", values...)
	l := lanes{a: a, bits: a.vecs(128 / a.isa.bytes)}
	for j, v := range l.bits {
		a.move(table.Offset(a.isa.bytes*j), v)
	}
	return l
}

// mask returns the mask of the lanes whose bits in the j-th piece of word are
// 1: a register of the AVX-512 masks, or a vector of ones.
func (l *lanes) mask(word reg.VecVirtual, j int) reg.Register {
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

// maskedLoop is work on n float32 whose keep bits are at keep.
type maskedLoop struct {
	n, keep, dst reg.GPVirtual
	// value makes the elements at an offset: a vector, or one in lane 0. apart is
	// whether they have been touched.
	value   func(offset, elements int, m reg.Register, apart bool) reg.VecVirtual
	store   func(x, to operand.Op) // of vectors of a word
	advance func(elements int)
	// touch comes before the values of a word, in a loop of its own: if dst is
	// src, the loop without it is taken.
	touch func()
	src   reg.GPVirtual
}

// masked goes on by 64 elements with the masks of a word, then by a vector, then
// by one.
func (a *amd64) masked(w maskedLoop) {
	l := a.lanes()
	vector := a.isa.bytes / 4
	turn := func(apart bool) {
		var x []reg.VecVirtual
		for half := range 2 {
			word := a.vec()
			a.VPBROADCASTD(at(w.keep, 4*half), word)
			for j := range l.bits {
				x = append(x, w.value(128*half+a.isa.bytes*j, vector, l.mask(word, j), apart))
			}
		}
		for i := range x {
			w.store(x[i], at(w.dst, a.isa.bytes*i))
		}
		a.ADDQ(operand.U8(8), w.keep)
		w.advance(64)
	}
	if w.touch != nil {
		a.CMPQ(w.dst, w.src)
		a.JEQ(operand.LabelRef("inPlace"))
		a.loop("apart", w.n, 64, func() {
			w.touch()
			turn(true)
		})
		a.Label("inPlace")
	}
	a.loop("word", w.n, 64, func() { turn(false) })
	a.TESTQ(w.n, w.n)
	a.JZ(operand.LabelRef("done"))
	rest := a.GP64()
	a.MOVQ(at(w.keep, 0), rest)
	for _, elements := range []int{vector, 1} {
		a.loop(label("rest%d", elements), w.n, elements, func() {
			word := a.vec()
			a.VMOVQ(rest, word.AsX())
			a.VPBROADCASTD(word.AsX(), word)
			x := w.value(0, elements, l.mask(word, 0), false)
			if elements == 1 {
				a.VMOVSS(x.AsX(), at(w.dst, 0))
			} else {
				a.VMOVUPS(x, at(w.dst, 0))
			}
			a.SHRQ(operand.U8(uint8(elements)), rest)
			w.advance(elements)
		})
	}
	a.Label("done")
}

func scale(a *amd64) {
	a.scale("scale", "is scaleGeneric.", false)
}

func scaleStream(a *amd64) {
	a.scale("scaleStream", label("is scaleGeneric for dst that begins at a multiple of %d bytes. Its stores bypass the caches.", a.isa.bytes), true)
}

func (a *amd64) scale(name, doc string, stream bool) {
	a.function(name, "func(dst, src []float32, keep []uint64, scale float32)", doc)
	w := maskedLoop{n: a.GP64(), keep: a.base("keep"), dst: a.base("dst"), src: a.base("src"), store: a.vmovups}
	a.Load(a.Param("src").Len(), w.n)
	s := a.broadcastScale()
	// A load from each line of a word's elements before they are worked on: the
	// misses overlap, those of dst too, which stores would wait for one by one.
	// Measured with maps in the last-level cache this is 2 to 10 % faster than
	// the plain loop; prefetches, or more lines at once, are slower.
	touched := []reg.GPVirtual{w.src, w.dst}
	if stream {
		w.store, touched = a.VMOVNTPS, touched[:1]
	}
	w.touch = func() {
		for _, p := range touched {
			for line := range 4 {
				a.MOVQ(at(p, 64*line), a.GP64())
			}
		}
	}
	w.value = func(offset, elements int, m reg.Register, apart bool) reg.VecVirtual {
		// The source is loaded whole, never through the mask: that is slower,
		// from memory by a third.
		x := a.vec()
		if elements == 1 {
			a.VMOVSS(at(w.src, offset), x.AsX())
			a.multiplyMasked(s.AsX(), m, x.AsX())
			return x
		}
		if a.isa == avx512 && apart {
			a.VMOVUPS(at(w.src, offset), x.AsY())
			a.VINSERTF64X4(operand.U8(1), at(w.src, offset+32), x, x)
		} else {
			a.VMOVUPS(at(w.src, offset), x)
		}
		a.multiplyMasked(s, m, x)
		return x
	}
	w.advance = func(elements int) {
		a.ADDQ(operand.U32(uint32(4*elements)), w.src)
		a.ADDQ(operand.U32(uint32(4*elements)), w.dst)
	}
	a.masked(w)
	if stream {
		a.SFENCE() // Go's own stores that follow, such as a channel's, must not overtake.
	}
	a.ret()
}

// multiplyMasked multiplies x by s, with +0 where m is none.
func (a *amd64) multiplyMasked(s operand.Op, m reg.Register, x reg.Register) {
	if a.isa == avx512 {
		a.VMULPS_Z(s, x, m, x)
		return
	}
	a.VMULPS(s, x, x)
	if x.Size() == 16 {
		m = m.(reg.Vec).AsX()
	}
	a.VPAND(m, x, x)
}

func (a *amd64) broadcastScale() reg.VecVirtual {
	m, err := a.Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	s := a.vec()
	a.VBROADCASTSS(m.Addr, s)
	return s
}

// masked runs body over n float32 whose keep bits are at keep: 32 at a time,
// then four, then one. body gets the number of vectors and the masks of their
// lanes.
func (a *neon) masked(n, keep arm64.GP, body func(elements int, m []arm64.Vec)) {
	var values []operand.Constant
	for i := range 32 {
		values = append(values, operand.U32(1<<i))
	}
	table, bits := a.table("laneBits", values...), a.Vecs(8)
	for i := 0; i < 8; i += 2 {
		a.LDP(bits[i].Q(), bits[i+1].Q(), table.Off(16*i))
	}
	a.loop("word", n, 32, func() {
		word, m := a.Vec(), a.Vecs(8)
		a.LD1R(word.S4(), keep.Post(4))
		for i := range m {
			a.CMTST(m[i].S4(), word.S4(), bits[i].S4())
		}
		body(32, m)
	})
	a.CBZ(n, "done")
	rest := a.GP()
	a.LDR(rest.W(), keep.Off(0))
	for _, elements := range []int{4, 1} {
		a.loop(label("rest%d", elements), n, elements, func() {
			m := a.Vec()
			a.DUP(m.S4(), rest.W())
			a.CMTST(m.S4(), m.S4(), bits[0].S4())
			body(elements, []arm64.Vec{m})
			a.LSR(rest, rest, elements)
		})
	}
	a.Label("done")
}

func scaleNEON(a *neon) {
	a.function("scale", "func(dst, src []float32, keep []uint64, scale float32)", "is scaleGeneric.")
	dst, src, keep := a.LoadBase("dst"), a.LoadBase("src"), a.LoadBase("keep")
	n := a.LoadLen("src")
	s := a.broadcastScale()
	a.masked(n, keep, func(elements int, m []arm64.Vec) {
		x := a.Vecs(len(m))
		if elements == 1 {
			a.LDR(x[0].S(), src.Post(4))
		} else {
			a.loadPost(x, src)
		}
		for i := range x {
			a.FMUL(x[i].S4(), x[i].S4(), s.S4())
			a.AND(x[i].B16(), x[i].B16(), m[i].B16())
		}
		a.storePost(elements, x, dst)
	})
	a.RET()
}

// loadPost loads vectors and moves from behind them.
func (a *neon) loadPost(v []arm64.Vec, from arm64.GP) {
	qwords{a, 16}.load(v, from)
	a.ADD(from, from, 16*len(v))
}

// storePost stores the vectors of a number of elements and moves to behind
// them.
func (a *neon) storePost(elements int, v []arm64.Vec, to arm64.GP) {
	if elements == 1 {
		a.STR(v[0].S(), to.Post(4))
		return
	}
	qwords{a, 16}.store(v, to)
	a.ADD(to, to, 16*len(v))
}

func (a *neon) broadcastScale() arm64.Vec {
	s := a.LoadFloat("scale")
	a.DUP(s.S4(), s.S().At(0))
	return s
}
