package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

const (
	philoxM0 = 0xD2511F53
	philoxM1 = 0xCD9E8D57
	rounds   = 10

	headGroupWords  = 16
	headLevelStride = 512 // counters from a level to the next
)

// philoxState is four blocks, or eight: word i of each in the low half of the
// quadwords of x[i]. The high halves are anything, as VPMULUDQ ignores them.
type philoxState struct{ x [4]reg.VecVirtual }

// philoxConst is what the rounds need beside the counters.
type philoxConst struct {
	ks     reg.GPVirtual
	first  reg.GPVirtual // counter word 0
	m0, m1 reg.VecVirtual
	// What the first three rounds XOR in: until then some of the words are the
	// same in all blocks.
	same [4]operand.Mem
	even reg.Register // of a 64-byte vector's doublewords, the even ones
}

// philoxConst computes what blocks have in common that differ in counter word 0
// alone: words 0 and 1 behind the first round, word 3 behind the second one.
func (a *amd64) philoxConst() philoxConst {
	c := philoxConst{ks: a.param("ks"), first: a.GP64(), m0: a.vec(), m1: a.vec()}
	ctr := a.param("ctr")
	a.MOVL(at(ctr, 0), c.first.As32())
	a.VPBROADCASTQ(a.repeat64("philoxM0", philoxM0), c.m0)
	a.VPBROADCASTQ(a.repeat64("philoxM1", philoxM1), c.m1)
	if a.isa == avx512 {
		c.even = a.mask(0x5555)
	}
	frame := a.AllocLocal(4 * len(c.same))
	key := func(r, i int) operand.Mem { return at(c.ks, 8*r+4*i) }
	set := func(i int, v reg.GPVirtual) {
		c.same[i] = frame.Offset(4 * i)
		a.MOVL(v.As32(), c.same[i])
	}
	multiply := func(v reg.GPVirtual, by uint32) (high reg.GPVirtual) {
		m := a.GP64()
		a.MOVL(operand.U32(by), m.As32())
		a.IMULQ(m, v)
		high = a.GP64()
		a.MOVQ(v, high)
		a.SHRQ(operand.U8(32), high)
		return high
	}
	x1, x3 := a.GP64(), a.GP64()
	a.MOVL(at(ctr, 12), x3.As32())
	a.XORL(key(0, 1), x3.As32())
	set(0, x3) // round 0, word 2
	a.MOVL(at(ctr, 8), x1.As32())
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
func (a *amd64) counters(c philoxConst, n int) []reg.VecVirtual {
	values := make([]operand.Constant, maxStates*a.isa.bytes/8)
	for i := range values {
		values[i] = operand.U64(i)
	}
	lanes := a.data("counterLanes"+a.isa.name, values...)
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
func (a *amd64) xorHigh(hi reg.VecVirtual, k operand.Mem, x reg.VecVirtual) {
	if a.isa == avx512 {
		a.VPTERNLOGD_BCST(operand.U8(xor3), k, hi, x)
		return
	}
	key := a.vec()
	a.VPBROADCASTD(k, key)
	a.xorXor(key, hi, x) // The key first: x is there before hi.
}

// xorAll XORs x with a doubleword for all into to.
func (a *amd64) xorAll(k operand.Mem, x, to reg.VecVirtual) {
	if a.isa == avx512 {
		a.VPXORD_BCST(k, x, to)
		return
	}
	key := a.vec()
	a.VPBROADCASTD(k, key)
	a.xor(key, x, to)
}

// philoxBlocks runs the rounds but the last one, from the products of the first
// one on, which it leaves alone. The states go through a round together, so that
// the multipliers stay busy.
func (a *amd64) philoxBlocks(c philoxConst, p0 []reg.VecVirtual) []philoxState {
	s := make([]philoxState, len(p0))
	for i := range s {
		x2, q, hi := a.vec(), a.vec(), a.vec()
		a.VPSRLQ(operand.U8(32), p0[i], x2)
		a.xorAll(c.same[0], x2, x2)
		a.VPMULUDQ(x2, c.m1, q)
		a.VPSRLQ(operand.U8(32), q, hi)
		a.xorAll(c.same[1], hi, hi)
		a.xorAll(c.same[2], p0[i], x2)
		s[i].x = [4]reg.VecVirtual{hi, q, x2}
	}
	var all []halfRound
	for r := 2; r < rounds-1; r++ {
		for i := range s {
			x := &s[i].x
			all = append(all, halfRound{x: x[2], m: c.m1, key: at(c.ks, 8*r), to: x[1]})
		}
		for i := range s {
			x := &s[i].x
			h := halfRound{x: x[0], m: c.m0, key: at(c.ks, 8*r+4), to: x[3]}
			if r == 2 {
				x[3] = a.vec()
				h.key, h.to, h.fresh = c.same[3], x[3], true
			}
			all = append(all, h)
			*x = [4]reg.VecVirtual{x[1], x[2], x[3], x[0]}
		}
	}
	a.halfRounds(all, len(s))
	return s
}

// halfRound makes x its product with m, whose high half and a key it XORs to another
// word, or into one that is fresh.
type halfRound struct {
	x, m, to reg.VecVirtual
	key      operand.Mem
	fresh    bool
}

// halfRounds staggers the instructions of so many states, so that the units that
// multiply, shift and XOR have work at once: before a multiplication and its shift comes
// the XOR of the second half round before. In other orders a CPU of Zen 4 took 3 to 25 %
// more for these instructions. AVX2 has one register for the high half, no more: there
// a product waits for its shift as long as it can.
func (a *amd64) halfRounds(all []halfRound, states int) {
	lag, high := states, a.vecs(1) // Results are needed so many half rounds later as there are states.
	if a.isa == avx512 {
		lag = min(2, states)
		high = a.vecs(lag)
	}
	shift := func(i int) { a.VPSRLQ(operand.U8(32), all[i].x, high[i%len(high)]) }
	for i := range len(all) + lag {
		if j := i - lag; j >= 0 {
			if a.isa == avx2 {
				shift(j)
			}
			h, hi := all[j], high[j%len(high)]
			if h.fresh {
				a.xorAll(h.key, hi, h.to)
			} else {
				a.xorHigh(hi, h.key, h.to)
			}
		}
		if i < len(all) {
			a.VPMULUDQ(all[i].x, all[i].m, all[i].x)
			if a.isa == avx512 {
				shift(i)
			}
		}
	}
}

// lastRound is the last round of words 0 and 1, or 2 and 3, of each block: a
// half is hi ^ lo.
func (a *amd64) lastRound(c philoxConst, s philoxState, half int) (hi, lo reg.VecVirtual) {
	from, m := s.x[2], c.m1
	if half == 1 {
		from, m = s.x[0], c.m0
	}
	hi, lo = a.vec(), s.x[1+2*half]
	a.VPMULUDQ(from, m, hi)
	key := at(c.ks, 8*(rounds-1)+4*half)
	if a.isa == avx512 {
		a.VPXORD_BCST_Z(key, lo, c.even, lo)
	} else {
		a.xorAll(key, lo, lo)
		a.VPAND(a.repeat64("lowHalf", 1<<32-1), lo, lo)
	}
	a.VPSHUFD(operand.U8(0xb1), hi, hi)
	return hi, lo
}

func philox(a *amd64) {
	a.function("philox", "func(dst []uint32, ks "+roundKeysType+", ctr *[4]uint32)",
		"is philoxGeneric for a multiple of 32 words.")
	dst, n := a.slice("dst")
	c := a.philoxConst()
	blocks := a.isa.bytes / 8
	for _, states := range a.philoxStates() {
		a.loop(label("blocks%d", states), n, 4*states*blocks, func() {
			for i, s := range a.philoxBlocks(c, a.counters(c, states)) {
				var halves [2]reg.VecVirtual
				for half := range halves {
					hi, lo := a.lastRound(c, s, half)
					a.xor(hi, lo, lo)
					halves[half] = lo
				}
				a.storeBlocks(halves[0], halves[1], dst, 2*a.isa.bytes*i)
			}
			a.ADDQ(operand.U8(states*blocks), c.first)
			a.ADDQ(operand.U32(uint32(16*states*blocks)), dst)
		})
	}
	a.ret()
}

// maxStates of blocks go through the rounds together.
const maxStates = 6

// philoxStates go together: as many as there are registers for, then fewer.
func (a *amd64) philoxStates() []int {
	if a.isa == avx512 {
		return []int{maxStates, 4, 2, 1}
	}
	return []int{3, 1}
}

// storeBlocks stores halves block by block.
func (a *amd64) storeBlocks(lo, hi reg.VecVirtual, dst reg.GPVirtual, offset int) {
	if a.isa == avx512 {
		for half := range uint64(2) {
			var order []operand.Constant
			for i := range uint64(4) {
				order = append(order, operand.U64(4*half+i), operand.U64(8+4*half+i))
			}
			out := a.vec()
			a.move(a.data(label("blocks%d", half), order...), out)
			a.VPERMI2Q(hi, lo, out)
			a.move(out, at(dst, offset+64*int(half)))
		}
		return
	}
	even, odd, out := a.YMM(), a.YMM(), a.YMM()
	a.VPUNPCKLQDQ(hi, lo, even) // blocks 0 and 2
	a.VPUNPCKHQDQ(hi, lo, odd)  // blocks 1 and 3
	a.VPERM2I128(operand.U8(0x20), odd, even, out)
	a.move(out, at(dst, offset))
	a.VPERM2I128(operand.U8(0x31), odd, even, out)
	a.move(out, at(dst, offset+32))
}

// headStates go together, whole groups.
func (a *amd64) headStates() []int {
	if a.isa == avx512 {
		return []int{maxStates, 4, 2, 1}
	}
	return []int{2}
}

// head holds the counters' first products from level to level: these
// are as far apart as the counters times the multiplier. They and what it has of
// less, which is where it is to go, are in memory: registers are for the rounds.
func head(a *amd64) {
	a.function("head", "func(dst []uint64, ks "+roundKeysType+", ctr *[4]uint32, t uint32, k int)",
		"is headGeneric.")
	dst, n := a.slice("dst")
	c := a.philoxConst()
	t32, k := a.GP32(), a.param("k")
	a.Load(a.Param("t"), t32)
	t := t32.As64()
	blocks := a.isa.bytes / 8
	step := a.repeat64("levelStep", headLevelStride*philoxM0)
	frame := a.alignedLocal(a.headStates()[0] * a.isa.bytes)

	for _, states := range a.headStates() {
		group, level := label("group%d", states), label("level%d", states)
		a.loop(group, n, 2*states*blocks, func() {
			var less []operand.Mem
			for i := range states {
				// Counter j is of group j/8, its halves are words j%8 and j%8+8.
				j := i * blocks
				for half := range 2 {
					less = append(less, at(dst, 8*(j/8*headGroupWords+j%8+half*headGroupWords/2)))
				}
			}
			held := make([]operand.Mem, states)
			for i, p0 := range a.counters(c, states) {
				held[i] = at(frame, a.isa.bytes*i)
				a.move(p0, held[i])
			}
			levels, left := a.GP64(), a.GP64()
			a.MOVQ(t, levels)
			a.MOVQ(k, left)
			a.Label(level)
			{
				p0 := a.vecs(states)
				for i := range p0 {
					a.move(held[i], p0[i])
				}
				s := a.philoxBlocks(c, p0)
				for _, h := range held {
					next := a.vec()
					a.move(h, next)
					a.VPADDQ(step, next, next)
					a.move(next, h)
				}
				var hi, lo []reg.VecVirtual
				for i := range s {
					for half := range 2 {
						h, l := a.lastRound(c, s[i], half)
						hi, lo = append(hi, h), append(lo, l)
					}
				}
				// less = t ? less|r : less&r, r being hi ^ lo, which it is at first.
				or, and, done := label("or%d", states), label("and%d", states), label("done%d", states)
				a.CMPQ(left, k)
				a.JNE(operand.LabelRef(or))
				a.SHRQ(operand.U8(1), levels)
				for i := range less {
					a.xor(hi[i], lo[i], lo[i])
					a.move(lo[i], less[i])
				}
				a.JMP(operand.LabelRef(done))
				a.Label(or)
				a.SHRQ(operand.U8(1), levels)
				a.JCC(operand.LabelRef(and))
				for i := range less {
					a.lessOr(hi[i], lo[i], less[i])
				}
				a.JMP(operand.LabelRef(done))
				a.Label(and)
				for i := range less {
					a.lessAnd(hi[i], lo[i], less[i])
				}
				a.Label(done)
				a.DECQ(left)
				a.JNZ(operand.LabelRef(level))
			}
			a.ADDQ(operand.U8(states*blocks), c.first)
			a.ADDQ(operand.U32(uint32(8*2*states*blocks)), dst)
		})
	}
	a.ret()
}

// lessOr ORs hi ^ lo to less, and lessAnd ANDs it.

func (a *amd64) lessOr(hi, lo reg.VecVirtual, less operand.Mem) {
	if a.isa == avx512 {
		a.VPTERNLOGQ(operand.U8(xorOr), less, hi, lo)
	} else {
		a.xor(hi, lo, lo)
		a.or(less, lo, lo)
	}
	a.move(lo, less)
}

func (a *amd64) lessAnd(hi, lo reg.VecVirtual, less operand.Mem) {
	if a.isa == avx512 {
		a.VPTERNLOGQ(operand.U8(xorAnd), less, hi, lo)
	} else {
		a.xor(hi, lo, lo)
		a.and(less, lo, lo)
	}
	a.move(lo, less)
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
		keys: a.Local(8 + 32*(rounds-1)).Add(8),
		m0:   a.Vec(), m1: a.Vec(), lanes: [2]arm64.Vec{a.Vec(), a.Vec()},
	}
	ks, ctr := a.LoadParam("ks"), a.LoadParam("ctr")
	m := a.GP()
	a.MOV(m, philoxM0)
	a.DUP(p.m0.S4(), m.W())
	a.MOV(m, philoxM1)
	a.DUP(p.m1.S4(), m.W())
	var values []operand.Constant
	for i := range 8 {
		values = append(values, operand.U32(i))
	}
	t := a.table("counterLanes", values...)
	a.LDP(p.lanes[0].Q(), p.lanes[1].Q(), t.Off(0))

	spread := func(from arm64.GP) arm64.Vec {
		v := a.Vec()
		a.LD1R(v.S4(), from.Post(4))
		return v
	}
	a.LDR(p.first.W(), ctr.Post(4))
	c1, c2, c3 := spread(ctr), spread(ctr), spread(ctr)
	for r := range rounds {
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
func (a *neon) blocks(p neonPhilox, counter arm64.GP) (x [2][4]arm64.Vec) {
	for i := range x {
		c := a.Vec()
		a.DUP(c.S4(), counter.W())
		a.ADD(c.S4(), c.S4(), p.lanes[i].S4())
		half := a.multiply(c, p.m0)
		x2 := half.high(a)
		a.EOR(x2.B16(), x2.B16(), p.x3.B16())
		x[i] = [4]arm64.Vec{p.x0, p.x1, x2, half.low(a)}
	}
	for r := 1; r < rounds; r++ {
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

// philoxRound is philox.go's philoxRound in four lanes. The next round waits
// for the high halves: they come first.
func (a *neon) philoxRound(p neonPhilox, x [4]arm64.Vec, k0, k1 arm64.Vec) [4]arm64.Vec {
	product0, product1 := a.multiply(x[0], p.m0), a.multiply(x[2], p.m1)
	x1, x3 := a.Vec(), a.Vec()
	a.EOR(x1.B16(), x[1].B16(), k0.B16())
	a.EOR(x3.B16(), x[3].B16(), k1.B16())
	hi0, hi1 := product0.high(a), product1.high(a)
	a.EOR(hi1.B16(), hi1.B16(), x1.B16())
	a.EOR(hi0.B16(), hi0.B16(), x3.B16())
	return [4]arm64.Vec{hi1, product1.low(a), hi0, product0.low(a)}
}

func philoxNEON(a *neon) {
	a.function("philox", "func(dst []uint32, ks "+roundKeysType+", ctr *[4]uint32)",
		"is philoxGeneric for a multiple of 32 words.")
	dst, n := a.LoadBase("dst"), a.LoadLen("dst")
	p := a.philox()
	a.loop("blocks", n, 32, func() {
		for _, x := range a.blocks(p, p.first) {
			for half := range 2 {
				// Words 0 and 1, and 2 and 3, of two blocks; then the blocks.
				lo, hi, even, odd := a.Vec(), a.Vec(), a.Vec(), a.Vec()
				zip := a.ZIP1
				if half == 1 {
					zip = a.ZIP2
				}
				zip(lo.S4(), x[0].S4(), x[1].S4())
				zip(hi.S4(), x[2].S4(), x[3].S4())
				a.ZIP1(even.D2(), lo.D2(), hi.D2())
				a.ZIP2(odd.D2(), lo.D2(), hi.D2())
				a.STP(even.Q(), odd.Q(), dst.Post(32))
			}
		}
		a.ADD(p.first, p.first, 8)
	})
	a.RET()
}

func headNEON(a *neon) {
	a.function("head", "func(dst []uint64, ks "+roundKeysType+", ctr *[4]uint32, t uint32, k int)",
		"is headGeneric.")
	dst, n := a.LoadBase("dst"), a.LoadLen("dst")
	p := a.philox()
	t, k := a.LoadParam("t"), a.LoadParam("k")
	a.loop("group", n, headGroupWords, func() {
		less := a.Vecs(headGroupWords / 2)
		for _, l := range less {
			a.MOVI(l.D2(), 0)
		}
		levels, left, counter := a.GP(), a.GP(), a.GP()
		a.MOV(levels, t)
		a.MOV(left, k)
		a.MOV(counter, p.first)
		a.Label("level")
		{
			x := a.blocks(p, counter)
			a.ADD(counter, counter, headLevelStride)
			// The level's bit of t as a vector of ones or zeros.
			bit, tv := a.GP(), a.Vec()
			a.SBFX(bit, levels, 0, 1)
			a.DUP(tv.D2(), bit)
			for i, x := range x {
				for half := range 2 {
					lo, hi := a.Vec(), a.Vec()
					zip := a.ZIP1
					if half == 1 {
						zip = a.ZIP2
					}
					zip(lo.S4(), x[0].S4(), x[1].S4())
					zip(hi.S4(), x[2].S4(), x[3].S4())
					// less = t ? less|r : less&r: t where less and r differ.
					for j, r := range []arm64.Vec{lo, hi} {
						l := less[4*j+2*i+half]
						a.EOR(r.B16(), r.B16(), l.B16())
						a.BIT(l.B16(), tv.B16(), r.B16())
					}
				}
			}
			a.LSR(levels, levels, 1)
			a.SUBS(left, left, 1)
			a.BNE("level")
		}
		for i := 0; i < len(less); i += 2 {
			a.STP(less[i].Q(), less[i+1].Q(), dst.Post(32))
		}
		a.ADD(p.first, p.first, headGroupWords/2)
	})
	a.RET()
}

// A walk's fields and the gap table, as in grid.go and bernoulli.go.
const (
	walkNext = 4 * iota
	walkEnd
	walkBit
	walkCol
	walkRow
	walkPerCol
	walkColShift
	walkPerRow
	walkRowShift
	walkSkipRow
	walkSkipPlane
	walkInverseCol
	walkInverseRow
	walkBytes
)

const (
	gapCallLen = 512
	gapBits    = 10
	gapEscape  = 1<<gapBits - 1
	stampWords = 8
)

// The arrays that kernels take, as their stubs have them.
var (
	roundKeysType = label("*[%d][2]uint32", rounds)
	positionsType = label("*[%d]uint32", gapCallLen)
	gapTableType  = label("*[%d]uint32", 1<<gapBits)
	walkType      = label("*[%d]uint32", walkBytes/4)
	stampsType    = label("*[64][%d]uint64", stampWords)
)

// gaps takes eight words at a time: their table entries are loaded one
// by one (a gather is slow where microcode guards it), and gaps become positions
// by a prefix sum.
func gaps(a *amd64) {
	a.function("gaps", "func(positions "+positionsType+", drawn []uint32, t "+gapTableType+", w "+walkType+") (n int)",
		"is gapsGeneric for a multiple of eight drawn words.")
	positions, table, w := a.param("positions"), a.param("t"), a.param("w")
	drawn, left := a.slice("drawn")
	to := a.GP64()
	a.MOVQ(positions, to)
	escape, one, end, next := a.YMM(), a.YMM(), a.YMM(), a.YMM()
	a.VMOVDQU(a.repeat32("gapEscape", gapEscape), escape)
	a.VMOVDQU(a.repeat32("one32", 1), one)
	a.VPBROADCASTD(at(w, walkEnd), end)
	a.VPBROADCASTD(at(w, walkNext), next)
	compress := a.GP64()
	a.LEAQ(a.compressions(), compress)

	// Entries are loaded a turn ahead: the turn's vectors need not wait for them.
	ahead := a.YMM()
	a.CMPQ(left, operand.U8(8))
	a.JL(operand.LabelRef("drawDone"))
	a.gapEntries(drawn, table, ahead)
	a.loop("draw", left, 8, func() {
		own, fraction, e := a.YMM(), a.YMM(), a.YMM()
		a.VMOVDQA(ahead, e)
		a.VMOVDQU(at(drawn, 0), own)
		a.VPSLLD(operand.U8(gapBits), own, fraction)
		a.VPOR(escape, fraction, fraction)
		a.VPSRLD(operand.U8(32-gapBits), own, own)

		// Equal fractions are not below the threshold.
		notBelow, gap := a.YMM(), a.YMM()
		a.VPMAXUD(e, fraction, notBelow)
		a.VPCMPEQD(fraction, notBelow, notBelow)
		a.VPAND(escape, e, e)
		a.VPBLENDVB(notBelow, e, own, gap)

		none, after := a.YMM(), a.YMM()
		a.VPCMPEQD(escape, gap, none)
		a.VPADDD(one, gap, after)
		a.VPADDD(none, after, after) // behind the seed, if there is one
		a.prefixSum(after)
		a.VPADDD(next, after, after)
		a.VPERMD(after, a.load(a.repeat32("lane7", 7)), next)

		then := a.GP64()
		a.LEAQ(at(drawn, 32), then)
		a.CMPQ(left, operand.U8(16))
		a.CMOVQLT(drawn, then)
		a.gapEntries(then, table, ahead)

		// Of the positions those that are seeds before the end.
		position, seed := a.YMM(), a.YMM()
		a.VPSUBD(one, after, position)
		a.VPCMPGTD(position, end, seed)
		a.VPANDN(seed, none, seed)
		set, order := a.GP64(), a.YMM()
		a.VMOVMSKPS(seed, set.As32())
		a.VPMOVZXBD(operand.Mem{Base: compress, Index: set, Scale: 8}, order)
		a.VPERMD(position, order, position)
		a.VMOVDQU(position, at(to, 0))
		a.POPCNTL(set.As32(), set.As32())
		a.LEAQ(operand.Mem{Base: to, Index: set, Scale: 4}, to)

		a.ADDQ(operand.U8(32), drawn)
		past := a.GP32()
		a.VMOVD(next.AsX(), past)
		a.CMPL(past, at(w, walkEnd))
		a.JGE(operand.LabelRef("drawDone"))
	})
	a.VMOVD(next.AsX(), at(w, walkNext))
	a.SUBQ(positions, to)
	a.SHRQ(operand.U8(2), to)
	a.Store(to, a.ReturnIndex(0))
	a.ret()
}

// compressions has for each set of eight lanes their numbers, in bytes.
func (a *amd64) compressions() operand.Mem {
	var lanes []operand.Constant
	for set := range 256 {
		var v uint64
		n := 0
		for lane := range 8 {
			if set>>lane&1 != 0 {
				v |= uint64(lane) << (8 * n)
				n++
			}
		}
		lanes = append(lanes, operand.U64(v))
	}
	return a.data("compressions", lanes...)
}

// gapEntries loads the table's entries for the top bits of eight words.
func (a *amd64) gapEntries(drawn, table reg.GPVirtual, e reg.VecVirtual) {
	var halves [2]reg.VecVirtual
	for h := range halves {
		x := a.XMM()
		for i := 0; i < 4; i += 2 {
			// Two words at a time, as loads are what this waits for.
			first, second := a.GP64(), a.GP64()
			a.MOVQ(at(drawn, 16*h+4*i), second)
			a.MOVL(second.As32(), first.As32())
			a.SHRL(operand.U8(32-gapBits), first.As32())
			a.SHRQ(operand.U8(64-gapBits), second)
			for k, own := range []reg.GPVirtual{first, second} {
				entry := operand.Mem{Base: table, Index: own, Scale: 4}
				if i+k == 0 {
					a.VMOVD(entry, x)
				} else {
					a.VPINSRD(operand.U8(i+k), entry, x, x)
				}
			}
		}
		halves[h] = x
	}
	a.VINSERTI128(operand.U8(1), halves[1], halves[0].AsY(), e)
}

// prefixSum makes lane i the sum of the lanes 0 to i.
func (a *amd64) prefixSum(v reg.VecVirtual) {
	t := a.YMM()
	for _, bytes := range []uint8{4, 8} {
		a.VPSLLDQ(operand.U8(bytes), v, t)
		a.VPADDD(t, v, v)
	}
	// The sum of the lower four lanes goes to the upper four.
	a.VPERM2I128(operand.U8(0x08), v, v, t)
	a.VPSHUFD(operand.U8(0xff), t, t)
	a.VPADDD(t, v, v)
}

// ones takes a word at a time. With AVX-512 its ones select the numbers
// of their bits, of which more than 16 are rare.
func ones(a *amd64) {
	a.function("ones", "func(positions "+positionsType+", words []uint64, first uint32) (n int, used int)",
		"is onesGeneric.")
	positions := a.param("positions")
	words, left := a.slice("words")
	first, to, full := a.GP32(), a.GP64(), a.GP64()
	a.Load(a.Param("first"), first)
	a.MOVQ(positions, to)
	a.LEAQ(at(positions, 4*(gapCallLen-64)), full)
	var numbers, base, step reg.VecVirtual
	if a.isa == avx512 {
		numbers, base, step = a.ZMM(), a.ZMM(), a.ZMM()
		var values []operand.Constant
		for i := range uint64(8) {
			values = append(values, operand.U64(0x0706050403020100+0x0808080808080808*i))
		}
		a.VMOVDQU64(a.data("bitNumbers", values...), numbers)
		a.VPBROADCASTD(first, base)
		a.VMOVDQU64(a.repeat32("sixtyFour32", 64), step)
	}
	a.loop("words", left, 1, func() {
		a.CMPQ(to, full)
		a.JA(operand.LabelRef("wordsDone"))
		word, count := a.GP64(), a.GP64()
		a.MOVQ(at(words, 0), word)
		a.POPCNTQ(word, count)
		if a.isa == avx512 {
			k, list := a.K(), a.ZMM()
			a.KMOVQ(word, k)
			a.VPCOMPRESSB_Z(numbers, k, list)
			for q := range 4 {
				x, wide := list.AsX(), a.ZMM()
				if q > 0 {
					x = a.XMM()
					a.VEXTRACTI32X4(operand.U8(q), list, x)
				}
				a.VPMOVZXBD(x, wide)
				a.VPADDD(base, wide, wide)
				a.VMOVDQU64(wide, at(to, 64*q))
				if q == 0 {
					a.CMPQ(count, operand.U8(16))
					a.JLE(operand.LabelRef("few"))
				}
			}
			a.Label("few")
			a.VPADDD(step, base, base)
		} else {
			p, more := a.GP64(), a.GP64()
			a.MOVQ(to, more)
			a.Label("more")
			for i := range 8 {
				a.TZCNTQ(word, p)
				a.ADDL(first, p.As32())
				a.MOVL(p.As32(), at(more, 4*i))
				a.BLSRQ(word, word)
			}
			a.ADDQ(operand.U8(32), more)
			a.TESTQ(word, word)
			a.JNZ(operand.LabelRef("more"))
			a.ADDL(operand.U8(64), first)
		}
		a.LEAQ(operand.Mem{Base: to, Index: count, Scale: 4}, to)
		a.ADDQ(operand.U8(8), words)
	})
	total := a.GP64()
	a.Load(a.Param("words").Len(), total)
	a.SUBQ(left, total)
	a.Store(total, a.ReturnIndex(1))
	a.SUBQ(positions, to)
	a.SHRQ(operand.U8(2), to)
	a.Store(to, a.ReturnIndex(0))
	if a.isa == avx512 {
		a.VZEROUPPER()
	}
	a.RET()
}

// place takes a vector of positions at a time. Quotients are floored products
// with the float32 inverses, which inverse in grid.go shows to be exact.
func place(a *amd64) {
	lanes := a.isa.bytes / 4
	a.function("place", "func(bits []uint32, w "+walkType+")", "is placeGeneric for walks with inverses.")
	bits, n := a.slice("bits")
	w := a.param("w")
	field := func(offset int) reg.VecVirtual {
		v := a.vec()
		a.VPBROADCASTD(at(w, offset), v)
		return v
	}
	half := a.vec()
	a.VBROADCASTSS(a.data("half", operand.F32(0.5)), half)
	plusHalf := func(offset int) reg.VecVirtual {
		v := field(offset)
		a.VCVTDQ2PS(v, v)
		a.VADDPS(half, v, v)
		return v
	}
	bit, col, row := field(walkBit), plusHalf(walkCol), plusHalf(walkRow)
	skipRow, skipPlane := field(walkSkipRow), field(walkSkipPlane)
	perCol, perRow := field(walkInverseCol), field(walkInverseRow)
	place := func(v reg.VecVirtual) {
		q := a.vec()
		divide := func(n, from, inverse, skip reg.VecVirtual) {
			product := a.vec()
			a.VCVTDQ2PS(n, q)
			a.VADDPS(from, q, q)
			a.VMULPS(inverse, q, q)
			a.VCVTTPS2DQ(q, q)
			a.VPMULLD(skip, q, product)
			a.VPADDD(product, v, v)
		}
		divide(v, col, perCol, skipRow)
		divide(q, row, perRow, skipPlane)
		a.VPADDD(bit, v, v)
	}
	v := a.vec()
	a.loop("place", n, lanes, func() {
		a.move(at(bits, 0), v)
		place(v)
		a.move(v, at(bits, 0))
		a.ADDQ(operand.U8(a.isa.bytes), bits)
	})
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("end"))
	if a.isa == avx512 {
		set, mask := a.GP32(), a.K()
		a.MOVL(operand.U32(1<<32-1), set)
		a.BZHIL(n.As32(), set, set)
		a.KMOVW(set, mask)
		a.VMOVDQU32_Z(at(bits, 0), mask, v)
		place(v)
		a.VMOVDQU32(v, mask, at(bits, 0))
	} else {
		var numbers []operand.Constant
		for i := range 8 {
			numbers = append(numbers, operand.U32(i))
		}
		mask := a.vec()
		a.VMOVD(n.As32(), mask.AsX())
		a.VPBROADCASTD(mask.AsX(), mask)
		a.VPCMPGTD(a.data("lanes32", numbers...), mask, mask)
		a.VPMASKMOVD(at(bits, 0), mask, v)
		place(v)
		a.VPMASKMOVD(v, mask, at(bits, 0))
	}
	a.Label("end")
	a.ret()
}

func seeds(a *amd64) {
	a.function("seeds", "func(words []uint64, bits []uint32)", "is seedsGeneric.")
	words := a.base("words")
	bits, n := a.slice("bits")
	one := a.GP64()
	a.MOVL(operand.U32(1), one.As32())
	for _, step := range []int{8, 1} {
		a.loop(label("seeds%d", step), n, step, func() {
			for i := range step {
				word, bit := a.GP64(), a.GP64()
				a.MOVL(at(bits, 4*i), word.As32())
				a.SHLXQ(word, one, bit)
				a.SHRL(operand.U8(6), word.As32())
				a.ORQ(bit, operand.Mem{Base: words, Index: word, Scale: 8})
			}
			a.ADDQ(operand.U8(4*step), bits)
		})
	}
	a.RET()
}

// stamps holds the words from that of the last block's first bit on in
// a vector, moves it up to those of the next block and only stores: a load would
// wait for the stores that it overlaps.
func stamps(a *amd64) {
	a.function("stamps", "func(words []uint64, bits []uint32, stamps "+stampsType+", n int) (dropped int)",
		"is stampsGeneric.")
	words, stamps, size := a.base("words"), a.param("stamps"), a.param("n")
	bits, n := a.slice("bits")
	dropped := a.GP64()
	a.XORL(dropped.As32(), dropped.As32())
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("end"))
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
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef(odd))
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
		table, ones := a.GP64(), vec()
		var numbers []operand.Constant
		for i := range uint64(16) {
			numbers = append(numbers, operand.U64(i))
		}
		a.LEAQ(a.data("wordNumbers", numbers...), table)
		a.move(a.repeat64("allOnes", 1<<64-1), ones)
		return func(v reg.VecVirtual, by reg.GPVirtual) reg.VecVirtual {
			out := vec()
			a.move(operand.Mem{Base: table, Index: by, Scale: 8}, out)
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

// load loads a vector.
func (a *amd64) load(m operand.Mem) reg.VecVirtual {
	v := a.YMM()
	a.VMOVDQU(m, v)
	return v
}
