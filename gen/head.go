package main

// head holds the counters' first products from level to level: these
// are as far apart as the counters times the multiplier. They and what it has of
// less, which is where it is to go, are in memory: registers are for the rounds.
func head(a *amd64) {
	dst, n := a.slice("dst")
	c := a.philoxConst()
	t32, levels := a.GP32(), a.param("levels")
	a.Load(a.Param("t"), t32)
	t := t32.As64()
	blocks := a.isa.bytes / 8
	step := a.repeat64("levelStep", uint64(headLevelStride*philoxM0))
	all := a.states(2) // whole groups
	frame := a.alignedLocal(all[0] * a.isa.bytes)

	for _, states := range all {
		group, level := label("group%d", states), label("level%d", states)
		a.loop(group, n, 2*states*blocks, func() {
			var less []mem
			for i := range states {
				// Counter j is of group j/8, its halves are words j%8 and j%8+8.
				j := i * blocks
				for half := range 2 {
					less = append(less, at(dst, 8*(j/8*headGroupWords+j%8+half*headGroupWords/2)))
				}
			}
			held := make([]mem, states)
			for i, p0 := range a.counters(c, states) {
				held[i] = at(frame, a.isa.bytes*i)
				a.move(p0, held[i])
			}
			bits, left := a.movq(t), a.movq(levels)
			a.Label(level)
			{
				p0 := make([]vec, states)
				for i := range p0 {
					p0[i] = a.load(held[i])
				}
				s := a.philoxBlocks(c, p0)
				for _, h := range held {
					next := a.load(h)
					a.VPADDQ(step, next, next)
					a.move(next, h)
				}
				var hi, lo []vec
				for i := range s {
					for half := range 2 {
						h, l := a.lastRound(c, s[i], half)
						hi, lo = append(hi, h), append(lo, l)
					}
				}
				// less = t ? less|r : less&r, r being hi ^ lo, which it is at first.
				or, and, done := label("or%d", states), label("and%d", states), label("done%d", states)
				a.CMPQ(left, levels)
				a.JNE(ref(or))
				a.SHRQ(u8(1), bits)
				for i := range less {
					a.xor(hi[i], lo[i], lo[i])
					a.move(lo[i], less[i])
				}
				a.JMP(ref(done))
				a.Label(or)
				a.SHRQ(u8(1), bits)
				a.JCC(ref(and))
				a.joinLess(hi, lo, less, xorOr, a.or)
				a.JMP(ref(done))
				a.Label(and)
				a.joinLess(hi, lo, less, xorAnd, a.and)
				a.Label(done)
				a.DECQ(left)
				a.JNZ(ref(level))
			}
			a.ADDQ(u8(states*blocks), c.first)
			a.advance(8*2*states*blocks, dst)
		})
	}
	a.ret()
}

// joinLess joins hi ^ lo to less, by a truth table or the operation.
func (a *amd64) joinLess(hi, lo []vec, less []mem, table uint8, join func(x, y, z op)) {
	for i := range less {
		if a.isa == avx512 {
			a.VPTERNLOGQ(u8(table), less[i], hi[i], lo[i])
		} else {
			a.xor(hi[i], lo[i], lo[i])
			join(less[i], lo[i], lo[i])
		}
		a.move(lo[i], less[i])
	}
}

func headNEON(a *neon) {
	dst, n := a.LoadBase("dst"), a.LoadLen("dst")
	p := a.philox()
	t, levels := a.LoadParam("t"), a.LoadParam("levels")
	a.loop("group", n, headGroupWords, func() {
		less := a.Vecs(headGroupWords / 2)
		for _, l := range less {
			a.MOVI(l.D2(), 0)
		}
		bits, left, counter := a.set(t), a.set(levels), a.set(p.first)
		a.Label("level")
		{
			x := a.blocks(p, counter)
			a.ADD(counter, counter, headLevelStride)
			// The level's bit of t as a vector of ones or zeros.
			bit, tv := a.GP(), a.Vec()
			a.SBFX(bit, bits, 0, 1)
			a.DUP(tv.D2(), bit)
			for i, x := range x {
				for half := range 2 {
					// less = t ? less|r : less&r: t where less and r differ.
					for j, r := range a.half(x, half) {
						l := less[4*j+2*i+half]
						a.EOR(r.B16(), r.B16(), l.B16())
						a.BIT(l.B16(), tv.B16(), r.B16())
					}
				}
			}
			a.LSR(bits, bits, 1)
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
