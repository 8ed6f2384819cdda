package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func expand(a *amd64) {
	a.function("expandAVX2", "func(dst []float32, keep []uint64, scale float32)", "is expandGeneric.")
	dst, n := a.slice("dst")
	keep := a.base("keep")
	s := a.broadcastScale()
	a.masked(n, keep, func(offset, elements int, m reg.VecVirtual) {
		a.VPAND(s, m, m)
		if elements == 1 {
			a.VMOVSS(m.AsX(), at(dst, offset))
			return
		}
		a.VMOVUPS(m, at(dst, offset))
	}, func(elements int) {
		a.ADDQ(operand.U32(uint32(4*elements)), dst)
	})
	a.ret()
}

func expandBool(a *amd64) {
	a.function("expandBoolAVX2", "func(dst []bool, keep []uint64)", "is expandBoolGeneric.")
	dst, n := a.slice("dst")
	keep := a.base("keep")
	// Byte i of a vector takes byte i/8 of the keep bits, and bit i%8 of it.
	spread, bit, one := a.YMM(), a.YMM(), a.YMM()
	a.VMOVDQU(a.data("spreadBytes",
		operand.U64(0), operand.U64(0x0101010101010101),
		operand.U64(0x0202020202020202), operand.U64(0x0303030303030303)), spread)
	a.VPBROADCASTQ(a.data("byteBits", operand.U64(0x8040201008040201)), bit)
	a.VPBROADCASTQ(a.data("byteOnes", operand.U64(0x0101010101010101)), one)
	a.loop("vectors", n, 64, func() {
		for half := range 2 {
			v := a.YMM()
			a.VPBROADCASTD(at(keep, 4*half), v)
			a.VPSHUFB(spread, v, v)
			a.VPAND(bit, v, v)
			a.VPMINUB(one, v, v)
			a.VMOVDQU(v, at(dst, 32*half))
		}
		a.ADDQ(operand.U8(8), keep)
		a.ADDQ(operand.U8(64), dst)
	})
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("done"))
	rest := a.GP64()
	a.MOVQ(at(keep, 0), rest)
	a.loop("rest", n, 1, func() {
		b := a.GP64()
		a.MOVQ(rest, b)
		a.ANDQ(operand.U8(1), b)
		a.MOVB(b.As8(), at(dst, 0))
		a.SHRQ(operand.U8(1), rest)
		a.INCQ(dst)
	})
	a.Label("done")
	a.ret()
}
