package main

func dilateStep(a *amd64) {
	s := a.shifter()
	a.overWords("", s.n, func(w words, unroll int) {
		// dst[i] = src[i+lead] | src[i+1]<<s | src[i]>>(64-s)
		s.emit(w, unroll, func(x, y vec) { a.or(x, y, y) })
		s.advance(w, unroll)
	})
	a.ret()
}

func dilateStepNEON(a *neon) {
	s := a.shifter()
	a.overWords("", s.n, func(w qwords, unroll int) {
		w.store(s.emit(a, w, unroll), s.dst)
		s.advance(a, w, unroll)
	})
	a.RET()
}
