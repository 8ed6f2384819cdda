package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// dilateUnroll vectors go through the steps together.
const dilateUnroll = 4

// words is a vector of words, or a single one in the low end of a register that
// is zero elsewhere.
type words struct {
	a     *amd64
	bytes int
}

func (w words) new() reg.VecVirtual {
	if w.bytes == 8 {
		return w.a.XMM()
	}
	return w.a.vec()
}

func (w words) load(m operand.Mem, v reg.VecVirtual) {
	if w.bytes == 8 {
		w.a.VMOVQ(m, v)
	} else {
		w.a.move(m, v)
	}
}

func (w words) store(v reg.VecVirtual, m operand.Mem) {
	if w.bytes == 8 {
		w.a.VMOVQ(v, m)
	} else {
		w.a.move(v, m)
	}
}

// as is the part of a vector register that the words take.
func (w words) as(v reg.VecVirtual) reg.Register {
	if w.bytes == 8 {
		return v.AsX()
	}
	return v
}

// overWords runs body over n words: several vectors at a time, then one, then
// single words.
func (a *amd64) overWords(name string, n reg.GPVirtual, body func(w words, unroll int)) {
	for _, unroll := range []int{dilateUnroll, 1} {
		a.loop(label("vectors%d%s", unroll, name), n, a.isa.bytes/8*unroll, func() {
			body(words{a, a.isa.bytes}, unroll)
		})
	}
	a.loop("words"+name, n, 1, func() { body(words{a, 8}, 1) })
}

// dilateRow has code for each number of steps: all but the last shift by a
// power of two, an immediate.
func dilateRow(a *amd64) {
	a.function("dilateRow", "func(dst, src []uint64, b int)", "is dilateRowGeneric.")
	dst, n := a.slice("dst")
	src := a.base("src")
	b := a.param("b")

	const maxSteps = 6 // b ≤ 64
	for steps := range maxSteps {
		a.CMPQ(b, operand.U8(1<<steps))
		a.JLE(operand.LabelRef(label("steps%d", steps)))
	}
	for steps := maxSteps; steps >= 0; steps-- {
		a.Label(label("steps%d", steps))
		r := row{a: a, in: incoming{a: a, src: src}, dst: dst, steps: steps}
		if steps > 0 {
			a.SUBQ(operand.U8(1<<(steps-1)), b)
			r.last = a.shiftBy(b)
		}
		r.in.begin()
		a.overWords(label("%d", steps), n, r.emit)
		if steps > 0 {
			a.JMP(operand.LabelRef("done"))
		}
	}
	a.Label("done")
	a.ret()
}

// incoming loads words and the words before each, which bits are shifted in
// from. A vector of the latter spans two cache lines where one of the former does
// not. AVX-512 makes it of vectors that it has.
type incoming struct {
	a    *amd64
	src  reg.GPVirtual // the word before the first one
	last reg.VecVirtual
}

func (in *incoming) begin() {
	if in.a.isa == avx512 {
		in.last = in.a.ZMM()
		in.a.VPBROADCASTQ(at(in.src, 0), in.last)
	}
}

// load loads the words v at an offset and the words before, u. Offsets ascend.
func (in *incoming) load(w words, offset int) (v, u reg.VecVirtual) {
	a := in.a
	v, u = w.new(), w.new()
	w.load(at(in.src, 8+offset), v)
	if w.bytes == 8 || a.isa != avx512 {
		w.load(at(in.src, offset), u)
		return v, u
	}
	a.VALIGNQ(operand.U8(7), in.last, v, u)
	a.VMOVDQA64(v, in.last)
	return v, u
}

// row is a row pass of a number of steps.
type row struct {
	a     *amd64
	in    incoming
	dst   reg.GPVirtual
	steps int
	last  shift // the last step's
}

