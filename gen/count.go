package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// popcount adds up the ones of vectors: with AVX2 by a table of the ones of a
// nibble (VPSHUFB), then sums of bytes (VPSADBW).
type popcount struct {
	a                *amd64
	total            reg.VecVirtual
	table, low, zero reg.VecVirtual
}

func (a *amd64) popcount() popcount {
	p := popcount{a: a, total: a.vec()}
	a.xor(p.total, p.total, p.total)
	if a.isa == avx2 {
		p.table, p.low, p.zero = a.YMM(), a.YMM(), a.YMM()
		a.VBROADCASTI128(a.data("nibbleOnes", operand.U64(0x0302020102010100), operand.U64(0x0403030203020201)), p.table)
		a.VPBROADCASTQ(a.repeat64("nibbleLow", 0x0f0f0f0f0f0f0f0f), p.low)
		a.VPXOR(p.zero, p.zero, p.zero)
	}
	return p
}

// add counts vectors, up to 31 of them so that their bytes do not overflow.
// It destroys them.
func (p *popcount) add(w words, vs []reg.VecVirtual) {
	a := p.a
	// A single word's register is zero elsewhere, so that it can be added whole.
	widen := func(v reg.VecVirtual) reg.VecVirtual {
		if a.isa == avx512 {
			return v.AsZ().(reg.VecVirtual)
		}
		return v.AsY().(reg.VecVirtual)
	}
	if a.isa == avx512 {
		for _, v := range vs {
			a.VPOPCNTQ(v, v)
			a.VPADDQ(widen(v), p.total, p.total)
		}
		return
	}
	var sum reg.VecVirtual
	for _, v := range vs {
		hi := w.new()
		a.VPSRLW(operand.U8(4), v, hi)
		a.VPAND(w.as(p.low), v, v)
		a.VPAND(w.as(p.low), hi, hi)
		a.VPSHUFB(v, w.as(p.table), v)
		a.VPSHUFB(hi, w.as(p.table), hi)
		a.VPADDB(v, hi, v)
		if sum == nil {
			sum = v
		} else {
			a.VPADDB(v, sum, sum)
		}
	}
	a.VPSADBW(w.as(p.zero), sum, sum)
	a.VPADDQ(widen(sum), p.total, p.total)
}

func (p *popcount) sum() reg.GPVirtual {
	a := p.a
	if a.isa == avx512 {
		y := a.YMM()
		a.VEXTRACTI64X4(operand.U8(1), p.total, y)
		a.VPADDQ(p.total.AsY(), y, p.total.AsY())
	}
	x, hi, n := a.XMM(), a.XMM(), a.GP64()
	a.VEXTRACTI128(operand.U8(1), p.total.AsY(), x)
	a.VPADDQ(x, p.total.AsX(), x)
	a.VPSRLDQ(operand.U8(8), x, hi)
	a.VPADDQ(hi, x, x)
	a.VMOVQ(x, n)
	return n
}

func count(a *amd64) {
	a.function("count", "func(words []uint64) (n int)", "is countGeneric.")
	src, n := a.slice("words")
	p := a.popcount()
	a.overWords("", n, func(w words, unroll int) {
		v := make([]reg.VecVirtual, unroll)
		for i := range v {
			v[i] = w.new()
			w.load(at(src, w.bytes*i), v[i])
		}
		p.add(w, v)
		a.ADDQ(operand.U32(uint32(w.bytes*unroll)), src)
	})
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}

// neonPopcount adds up the ones of vectors, of their bytes first, then of
// wider and wider lanes.
type neonPopcount struct{ total arm64.Vec }

func (a *neon) popcount() neonPopcount {
	p := neonPopcount{a.Vec()}
	a.MOVI(p.total.D2(), 0)
	return p
}

// add counts vectors, up to 31 of them so that their bytes do not overflow.
// It destroys them.
func (p neonPopcount) add(a *neon, vs []arm64.Vec) {
	for i, v := range vs {
		a.CNT(v.B16(), v.B16())
		if i > 0 {
			a.ADD(vs[0].B16(), vs[0].B16(), v.B16())
		}
	}
	a.UADDLP(vs[0].H8(), vs[0].B16())
	a.UADALP(p.total.S4(), vs[0].H8())
}

func (p neonPopcount) sum(a *neon) arm64.GP {
	n := a.GP()
	a.UADDLV(p.total.D(), p.total.S4())
	a.FMOV(n, p.total.D())
	return n
}

func countNEON(a *neon) {
	a.function("count", "func(words []uint64) (n int)", "is countGeneric.")
	src, n := a.LoadBase("words"), a.LoadLen("words")
	p := a.popcount()
	a.overWords("", n, func(w qwords, unroll int) {
		v := a.Vecs(unroll)
		w.load(v, src)
		p.add(a, v)
		a.ADD(src, src, w.bytes*unroll)
	})
	a.Store(p.sum(a), a.Return(0))
	a.RET()
}
