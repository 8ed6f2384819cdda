package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dilateUnroll vectors go through the steps together.
const dilateUnroll = 4

// words is a vector of words: load and store move as many as it holds.
type words struct {
	a     *amd64
	bytes int
}

func (w words) new() reg.VecVirtual {
	if w.bytes == 8 {
		return w.a.XMM()
	}
	return w.a.YMM()
}

func (w words) load(m operand.Mem, v reg.VecVirtual) {
	if w.bytes == 8 {
		w.a.VMOVQ(m, v)
	} else {
		w.a.VMOVDQU(m, v)
	}
}

func (w words) store(v reg.VecVirtual, m operand.Mem) {
	if w.bytes == 8 {
		w.a.VMOVQ(v, m)
	} else {
		w.a.VMOVDQU(v, m)
	}
}

// as is the part of a 32-byte register that the vector takes.
func (w words) as(v reg.VecVirtual) reg.Register {
	if w.bytes == 8 {
		return v.AsX()
	}
	return v
}

// overWords runs body over n words: dilateUnroll vectors of four at a time,
// then single words.
func (a *amd64) overWords(name string, n reg.GPVirtual, body func(w words, unroll int)) {
	a.loop("vectors"+name, n, 4*dilateUnroll, func() { body(words{a, 32}, dilateUnroll) })
	a.loop("words"+name, n, 1, func() { body(words{a, 8}, 1) })
}

// dilateRow has code for each number of steps: all but the last shift by a
// power of two, an immediate.
func dilateRow(a *amd64) {
	a.function("dilateRowAVX2", "func(dst, src []uint64, b int)", "is dilateRowGeneric.")
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
		r := row{a: a, src: src, dst: dst, steps: steps}
		if steps > 0 {
			a.SUBQ(operand.U8(1<<(steps-1)), b)
			rest := a.GP64()
			a.MOVQ(operand.U32(64), rest)
			a.SUBQ(b, rest)
			r.left, r.right = a.XMM(), a.XMM()
			a.VMOVQ(b, r.left)
			a.VMOVQ(rest, r.right)
		}
		a.overWords(label("%d", steps), n, r.emit)
		if steps > 0 {
			a.JMP(operand.LabelRef("done"))
		}
	}
	a.Label("done")
	a.ret()
}

// row is a row pass of a number of steps.
type row struct {
	a           *amd64
	src, dst    reg.GPVirtual
	steps       int
	left, right reg.VecVirtual // the last step's s and 64−s
}

func (r *row) emit(w words, unroll int) {
	a := r.a
	for i := range unroll {
		v, u := w.new(), w.new()
		w.load(at(r.src, 8+w.bytes*i), v)
		w.load(at(r.src, w.bytes*i), u)
		for step := range r.steps {
			t, in := w.new(), w.new()
			if step < r.steps-1 {
				s := uint8(1 << step)
				a.VPSLLQ(operand.U8(s), v, t)
				a.VPSRLQ(operand.U8(64-s), u, in)
				a.VPOR(t, v, v)
				a.VPOR(in, v, v)
				a.VPSLLQ(operand.U8(s), u, t)
				a.VPOR(t, u, u)
			} else {
				a.VPSLLQ(r.left, v, t)
				a.VPSRLQ(r.right, u, in)
				a.VPOR(t, v, v)
				a.VPOR(in, v, v)
			}
		}
		w.store(v, at(r.dst, w.bytes*i))
	}
	a.ADDQ(operand.U32(uint32(w.bytes*unroll)), r.src)
	a.ADDQ(operand.U32(uint32(w.bytes*unroll)), r.dst)
}

// shifter computes src | src<<shift for words that have the lead in front.
type shifter struct {
	dst, src, leadSrc reg.GPVirtual
	n                 reg.GPVirtual
	left, right       reg.VecVirtual
}

func (a *amd64) shifter() shifter {
	var s shifter
	s.dst, s.n = a.slice("dst")
	s.src = a.base("src")
	shift, bits := a.param("shift"), a.GP64()
	s.left, s.right = a.XMM(), a.XMM()
	a.MOVQ(shift, bits)
	a.ANDQ(operand.U8(63), bits)
	a.VMOVQ(bits, s.left)
	a.NEGQ(bits)
	a.ADDQ(operand.U8(64), bits)
	a.VMOVQ(bits, s.right) // 64 where the shift is whole words: nothing comes in
	a.SHRQ(operand.U8(6), shift)
	s.leadSrc = a.GP64()
	a.LEAQ(operand.Mem{Base: s.src, Index: shift, Scale: 8, Disp: 8}, s.leadSrc)
	return s
}

func (s *shifter) emit(w words, unroll int) []reg.VecVirtual {
	a := w.a
	out := make([]reg.VecVirtual, unroll)
	for i := range out {
		v, in := w.new(), w.new()
		w.load(at(s.src, 8+w.bytes*i), v)
		w.load(at(s.src, w.bytes*i), in)
		a.VPSLLQ(s.left, v, v)
		a.VPSRLQ(s.right, in, in)
		a.VPOR(in, v, v)
		w.load(at(s.leadSrc, w.bytes*i), in)
		a.VPOR(in, v, v)
		out[i] = v
	}
	return out
}

func (s *shifter) advance(w words, unroll int) {
	for _, p := range []reg.GPVirtual{s.src, s.leadSrc, s.dst} {
		w.a.ADDQ(operand.U32(uint32(w.bytes*unroll)), p)
	}
}

func dilateStep(a *amd64) {
	a.function("dilateStepAVX2", "func(dst, src []uint64, shift int)", "is dilateStepGeneric.")
	s := a.shifter()
	a.overWords("", s.n, func(w words, unroll int) {
		for i, v := range s.emit(w, unroll) {
			w.store(v, at(s.dst, w.bytes*i))
		}
		s.advance(w, unroll)
	})
	a.ret()
}

func dilateKeep(a *amd64) {
	a.function("dilateKeepAVX2", "func(dst, src []uint64, shift int) (kept int)", "is dilateKeepGeneric.")
	s := a.shifter()
	// A single word's complement must leave the rest of its register zero, as
	// all of it is counted.
	ones := map[int]reg.Register{32: a.YMM(), 8: a.XMM()}
	a.VPCMPEQD(ones[32], ones[32], ones[32])
	a.VMOVQ(ones[32].(reg.VecVirtual).AsX(), ones[8])
	p := a.popcount()
	a.overWords("", s.n, func(w words, unroll int) {
		out := s.emit(w, unroll)
		for i, v := range out {
			a.VPXOR(ones[w.bytes], v, v)
			w.store(v, at(s.dst, w.bytes*i))
		}
		p.add(w, out)
		s.advance(w, unroll)
	})
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}
