package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

func expand(a *amd64) {
	a.function("expand", "func(dst []float32, keep []uint64, scale float32)", "is expandGeneric.")
	w := maskedLoop{keep: a.base("keep"), store: a.vmovups}
	w.dst, w.n = a.slice("dst")
	s := a.broadcastScale()
	w.value = func(_ piece, m reg.Register) reg.VecVirtual {
		x := a.vec()
		if a.isa == avx512 {
			a.VMOVAPS_Z(s, m, x)
		} else {
			a.VPAND(s, m, x)
		}
		return x
	}
	w.advance = func(elements int) { a.ADDQ(operand.U32(uint32(4*elements)), w.dst) }
	a.masked(w)
	a.ret()
}

func expandNEON(a *neon) {
	a.function("expand", "func(dst []float32, keep []uint64, scale float32)", "is expandGeneric.")
	dst, n, keep := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("keep")
	s := a.broadcastScale()
	a.masked(n, keep, func(elements int, m []arm64.Vec) {
		for _, m := range m {
			a.AND(m.B16(), m.B16(), s.B16())
		}
		a.storePost(elements, m, dst)
	})
	a.RET()
}