func (r *row) emit(w words, unroll int) {
	a := r.a
	for i := range unroll {
		v, u := r.in.load(w, w.bytes*i)
		for step := range r.steps {
			s := r.last
			if step < r.steps-1 {
				s = shift{immediate: 1 << step}
			}
			t := w.new()
			s.funnel(w, v, u, t)
			a.or(t, v, v)
			if step < r.steps-1 {
				a.VPSLLQ(operand.U8(s.immediate), u, t)
				a.or(t, u, u)
			}
		}
		w.store(v, at(r.dst, w.bytes*i))
	}
	a.ADDQ(operand.U32(uint32(w.bytes*unroll)), r.in.src)
	a.ADDQ(operand.U32(uint32(w.bytes*unroll)), r.dst)
}

// shift is a shift of bits from words into the next ones, by less than 64: an
// immediate, or counts in registers.
type shift struct {
	immediate   uint8
	left, right reg.VecVirtual // AVX2: the count and 64 minus it, in the low quadword
	count       reg.VecVirtual // AVX-512: the count in every quadword
}

// shiftBy puts the count n, below 64, into registers.
func (a *amd64) shiftBy(n reg.GPVirtual) (s shift) {
	if a.isa == avx512 {
		s.count = a.ZMM()
		a.VPBROADCASTQ(n, s.count)
		return s
	}
	rest := a.GP64()
	a.MOVQ(operand.U32(64), rest)
	a.SUBQ(n, rest)
	s.left, s.right = a.XMM(), a.XMM()
	a.VMOVQ(n, s.left)
	a.VMOVQ(rest, s.right) // 64 for a count of 0: nothing comes in.
	return s
}

// funnel sets t to v shifted up with the bits of the words before, u, coming
// in. v and u stay.
func (s shift) funnel(w words, v, u, t reg.VecVirtual) {
	a := w.a
	switch {
	case a.isa == avx512 && s.immediate > 0:
		a.VPSHLDQ(operand.U8(s.immediate), u, v, t)
	case a.isa == avx512:
		a.VMOVDQA64(v, t)
		a.VPSHLDVQ(w.as(s.count), u, t)
	default:
		left, right := operand.Op(s.left), operand.Op(s.right)
		if s.immediate > 0 {
			left, right = operand.U8(s.immediate), operand.U8(64-s.immediate)
		}
		in := w.new()
		a.VPSLLQ(left, v, t)
		a.VPSRLQ(right, u, in)
		a.VPOR(in, t, t)
	}
}

// shifter computes src | src<<shift for words that have the lead in front.
type shifter struct {
	dst, leadSrc reg.GPVirtual
	in           incoming
	n            reg.GPVirtual
	by           shift
}

func (a *amd64) shifter() shifter {
	var s shifter
	s.dst, s.n = a.slice("dst")
	s.in = incoming{a: a, src: a.base("src")}
	shift, bits := a.param("shift"), a.GP64()
	a.MOVQ(shift, bits)
	a.ANDQ(operand.U8(63), bits)
	s.by = a.shiftBy(bits)
	a.SHRQ(operand.U8(6), shift)
	s.leadSrc = a.GP64()
	a.LEAQ(operand.Mem{Base: s.in.src, Index: shift, Scale: 8, Disp: 8}, s.leadSrc)
	s.in.begin()
	return s
}

// emit returns what join makes of the shifted words and the unshifted ones, in
// the place of the former.
func (s *shifter) emit(w words, unroll int, join func(unshifted, shifted reg.VecVirtual)) []reg.VecVirtual {
	out := make([]reg.VecVirtual, unroll)
	for i := range out {
		v, u := s.in.load(w, w.bytes*i)
		t, lead := w.new(), w.new()
		s.by.funnel(w, v, u, t)
		w.load(at(s.leadSrc, w.bytes*i), lead)
		join(lead, t)
		w.store(t, at(s.dst, w.bytes*i))
		out[i] = t
	}
	return out
}

func (s *shifter) advance(w words, unroll int) {
	for _, p := range []reg.GPVirtual{s.in.src, s.leadSrc, s.dst} {
		w.a.ADDQ(operand.U32(uint32(w.bytes*unroll)), p)
	}
}

func dilateStep(a *amd64) {
	a.function("dilateStep", "func(dst, src []uint64, shift int)", "is dilateStepGeneric.")
	s := a.shifter()
	a.overWords("", s.n, func(w words, unroll int) {
		s.emit(w, unroll, func(x, y reg.VecVirtual) { a.or(x, y, y) })
		s.advance(w, unroll)
	})
	a.ret()
}

