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

// shifter computes src | src<<a | src<<b of the parameters a ≤ b. src has the lead of b in
// front.
type shifter struct {
	dst, leadSrc, n, a, b gp
	in                    [2]incoming // what comes in by a and by b
	by                    [2]shift
}

func (a *amd64) shifter() *shifter {
	s := &shifter{a: a.param("a"), b: a.param("b")}
	s.dst, s.n = a.slice("dst")
	src := a.base("src")
	words := a.movq(s.b)
	a.SHRQ(u8(6), words)
	s.leadSrc = a.leaq(at(src, 8).Idx(words, 8))
	near := a.movq(s.a)
	a.SHRQ(u8(6), near)
	a.SUBQ(near, words)
	s.in = [2]incoming{{a: a, src: a.leaq(at(src, 0).Idx(words, 8))}, {a: a, src: src}}
	return s
}

// paths emits loops over all words: for shifts by whole words, for one shift, and for two.
// body gets what to emit the shifts with.
func (s *shifter) paths(a *amd64, body func(path string, emit func(w words, offset int) []vec)) {
	both := a.movq(s.a)
	a.ORQ(s.b, both)
	a.TESTQ(u32(63), both)
	a.JNZ(ref("bits"))
	body("Whole", func(w words, offset int) []vec {
		return []vec{w.load(at(s.in[0].src, 8+offset)), w.load(at(s.in[1].src, 8+offset))}
	})
	a.JMP(ref("done"))
	a.Label("bits")
	for i, shift := range []gp{s.a, s.b} {
		count := a.movq(shift)
		a.ANDQ(u8(63), count)
		s.by[i] = a.shiftBy(count)
		s.in[i].begin()
	}
	funnels := func(of ...int) func(w words, offset int) []vec {
		return func(w words, offset int) (shifted []vec) {
			for _, i := range of {
				// t := src[i+1]<<s | src[i]>>(64-s)
				v, u := s.in[i].load(w, offset)
				t := w.new()
				s.by[i].funnel(w, v, u, t)
				shifted = append(shifted, t)
			}
			return shifted
		}
	}
	a.CMPQ(s.a, s.b)
	a.JNE(ref("two"))
	body("", funnels(1))
	a.JMP(ref("done"))
	a.Label("two")
	body("Two", funnels(0, 1))
	a.Label("done")
}

// join ORs vectors to the last of them, or their complement with AVX-512.
func (w words) join(table3, table2 uint8, vs ...vec) vec {
	a, last := w.a, vs[len(vs)-1]
	switch {
	case !wide(last):
		for _, v := range vs[:len(vs)-1] {
			a.or(v, last, last)
		}
	case len(vs) == 3:
		a.VPTERNLOGQ(u8(table3), vs[0], vs[1], last)
	default:
		a.VPTERNLOGQ(u8(table2), vs[0], last, last)
	}
	return last
}

func (s *shifter) advance(w words, unroll int) {
	w.a.advance(w.bytes*unroll, s.in[0].src, s.in[1].src, s.leadSrc, s.dst)
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

// neonShifter is the same with NEON.
type neonShifter struct {
	dst, leadSrc, n, a, b arm64.GP
	src, next             [2]arm64.GP
	by                    [2]neonShift
}

func (a *neon) shifter() *neonShifter {
	s := &neonShifter{dst: a.LoadBase("dst"), n: a.LoadLen("dst"), a: a.LoadParam("a"), b: a.LoadParam("b"), leadSrc: a.GP()}
	src, words, near := a.LoadBase("src"), a.GP(), a.GP()
	s.src, s.next = [2]arm64.GP{a.GP(), src}, [2]arm64.GP{a.GP(), a.GP()}
	a.LSR(words, s.b, 6)
	a.ADD(s.next[1], src, 8)
	a.ADD(s.leadSrc, s.next[1], words.LSL(3))
	a.LSR(near, s.a, 6)
	a.SUB(words, words, near)
	a.ADD(s.src[0], src, words.LSL(3))
	a.ADD(s.next[0], s.src[0], 8)
	return s
}

func (s *neonShifter) paths(a *neon, body func(path string, emit func(w qwords, unroll int) []arm64.Vec)) {
	both := a.GP()
	a.ORR(both, s.a, s.b)
	a.AND(both, both, 63)
	a.CBNZ(both, "bits")
	// emit ORs to the words those that other vectors have been made of.
	emit := func(w qwords, unroll int, shifted ...[]arm64.Vec) []arm64.Vec {
		v := w.loads(unroll, s.leadSrc)
		for i := range v {
			for _, t := range shifted {
				a.ORR(v[i].B16(), v[i].B16(), t[i].B16())
			}
		}
		return v
	}
	body("Whole", func(w qwords, unroll int) []arm64.Vec {
		return emit(w, unroll, w.loads(unroll, s.next[0]), w.loads(unroll, s.next[1]))
	})
	a.B("done")
	a.Label("bits")
	for i, shift := range []arm64.GP{s.a, s.b} {
		count := a.GP()
		a.AND(count, shift, 63)
		s.by[i] = a.shiftBy(count)
	}
	funnel := func(w qwords, unroll, i int) []arm64.Vec {
		v, u := w.loads(unroll, s.next[i]), w.loads(unroll, s.src[i])
		for j := range v {
			t := a.Vec()
			s.by[i].funnel(a, t, v[j], u[j])
			v[j] = t
		}
		return v
	}
	a.CMP(s.a, s.b)
	a.BNE("two")
	body("", func(w qwords, unroll int) []arm64.Vec { return emit(w, unroll, funnel(w, unroll, 1)) })
	a.B("done")
	a.Label("two")
	body("Two", func(w qwords, unroll int) []arm64.Vec {
		return emit(w, unroll, funnel(w, unroll, 0), funnel(w, unroll, 1))
	})
	a.Label("done")
}

func (s *neonShifter) advance(a *neon, w qwords, unroll int) {
	a.advance(w.bytes*unroll, s.src[0], s.src[1], s.next[0], s.next[1], s.leadSrc, s.dst)
}
