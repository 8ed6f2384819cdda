package main

import "github.com/dropblock-go/dropblock/asm/arm64"

func expand(a *amd64) {
	w := maskedLoop{keep: a.base("keep")}
	w.dst, w.n = a.slice("dst")
	s := a.scale("scale")
	if a.element.join != nil {
		t := a.vec()
		a.VMOVAPS(s, t)
		s = a.element.join(a, s, t)
	}
	w.value = func(_ piece, m register) vec {
		// y[i] = scale where keep is 1, else 0
		x := a.vec()
		if a.isa == avx512 {
			a.element.zero(a.Context, s, m, x)
		} else {
			a.VPAND(s, m, x)
		}
		return x
	}
	w.moves = []gp{w.dst}
	if a.isa == avx2 && a.element != &float32AMD64 {
		w.held = 4 // of 16 registers
	}
	a.masked(w)
	a.ret()
}

func expandNEON(a *neon) {
	dst, n, keep := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("keep")
	factor := a.arithmetic().factor()
	a.masked(n, keep, func(elements int, m []arm64.Vec) {
		for _, m := range m {
			a.AND(m.B16(), m.B16(), factor.B16())
		}
		a.storeNext(elements, m, dst)
	})
	a.RET()
}
