package main

func scaleRuns(a *amd64)       { a.scaleRuns(false) }
func scaleRunsStream(a *amd64) { a.scaleRuns(true) }

// scaleRuns keeps the scale of the run that a word begins in. A word in which runs end gets
// the next two scales besides, of which masks of the lanes behind an end take.
func (a *amd64) scaleRuns(stream bool) {
	w := maskedLoop{n: a.GP64(), keep: a.base("keep"), dst: a.base("dst"), src: a.base("src"), stream: stream}
	a.Load(a.Param("src").Len(), w.n)
	w.moves = []gp{w.src, w.dst}
	w.held = a.held(1)
	scales, run, left := a.base("scales"), a.param("run"), a.param("left")
	a.makeConstants()
	s := a.scaleAt(at(scales, 0))
	l := a.lanes()
	w.hints(a)
	w.value = func(p piece, m register) vec { return a.kept(s, at(w.src, p.offset), p, m) }

	// The elements of a word behind the first end and behind the second one.
	ends := a.AllocLocal(16)
	behind := a.leaq(ends)
	mixed := w
	if a.isa == avx2 {
		mixed.held = 2
	}
	turn := func(halved bool) {
		done, ended := label("done%v", halved), label("ended%v", halved)
		a.CMPQ(left, u8(64))
		a.JL(ref(ended))
		a.turn(w, &l, halved)
		a.SUBQ(u8(64), left)
		a.JMP(ref(done))
		a.Label(ended)
		first, second, zero, end := a.movq(i32(-1)), a.movq(i32(-1)), a.movq(u32(0)), a.movq(left)
		a.ADDQ(run, end)
		a.SHLXQ(left, first, first)
		a.SHLXQ(end, second, second)
		a.CMPQ(end, u8(64))
		a.CMOVQGE(zero, second)
		a.MOVQ(first, ends)
		a.MOVQ(second, ends.Offset(8))
		next := []vec{a.scaleAt(at(scales, 8)), a.scaleAt(at(scales, 16))}
		after := []lanes{l, l}
		mixed.value = func(p piece, m register) vec {
			i, from := p.offset/a.isa.bytes, at(w.src, p.offset)
			if a.element.split == nil {
				t := a.vec()
				a.VMOVAPS(s, t)
				for j := range next {
					a.merge(next[j], after[j].mask(behind, 8*j, i), t)
				}
				return a.kept(t, from, p, m)
			}
			x := a.multiply(s, from, p, nil, from)
			for j := range next {
				a.merge(a.multiply(next[j], from, p, nil, from), after[j].mask(behind, 8*j, i), x)
			}
			a.zero(x, m, x)
			return x
		}
		a.turn(mixed, &l, halved)
		// left += run - 64, and once more if two runs end.
		a.CMPQ(end, u8(64))
		a.MOVQ(run, first)
		a.CMOVQGE(zero, first)
		a.LEAQ(at(end, -64).Idx(first, 1), left)
		a.LEAQ(at(scales, 8), second)
		a.ADDQ(u8(16), scales)
		a.CMPQ(end, u8(64))
		a.CMOVQGE(second, scales)
		a.scaleTo(at(scales, 0), s)
		a.Label(done)
	}
	a.words(w, turn)
	if stream {
		a.SFENCE()
	}
	a.ret()
}

// scaleAt is a vector of a float64 in memory, rounded to what elements are multiplied by.
func (a *amd64) scaleAt(from mem) vec {
	s := a.vec()
	a.scaleTo(from, s)
	return s
}

func (a *amd64) scaleTo(from mem, s vec) {
	if a.element.bytes == 8 {
		a.VBROADCASTSD(from, s)
		return
	}
	a.VXORPS(s.AsX(), s.AsX(), s.AsX()) // VCVTSD2SS keeps the rest of the register, and so would wait for it.
	a.VCVTSD2SS(from, s.AsX(), s.AsX())
	a.VBROADCASTSS(s.AsX(), s)
}