func dilateKeep(a *amd64) {
	a.function("dilateKeep", "func(dst, src []uint64, shift int) (kept int)", "is dilateKeepGeneric.")
	s := a.shifter()
	// A single word's complement must leave the rest of its register zero, as
	// all of it is counted.
	ones := a.vec()
	one := a.XMM()
	a.move(a.repeat64("allOnes", 1<<64-1), ones)
	a.VMOVQ(ones.AsX(), one)
	complement := func(w words, v reg.VecVirtual) {
		all := w.as(ones)
		if w.bytes == 8 {
			all = one
		}
		a.xor(all, v, v)
	}
	p := a.popcount()

	// Without a shift nothing comes in from the words before, which may have
	// just been stored.
	a.CMPQ(a.param("shift"), operand.U8(0))
	a.JNE(operand.LabelRef("shifted"))
	a.overWords("Whole", s.n, func(w words, unroll int) {
		v := make([]reg.VecVirtual, unroll)
		for i := range v {
			v[i] = w.new()
			w.load(at(s.leadSrc, w.bytes*i), v[i])
			complement(w, v[i])
			w.store(v[i], at(s.dst, w.bytes*i))
		}
		p.add(w, v)
		s.advance(w, unroll)
	})
	a.JMP(operand.LabelRef("done"))

	a.Label("shifted")
	a.overWords("", s.n, func(w words, unroll int) {
		out := s.emit(w, unroll, func(x, y reg.VecVirtual) {
			if wide(y) {
				a.VPTERNLOGQ(operand.U8(nor), x, y, y)
				return
			}
			a.or(x, y, y)
			complement(w, y)
		})
		p.add(w, out)
		s.advance(w, unroll)
	})
	a.Label("done")
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}

// dilateNear takes the words before a vector from the vectors, after each step: they then
// have the bits from before them too, which the generic kernel's lack, and which no later
// shift brings in. It is for AVX-512. With AVX2, which takes three instructions for a
// funnel shift, the passes were 4 % faster.
func dilateNear(a *amd64) {
	a.function("dilateNear", "func(words, shifts []uint64) (kept int)", "is dilateNearGeneric.")
	begin, n := a.slice("words")
	shifts, steps := a.slice("shifts")
	a.SUBQ(operand.U8(2), steps) // those before the last
	a.DECQ(n)
	end := a.GP64() // of what is left
	a.LEAQ(operand.Mem{Base: begin, Index: n, Scale: 8, Disp: 8}, end)
	p := a.popcount()

	turn := func(w words, unroll int) {
		bytes := w.bytes * unroll
		// The words v, the one before them in every quadword, and u, those before each.
		v, u, before := make([]reg.VecVirtual, unroll), make([]reg.VecVirtual, unroll), w.new()
		if w.bytes == 8 {
			w.load(at(end, -bytes-8), before)
		} else {
			a.VPBROADCASTQ(at(end, -bytes-8), before)
		}
		for i := range v {
			v[i], u[i] = w.new(), before
			w.load(at(end, w.bytes*i-bytes), v[i])
			if w.bytes > 8 {
				u[i] = w.new()
				w.load(at(end, w.bytes*i-bytes-8), u[i])
			}
		}
		i := a.GP64()
		pair := func() (s [2]shift) {
			for k := range s {
				s[k].count = a.ZMM()
				a.VPBROADCASTQ(operand.Mem{Base: shifts, Index: i, Scale: 8, Disp: 8 * k}, s[k].count)
			}
			return s
		}
		// funnels is v, or the complement, with what the shifts bring in.
		funnels := func(s [2]shift, v, u reg.VecVirtual, table uint8) {
			x, y := w.new(), w.new()
			s[0].funnel(w, v, u, x)
			s[1].funnel(w, v, u, y)
			a.VPTERNLOGQ(operand.U8(table), x, y, v)
		}
		step, last := label("step%d", bytes), label("last%d", bytes)
		a.XORQ(i, i)
		a.CMPQ(i, steps)
		a.JGE(operand.LabelRef(last))
		a.Label(step)
		s := pair()
		for j := range v {
			funnels(s, v[j], u[j], or3)
		}
		x, y := w.new(), w.new()
		a.VPSLLVQ(w.as(s[0].count), before, x)
		a.VPSLLVQ(w.as(s[1].count), before, y)
		a.VPTERNLOGQ(operand.U8(or3), x, y, before)
		if w.bytes > 8 {
			for j, from := range append([]reg.VecVirtual{before}, v[:unroll-1]...) {
				a.VALIGNQ(operand.U8(7), from, v[j], u[j])
			}
		}
		a.ADDQ(operand.U8(2), i)
		a.CMPQ(i, steps)
		a.JL(operand.LabelRef(step))
		a.Label(last)
		s = pair()
		for j := range v {
			funnels(s, v[j], u[j], nor3)
			if w.bytes == 8 { // The rest of the register, zero, is counted too.
				a.VMOVQ(v[j], v[j])
			}
			w.store(v[j], at(end, w.bytes*j-bytes))
		}
		p.add(w, v)
		a.SUBQ(operand.U32(uint32(bytes)), end)
	}
	for _, unroll := range []int{dilateUnroll, 1} {
		a.loop(label("vectors%d", unroll), n, a.isa.bytes/8*unroll, func() { turn(words{a, a.isa.bytes}, unroll) })
	}
	a.loop("words", n, 1, func() { turn(words{a, 8}, 1) })
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}

