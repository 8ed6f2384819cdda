package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// The lanes of a stretchLanes are bytes, chosen among those of one word of the source by a
// shuffle, of which a test of bits leaves ones or zeros. stretch takes a bit of each, and
// stretchBytes all of it. That is shorter than the generic kernel's steps, and takes the same
// time on all CPUs, as PDEP does not.

// laneBytes is the size of the two arrays of a stretchLanes.
const laneBytes = 64

func stretch(a *amd64) { a.stretch(1, nil, a.storeBits) }

// storeBits stores a bit for each lane of a vector.
func (a *amd64) storeBits(dst gp, offset int, kept register) {
	if a.isa == avx512 {
		a.KMOVQ(kept, at(dst, offset/8))
		return
	}
	half := a.GP32()
	a.VPMOVMSKB(kept, half)
	a.MOVL(half, at(dst, offset/8))
}

func stretchBytes(a *amd64) {
	a.stretch(8, []gp{a.param("to"), a.param("from")}, func(dst gp, offset int, kept register) {
		v := op(kept)
		if a.isa == avx512 {
			v = a.ZMM()
			a.VPMOVM2B(kept, v)
		}
		a.move(v, at(dst, offset))
	})
}

// stretch emits the loops over n words, of which one stretchLanes makes some. store stores
// what the lanes of a vector make: an opmask, or a vector of bytes of ones. Cache lines are asked
// for at the pointers ahead.
func (a *amd64) stretch(some int, ahead []gp, store func(dst gp, offset int, kept register)) {
	dst, n := a.slice("dst")
	src := a.base("src")
	lanes, each := a.slice("lanes")
	if some > 1 {
		a.SHRQ(u8(3), n)
	}
	a.skipIfZero(n, "done")
	a.Label("source")
	bits := a.vec()
	a.VPBROADCASTQ(at(src, 0), bits)
	a.advance(8, src)
	// All lanes, or as many as are left.
	here, lane := a.movq(each), a.movq(lanes)
	a.CMPQ(n, here)
	a.CMOVQLT(n, here)
	a.SUBQ(here, n)
	a.Label("lanes")
	a.keptLanes(bits, lane, func(offset int, kept register) { store(dst, offset, kept) })
	a.advance(2*laneBytes, lane)
	a.advance(8*some, dst)
	// While this loop computes, memory would be idle: 3 to 5 % of applying were saved on maps
	// in the last-level cache. With stretch, which would ask for eight times as much, it lost.
	for _, p := range ahead {
		a.PREFETCHT0(at(p, 0))
		a.advance(64, p)
	}
	a.DECQ(here)
	a.JNZ(ref("lanes"))
	a.TESTQ(n, n)
	a.JNZ(ref("source"))
	a.Label("done")
	a.ret()
}

// keptLanes makes the lanes of a stretchLanes, a vector of them at a time.
func (a *amd64) keptLanes(bits vec, lane gp, store func(offset int, kept register)) {
	for offset := 0; offset < laneBytes; offset += a.isa.bytes {
		bit, v := at(lane, laneBytes+offset), a.vec()
		a.VPSHUFB(at(lane, offset), bits, v)
		if a.isa == avx512 {
			k := a.K()
			a.VPTESTMB(bit, v, k)
			store(offset, k)
			continue
		}
		one := a.load(bit)
		a.VPAND(one, v, v)
		a.VPCMPEQB(one, v, v)
		store(offset, v)
	}
}

// stretched has the loop make its words from those of the parameter words by lanes, while it
// waits for memory.
func (a *amd64) stretched(w *maskedLoop) {
	words := a.base("words")
	lanes, end := a.slice("lanes")
	lane := a.movq(lanes)
	a.SHLQ(u8(7), end) // by the size of a stretchLanes
	a.ADDQ(lanes, end)
	w.keep = a.leaq(a.AllocLocal(8))
	w.make = func() {
		bits := a.vec()
		a.VPBROADCASTQ(at(words, 0), bits)
		a.keptLanes(bits, lane, func(offset int, kept register) { a.storeBits(w.keep, offset, kept) })
		a.advance(2*laneBytes, lane)
		next := a.leaq(at(words, 8))
		a.CMPQ(lane, end)
		a.CMOVQEQ(lanes, lane)
		a.CMOVQEQ(next, words)
	}
}

func stretchNEON(a *neon) {
	// In which bit of a byte of the result a byte's is.
	weights := qwords{a, 16}.loads(1, a.table("byteBits", u64(0x8040201008040201), u64(0x8040201008040201)))[0]
	a.stretch(1, func(dst arm64.GP, kept []arm64.Vec) {
		for _, v := range kept {
			a.AND(v.B16(), v.B16(), weights.B16())
		}
		// Sums of neighbours, three times: eight bytes of eight bits.
		a.ADDP(kept[0].B16(), kept[0].B16(), kept[1].B16())
		a.ADDP(kept[2].B16(), kept[2].B16(), kept[3].B16())
		a.ADDP(kept[0].B16(), kept[0].B16(), kept[2].B16())
		a.ADDP(kept[0].B16(), kept[0].B16(), kept[0].B16())
		a.STR(kept[0].D(), dst.Off(0))
	})
}

func stretchBytesNEON(a *neon) {
	a.stretch(8, func(dst arm64.GP, kept []arm64.Vec) { qwords{a, 16}.store(kept, dst) })
}

func (a *neon) stretch(some int, store func(dst arm64.GP, kept []arm64.Vec)) {
	dst, n, src := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("src")
	lanes, each := a.LoadBase("lanes"), a.LoadLen("lanes")
	if some > 1 {
		a.LSR(n, n, 3)
	}
	a.CBZ(n, "done")
	a.Label("source")
	bits := a.Vec()
	a.LD1R(bits.D2(), src.Post(8))
	lane, here := a.set(lanes), a.set(each)
	a.CMP(n, each)
	a.BGE("all")
	a.MOV(here, n)
	a.Label("all")
	a.SUB(n, n, here)
	a.Label("lanes")
	kept := qwords{a, 16}.loads(4, lane)
	a.advance(laneBytes, lane)
	bit := qwords{a, 16}.loads(4, lane)
	a.advance(laneBytes, lane)
	for i, v := range kept {
		a.TBL(v.B16(), bits.B16(), v.B16())
		a.CMTST(v.B16(), v.B16(), bit[i].B16())
	}
	store(dst, kept)
	a.advance(8*some, dst)
	a.SUBS(here, here, 1)
	a.BNE("lanes")
	a.CBNZ(n, "source")
	a.Label("done")
	a.RET()
}
