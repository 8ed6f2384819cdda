package main

// place takes a vector of positions at a time. Quotients are floored products
// with the float32 inverses, which inverse in place.go shows to be exact.
func place(a *amd64) {
	lanes := a.isa.bytes / 4
	bits, n := a.slice("bits")
	w := a.param("w")
	field := func(name string) vec { return a.spread(a.field("w", w, name)) }
	half := a.vec()
	a.VBROADCASTSS(a.data("half", f32(0.5)), half)
	plusHalf := func(name string) vec {
		v := field(name)
		a.VCVTDQ2PS(v, v)
		a.VADDPS(half, v, v)
		return v
	}
	bit, col, row := field("bit"), plusHalf("col"), plusHalf("row")
	skipRow, skipPlane := field("skipRow"), field("skipPlane")
	perCol, perRow := field("inverseCol"), field("inverseRow")
	place := func(v vec) {
		q := a.vec()
		// bits[i] = bit + p + rows*skipRow + planes*skipPlane
		divide := func(n, from, inverse, skip vec) {
			// q = (n + from + ½) · inverse, rounded down; v += q*skip
			product := a.vec()
			a.VCVTDQ2PS(n, q)
			a.VADDPS(from, q, q)
			a.VMULPS(inverse, q, q)
			a.VCVTTPS2DQ(q, q)
			a.VPMULLD(skip, q, product)
			a.VPADDD(product, v, v)
		}
		divide(v, col, perCol, skipRow)   // rows := (col + p) / cols
		divide(q, row, perRow, skipPlane) // planes := (row + rows) / rows of a plane
		a.VPADDD(bit, v, v)
	}
	v := a.vec()
	a.loop("place", n, lanes, func() {
		a.move(at(bits, 0), v)
		place(v)
		a.move(v, at(bits, 0))
		a.ADDQ(u8(a.isa.bytes), bits)
	})
	a.skipIfZero(n, "end")
	if a.isa == avx512 {
		set, mask := a.GP32(), a.K()
		a.MOVL(u32(1<<32-1), set)
		a.BZHIL(n.As32(), set, set)
		a.KMOVW(set, mask)
		a.VMOVDQU32_Z(at(bits, 0), mask, v)
		place(v)
		a.VMOVDQU32(v, mask, at(bits, 0))
	} else {
		mask := a.vec()
		a.VMOVD(n.As32(), mask.AsX())
		a.VPBROADCASTD(mask.AsX(), mask)
		a.VPCMPGTD(a.data("lanes32", table(8, number[u32])...), mask, mask)
		a.VPMASKMOVD(at(bits, 0), mask, v)
		place(v)
		a.VPMASKMOVD(v, mask, at(bits, 0))
	}
	a.Label("end")
	a.ret()
}
