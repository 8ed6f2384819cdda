package main

import "github.com/dropblock-go/dropblock/asm/arm64"

func dilateKeep(a *amd64) {
	s := a.shifter()
	// The complement of a single word must leave the rest of the register zero, since
	// the whole register is counted.
	ones, one := a.load(a.repeat64("allOnes", 1<<64-1)), a.XMM()
	a.VMOVQ(ones.AsX(), one)
	complement := func(w words, v vec) {
		all := w.as(ones)
		if w.bytes == 8 {
			all = one
		}
		a.xor(all, v, v)
	}
	p := a.popcount()

	// With shift 0 loads of the words before would only miss store forwarding.
	a.CMPQ(a.param("shift"), u8(0))
	a.JNE(ref("shifted"))
	a.overWords("Whole", s.n, func(w words, unroll int) {
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
	a.JMP(ref("done"))

	a.Label("shifted")
	a.overWords("", s.n, func(w words, unroll int) {
		// v := ^(src[i+lead] | src[i+1]<<s | src[i]>>(64-s))
		// kept += bits.OnesCount64(v)
		out := s.emit(w, unroll, func(x, y vec) {
			if wide(y) {
				a.VPTERNLOGQ(u8(nor), x, y, y)
				return
			}
			a.or(x, y, y)
			complement(w, y)
		})
		p.add(w, out)
		s.advance(w, unroll)
	})
	a.Label("done")
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

	// With shift 0 loads of the words before would only miss store forwarding.
	a.CBNZ(a.LoadParam("shift"), "shifted")
	a.overWords("Whole", s.n, func(w qwords, unroll int) { keep(w, w.loads(unroll, s.leadSrc)) })
	a.B("done")

	a.Label("shifted")
	a.overWords("", s.n, func(w qwords, unroll int) { keep(w, s.emit(a, w, unroll)) })
	a.Label("done")
	a.Store(p.sum(a), a.Return(0))
	a.RET()
}
