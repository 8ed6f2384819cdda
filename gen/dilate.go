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
func (a *amd64) overWords(n reg.GPVirtual, body func(w words, unroll int)) {
	a.loop("vectors", n, 4*dilateUnroll, func() { body(words{a, 32}, dilateUnroll) })
	a.loop("words", n, 1, func() { body(words{a, 8}, 1) })
}

func dilateRow(a *amd64) {
	a.function("dilateRowAVX2", "func(dst, src []uint64, b int)", "is dilateRowGeneric.")
	dst, n := a.slice("dst")
	src := a.base("src")
	b := a.param("b")

	// The shifts s and 64−s of each step, at most six of them.
	shifts := a.AllocLocal(6 * 16)
	steps := a.GP64()
	{
		run, s, rest := a.GP64(), a.GP64(), a.GP64()
		a.XORQ(steps, steps)
		a.MOVQ(operand.U32(1), run)
		a.Label("plan")
		a.MOVQ(b, s)
		a.SUBQ(run, s)
		a.JLE(operand.LabelRef("planned"))
		a.CMPQ(s, run)
		a.CMOVQGT(run, s)
		a.ADDQ(s, run)
		a.MOVQ(operand.U32(64), rest)
		a.SUBQ(s, rest)
		a.MOVQ(s, shifts.Idx(steps, 8))
		a.MOVQ(rest, shifts.Offset(8).Idx(steps, 8))
		a.ADDQ(operand.U8(2), steps)
		a.JMP(operand.LabelRef("plan"))
		a.Label("planned")
	}

	a.overWords(n, func(w words, unroll int) {
		v, u := make([]reg.VecVirtual, unroll), make([]reg.VecVirtual, unroll)
		for i := range unroll {
			v[i], u[i] = w.new(), w.new()
			w.load(at(src, 8+w.bytes*i), v[i])
			w.load(at(src, w.bytes*i), u[i])
		}
		step, done := label("step%d", w.bytes), label("stepsDone%d", w.bytes)
		i := a.GP64()
		a.XORQ(i, i)
		a.CMPQ(i, steps)
		a.JGE(operand.LabelRef(done))
		a.Label(step)
		{
			left, right := a.XMM(), a.XMM()
			a.VMOVQ(shifts.Idx(i, 8), left)
			a.VMOVQ(shifts.Offset(8).Idx(i, 8), right)
			for j := range unroll {
				t, f := w.new(), w.new()
				a.VPSRLQ(right, u[j], f)
				a.VPSLLQ(left, v[j], t)
				a.VPOR(f, v[j], v[j])
				a.VPOR(t, v[j], v[j])
				a.VPSLLQ(left, u[j], t)
				a.VPOR(t, u[j], u[j])
			}
		}
		a.ADDQ(operand.U8(2), i)
		a.CMPQ(i, steps)
		a.JL(operand.LabelRef(step))
		a.Label(done)
		for i := range unroll {
			w.store(v[i], at(dst, w.bytes*i))
		}
		a.ADDQ(operand.U32(uint32(w.bytes*unroll)), src)
		a.ADDQ(operand.U32(uint32(w.bytes*unroll)), dst)
	})
	a.ret()
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
	a.overWords(s.n, func(w words, unroll int) {
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
	ones := a.YMM()
	a.VPCMPEQD(ones, ones, ones)
	p := a.popcount()
	a.overWords(s.n, func(w words, unroll int) {
		out := s.emit(w, unroll)
		for i, v := range out {
			a.VPXOR(w.as(ones), v, v)
			w.store(v, at(s.dst, w.bytes*i))
		}
		p.add(w, out)
		s.advance(w, unroll)
	})
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}
