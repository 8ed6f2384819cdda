package main

func scaleRuns(a *amd64)       { a.scaleRuns(false) }
func scaleRunsStream(a *amd64) { a.scaleRuns(true) }

// scaleRuns keeps the scale of the run that a word begins in. A word in which runs end gets
// the next scale besides, or two if runs are short, of which lanes behind an end take. The code for such words is
// behind the loops, which then have no jump for the others.
func (a *amd64) scaleRuns(stream bool) {
	w := maskedLoop{n: a.GP64(), keep: a.base("keep"), dst: a.base("dst"), src: a.base("src"), stream: stream}
	a.Load(a.Param("src").Len(), w.n)
	w.moves = []gp{w.src, w.dst}
	w.held = a.held(1)
	scales, run, left := a.base("scales"), a.param("run"), a.param("left")
	a.makeConstants()
	s := a.scaleAt(at(scales, 0))
	l := a.lanes()
	numbers := a.numbers()
	w.hints(a)
	w.value = func(p piece, m register) vec { return a.kept(s, at(w.src, p.offset), p, m) }

	mixed := w
	if a.isa == avx2 {
		mixed.held = 2
	}
	var behind []func()
	a.words(w, func(halved bool) {
		name := func(s string) string { return label("%s%v", s, halved) }
		a.Label(name("again"))
		a.CMPQ(left, u8(64))
		a.JL(ref(name("ended")))
		a.turn(w, &l, halved)
		a.SUBQ(u8(64), left)
		a.Label(name("done"))
		behind = append(behind, func() {
			// mixedWord makes a word in which one run ends, or up to two.
			mixedWord := func(ends int) {
				// The numbers of the elements at which the runs of the next scales begin, and 64
				// if the word has none of the last one.
				begin, second := left, a.movq(left)
				a.ADDQ(run, second)
				var next, begins []vec
				for i := range ends {
					if i == 1 {
						begin = a.movq(u32(64))
						a.CMPQ(second, begin)
						a.CMOVQLT(second, begin)
					}
					next, begins = append(next, a.scaleAt(at(scales, 8*i+8))), append(begins, a.spreadNumber(begin))
				}
				choose := func(p piece, x vec, of func(i int) vec) vec {
					for i := range next {
						x = a.choose(a.below(begins[i], numbers[p.offset/a.isa.bytes]), x, of(i))
					}
					return x
				}
				mixed.value = func(p piece, m register) vec {
					from := at(w.src, p.offset)
					if a.element.split == nil {
						return a.kept(choose(p, s, func(i int) vec { return next[i] }), from, p, m)
					}
					x := choose(p, a.multiply(s, from, p, nil, from), func(i int) vec { return a.multiply(next[i], from, p, nil, from) })
					a.zero(x, m, x)
					return x
				}
				a.turn(mixed, &l, halved)
				// left += run - 64, and once more if two runs end.
				if ends == 1 {
					a.VMOVAPS(next[0], s)
					a.LEAQ(at(second, -64), left)
					a.ADDQ(u8(8), scales)
				} else {
					two, third := a.movq(u32(0)), a.leaq(at(scales, 16))
					a.ADDQ(u8(8), scales)
					a.CMPQ(second, u8(64))
					a.CMOVQLT(run, two)
					a.CMOVQLT(third, scales)
					a.LEAQ(at(second, -64).Idx(two, 1), left)
					a.scaleTo(at(scales, 0), s)
				}
				a.JMP(ref(name("done")))
			}
			a.Label(name("ended"))
			a.TESTQ(left, left)
			a.JNZ(ref(name("within")))
			a.scaleTo(at(scales, 8), s)
			a.ADDQ(u8(8), scales)
			a.MOVQ(run, left)
			a.JMP(ref(name("again")))
			a.Label(name("within"))
			a.CMPQ(run, u8(64))
			a.JL(ref(name("short")))
			mixedWord(1)
			a.Label(name("short"))
			mixedWord(2)
		})
	})
	if stream {
		a.SFENCE()
	}
	a.ret()
	for _, code := range behind {
		code()
	}
}

// spreadNumber is a vector of a number below 2^15 in every lane.
func (a *amd64) spreadNumber(n gp) vec {
	v := a.vec()
	a.VMOVQ(n, v.AsX())
	switch a.element.bytes {
	case 2:
		a.VPBROADCASTW(v.AsX(), v)
	case 4:
		a.VPBROADCASTD(v.AsX(), v)
	case 8:
		a.VPBROADCASTQ(v.AsX(), v)
	}
	return v
}

// numbers are those of the elements of a word, a vector at a time: in registers where there are
// enough, as loads that span cache lines would take longer.
func (a *amd64) numbers() []op {
	bits := 8 * a.element.bytes
	name := label("numbers%d", bits)
	var m mem
	switch bits {
	case 16:
		m = a.data(name, table(64, number[u16])...)
	case 32:
		m = a.data(name, table(64, number[u32])...)
	case 64:
		m = a.data(name, table(64, number[u64])...)
	}
	n := make([]op, 64/a.vector())
	for i := range n {
		if n[i] = m.Offset(a.isa.bytes * i); a.isa == avx512 {
			n[i] = a.load(n[i].(mem))
		}
	}
	return n
}

// below is the mask of the numbers that are below v.
func (a *amd64) below(v vec, numbers op) register {
	var m register = a.YMM()
	if a.isa == avx512 {
		m = a.K()
	}
	switch a.element.bytes {
	case 2:
		a.VPCMPGTW(numbers, v, m)
	case 4:
		a.VPCMPGTD(numbers, v, m)
	case 8:
		a.VPCMPGTQ(numbers, v, m)
	}
	return m
}

// choose is x where m is one, else y.
func (a *amd64) choose(m register, x, y vec) vec {
	t := a.vec()
	if a.isa == avx512 {
		a.VMOVAPS(y, t)
		a.merge(x, m, t)
	} else {
		a.element.blend(a.Context, m, x, y, t)
	}
	return t
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
