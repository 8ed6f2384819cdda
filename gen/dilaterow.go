package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// dilateRow has code for each number of steps: all but the last shift by a
// power of two, an immediate.
func dilateRow(a *amd64) {
	dst, n := a.slice("dst")
	src := a.base("src")
	b := a.param("b")

	const maxSteps = 6 // b ≤ 64
	for steps := range maxSteps {
		a.CMPQ(b, operand.U8(1<<steps))
		a.JLE(operand.LabelRef(label("steps%d", steps)))
	}
	for steps := maxSteps; steps >= 0; steps-- {
		a.Label(label("steps%d", steps))
		r := row{a: a, in: incoming{a: a, src: src}, dst: dst, steps: steps}
		if steps > 0 {
			a.SUBQ(operand.U8(1<<(steps-1)), b)
			r.last = a.shiftBy(b)
		}
		r.in.begin()
		a.overWords(label("%d", steps), n, r.emit)
		if steps > 0 {
			a.JMP(operand.LabelRef("done"))
		}
	}
	a.Label("done")
	a.ret()
}

// row is a row pass of a number of steps.
type row struct {
	a     *amd64
	in    incoming
	dst   reg.GPVirtual
	steps int
	last  shift // the last step's
}

func (r *row) emit(w words, unroll int) {
	a := r.a
	for i := range unroll {
		v, u := r.in.load(w, w.bytes*i)
		for step := range r.steps {
			s := r.last
			if step < r.steps-1 {
				s = shift{immediate: 1 << step}
			}
			// v, u = v|v<<s|u>>(64-s), u|u<<s; u is of no use behind the last step.
			t := w.new()
			s.funnel(w, v, u, t)
			a.or(t, v, v)
			if step < r.steps-1 {
				a.VPSLLQ(operand.U8(s.immediate), u, t)
				a.or(t, u, u)
			}
		}
		w.move(v, at(r.dst, w.bytes*i))
	}
	a.advance(w.bytes*unroll, r.in.src, r.dst)
}

func dilateRowNEON(a *neon) {
	dst, n, src := a.LoadBase("dst"), a.LoadLen("dst"), a.LoadBase("src")
	b := a.LoadParam("b")
	r := neonRow{a: a, dst: dst, src: src, next: a.GP()}
	a.ADD(r.next, src, 8)

	const maxSteps = 6 // b ≤ 64
	for steps := range maxSteps {
		a.CMP(b, 1<<steps)
		a.BLE(label("steps%d", steps))
	}
	for steps := maxSteps; steps >= 0; steps-- {
		a.Label(label("steps%d", steps))
		r.steps = steps
		if steps > 0 {
			a.SUB(b, b, 1<<(steps-1))
			r.last = a.shiftBy(b)
		}
		a.overWords(label("Of%d", steps), n, r.emit)
		if steps > 0 {
			a.B("done")
		}
	}
	a.Label("done")
	a.RET()
}

// neonRow is a row pass of a number of steps. next is the word behind src.
type neonRow struct {
	a              *neon
	dst, src, next arm64.GP
	steps          int
	last           neonShift
}

func (r *neonRow) emit(w qwords, unroll int) {
	a := r.a
	v, u := a.Vecs(unroll), a.Vecs(unroll)
	w.load(v, r.next)
	w.load(u, r.src)
	for i := range v {
		for step := range r.steps {
			// v, u = v|v<<s|u>>(64-s), u|u<<s
			t := a.Vec()
			if step == r.steps-1 {
				r.last.funnel(a, t, v[i], u[i])
				a.ORR(v[i].B16(), v[i].B16(), t.B16())
				break
			}
			s := 1 << step
			a.USHR(t.D2(), u[i].D2(), 64-s)
			a.SLI(t.D2(), v[i].D2(), s)
			a.ORR(v[i].B16(), v[i].B16(), t.B16())
			a.SHL(t.D2(), u[i].D2(), s)
			a.ORR(u[i].B16(), u[i].B16(), t.B16())
		}
	}
	w.store(v, r.dst)
	a.advance(w.bytes*unroll, r.src, r.next, r.dst)
}
