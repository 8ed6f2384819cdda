package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// shift is a shift of bits from words into the next ones, by less than 64: an
// immediate, or counts in registers.
type shift struct {
	immediate   uint8
	left, right vec // AVX2: the count and 64 minus it, in the low quadword
	count       vec // AVX-512: the count in every quadword
}

// shiftBy puts the count n, below 64, into registers.
func (a *amd64) shiftBy(n gp) (s shift) {
	if a.isa == avx512 {
		s.count = a.ZMM()
		a.VPBROADCASTQ(n, s.count)
		return s
	}
	rest := a.movq(u32(64))
	a.SUBQ(n, rest)
	s.left, s.right = a.XMM(), a.XMM()
	a.VMOVQ(n, s.left)
	a.VMOVQ(rest, s.right) // 64 for a count of 0, which shifts nothing in
	return s
}

// funnel sets t to v shifted up, with bits from the words before, u, shifted in. It
// keeps v and u.
func (s shift) funnel(w words, v, u, t vec) {
	a := w.a
	switch {
	case a.isa == avx512 && s.immediate > 0:
		a.VPSHLDQ(u8(s.immediate), u, v, t)
	case a.isa == avx512:
		a.VMOVDQA64(v, t)
		a.VPSHLDVQ(w.as(s.count), u, t)
	default:
		left, right := op(s.left), op(s.right)
		if s.immediate > 0 {
			left, right = u8(s.immediate), u8(64-s.immediate)
		}
		in := w.new()
		a.VPSLLQ(left, v, t)
		a.VPSRLQ(right, u, in)
		a.VPOR(in, t, t)
	}
}

// shifter computes src | src<<shift. src has the lead in front.
type shifter struct {
	dst, leadSrc gp
	in           incoming
	n            gp
	by           shift
}

func (a *amd64) shifter() shifter {
	var s shifter
	s.dst, s.n = a.slice("dst")
	s.in = incoming{a: a, src: a.base("src")}
	shift := a.param("shift")
	bits := a.movq(shift)
	a.ANDQ(u8(63), bits)
	s.by = a.shiftBy(bits)
	a.SHRQ(u8(6), shift)
	s.leadSrc = a.leaq(at(s.in.src, 8).Idx(shift, 8))
	s.in.begin()
	return s
}

// emit returns what join makes of the shifted words and the unshifted ones, in
// the place of the former.
func (s *shifter) emit(w words, unroll int, join func(unshifted, shifted vec)) []vec {
	out := make([]vec, unroll)
	for i := range out {
		// t := src[i+1]<<s | src[i]>>(64-s), lead := src[i+lead]
		v, u := s.in.load(w, w.bytes*i)
		t := w.new()
		s.by.funnel(w, v, u, t)
		join(w.load(at(s.leadSrc, w.bytes*i)), t)
		w.move(t, at(s.dst, w.bytes*i))
		out[i] = t
	}
	return out
}

func (s *shifter) advance(w words, unroll int) {
	w.a.advance(w.bytes*unroll, s.in.src, s.leadSrc, s.dst)
}

// neonShift is a shift of bits from words into the next ones, by the counts of USHL: a
// negative count shifts right, and −64 gives zero.
type neonShift struct{ left, right arm64.Vec }

// shiftBy puts the count n, below 64, into registers.
func (a *neon) shiftBy(n arm64.GP) neonShift {
	s, right := neonShift{a.Vec(), a.Vec()}, a.GP()
	a.DUP(s.left.D2(), n)
	a.SUB(right, n, 64)
	a.DUP(s.right.D2(), right)
	return s
}

// funnel sets t to v shifted up, with bits from the words before, u, shifted in.
func (s neonShift) funnel(a *neon, t, v, u arm64.Vec) {
	in := a.Vec()
	a.USHL(t.D2(), v.D2(), s.left.D2())
	a.USHL(in.D2(), u.D2(), s.right.D2())
	a.ORR(t.B16(), t.B16(), in.B16())
}

// neonShifter computes src | src<<shift. src has the lead in front.
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
	v, u, lead := w.loads(unroll, s.next), w.loads(unroll, s.src), w.loads(unroll, s.leadSrc)
	for i := range v {
		t := a.Vec()
		s.by.funnel(a, t, v[i], u[i])
		a.ORR(v[i].B16(), t.B16(), lead[i].B16())
	}
	return v
}

func (s *neonShifter) advance(a *neon, w qwords, unroll int) {
	a.advance(w.bytes*unroll, s.src, s.next, s.leadSrc, s.dst)
}
