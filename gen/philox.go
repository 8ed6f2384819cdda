package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// philoxState is four blocks, or eight: word i of each in the low half of the
// quadwords of the i-th. The high halves are anything, as VPMULUDQ ignores them.
type philoxState [4]vec

// philoxConst is what the rounds need beside the counters.
type philoxConst struct {
	ks     gp
	first  gp // counter word 0
	m0, m1 vec
	// What the first three rounds XOR in: until then some of the words are the
	// same in all blocks.
	same [4]mem
	even register // of a 64-byte vector's doublewords, the even ones
}

// philoxConst computes what blocks have in common that differ in counter word 0
// alone: words 0 and 1 behind the first round, word 3 behind the second one.
func (a *amd64) philoxConst() philoxConst {
	c := philoxConst{ks: a.param("ks"), first: a.GP64(), m0: a.vec(), m1: a.vec()}
	ctr := a.param("ctr")
	a.MOVL(at(ctr, 0), c.first.As32())
	a.VPBROADCASTQ(a.repeat64("philoxM0", uint64(philoxM0)), c.m0)
	a.VPBROADCASTQ(a.repeat64("philoxM1", uint64(philoxM1)), c.m1)
	if a.isa == avx512 {
		c.even = a.mask(0x5555)
	}
	frame := a.AllocLocal(4 * len(c.same))
	key := func(r, i int) mem { return at(c.ks, 8*r+4*i) }
	set := func(i int, v gp) {
		c.same[i] = frame.Offset(4 * i)
		a.MOVL(v.As32(), c.same[i])
	}
	multiply := func(v gp, by int) (high gp) {
		m := a.movl(u32(by))
		a.IMULQ(m, v)
		high = a.movq(v)
		a.SHRQ(u8(32), high)
		return high
	}
	x3 := a.movl(at(ctr, 12))
	a.XORL(key(0, 1), x3.As32())
	set(0, x3) // round 0, word 2
	x1 := a.movl(at(ctr, 8))
	x0 := multiply(x1, philoxM1)
	a.XORL(at(ctr, 4), x0.As32())
	a.XORL(key(0, 0), x0.As32())
	a.XORL(key(1, 0), x1.As32())
	set(1, x1) // round 1, word 0
	x2 := multiply(x0, philoxM0)
	a.XORL(key(1, 1), x2.As32())
	set(2, x2) // round 1, word 2
	a.XORL(key(2, 1), x0.As32())
	set(3, x0) // round 2, word 2
	return c
}

// counters is the products of the first round from counter word 0 on, for n
// states.
func (a *amd64) counters(c philoxConst, n int) []vec {
	lanes := a.data("counterLanes"+a.isa.name, table(maxStates*a.isa.bytes/8, number[u64])...)
	first, p0 := a.vec(), a.vecs(n)
	a.VMOVQ(c.first, first.AsX())
	a.VPBROADCASTQ(first.AsX(), first)
	for i, p := range p0 {
		a.VPADDD(lanes.Offset(a.isa.bytes*i), first, p)
		a.VPMULUDQ(p, c.m0, p)
	}
	return p0
}

// xorHigh XORs hi and a doubleword for all to x.
func (a *amd64) xorHigh(hi vec, k mem, x vec) {
	if a.isa == avx512 {
		a.VPTERNLOGD_BCST(u8(xor3), k, hi, x)
		return
	}
	a.xor(a.spread(k), x, x) // The key first: x is there before hi.
	a.xor(hi, x, x)
}

// xorAll XORs x with a doubleword for all into to.
func (a *amd64) xorAll(k mem, x, to vec) {
	if a.isa == avx512 {
		a.VPXORD_BCST(k, x, to)
	} else {
		a.xor(a.spread(k), x, to)
	}
}

