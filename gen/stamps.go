package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// stamps holds the words from that of the last block's first bit on in
// a vector, moves it up to those of the next block and only stores: a load would
// wait for the stores that it overlaps.
func stamps(a *amd64) {
	words, stamps, size := a.base("words"), a.param("stamps"), a.param("n")
	bits, n := a.slice("firsts")
	dropped := a.GP64()
	a.XORL(dropped.As32(), dropped.As32())
	a.skipIfZero(n, "end")
	a.CMPQ(size, operand.U8(stampWords/2))
	a.JG(operand.LabelRef("long"))
	a.MOVQ(a.stampVectors("short", 32, words, stamps, bits, n), dropped)
	a.JMP(operand.LabelRef("end"))
	a.Label("long")
	if a.isa == avx512 {
		a.MOVQ(a.stampVectors("vectors", 64, words, stamps, bits, n), dropped)
	} else {
		for k := stampWords/2 + 1; k <= stampWords; k++ {
			other := label("not%d", k)
			a.CMPQ(size, operand.U8(k))
			a.JNE(operand.LabelRef(other))
			a.stampEach(k, words, stamps, bits, n, dropped)
			a.JMP(operand.LabelRef("end"))
			a.Label(other)
		}
	}
	a.Label("end")
	a.Store(dropped, a.ReturnIndex(0))
	a.ret()
}

// stampOf is the word of a bit and the offset of its stamp.
func (a *amd64) stampOf(bit operand.Mem) (word, stamp reg.GPVirtual) {
	word, stamp = a.GP64(), a.GP64()
	a.MOVL(bit, word.As32())
	a.MOVL(word.As32(), stamp.As32())
	a.ANDL(operand.U8(63), stamp.As32())
	a.SHLL(operand.U8(6), stamp.As32())
	a.SHRL(operand.U8(6), word.As32())
	return word, stamp
}

// stampEach stamps word by word, adding to dropped: a wider load would wait for
// the stores that it overlaps.
func (a *amd64) stampEach(size int, words, stamps, bits, n, dropped reg.GPVirtual) {
	a.loop(label("words%d", size), n, 1, func() {
		word, stamp := a.stampOf(at(bits, 0))
		for k := range size {
			// dropped += bits.OnesCount64(dst[i] &^ v)
			// dst[i] &= v
			v, was := a.GP64(), a.GP64()
			held := operand.Mem{Base: words, Index: word, Scale: 8, Disp: 8 * k}
			a.MOVQ(operand.Mem{Base: stamps, Index: stamp, Scale: 1, Disp: 8 * k}, v)
			a.ANDNQ(held, v, was)
			a.ANDQ(v, held)
			a.POPCNTQ(was, was)
			a.ADDQ(was, dropped)
		}
		a.ADDQ(operand.U8(4), bits)
	})
}

// stampVectors stamps vectors of words, two a turn, and returns how many ones it
// dropped. The second vector is made of the one before both, so that the next
// turn waits for one move only.
func (a *amd64) stampVectors(name string, bytes int, dst, stamps, bits, n reg.GPVirtual) reg.GPVirtual {
	vec := a.YMM
	if bytes == 64 {
		vec = a.ZMM
	}
	most := a.GP64()
	a.MOVL(operand.U32(uint32(bytes/8)), most.As32())
	move := a.mover(vec, bytes)
	// moved is v moved from a word to another.
	moved := func(v reg.VecVirtual, from, to reg.GPVirtual) reg.VecVirtual {
		by := a.GP64()
		a.MOVL(to.As32(), by.As32())
		a.SUBL(from.As32(), by.As32())
		a.CMPL(by.As32(), most.As32())
		a.CMOVLGT(most.As32(), by.As32())
		return move(v, by)
	}
	word := func(i reg.GPVirtual) operand.Mem { return operand.Mem{Base: dst, Index: i, Scale: 8} }
	stampAt := func(i reg.GPVirtual) reg.VecVirtual {
		v := vec()
		a.move(operand.Mem{Base: stamps, Index: i, Scale: 1}, v)
		return v
	}
	// split is what a stamp keeps of v, and what it drops.
	split := func(v, stamp reg.VecVirtual) (kept, dropped reg.VecVirtual) {
		kept, dropped = vec(), vec()
		a.and(v, stamp, kept)
		a.andNot(v, stamp, dropped)
		return kept, dropped
	}

	ones, w := a.popcount(), words{a, bytes}
	held, before := vec(), a.GP64()
	a.MOVL(at(bits, 0), before.As32())
	a.SHRL(operand.U8(6), before.As32())
	a.move(word(before), held)
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
		ones.add(w, []reg.VecVirtual{dropped1, dropped2})
		a.MOVL(two.As32(), before.As32())
		a.ADDQ(operand.U8(8), bits)
	})
	odd := name + "Odd"
	a.skipIfZero(n, odd)
	last, stampLast := a.stampOf(at(bits, 0))
	kept, dropped := split(moved(held, before, last), stampAt(stampLast))
	a.move(kept, word(last))
	ones.add(w, []reg.VecVirtual{dropped})
	a.Label(odd)
	return ones.sum()
}

// mover returns what moves the words of a vector up by a number of them, at most
// all, with ones coming in.
func (a *amd64) mover(vec func() reg.VecVirtual, bytes int) func(v reg.VecVirtual, by reg.GPVirtual) reg.VecVirtual {
	size := bytes / 8
	if a.isa == avx512 {
		// Lane i is to have word i+by, of ones behind the vector's last.
		numbers, ones := a.GP64(), vec()
		a.LEAQ(a.data("wordNumbers", table(16, u64)...), numbers)
		a.move(a.repeat64("allOnes", 1<<64-1), ones)
		return func(v reg.VecVirtual, by reg.GPVirtual) reg.VecVirtual {
			out := vec()
			a.move(operand.Mem{Base: numbers, Index: by, Scale: 8}, out)
			a.VPERMI2Q(ones, v, out)
			return out
		}
	}
	// For each number of words to move up by: which doublewords the vector then
	// has, and ones where it has none.
	var moves []operand.Constant
	for by := range size + 1 {
		for i := range 2 * size {
			moves = append(moves, operand.U32((i+2*by)%(2*size)))
		}
		for i := range size {
			var fill uint64
			if i+by >= size {
				fill = 1<<64 - 1
			}
			moves = append(moves, operand.U64(fill))
		}
	}
	table := a.GP64()
	a.LEAQ(a.data("stampMoves", moves...), table)
	return func(v reg.VecVirtual, by reg.GPVirtual) reg.VecVirtual {
		a.SHLL(operand.U8(6), by.As32())
		out := a.load(operand.Mem{Base: table, Index: by, Scale: 1})
		a.VPERMD(v, out, out)
		a.or(operand.Mem{Base: table, Index: by, Scale: 1, Disp: bytes}, out, out)
		return out
	}
}
