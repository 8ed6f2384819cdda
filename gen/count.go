package main

func count(a *amd64) {
	src, n := a.slice("words")
	p := a.popcount()
	a.overWords("", n, func(w words, unroll int) {
		p.add(w, w.loads(unroll, src)) // n += bits.OnesCount64(w)
		a.advance(w.bytes*unroll, src)
	})
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}

func countNEON(a *neon) {
	src, n := a.LoadBase("words"), a.LoadLen("words")
	p := a.popcount()
	a.overWords("", n, func(w qwords, unroll int) {
		p.add(a, w.loads(unroll, src))
		a.advance(w.bytes*unroll, src)
	})
	a.Store(p.sum(a), a.Return(0))
	a.RET()
}
