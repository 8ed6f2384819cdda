package main

func expandBool(a *amd64) {
	dst, n := a.slice("dst")
	keep := a.base("keep")
	one := a.load(a.repeat64("byteOnes", 0x0101010101010101))
	expandWord := a.boolSpreader(keep, dst, one)
	a.loop("word", n, 64, func() {
		expandWord()
		a.ADDQ(u8(8), keep)
		a.ADDQ(u8(64), dst)
	})
	a.skipIfZero(n, "done")
	rest := a.movq(at(keep, 0))
	a.loop("rest", n, 1, func() {
		// dst[i] = keep[i>>6]>>(i&63)&1 != 0
		b := a.movq(rest)
		a.ANDQ(u8(1), b)
		a.MOVB(b.As8(), at(dst, 0))
		a.SHRQ(u8(1), rest)
		a.INCQ(dst)
	})
	a.Label("done")
	a.ret()
}

// boolSpreader returns what emits the 64 booleans of a word.
func (a *amd64) boolSpreader(keep, dst gp, one vec) func() {
	if a.isa == avx512 {
		return func() {
			k, v := a.K(), a.ZMM()
			a.KMOVQ(at(keep, 0), k)
			a.VMOVDQU8_Z(one, k, v)
			a.move(v, at(dst, 0))
		}
	}
	// Byte i of a vector takes byte i/8 of the keep bits, and bit i%8 of it.
	spread := a.load(a.data("spreadBytes", spreadBytes(4)...))
	bit := a.load(a.repeat64("byteBits", 0x8040201008040201))
	return func() {
		for half := range 2 {
			v := a.spread(at(keep, 4*half))
			a.VPSHUFB(spread, v, v)
			a.VPAND(bit, v, v)
			a.VPMINUB(one, v, v)
			a.move(v, at(dst, 32*half))
		}
	}
}

// spreadBytes has each of the numbers below n eight times.
func spreadBytes(n int) []datum {
	return table(n, func(i int) u64 { return u64(i) * 0x0101010101010101 })
}

func expandBoolNEON(a *neon) {
	dst, n, keep := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("keep")
	// Byte i of a vector takes a byte of the keep bits, and bit i%8 of it.
	index := qwords{a, 16}.loads(4, a.table("spreadBytes", spreadBytes(8)...))
	bit := a.Vec()
	a.DUP(bit.D2(), a.set(uint64(0x8040201008040201)))
	a.loop("word", n, 64, func() {
		word, v := a.Vec(), a.Vecs(4)
		a.LDR(word.D(), keep.Post(8))
		for i := range v {
			a.TBL(v[i].B16(), word.B16(), index[i].B16())
			a.CMTST(v[i].B16(), v[i].B16(), bit.B16())
			a.USHR(v[i].B16(), v[i].B16(), 7)
		}
		qwords{a, 16}.store(v, dst)
		a.ADD(dst, dst, 64)
	})
	a.CBZ(n, "done")
	rest := a.GP()
	a.LDR(rest, keep.Off(0))
	a.loop("rest", n, 1, func() {
		b := a.GP()
		a.AND(b, rest, 1)
		a.STRB(b.W(), dst.Post(1))
		a.LSR(rest, rest, 1)
	})
	a.Label("done")
	a.RET()
}
