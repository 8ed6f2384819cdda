package main

// stamps keeps the words of the last block in a vector, moves it up to the words of
// the next block, and only stores: loads that overlap recent stores would miss store
// forwarding.
func stamps(a *amd64) {
	words, stamps, size := a.base("words"), a.param("stamps"), a.param("n")
	bits, n := a.slice("firsts")
	dropped := a.GP64()
	a.XORL(dropped.As32(), dropped.As32())
	a.skipIfZero(n, "end")
	a.CMPQ(size, u8(stampWords/2))
	a.JG(ref("long"))
	a.MOVQ(a.stampVectors("short", 32, words, stamps, bits, n), dropped)
	a.JMP(ref("end"))
	a.Label("long")
	if a.isa == avx512 {
		a.MOVQ(a.stampVectors("vectors", 64, words, stamps, bits, n), dropped)
	} else {
		for k := stampWords/2 + 1; k <= stampWords; k++ {
			other := label("not%d", k)
			a.CMPQ(size, u8(k))
			a.JNE(ref(other))
			a.stampEach(k, words, stamps, bits, n, dropped)
			a.JMP(ref("end"))
			a.Label(other)
		}
	}
	a.Label("end")
	a.Store(dropped, a.ReturnIndex(0))
	a.ret()
}

// stampOf is the word of a bit and the offset of its stamp.
func (a *amd64) stampOf(bit mem) (word, stamp gp) {
	word = a.movl(bit)
	stamp = a.movl(word.As32())
	a.ANDL(u8(63), stamp.As32())
	a.SHLL(u8(6), stamp.As32())
	a.SHRL(u8(6), word.As32())
	return word, stamp
}

// stampEach stamps word by word, adding to dropped: wider loads would miss store
// forwarding.
func (a *amd64) stampEach(size int, words, stamps, bits, n, dropped gp) {
	a.loop(label("words%d", size), n, 1, func() {
		word, stamp := a.stampOf(at(bits, 0))
		for k := range size {
			// dropped += bits.OnesCount64(dst[i] &^ v)
			// dst[i] &= v
			v, was := a.movq(at(stamps, 8*k).Idx(stamp, 1)), a.GP64()
			held := at(words, 8*k).Idx(word, 8)
			a.ANDNQ(held, v, was)
			a.ANDQ(v, held)
			a.POPCNTQ(was, was)
			a.ADDQ(was, dropped)
		}
		a.ADDQ(u8(4), bits)
	})
}

// stampVectors stamps vectors of words, two a turn, and returns how many ones it
// dropped. Both are moved from the vector of the iteration before, so that the
// loop-carried dependency has the latency of one move.
func (a *amd64) stampVectors(name string, bytes int, dst, stamps, bits, n gp) gp {
	w := words{a, bytes}
	most := a.movl(u32(bytes / 8))
	move := w.mover()
	// moved is v moved from a word to another.
	moved := func(v vec, from, to gp) vec {
		by := a.movl(to.As32())
		a.SUBL(from.As32(), by.As32())
		a.CMPL(by.As32(), most.As32())
		a.CMOVLGT(most.As32(), by.As32())
		return move(v, by)
	}
	word := func(i gp) mem { return at(dst, 0).Idx(i, 8) }
	stampAt := func(i gp) vec { return w.load(at(stamps, 0).Idx(i, 1)) }
	// split is what a stamp keeps of v, and what it drops.
	split := func(v, stamp vec) (kept, dropped vec) {
		kept, dropped = w.new(), w.new()
		a.and(v, stamp, kept)
		a.andNot(v, stamp, dropped)
		return kept, dropped
	}

	ones, before := a.popcount(), a.movl(at(bits, 0))
	a.SHRL(u8(6), before.As32())
	held := w.load(word(before))
	a.loop(name, n, 2, func() {
		one, stamp1 := a.stampOf(at(bits, 0))
		two, stamp2 := a.stampOf(at(bits, 4))
		first := stampAt(stamp1)
		kept, dropped1 := split(moved(held, before, one), first)
		a.move(kept, word(one))
		both, dropped2 := split(moved(first, one, two), stampAt(stamp2))
		second := moved(held, before, two)
		a.and(second, both, held)
		a.and(second, dropped2, dropped2)
		a.move(held, word(two))
		ones.add(w, []vec{dropped1, dropped2})
		a.MOVL(two.As32(), before.As32())
		a.ADDQ(u8(8), bits)
	})
	odd := name + "Odd"
	a.skipIfZero(n, odd)
	last, stampLast := a.stampOf(at(bits, 0))
	kept, dropped := split(moved(held, before, last), stampAt(stampLast))
	a.move(kept, word(last))
	ones.add(w, []vec{dropped})
	a.Label(odd)
	return ones.sum()
}

// mover returns what moves the words of a vector up by a number of them, at most
// all, with ones coming in.
func (w words) mover() func(v vec, by gp) vec {
	a, size, moves := w.a, w.bytes/8, w.a.GP64()
	if a.isa == avx512 {
		// Lane i is to have word i+by, of ones behind the vector's last.
		a.LEAQ(a.data("wordNumbers", table(16, number[u64])...), moves)
		ones := w.load(a.repeat64("allOnes", 1<<64-1))
		return func(v vec, by gp) vec {
			out := w.load(at(moves, 0).Idx(by, 8))
			a.VPERMI2Q(ones, v, out)
			return out
		}
	}
	// For each number of words to move up by: which doublewords the vector then
	// has, and ones where it has none.
	var values []datum
	for by := range size + 1 {
		values = append(values, table(2*size, func(i int) u32 { return u32((i + 2*by) % (2 * size)) })...)
		values = append(values, table(size, func(i int) u64 {
			if i+by < size {
				return 0
			}
			return 1<<64 - 1
		})...)
	}
	a.LEAQ(a.data("stampMoves", values...), moves)
	return func(v vec, by gp) vec {
		a.SHLL(u8(6), by.As32())
		out := w.load(at(moves, 0).Idx(by, 1))
		a.VPERMD(v, out, out)
		a.or(at(moves, w.bytes).Idx(by, 1), out, out)
		return out
	}
}