// dilateBorder has code for shifts below 64, which look at the words around alone.
func dilateBorder(a *amd64) {
	a.function("dilateBorder", "func(dst, src, up, down []uint64, shift int)", "is dilateBorderGeneric.")
	dst, n := a.slice("dst")
	in := incoming{a: a, src: a.base("src")}
	masks := [2]reg.GPVirtual{a.base("up"), a.base("down")}
	shift, count := a.param("shift"), a.GP64()
	a.MOVQ(shift, count)
	a.ANDQ(operand.U8(63), count)
	up := a.shiftBy(count)
	down := up
	if a.isa == avx2 { // A shift down is one up by the rest, from the words behind.
		a.NEGQ(count)
		a.ADDQ(operand.U8(64), count)
		down = a.shiftBy(count)
	}
	a.SHRQ(operand.U8(6), shift)
	here, after := a.GP64(), a.GP64()
	a.LEAQ(operand.Mem{Base: in.src, Index: shift, Scale: 8, Disp: 8}, here)
	a.LEAQ(operand.Mem{Base: here, Index: shift, Scale: 8}, after)
	in.begin()

	emit := func(near bool) func(w words, unroll int) {
		return func(w words, unroll int) {
			load := func(p reg.GPVirtual, offset int) reg.VecVirtual {
				v := w.new()
				w.load(at(p, offset), v)
				return v
			}
			for i := range unroll {
				offset := w.bytes * i
				low, before := in.load(w, offset)
				v, lower := low, low
				if !near {
					v, lower = load(here, offset), load(after, offset)
				}
				upper := load(after, offset+8)
				x, y := w.new(), w.new()
				up.funnel(w, low, before, x)
				if a.isa == avx512 {
					a.move(lower, y)
					a.VPSHRDVQ(w.as(down.count), upper, y)
				} else {
					down.funnel(w, upper, lower, y)
				}
				a.andOr(load(masks[0], offset), v, x)
				a.andOr(load(masks[1], offset), x, y)
				w.store(y, at(dst, offset))
			}
			for _, p := range []reg.GPVirtual{in.src, here, after, masks[0], masks[1], dst} {
				a.ADDQ(operand.U32(uint32(w.bytes*unroll)), p)
			}
		}
	}
	a.TESTQ(shift, shift)
	a.JNZ(operand.LabelRef("far"))
	a.overWords("Near", n, emit(true))
	a.JMP(operand.LabelRef("done"))
	a.Label("far")
	a.overWords("", n, emit(false))
	a.Label("done")
	a.ret()
}

