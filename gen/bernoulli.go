package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	philoxM0 = 0xD2511F53
	philoxM1 = 0xCD9E8D57
	rounds   = 10

	headGroupWords  = 16
	headLevelStride = 512 // counters from a level to the next
)

// philoxState is four blocks: word i of each in the low half of the four
// quadwords of x[i]. The high halves are anything, as VPMULUDQ ignores them.
type philoxState struct{ x [4]reg.VecVirtual }

// philoxConst is what the rounds need in registers.
type philoxConst struct {
	ks, ctr reg.GPVirtual
	m0, m1  reg.VecVirtual
}

func (a *amd64) philoxConst() philoxConst {
	c := philoxConst{ks: a.param("ks"), ctr: a.param("ctr"), m0: a.YMM(), m1: a.YMM()}
	a.VPBROADCASTQ(a.data("philoxM0", operand.U64(philoxM0)), c.m0)
	a.VPBROADCASTQ(a.data("philoxM1", operand.U64(philoxM1)), c.m1)
	return c
}

// counters spreads counter word 0 from a register to four consecutive values
// for each of n states. It is kept there, not in vectors, for want of vectors.
func (a *amd64) counters(first reg.GPVirtual, n int) []reg.VecVirtual {
	lanes := a.data("counterLanes",
		operand.U64(0), operand.U64(1), operand.U64(2), operand.U64(3),
		operand.U64(4), operand.U64(5), operand.U64(6), operand.U64(7))
	x0 := a.ymms(n)
	for i, x := range x0 {
		a.VMOVQ(first, x.AsX())
		a.VPBROADCASTD(x.AsX(), x)
		a.VPADDD(lanes.Offset(32*i), x, x)
	}
	return x0
}

// counter0 loads counter word 0.
func (a *amd64) counter0(c philoxConst) reg.GPVirtual {
	r := a.GP64()
	a.MOVL(at(c.ctr, 0), r.As32())
	return r
}

// philoxBlocks runs the ten rounds from the given counter words 0. The states go through a round together, so that the multipliers stay busy.
func (a *amd64) philoxBlocks(c philoxConst, x0 []reg.VecVirtual) []philoxState {
	s := make([]philoxState, len(x0))
	for i := range s {
		s[i].x[0] = x0[i]
		for w := 1; w < 4; w++ {
			s[i].x[w] = a.YMM()
			a.VPBROADCASTD(at(c.ctr, 4*w), s[i].x[w])
		}
	}
	for r := range rounds {
		k0, k1 := a.YMM(), a.YMM()
		a.VPBROADCASTD(at(c.ks, 8*r), k0)
		a.VPBROADCASTD(at(c.ks, 8*r+4), k1)
		for i := range s {
			a.philoxRound(c, &s[i], k0, k1)
		}
	}
	return s
}

// philoxRound is the body of philoxBlock's loop.
func (a *amd64) philoxRound(c philoxConst, s *philoxState, k0, k1 reg.VecVirtual) {
	x := s.x
	p0, p1, hi := a.YMM(), a.YMM(), a.YMM()
	a.VPMULUDQ(x[0], c.m0, p0)
	a.VPMULUDQ(x[2], c.m1, p1)
	a.VPXOR(x[1], k0, x[1])
	a.VPXOR(x[3], k1, x[3])
	a.VPSRLQ(operand.U8(32), p1, hi)
	a.VPXOR(hi, x[1], x[1])
	a.VPSRLQ(operand.U8(32), p0, hi)
	a.VPXOR(hi, x[3], x[3])
	s.x = [4]reg.VecVirtual{x[1], p1, x[3], p0}
}

// halves joins words 0 and 1, and 2 and 3, of each block.
func (a *amd64) halves(s philoxState) (lo, hi reg.VecVirtual) {
	for i := 0; i < 4; i += 2 {
		a.VPSLLQ(operand.U8(32), s.x[i+1], s.x[i+1])
		a.VPBLENDD(operand.U8(0xaa), s.x[i+1], s.x[i], s.x[i])
	}
	return s.x[0], s.x[2]
}

func philox(a *amd64) {
	a.function("philoxAVX2", "func(dst []uint32, ks *[10][2]uint32, ctr *[4]uint32)",
		"is philoxGeneric for a multiple of 32 words, eight blocks at a time.")
	dst, n := a.slice("dst")
	c := a.philoxConst()
	first := a.counter0(c)

	a.loop("blocks", n, 32, func() {
		for i, s := range a.philoxBlocks(c, a.counters(first, 2)) {
			lo, hi := a.halves(s)
			even, odd, out := a.YMM(), a.YMM(), a.YMM()
			a.VPUNPCKLQDQ(hi, lo, even) // blocks 0 and 2
			a.VPUNPCKHQDQ(hi, lo, odd)  // blocks 1 and 3
			a.VPERM2I128(operand.U8(0x20), odd, even, out)
			a.VMOVDQU(out, at(dst, 64*i))
			a.VPERM2I128(operand.U8(0x31), odd, even, out)
			a.VMOVDQU(out, at(dst, 64*i+32))
		}
		a.ADDQ(operand.U8(8), first)
		a.ADDQ(operand.U32(128), dst)
	})
	a.ret()
}

func bernoulliHead(a *amd64) {
	a.function("bernoulliHeadAVX2", "func(dst []uint64, ks *[10][2]uint32, ctr *[4]uint32, t uint32, k int)",
		"is bernoulliHeadGeneric, a group of 16 words at a time.")
	dst, n := a.slice("dst")
	c := a.philoxConst()
	first := a.counter0(c)
	t32, k := a.GP32(), a.param("k")
	a.Load(a.Param("t"), t32)
	t := t32.As64()

	a.loop("group", n, headGroupWords, func() {
		zero := a.YMM()
		a.VPXOR(zero, zero, zero)
		for i := range headGroupWords / 4 {
			a.VMOVDQU(zero, at(dst, 32*i))
		}
		levels, level, counter := a.GP64(), a.GP64(), a.GP64()
		a.MOVQ(t, levels)
		a.MOVQ(k, level)
		a.MOVQ(first, counter)
		a.Label("level")
		{
			s := a.philoxBlocks(c, a.counters(counter, 2))
			a.ADDQ(operand.U32(headLevelStride), counter)
			// The level's bit of t as a vector of ones or zeros.
			bit, tv := a.GP64(), a.YMM()
			a.MOVQ(levels, bit)
			a.ANDQ(operand.U8(1), bit)
			a.NEGQ(bit)
			a.VMOVQ(bit, tv.AsX())
			a.VPBROADCASTQ(tv.AsX(), tv)
			for i := range s {
				lo, hi := a.halves(s[i])
				for half, r := range []reg.VecVirtual{lo, hi} {
					// less = t ? less|r : less&r = (less & r) | (t & (less | r))
					less := at(dst, 64*half+32*i)
					and, or := a.YMM(), a.YMM()
					a.VPAND(less, r, and)
					a.VPOR(less, r, or)
					a.VPAND(tv, or, or)
					a.VPOR(and, or, or)
					a.VMOVDQU(or, less)
				}
			}
			a.SHRQ(operand.U8(1), levels)
			a.DECQ(level)
			a.JNZ(operand.LabelRef("level"))
		}
		a.ADDQ(operand.U8(headGroupWords/2), first)
		a.ADDQ(operand.U32(8*headGroupWords), dst)
	})
	a.ret()
}