// philoxBlocks runs the rounds but the last one, from the products of the first
// one on, which it leaves alone. The states go through a round together, so that
// the multipliers stay busy.
func (a *amd64) philoxBlocks(c philoxConst, p0 []vec) []philoxState {
	s := make([]philoxState, len(p0))
	for i := range s {
		x2, q, hi := a.vec(), a.vec(), a.vec()
		a.VPSRLQ(u8(32), p0[i], x2)
		a.xorAll(c.same[0], x2, x2)
		a.VPMULUDQ(x2, c.m1, q)
		a.VPSRLQ(u8(32), q, hi)
		a.xorAll(c.same[1], hi, hi)
		a.xorAll(c.same[2], p0[i], x2)
		s[i] = philoxState{hi, q, x2}
	}
	var all []halfRound
	for r := 2; r < philoxRounds-1; r++ {
		for i := range s {
			all = append(all, halfRound{x: s[i][2], m: c.m1, key: at(c.ks, 8*r), to: s[i][1]})
		}
		for i := range s {
			x := &s[i]
			h := halfRound{x: x[0], m: c.m0, key: at(c.ks, 8*r+4), to: x[3]}
			if r == 2 {
				x[3] = a.vec()
				h.key, h.to, h.fresh = c.same[3], x[3], true
			}
			all = append(all, h)
			*x = philoxState{x[1], x[2], x[3], x[0]}
		}
	}
	a.halfRounds(all, len(s))
	return s
}

// halfRound makes x its product with m, whose high half and a key it XORs to another
// word, or into one that is fresh.
type halfRound struct {
	x, m, to vec
	key      mem
	fresh    bool
}

// halfRounds staggers the instructions of several states, so that the units for
// multiplications, shifts and XORs work at the same time: a multiplication and its shift
// follow the XOR of the second half round before. Other orders took 3 to 25 % longer on
// Zen 4. AVX2 has only one register left for the high half: there a shift is as far
// behind its multiplication as possible.
func (a *amd64) halfRounds(all []halfRound, states int) {
	lag, high := states, a.vecs(1) // Results are needed so many half rounds later as there are states.
	if a.isa == avx512 {
		lag = min(2, states)
		high = a.vecs(lag)
	}
	shift := func(i int) { a.VPSRLQ(u8(32), all[i].x, high[i%len(high)]) }
	for i := range len(all) + lag {
		if j := i - lag; j >= 0 {
			if a.isa == avx2 {
				shift(j)
			}
			// x1 ^= k0 ^ p1>>32, or x3 ^= k1 ^ p0>>32
			h, hi := all[j], high[j%len(high)]
			if h.fresh {
				a.xorAll(h.key, hi, h.to)
			} else {
				a.xorHigh(hi, h.key, h.to)
			}
		}
		if i < len(all) {
			// p := uint64(x) * m, whose low half is the next round's x1 or x3
			a.VPMULUDQ(all[i].x, all[i].m, all[i].x)
			if a.isa == avx512 {
				shift(i)
			}
		}
	}
}

// lastRound is the last round of words 0 and 1, or 2 and 3, of each block: a
// half is hi ^ lo.
func (a *amd64) lastRound(c philoxConst, s philoxState, half int) (hi, lo vec) {
	from, m := s[2], c.m1
	if half == 1 {
		from, m = s[0], c.m0
	}
	hi, lo = a.vec(), s[1+2*half]
	a.VPMULUDQ(from, m, hi)
	key := at(c.ks, 8*(philoxRounds-1)+4*half)
	if a.isa == avx512 {
		a.VPXORD_BCST_Z(key, lo, c.even, lo)
	} else {
		a.xorAll(key, lo, lo)
		a.VPAND(a.repeat64("lowHalf", 1<<32-1), lo, lo)
	}
	a.VPSHUFD(u8(0xb1), hi, hi)
	return hi, lo
}

func philox(a *amd64) {
	dst, n := a.slice("dst")
	c := a.philoxConst()
	blocks := a.isa.bytes / 8
	for _, states := range a.states(3, 1) {
		a.loop(label("blocks%d", states), n, 4*states*blocks, func() {
			for i, s := range a.philoxBlocks(c, a.counters(c, states)) {
				var halves [2]vec
				for half := range halves {
					hi, lo := a.lastRound(c, s, half)
					a.xor(hi, lo, lo)
					halves[half] = lo
				}
				a.storeBlocks(halves[0], halves[1], dst, 2*a.isa.bytes*i)
			}
			a.ADDQ(u8(states*blocks), c.first)
			a.advance(16*states*blocks, dst)
		})
	}
	a.ret()
}