// andOr sets z to z & x | y.
func (a *amd64) andOr(x, y, z reg.VecVirtual) {
	if a.isa == avx512 {
		a.VPTERNLOGQ(operand.U8(andOr), x, y, z)
		return
	}
	a.VPAND(x, z, z)
	a.VPOR(y, z, z)
}

func dilateRowNEON(a *neon) {
	a.function("dilateRow", "func(dst, src []uint64, b int)", "is dilateRowGeneric.")
	dst, n, src := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("src")
	b := a.LoadParam("b")
	r := neonRow{a: a, dst: dst, src: src, next: a.GP()}
	a.ADD(r.next, src, 8)

	const maxSteps = 6 // b ≤ 64
	for steps := range maxSteps {
		a.CMP(b, 1<<steps)
		a.BLE(label("steps%d", steps))
	}
	for steps := maxSteps; steps >= 0; steps-- {
		a.Label(label("steps%d", steps))
		r.steps = steps
		if steps > 0 {
			a.SUB(b, b, 1<<(steps-1))
			r.last = a.shiftBy(b)
		}
		a.overWords(label("Of%d", steps), n, r.emit)
		if steps > 0 {
			a.B("done")
		}
	}
	a.Label("done")
	a.RET()
}

// neonRow is a row pass of a number of steps. next is the word behind src.
type neonRow struct {
	a              *neon
	dst, src, next arm64.GP
	steps          int
	last           neonShift
}

func (r *neonRow) emit(w qwords, unroll int) {
	a := r.a
	v, u := a.Vecs(unroll), a.Vecs(unroll)
	w.load(v, r.next)
	w.load(u, r.src)
	for i := range v {
		for step := range r.steps {
			t := a.Vec()
			if step == r.steps-1 {
				r.last.funnel(a, t, v[i], u[i])
				a.ORR(v[i].B16(), v[i].B16(), t.B16())
				break
			}
			s := 1 << step
			a.USHR(t.D2(), u[i].D2(), 64-s)
			a.SLI(t.D2(), v[i].D2(), s)
			a.ORR(v[i].B16(), v[i].B16(), t.B16())
			a.SHL(t.D2(), u[i].D2(), s)
			a.ORR(u[i].B16(), u[i].B16(), t.B16())
		}
	}
	w.store(v, r.dst)
	for _, p := range []arm64.GP{r.src, r.next, r.dst} {
		a.ADD(p, p, w.bytes*unroll)
	}
}

// neonShift is a shift of bits from words into the next ones: USHL's counts, to
// the right below zero. By −64 nothing is left.
type neonShift struct{ left, right arm64.Vec }

// shiftBy puts the count n, below 64, into registers.
func (a *neon) shiftBy(n arm64.GP) neonShift {
	s, right := neonShift{a.Vec(), a.Vec()}, a.GP()
	a.DUP(s.left.D2(), n)
	a.SUB(right, n, 64)
	a.DUP(s.right.D2(), right)
	return s
}

// funnel sets t to v shifted up with the bits of the words before, u, coming
// in.
func (s neonShift) funnel(a *neon, t, v, u arm64.Vec) {
	in := a.Vec()
	a.USHL(t.D2(), v.D2(), s.left.D2())
	a.USHL(in.D2(), u.D2(), s.right.D2())
	a.ORR(t.B16(), t.B16(), in.B16())
}

// neonShifter computes src | src<<shift for words that have the lead in front.
type neonShifter struct {
	dst, src, next, leadSrc arm64.GP
	n                       arm64.GP
	by                      neonShift
}

func (a *neon) shifter() neonShifter {
	s := neonShifter{dst: a.LoadBase("dst"), n: a.LoadLen("dst"), src: a.LoadBase("src"), next: a.GP(), leadSrc: a.GP()}
	shift, bits := a.LoadParam("shift"), a.GP()
	a.AND(bits, shift, 63)
	s.by = a.shiftBy(bits)
	a.ADD(s.next, s.src, 8)
	a.LSR(shift, shift, 6)
	a.ADD(s.leadSrc, s.next, shift.LSL(3))
	return s
}

