package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func count(a *amd64) {
	src, n := a.slice("words")
	p := a.popcount()
	a.overWords("", n, func(w words, unroll int) {
		v := make([]reg.VecVirtual, unroll)
		for i := range v {
			v[i] = w.new()
			w.load(at(src, w.bytes*i), v[i])
		}
		p.add(w, v) // n += bits.OnesCount64(w)
		a.ADDQ(operand.U32(uint32(w.bytes*unroll)), src)
	})
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}

func countNEON(a *neon) {
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