// maxStates of blocks go through the rounds together.
const maxStates = 6

// states go together: as many as there are registers for, then fewer. Those of AVX2 depend
// on the kernel.
func (a *amd64) states(ofAVX2 ...int) []int {
	if a.isa == avx512 {
		return []int{maxStates, 4, 2, 1}
	}
	return ofAVX2
}

// storeBlocks stores halves block by block.
func (a *amd64) storeBlocks(lo, hi vec, dst gp, offset int) {
	if a.isa == avx512 {
		for half := range 2 {
			order := table(8, func(i int) u64 { return u64(4*half + i/2 + i%2*8) })
			out := a.load(a.data(label("blocks%d", half), order...))
			a.VPERMI2Q(hi, lo, out)
			a.move(out, at(dst, offset+64*half))
		}
		return
	}
	even, odd, out := a.YMM(), a.YMM(), a.YMM()
	a.VPUNPCKLQDQ(hi, lo, even) // blocks 0 and 2
	a.VPUNPCKHQDQ(hi, lo, odd)  // blocks 1 and 3
	a.VPERM2I128(u8(0x20), odd, even, out)
	a.move(out, at(dst, offset))
	a.VPERM2I128(u8(0x31), odd, even, out)
	a.move(out, at(dst, offset+32))
}

// neonPhilox is eight blocks, in two states of four: word i of each in the
// lanes of x[i]. LD1R and MOV take a vector unit's turn that the rounds want:
// the keys are spread out once, into the frame, and of the first round only
// what depends on counter word 0 is left to the blocks.
type neonPhilox struct {
	first  arm64.GP  // counter word 0
	keys   arm64.Mem // two vectors for each round but the first
	m0, m1 arm64.Vec
	lanes  [2]arm64.Vec
	x0, x1 arm64.Vec // words 0 and 1 behind the first round
	x3     arm64.Vec // word 3 with its key
}

func (a *neon) philox() neonPhilox {
	p := neonPhilox{
		first: a.GP(),
		// Behind the link register's 8 bytes, aligned to 16 for LDP.
		keys: a.Local(8 + 32*(philoxRounds-1)).Add(8),
		m0:   a.Vec(), m1: a.Vec(), lanes: [2]arm64.Vec{a.Vec(), a.Vec()},
	}
	ks, ctr := a.LoadParam("ks"), a.LoadParam("ctr")
	a.DUP(p.m0.S4(), a.set(philoxM0).W())
	a.DUP(p.m1.S4(), a.set(philoxM1).W())
	t := a.table("counterLanes", table(8, number[u32])...)
	a.LDP(p.lanes[0].Q(), p.lanes[1].Q(), t.Off(0))

	spread := func(from arm64.GP) arm64.Vec {
		v := a.Vec()
		a.LD1R(v.S4(), from.Post(4))
		return v
	}
	a.LDR(p.first.W(), ctr.Post(4))
	c1, c2, c3 := spread(ctr), spread(ctr), spread(ctr)
	for r := range philoxRounds {
		k0, k1 := spread(ks), spread(ks)
		if r == 0 {
			a.EOR(c1.B16(), c1.B16(), k0.B16())
			a.EOR(c3.B16(), c3.B16(), k1.B16())
			continue
		}
		a.STP(k0.Q(), k1.Q(), p.keys.Add(32*(r-1)))
	}
	half := a.multiply(c2, p.m1)
	p.x0, p.x1, p.x3 = half.high(a), half.low(a), c3
	a.EOR(p.x0.B16(), p.x0.B16(), c1.B16())
	return p
}

