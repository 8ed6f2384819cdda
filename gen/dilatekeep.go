package main

import "github.com/dropblock-go/dropblock/asm/arm64"

func dilateKeep(a *amd64) {
	s := a.shifter()
	// The complement of a single word must leave the rest of the register zero, since
	// the whole register is counted.
	all := a.repeat64("allOnes", 1<<64-1)
	one := a.data("oneWord", u64(1<<64-1), u64(0))
	complement := func(w words, v vec) {
		if w.bytes == 8 {
			a.xor(one, v, v)
		} else {
			a.xor(all, v, v)
		}
	}
	p := a.popcount()

	a.skipIfZero(s.b, "complement")
	s.paths(a, func(path string, shifted func(w words, offset int) []vec) {
		a.overWords(path, s.n, func(w words, unroll int) {
			// v := ^(here[i] | x[i]<<a | y[i]<<b)
			// kept += bits.OnesCount64(v)
			out := make([]vec, unroll)
			for i := range out {
				vs := append(shifted(w, w.bytes*i), w.load(at(s.leadSrc, w.bytes*i)))
				out[i] = w.join(nor3, nor, vs...)
				if !wide(out[i]) {
					complement(w, out[i])
				}
				w.move(out[i], at(s.dst, w.bytes*i))
			}
			p.add(w, out)
			s.advance(w, unroll)
		})
	})
	a.JMP(ref("sum"))

	// Without a shift loads of the words before would only miss store forwarding.
	a.Label("complement")
	a.overWords("Complement", s.n, func(w words, unroll int) {
		// dst[i] = ^v
		// kept += bits.OnesCount64(^v)
		v := make([]vec, unroll)
		for i := range v {
			v[i] = w.load(at(s.leadSrc, w.bytes*i))
			complement(w, v[i])
			w.move(v[i], at(s.dst, w.bytes*i))
		}
		p.add(w, v)
		s.advance(w, unroll)
	})
	a.Label("sum")
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}

func dilateKeepNEON(a *neon) {
	s := a.shifter()
	p := a.popcount()
	keep := func(w qwords, v []arm64.Vec) {
		for _, v := range v {
			if w.bytes == 8 {
				a.MVN(v.B8(), v.B8()) // The upper half, zero, is counted too.
			} else {
				a.MVN(v.B16(), v.B16())
			}
		}
		w.store(v, s.dst)
		p.add(a, v)
		s.advance(a, w, len(v))
	}

	a.CBZ(s.b, "complement")
	s.paths(a, func(path string, emit func(w qwords, unroll int) []arm64.Vec) {
		a.overWords(path, s.n, func(w qwords, unroll int) { keep(w, emit(w, unroll)) })
	})
	a.B("sum")

	// Without a shift loads of the words before would only miss store forwarding.
	a.Label("complement")
	a.overWords("Complement", s.n, func(w qwords, unroll int) { keep(w, w.loads(unroll, s.leadSrc)) })
	a.Label("sum")
	a.Store(p.sum(a), a.Return(0))
	a.RET()
}
