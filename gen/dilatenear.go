package main

// dilateNear takes the words before a vector from the vectors, after each step: they then
// have the bits from before them too, which the generic kernel's lack, and which no later
// shift brings in. It is for AVX-512. With AVX2, which takes three instructions for a
// funnel shift, the passes were 4 % faster.
func dilateNear(a *amd64) {
	begin, n := a.slice("words")
	shifts, steps := a.slice("shifts")
	a.SUBQ(u8(2), steps) // those before the last
	a.DECQ(n)
	end := a.leaq(at(begin, 8).Idx(n, 8)) // of what is left
	p := a.popcount()

	a.overWords("", n, func(w words, unroll int) {
		bytes := w.bytes * unroll
		// The words v, the one before them in every quadword, and u, those before each.
		v, u, before := make([]vec, unroll), make([]vec, unroll), w.new()
		if w.bytes == 8 {
			w.move(at(end, -bytes-8), before)
		} else {
			a.VPBROADCASTQ(at(end, -bytes-8), before)
		}
		for i := range v {
			v[i], u[i] = w.load(at(end, w.bytes*i-bytes)), before
			if w.bytes > 8 {
				u[i] = w.load(at(end, w.bytes*i-bytes-8))
			}
		}
		i := a.GP64()
		pair := func() (s [2]shift) {
			for k := range s {
				s[k].count = a.ZMM()
				a.VPBROADCASTQ(at(shifts, 8*k).Idx(i, 8), s[k].count)
			}
			return s
		}
		// funnels is v, or the complement, with what the shifts bring in.
		funnels := func(s [2]shift, v, u vec, table uint8) {
			x, y := w.new(), w.new()
			s[0].funnel(w, v, u, x)
			s[1].funnel(w, v, u, y)
			a.VPTERNLOGQ(u8(table), x, y, v)
		}
		step, last := label("step%d", bytes), label("last%d", bytes)
		a.XORQ(i, i)
		a.CMPQ(i, steps)
		a.JGE(ref(last))
		a.Label(step)
		// v |= v<<a | u>>(64-a) | v<<b | u>>(64-b)
		s := pair()
		for j := range v {
			funnels(s, v[j], u[j], or3)
		}
		// u |= u<<a | u<<b for the word before all; the other u are the words before in v.
		x, y := w.new(), w.new()
		a.VPSLLVQ(w.as(s[0].count), before, x)
		a.VPSLLVQ(w.as(s[1].count), before, y)
		a.VPTERNLOGQ(u8(or3), x, y, before)
		if w.bytes > 8 {
			for j, from := range append([]vec{before}, v[:unroll-1]...) {
				a.VALIGNQ(u8(7), from, v[j], u[j])
			}
		}
		a.ADDQ(u8(2), i)
		a.CMPQ(i, steps)
		a.JL(ref(step))
		a.Label(last)
		// words[i] = ^v, behind the last step
		// kept += bits.OnesCount64(^v)
		s = pair()
		for j := range v {
			funnels(s, v[j], u[j], nor3)
			if w.bytes == 8 { // The rest of the register, zero, is counted too.
				a.VMOVQ(v[j], v[j])
			}
			w.move(v[j], at(end, w.bytes*j-bytes))
		}
		p.add(w, v)
		a.SUBQ(u32(bytes), end)
	})
	a.Store(p.sum(), a.ReturnIndex(0))
	a.ret()
}