// blocks runs the ten rounds from counter word 0, the states together.
func (a *neon) blocks(p neonPhilox, counter arm64.GP) [2][4]arm64.Vec {
	return a.blocksOf(p, func(i int, c arm64.Vec) {
		a.DUP(c.S4(), counter.W())
		a.ADD(c.S4(), c.S4(), p.lanes[i].S4())
	})
}

// blocksOf is blocks of any counters: set sets those of a state.
func (a *neon) blocksOf(p neonPhilox, set func(i int, c arm64.Vec)) (x [2][4]arm64.Vec) {
	for i := range x {
		c := a.Vec()
		set(i, c)
		half := a.multiply(c, p.m0)
		x2 := half.high(a)
		a.EOR(x2.B16(), x2.B16(), p.x3.B16())
		x[i] = [4]arm64.Vec{p.x0, p.x1, x2, half.low(a)}
	}
	for r := 1; r < philoxRounds; r++ {
		k0, k1 := a.Vec(), a.Vec()
		a.LDP(k0.Q(), k1.Q(), p.keys.Add(32*(r-1)))
		for i := range x {
			x[i] = a.philoxRound(p, x[i], k0, k1)
		}
	}
	return x
}

// product is the products of four lanes, in two vectors of two.
type product [2]arm64.Vec

func (a *neon) multiply(x, m arm64.Vec) product {
	p := product{a.Vec(), a.Vec()}
	a.UMULL(p[0].D2(), x.S2(), m.S2())
	a.UMULL2(p[1].D2(), x.S4(), m.S4())
	return p
}

func (p product) low(a *neon) arm64.Vec {
	lo := a.Vec()
	a.UZP1(lo.S4(), p[0].S4(), p[1].S4())
	return lo
}

func (p product) high(a *neon) arm64.Vec {
	hi := a.Vec()
	a.UZP2(hi.S4(), p[0].S4(), p[1].S4())
	return hi
}

// philoxRound is philox.go's philoxRound in four lanes. The high halves are on the
// critical path of the next round and come first.
func (a *neon) philoxRound(p neonPhilox, x [4]arm64.Vec, k0, k1 arm64.Vec) [4]arm64.Vec {
	// p0 := uint64(x0) * philoxM0
	// p1 := uint64(x2) * philoxM1
	// return p1>>32 ^ (x1 ^ k0), p1, p0>>32 ^ (x3 ^ k1), p0
	product0, product1 := a.multiply(x[0], p.m0), a.multiply(x[2], p.m1)
	x1, x3 := a.Vec(), a.Vec()
	a.EOR(x1.B16(), x[1].B16(), k0.B16())
	a.EOR(x3.B16(), x[3].B16(), k1.B16())
	hi0, hi1 := product0.high(a), product1.high(a)
	a.EOR(hi1.B16(), hi1.B16(), x1.B16())
	a.EOR(hi0.B16(), hi0.B16(), x3.B16())
	return [4]arm64.Vec{hi1, product1.low(a), hi0, product0.low(a)}
}

// half is the words 0 and 1, and 2 and 3, of the lower or the upper two of four blocks.
func (a *neon) half(x [4]arm64.Vec, half int) [2]arm64.Vec {
	lo, hi := a.Vec(), a.Vec()
	zip := a.ZIP1
	if half == 1 {
		zip = a.ZIP2
	}
	zip(lo.S4(), x[0].S4(), x[1].S4())
	zip(hi.S4(), x[2].S4(), x[3].S4())
	return [2]arm64.Vec{lo, hi}
}

func philoxNEON(a *neon) {
	dst, n := a.LoadBase("dst"), a.LoadLen("dst")
	p := a.philox()
	a.loop("blocks", n, 32, func() {
		for _, x := range a.blocks(p, p.first) {
			for half := range 2 {
				v, even, odd := a.half(x, half), a.Vec(), a.Vec()
				a.ZIP1(even.D2(), v[0].D2(), v[1].D2())
				a.ZIP2(odd.D2(), v[0].D2(), v[1].D2())
				a.STP(even.Q(), odd.Q(), dst.Post(32))
			}
		}
		a.ADD(p.first, p.first, 8)
	})
	a.RET()
}
