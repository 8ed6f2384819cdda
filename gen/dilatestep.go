package main

import "github.com/dropblock-go/dropblock/asm/arm64"

func dilateStep(a *amd64) {
	s := a.shifter()
	s.paths(a, func(path string, shifted func(w words, offset int) []vec) {
		a.overWords(path, s.n, func(w words, unroll int) {
			// dst[i] = here[i] | x[i]<<a | y[i]<<b
			for i := range unroll {
				vs := append(shifted(w, w.bytes*i), w.load(at(s.leadSrc, w.bytes*i)))
				w.move(w.join(or3, or2, vs...), at(s.dst, w.bytes*i))
			}
			s.advance(w, unroll)
		})
	})
	a.ret()
}

func dilateStepNEON(a *neon) {
	s := a.shifter()
	s.paths(a, func(path string, emit func(w qwords, unroll int) []arm64.Vec) {
		a.overWords(path, s.n, func(w qwords, unroll int) {
			w.store(emit(w, unroll), s.dst)
			s.advance(a, w, unroll)
		})
	})
	a.RET()
}
