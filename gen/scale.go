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
	// value makes the vector of elements at an offset, or of fewer in its low end.
	value   func(v piece, m reg.Register) reg.VecVirtual
	store   func(x, to operand.Op) // of vectors of a word
	advance func(elements int)
	// touch comes before the values of a word, in a loop of its own. It is left out
	// where dst is src and where there are few elements.
	touch func()
	src   reg.GPVirtual
	// ahead asks for what later words need, if it is not nil.
	ahead func()
}

// A piece is elements at an offset.
type piece struct {
	offset, elements int
	apart            bool         // have been touched
	exist            reg.Register // the mask of those that there are, or nil for all
}

// fewTouched elements and more are touched. Fewer are in the first two levels of
// the caches, where that costs more than the loop itself.
const fewTouched = 1 << 13

// streamAhead is how far ahead, in bytes, the source is prefetched where the stores
// bypass the caches. Where a part of the source came from the last level and the rest from
// memory, 2 KiB saved 4 % of the time, 4 to 12 KiB 5 to 9 %, and half a KiB cost 5 %; where
// all came from one of them it made no difference. PREFETCHNTA saved less, as the last
// level then keeps less. A prefetch behind the end of the source does not fault.
const streamAhead = 8 << 10

// masked goes on by 64 elements with the masks of a word, then by what is left of
// them.
func (a *amd64) masked(w maskedLoop) {
	l := a.lanes()
	vector := a.isa.bytes / 4
	turn := func(apart bool) {
		if w.ahead != nil {
			w.ahead()
		}
		var x []reg.VecVirtual
		for half := range 2 {
			word := a.vec()
			a.VPBROADCASTD(at(w.keep, 4*half), word)
			for j := range l.bits {
				p := piece{offset: 128*half + a.isa.bytes*j, elements: vector, apart: apart}
				x = append(x, w.value(p, l.mask(word, j)))
			}
		}
		for i := range x {
			w.store(x[i], at(w.dst, a.isa.bytes*i))
		}
		a.ADDQ(operand.U8(8), w.keep)
		w.advance(64)
	}
	if w.touch != nil {
		a.CMPQ(w.n, operand.U32(fewTouched))
		a.JL(operand.LabelRef("near"))
		a.CMPQ(w.dst, w.src)
		a.JEQ(operand.LabelRef("near"))
		a.loop("apart", w.n, 64, func() {
			w.touch()
			turn(true)
		})
		a.Label("near")
	}
	a.loop("word", w.n, 64, func() { turn(false) })
	a.TESTQ(w.n, w.n)
	a.JZ(operand.LabelRef("done"))
	rest := a.GP64()
	a.MOVQ(at(w.keep, 0), rest)
	if a.isa == avx512 {
		a.restMasked(w, rest)
	} else {
		a.restHalving(w, l, rest)
	}
	a.Label("done")
}

// restMasked takes vectors of which the last one is cut off by a mask.
func (a *amd64) restMasked(w maskedLoop, rest reg.GPVirtual) {
	exist := a.GP64()
	a.MOVQ(operand.I32(-1), exist)
	a.BZHIQ(w.n, exist, exist)
	a.Label("rest")
	there, keep := a.K(), a.K()
	a.KMOVW(exist.As32(), there)
	a.KMOVW(rest.As32(), keep)
	x := w.value(piece{elements: 16, exist: there}, keep)
	a.VMOVUPS(x, there, at(w.dst, 0))
	w.advance(16)
	a.SHRQ(operand.U8(16), rest)
	a.SHRQ(operand.U8(16), exist)
	a.JNZ(operand.LabelRef("rest"))
}

// restHalving takes a vector at a time, then half of one, then single elements:
// some CPUs are slow to store through a mask of vectors.
func (a *amd64) restHalving(w maskedLoop, l lanes, rest reg.GPVirtual) {
	for _, elements := range []int{8, 4, 1} {
		a.loop(label("rest%d", elements), w.n, elements, func() {
			word := a.vec()
			a.VMOVQ(rest, word.AsX())
			a.VPBROADCASTD(word.AsX(), word)
			x := w.value(piece{elements: elements}, l.mask(word, 0))
			switch elements {
			case 8:
				a.VMOVUPS(x, at(w.dst, 0))
			case 4:
				a.VMOVUPS(x.AsX(), at(w.dst, 0))
			case 1:
				a.VMOVSS(x.AsX(), at(w.dst, 0))
			}
			a.SHRQ(operand.U8(uint8(elements)), rest)
			w.advance(elements)
		})
	}
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
	if stream {
		w.store = a.VMOVNTPS
		w.ahead = func() {
			for line := range 4 {
				a.PREFETCHT0(at(w.src, streamAhead+64*line))
			}
		}
	} else {
		// A load from each line of a word's elements before they are worked on: the
		// misses overlap, those of dst too, which stores would wait for one by one.
		// Measured with maps in the last-level cache this is 2 to 10 % faster than
		// the plain loop; prefetches, or more lines at once, are slower. Where the
		// map comes from memory the plain loop is as fast, or faster by a tenth.
		w.touch = func() {
			for _, p := range []reg.GPVirtual{w.src, w.dst} {
				for line := range 4 {
					a.MOVQ(at(p, 64*line), a.GP64())
				}
			}
		}
	}
	w.value = func(p piece, m reg.Register) reg.VecVirtual {
		// The source is loaded whole, not through the mask: that is slower, from
		// memory by a third.
		x, from := a.vec(), at(w.src, p.offset)
		switch {
		case p.exist != nil:
			a.VMOVUPS_Z(from, p.exist, x)
		case p.elements == 1:
			a.VMOVSS(from, x.AsX())
		case p.elements == 4:
			a.VMOVUPS(from, x.AsX())
		case a.isa == avx512 && (p.apart || stream): // Halves are 1 to 3 % faster.
			a.VMOVUPS(from, x.AsY())
			a.VINSERTF64X4(operand.U8(1), from.Offset(32), x, x)
		default:
			a.VMOVUPS(from, x)
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
