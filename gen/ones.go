package main

// ones takes a word at a time. The two sets list its ones in different ways.
func ones(a *amd64) {
	positions := a.param("positions")
	words, left := a.slice("words")
	first := a.GP32()
	a.Load(a.Param("first"), first)
	to, full := a.movq(positions), a.leaq(at(positions, 4*(gapCallLen-64)))
	list := a.listByBit(first)
	if a.isa == avx512 {
		list = a.listCompressed(first)
	}
	a.loop("words", left, 1, func() {
		// if n > gapCallLen-64 { break }
		a.CMPQ(to, full)
		a.JA(ref("wordsDone"))
		// next := n + bits.OnesCount64(v)
		word, count := a.movq(at(words, 0)), a.GP64()
		a.POPCNTQ(word, count)
		list(word, count, to)
		// n = next
		a.LEAQ(at(to, 0).Idx(count, 4), to)
		a.ADDQ(u8(8), words)
	})
	total := a.GP64()
	a.Load(a.Param("words").Len(), total)
	a.SUBQ(left, total)
	a.Store(total, a.ReturnIndex(1))
	a.SUBQ(positions, to)
	a.SHRQ(u8(2), to)
	a.Store(to, a.ReturnIndex(0))
	if a.isa == avx512 {
		a.VZEROUPPER()
	}
	a.RET()
}

// listCompressed has the ones of a word select the numbers of their bits, of which more
// than 16 are rare.
func (a *amd64) listCompressed(first gp) func(word, count, to gp) {
	numbers := a.load(a.data("bitNumbers", table(8, func(i int) u64 {
		return 0x0706050403020100 + 0x0808080808080808*u64(i)
	})...))
	base := a.ZMM()
	a.VPBROADCASTD(first, base)
	step := a.load(a.repeat32("sixtyFour32", 64))
	return func(word, count, to gp) {
		k, list := a.K(), a.ZMM()
		a.KMOVQ(word, k)
		a.VPCOMPRESSB_Z(numbers, k, list)
		for q := range 4 {
			// p[j] = first + number, for 16 of them
			x, wide := list.AsX(), a.ZMM()
			if q > 0 {
				x = a.XMM()
				a.VEXTRACTI32X4(u8(q), list, x)
			}
			a.VPMOVZXBD(x, wide)
			a.VPADDD(base, wide, wide)
			a.VMOVDQU64(wide, at(to, 64*q))
			if q == 0 {
				a.CMPQ(count, u8(16))
				a.JLE(ref("few"))
			}
		}
		a.Label("few")
		a.VPADDD(step, base, base) // first += 64
	}
}

// listByBit takes eight ones at a time, of which some may be none: how many a word has is
// mispredicted too often.
func (a *amd64) listByBit(first gp) func(word, count, to gp) {
	return func(word, _, to gp) {
		p, more := a.GP64(), a.movq(to)
		a.Label("more")
		for i := range 8 {
			// p[j] = first + uint32(bits.TrailingZeros64(v))
			a.TZCNTQ(word, p)
			a.ADDL(first, p.As32())
			a.MOVL(p.As32(), at(more, 4*i))
			a.BLSRQ(word, word) // v &= v - 1
		}
		a.ADDQ(u8(32), more)
		a.TESTQ(word, word)
		a.JNZ(ref("more"))
		a.ADDL(u8(64), first) // first += 64
	}
}
