package main

func quotients(a *amd64) {
	dst, left := a.slice("dst")
	words, table, n := a.base("words"), a.base("table"), a.param("n")
	bitAt := a.GP64()
	a.XORQ(bitAt, bitAt)
	a.CMPQ(n, u8(57))
	a.JG(ref("long"))
	for _, unroll := range []int{4, 1} {
		a.loop(label("runs%d", unroll), left, unroll, func() {
			for i := range unroll {
				// dst[i] = table[ones of the n bits from bit at]: a word that begins with a
				// byte has them all.
				byteAt, bit := a.movq(bitAt), a.movq(bitAt)
				a.SHRQ(u8(3), byteAt)
				a.ANDQ(u8(7), bit)
				v := a.movq(at(words, 0).Idx(byteAt, 1))
				a.SHRXQ(bit, v, v)
				a.BZHIQ(n, v, v)
				a.POPCNTQ(v, v)
				a.MOVQ(at(table, 0).Idx(v, 8), v)
				a.MOVQ(v, at(dst, 8*i))
				a.ADDQ(n, bitAt)
			}
			a.advance(8*unroll, dst)
		})
	}
	a.ret()

	// Longer runs are taken by seven bytes, so that all begin with the same bit of a byte.
	a.Label("long")
	whole, rest := a.movq(u32(0)), a.movq(n)
	a.Label("divide")
	a.INCQ(whole)
	a.SUBQ(u8(56), rest)
	a.CMPQ(rest, u8(56))
	a.JG(ref("divide"))
	seven := a.movq(u32(56))
	a.loop("long1", left, 1, func() {
		bit, from, sum, turns := a.movq(bitAt), a.movq(bitAt), a.movq(u32(0)), a.movq(whole)
		a.ANDQ(u8(7), bit)
		a.SHRQ(u8(3), from)
		a.ADDQ(words, from)
		ones := func(of gp) {
			v := a.movq(at(from, 0))
			a.SHRXQ(bit, v, v)
			a.BZHIQ(of, v, v)
			a.POPCNTQ(v, v)
			a.ADDQ(v, sum)
		}
		a.Label("seven")
		ones(seven)
		a.ADDQ(u8(7), from)
		a.DECQ(turns)
		a.JNZ(ref("seven"))
		ones(rest)
		a.MOVQ(at(table, 0).Idx(sum, 8), sum)
		a.MOVQ(sum, at(dst, 0))
		a.ADDQ(n, bitAt)
		a.advance(8, dst)
	})
	a.ret()
}
