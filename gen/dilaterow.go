package main

import "github.com/dropblock-go/dropblock/asm/arm64"

const rowSteps = 6 // b ≤ 64

// dilateRow has code for each number of steps: all but the last shift by a
// power of two, an immediate.
func dilateRow(a *amd64) {
	dst, n := a.slice("dst")
	in := incoming{a: a, src: a.base("src")}
	b := a.param("b")
	for steps := range rowSteps {
		a.CMPQ(b, u8(1<<steps))
		a.JLE(ref(label("steps%d", steps)))
	}
	for steps := rowSteps; steps >= 0; steps-- {
		a.Label(label("steps%d", steps))
		var last shift
		if steps > 0 {
			a.SUBQ(u8(1<<(steps-1)), b)
			last = a.shiftBy(b)
		}
		in.begin()
		a.overWords(label("%d", steps), n, func(w words, unroll int) {
			for i := range unroll {
				v, u := in.load(w, w.bytes*i)
				w.row(v, u, steps, last)
				w.move(v, at(dst, w.bytes*i))
			}
			a.advance(w.bytes*unroll, in.src, dst)
		})
		if steps > 0 {
			a.JMP(ref("done"))
		}
	}
	a.Label("done")
	a.ret()
}

// row takes v through the steps of a row pass. u is the words before.
func (w words) row(v, u vec, steps int, last shift) {
	for step := range steps {
		// v, u = v|v<<s|u>>(64-s), u|u<<s; u is of no use behind the last step.
		t := w.new()
		if step == steps-1 {
			last.funnel(w, v, u, t)
			w.a.or(t, v, v)
			break
		}
		s := shift{immediate: 1 << step}
		s.funnel(w, v, u, t)
		w.a.or(t, v, v)
		w.a.VPSLLQ(u8(s.immediate), u, t)
		w.a.or(t, u, u)
	}
}

func dilateRowNEON(a *neon) {
	dst, n, src := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("src")
	b, next := a.LoadParam("b"), a.GP()
	a.ADD(next, src, 8)
	for steps := range rowSteps {
		a.CMP(b, 1<<steps)
		a.BLE(label("steps%d", steps))
	}
	for steps := rowSteps; steps >= 0; steps-- {
		a.Label(label("steps%d", steps))
		var last neonShift
		if steps > 0 {
			a.SUB(b, b, 1<<(steps-1))
			last = a.shiftBy(b)
		}
		a.overWords(label("Of%d", steps), n, func(w qwords, unroll int) {
			v, u := w.loads(unroll, next), w.loads(unroll, src)
			for i := range v {
				a.row(v[i], u[i], steps, last)
			}
			w.store(v, dst)
			a.advance(w.bytes*unroll, src, next, dst)
		})
		if steps > 0 {
			a.B("done")
		}
	}
	a.Label("done")
	a.RET()
}

func (a *neon) row(v, u arm64.Vec, steps int, last neonShift) {
	for step := range steps {
		// v, u = v|v<<s|u>>(64-s), u|u<<s
		t := a.Vec()
		if step == steps-1 {
			last.funnel(a, t, v, u)
			a.ORR(v.B16(), v.B16(), t.B16())
			break
		}
		s := 1 << step
		a.USHR(t.D2(), u.D2(), 64-s)
		a.SLI(t.D2(), v.D2(), s)
		a.ORR(v.B16(), v.B16(), t.B16())
		a.SHL(t.D2(), u.D2(), s)
		a.ORR(u.B16(), u.B16(), t.B16())
	}
}
