package main

func seeds(a *amd64) {
	words := a.base("words")
	bits, n := a.slice("bits")
	one := a.movl(u32(1))
	for _, step := range []int{8, 1} {
		a.loop(label("seeds%d", step), n, step, func() {
			for i := range step {
				// words[bit>>6] |= 1 << (bit & 63)
				word, bit := a.movl(at(bits, 4*i)), a.GP64()
				a.SHLXQ(word, one, bit)
				a.SHRL(u8(6), word.As32())
				a.ORQ(bit, at(words, 0).Idx(word, 8))
			}
			a.ADDQ(u8(4*step), bits)
		})
	}
	a.RET()
}
