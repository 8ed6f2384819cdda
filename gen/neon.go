package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// neon is the instruction layer that the arm64 generators share. Operands are
// in the architecture's order, the destination first.
type neon struct {
	*arm64.Context
	element *elementNEON // what a kernel is emitted for, or nil
}

// loop runs body while n is at least step, and subtracts step from n each time. Bodies
// advance their pointers.
func (a *neon) loop(name string, n arm64.GP, step int, body func()) {
	a.SUBS(n, n, step)
	a.BLT(name + "Done")
	a.Label(name)
	body()
	a.SUBS(n, n, step)
	a.BGE(name)
	a.Label(name + "Done")
	a.ADD(n, n, step)
}

// advance moves pointers on.
func (a *neon) advance(bytes int, pointers ...arm64.GP) {
	for _, p := range pointers {
		a.ADD(p, p, bytes)
	}
}

// set is a register of a value: another register's or a constant.
func (a *neon) set(value any) arm64.GP {
	r := a.GP()
	a.MOV(r, value)
	return r
}

// table is the address of a read-only table.
func (a *neon) table(name string, values ...datum) arm64.GP {
	p := a.GP()
	a.ADR(p, a.Data(name, values...))
	return p
}

// qwords is a vector of two words, or a single one in the low half of a
// register that is zero elsewhere.
type qwords struct {
	a     *neon
	bytes int
}

// load loads consecutive vectors, in pairs if there are several.
func (w qwords) load(v []arm64.Vec, from arm64.GP) { w.move(v, from, w.a.LDR, w.a.LDP) }

func (w qwords) loads(n int, from arm64.GP) []arm64.Vec {
	v := w.a.Vecs(n)
	w.load(v, from)
	return v
}

func (w qwords) store(v []arm64.Vec, to arm64.GP) { w.move(v, to, w.a.STR, w.a.STP) }

func (w qwords) move(v []arm64.Vec, p arm64.GP, one func(t arm64.Operand, m arm64.Mem), two func(t, u arm64.Operand, m arm64.Mem)) {
	switch {
	case w.bytes == 8:
		one(v[0].D(), p.Off(0))
	case len(v) == 1:
		one(v[0].Q(), p.Off(0))
	default:
		for i := 0; i < len(v); i += 2 {
			two(v[i].Q(), v[i+1].Q(), p.Off(16*i))
		}
	}
}
