package main

// scaleEach is scale with a vector of scales from memory for each vector of elements, or two
// where elements are not floats.
func scaleEach(a *amd64) {
	w := maskedLoop{n: a.GP64(), keep: a.base("keep"), dst: a.base("dst"), src: a.base("src")}
	a.Load(a.Param("src").Len(), w.n)
	w.moves = []gp{w.src, w.dst}
	w.held = a.held(2)
	factors, bytes := a.base("factors"), max(a.element.bytes, 4)
	a.makeConstants()
	w.hints(a)
	w.value = func(p piece, m register) vec {
		from, factor := at(w.src, p.offset), at(factors, p.offset/a.element.bytes*bytes)
		if a.element.split == nil {
			return a.kept(a.load(factor), from, p, m)
		}
		x, z := a.floats(from, p, nil)
		s, t := a.load(factor), a.load(factor.Offset(a.isa.bytes))
		if a.element == &bfloat16AMD64 { // whose floats are of elements of even and of odd number
			s, t = a.evenOdd(s, t)
		}
		a.element.multiply(a.Context, s, x, x)
		a.element.multiply(a.Context, t, z, z)
		x = a.element.join(a, x, z)
		a.zero(x, m, x)
		return x
	}
	l := a.lanes()
	a.words(w, func(halved bool) {
		a.turn(w, &l, halved)
		a.advance(64*bytes, factors)
	})
	a.ret()
}

// evenOdd returns the floats of even and of odd number of two vectors.
func (a *amd64) evenOdd(x, y vec) (even, odd vec) {
	even, odd = a.vec(), a.vec()
	a.VSHUFPS(u8(0x88), y, x, even)
	a.VSHUFPS(u8(0xdd), y, x, odd)
	// Both have four floats of x and y in turns of two.
	if a.isa == avx512 {
		order := a.load(a.data("pairsApart", table(8, func(i int) u64 { return u64(2*i%8 + 2*i/8) })...))
		a.VPERMPD(even, order, even)
		a.VPERMPD(odd, order, odd)
	} else {
		a.VPERMPD(u8(0xd8), even, even)
		a.VPERMPD(u8(0xd8), odd, odd)
	}
	return even, odd
}
