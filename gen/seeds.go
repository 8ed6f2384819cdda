package main

func seeds(a *amd64) {
	words := a.base("words")
	bits, n := a.slice("bits")
	one := a.GP64()
	a.MOVL(u32(1), one.As32())
	for _, step := range []int{8, 1} {
		a.loop(label("seeds%d", step), n, step, func() {
			for i := range step {
				// words[bit>>6] |= 1 << (bit & 63)
				word, bit := a.GP64(), a.GP64()
				a.MOVL(at(bits, 4*i), word.As32())
				a.SHLXQ(word, one, bit)
				a.SHRL(u8(6), word.As32())
				a.ORQ(bit, at(words, 0).Idx(word, 8))
			}
			a.ADDQ(u8(4*step), bits)
		})
	}
	a.RET()
}
