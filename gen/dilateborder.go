package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// dilateBorder has special code for shifts below 64, which only read adjacent words.
func dilateBorder(a *amd64) {
	dst, n := a.slice("dst")
	in := incoming{a: a, src: a.base("src")}
	masks := [2]gp{a.base("up"), a.base("down")}
	shift := a.param("shift")
	count := a.movq(shift)
	a.ANDQ(u8(63), count)
	up := a.shiftBy(count)
	down := up
	if a.isa == avx2 { // A shift down by s is a shift up by 64-s from the words behind.
		a.NEGQ(count)
		a.ADDQ(u8(64), count)
		down = a.shiftBy(count)
	}
	a.SHRQ(u8(6), shift)
	here := a.leaq(at(in.src, 8).Idx(shift, 8))
	after := a.leaq(at(here, 0).Idx(shift, 8))
	in.begin()

	emit := func(near bool) func(w words, unroll int) {
		return func(w words, unroll int) {
			for i := range unroll {
				offset := w.bytes * i
				low, before := in.load(w, offset)
				v, lower := low, low
				if !near {
					v, lower = w.load(at(here, offset)), w.load(at(after, offset))
				}
				upper := w.load(at(after, offset+8))
				// u := before[i+1]<<s | before[i]>>(64-s)
				// d := after[i]>>s | after[i+1]<<(64-s)
				// dst[i] = v | u&up[i] | d&down[i]
				x, y := w.new(), w.new()
				up.funnel(w, low, before, x)
				if a.isa == avx512 {
					a.move(lower, y)
					a.VPSHRDVQ(w.as(down.count), upper, y)
				} else {
					down.funnel(w, upper, lower, y)
				}
				a.andOr(w.load(at(masks[0], offset)), v, x)
				a.andOr(w.load(at(masks[1], offset)), x, y)
				w.move(y, at(dst, offset))
			}
			a.advance(w.bytes*unroll, in.src, here, after, masks[0], masks[1], dst)
		}
	}
	a.TESTQ(shift, shift)
	a.JNZ(ref("far"))
	a.overWords("Near", n, emit(true))
	a.JMP(ref("done"))
	a.Label("far")
	a.overWords("", n, emit(false))
	a.Label("done")
	a.ret()
}

func dilateBorderNEON(a *neon) {
	dst, n, src := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("src")
	maskUp, maskDown := a.LoadBase("up"), a.LoadBase("down")
	shift, count := a.LoadParam("shift"), a.GP()
	a.AND(count, shift, 63)
	up := a.shiftBy(count)
	// A shift down by s is a shift up by 64-s from the words behind.
	down := neonShift{a.Vec(), a.Vec()}
	a.NEG(down.left.D2(), up.right.D2())
	a.NEG(down.right.D2(), up.left.D2())
	a.LSR(shift, shift, 6)
	next, here, after, behind := a.GP(), a.GP(), a.GP(), a.GP()
	a.ADD(next, src, 8)
	a.ADD(here, next, shift.LSL(3))
	a.ADD(after, here, shift.LSL(3))
	a.ADD(behind, after, 8)
	a.overWords("", n, func(w qwords, unroll int) {
		load := func(p arm64.GP) []arm64.Vec { return w.loads(unroll, p) }
		v, low, before, lower, upper := load(here), load(next), load(src), load(after), load(behind)
		masks := [2][]arm64.Vec{load(maskUp), load(maskDown)}
		for i := range v {
			// dst[i] = v | u&up[i] | d&down[i]
			x, y := a.Vec(), a.Vec()
			up.funnel(a, x, low[i], before[i])
			down.funnel(a, y, upper[i], lower[i])
			a.AND(x.B16(), x.B16(), masks[0][i].B16())
			a.AND(y.B16(), y.B16(), masks[1][i].B16())
			a.ORR(v[i].B16(), v[i].B16(), x.B16())
			a.ORR(v[i].B16(), v[i].B16(), y.B16())
		}
		w.store(v, dst)
		a.advance(w.bytes*unroll, src, next, here, after, behind, maskUp, maskDown, dst)
	})
	a.RET()
}