func (s *neonShifter) emit(a *neon, w qwords, unroll int) []arm64.Vec {
	v, u, lead := a.Vecs(unroll), a.Vecs(unroll), a.Vecs(unroll)
	w.load(v, s.next)
	w.load(u, s.src)
	w.load(lead, s.leadSrc)
	for i := range v {
		t := a.Vec()
		s.by.funnel(a, t, v[i], u[i])
		a.ORR(v[i].B16(), t.B16(), lead[i].B16())
	}
	return v
}

func (s *neonShifter) advance(a *neon, w qwords, unroll int) {
	for _, p := range []arm64.GP{s.src, s.next, s.leadSrc, s.dst} {
		a.ADD(p, p, w.bytes*unroll)
	}
}

func dilateStepNEON(a *neon) {
	a.function("dilateStep", "func(dst, src []uint64, shift int)", "is dilateStepGeneric.")
	s := a.shifter()
	a.overWords("", s.n, func(w qwords, unroll int) {
		w.store(s.emit(a, w, unroll), s.dst)
		s.advance(a, w, unroll)
	})
	a.RET()
}

func dilateKeepNEON(a *neon) {
	a.function("dilateKeep", "func(dst, src []uint64, shift int) (kept int)", "is dilateKeepGeneric.")
	s := a.shifter()
	p := a.popcount()
	keep := func(w qwords, v []arm64.Vec) {
		for _, v := range v {
			if w.bytes == 8 {
				a.MVN(v.B8(), v.B8()) // The upper half, zero, is counted too.
			} else {
				a.MVN(v.B16(), v.B16())
			}
		}
		w.store(v, s.dst)
		p.add(a, v)
		s.advance(a, w, len(v))
	}

	// Without a shift nothing comes in from the words before, which may have
	// just been stored.
	a.CBNZ(a.LoadParam("shift"), "shifted")
	a.overWords("Whole", s.n, func(w qwords, unroll int) {
		v := a.Vecs(unroll)
		w.load(v, s.leadSrc)
		keep(w, v)
	})
	a.B("done")

	a.Label("shifted")
	a.overWords("", s.n, func(w qwords, unroll int) { keep(w, s.emit(a, w, unroll)) })
	a.Label("done")
	a.Store(p.sum(a), a.Return(0))
	a.RET()
}

func dilateBorderNEON(a *neon) {
	a.function("dilateBorder", "func(dst, src, up, down []uint64, shift int)", "is dilateBorderGeneric.")
	dst, n, src := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("src")
	maskUp, maskDown := a.LoadBase("up"), a.LoadBase("down")
	shift, count := a.LoadParam("shift"), a.GP()
	a.AND(count, shift, 63)
	up := a.shiftBy(count)
	// A shift down is one up by the rest, from the words behind.
	down := neonShift{a.Vec(), a.Vec()}
	a.NEG(down.left.D2(), up.right.D2())
	a.NEG(down.right.D2(), up.left.D2())
	a.LSR(shift, shift, 6)
	next, here, after, behind := a.GP(), a.GP(), a.GP(), a.GP()
	a.ADD(next, src, 8)
	a.ADD(here, next, shift.LSL(3))
	a.ADD(after, here, shift.LSL(3))
	a.ADD(behind, after, 8)
	a.overWords("", n, func(w qwords, unroll int) {
		load := func(p arm64.GP) []arm64.Vec {
			v := a.Vecs(unroll)
			w.load(v, p)
			return v
		}
		v, low, before, lower, upper := load(here), load(next), load(src), load(after), load(behind)
		masks := [2][]arm64.Vec{load(maskUp), load(maskDown)}
		for i := range v {
			x, y := a.Vec(), a.Vec()
			up.funnel(a, x, low[i], before[i])
			down.funnel(a, y, upper[i], lower[i])
			a.AND(x.B16(), x.B16(), masks[0][i].B16())
			a.AND(y.B16(), y.B16(), masks[1][i].B16())
			a.ORR(v[i].B16(), v[i].B16(), x.B16())
			a.ORR(v[i].B16(), v[i].B16(), y.B16())
		}
		w.store(v, dst)
		for _, p := range []arm64.GP{src, next, here, after, behind, maskUp, maskDown, dst} {
			a.ADD(p, p, w.bytes*unroll)
		}
	})
	a.RET()
}
