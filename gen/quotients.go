package main

// Runs of up to shortRun bits are within the eight bytes from the one that they begin in.
const shortRun = 57

func quotients(a *amd64) {
	dst, left := a.slice("dst")
	words, n := a.base("words"), a.param("n")
	a.CMPQ(n, u8(shortRun))
	a.JG(ref("long"))
	if a.isa == avx512 {
		a.quotientsByEight(dst, left, words, n)
	} else {
		a.quotientsByOne(dst, left, words, n)
	}
	a.ret()

	a.Label("long")
	bitAt := a.movq(u32(0))
	ones := a.longOnes()
	a.loop("runs", left, 1, func() {
		a.MOVQ(ones(words, bitAt, n), at(dst, 0))
		a.ADDQ(n, bitAt)
		a.advance(8, dst)
	})
	a.divideBy(n)
	a.ret()
}

// quotientsByOne counts with a word for each run.
func (a *amd64) quotientsByOne(dst, left, words, n gp) {
	table := a.param("table")
	bitAt := a.movq(u32(0))
	for _, unroll := range []int{4, 1} {
		a.loop(label("shorts%d", unroll), left, unroll, func() {
			for i := range unroll {
				// dst[i] = table[ones of the n bits from bit at]
				byteAt, bit := a.movq(bitAt), a.movq(bitAt)
				a.SHRQ(u8(3), byteAt)
				a.ANDQ(u8(7), bit)
				v := a.movq(at(words, 0).Idx(byteAt, 1))
				a.SHRXQ(bit, v, v)
				a.BZHIQ(n, v, v)
				a.POPCNTQ(v, v)
				a.MOVQ(at(table, 0).Idx(v, 8), v)
				a.MOVQ(v, at(dst, 8*i))
				a.ADDQ(n, bitAt)
			}
			a.advance(8*unroll, dst)
		})
	}
}

// quotientsByEight takes the n bytes of eight runs at a time. The table is in registers.
func (a *amd64) quotientsByEight(dst, left, words, n gp) {
	base := a.param("table")
	held := a.vecs(8)
	for i := range held {
		a.move(at(base, 64*i), held[i])
	}
	// Of the i-th run, the bit at which it begins, i·n, as a byte and a bit.
	begins, first, bytes := a.vec(), a.vec(), a.vec()
	a.VPBROADCASTQ(n, begins)
	a.VPMULUDQ(a.data("wordNumbers", table(16, number[u64])...), begins, begins)
	a.VPSRLQ(u8(3), begins, bytes)
	a.VPSHUFB(a.data("lowBytes", table(8, func(i int) u64 { return u64(i%2) * 0x0808080808080808 })...), bytes, bytes)
	a.VPADDB(a.data("byteNumbers", table(8, func(int) u64 { return 0x0706050403020100 })...), bytes, bytes)
	a.VPANDQ(a.repeat64("seven64", 7), begins, first)
	low, sixteen, thirtyTwo := a.vec(), a.load(a.repeat64("sixteen64", 16)), a.load(a.repeat64("thirtyTwo64", 32))
	ones := a.movq(i32(-1))
	a.BZHIQ(n, ones, ones)
	a.VPBROADCASTQ(ones, low)
	exist := a.K()
	a.KMOVQ(ones, exist) // n bytes, too
	body := func(exist, runs register) {
		v := a.vec()
		a.VMOVDQU8_Z(at(words, 0), exist, v)
		a.VPERMB(v, bytes, v)
		a.VPSRLVQ(first, v, v)
		a.and(low, v, v)
		a.VPOPCNTQ(v, v)
		bit4, bit5 := a.K(), a.K()
		a.VPTESTMQ(sixteen, v, bit4)
		a.VPTESTMQ(thirtyTwo, v, bit5)
		var q []vec // what each quarter of the table has for bits 0 to 3
		for i := range 4 {
			x := a.vec()
			a.VMOVDQA64(v, x)
			a.VPERMI2PD(held[2*i+1], held[2*i], x)
			q = append(q, x)
		}
		a.VMOVAPD(q[1], bit4, q[0])
		a.VMOVAPD(q[3], bit4, q[2])
		a.VMOVAPD(q[2], bit5, q[0])
		if runs == nil {
			a.move(q[0], at(dst, 0))
		} else {
			a.VMOVUPD(q[0], runs, at(dst, 0))
		}
	}
	a.loop("eight", left, 8, func() {
		body(exist, nil)
		a.ADDQ(n, words)
		a.advance(64, dst)
	})
	a.skipIfZero(left, "none")
	runs, last := a.K(), a.K()
	a.IMULQ(left, n)
	a.ADDQ(u8(7), n)
	a.SHRQ(u8(3), n)
	for _, m := range []struct {
		n gp
		k register
	}{{n, last}, {left, runs}} {
		a.MOVQ(i32(-1), ones)
		a.BZHIQ(m.n, ones, ones)
		a.KMOVQ(ones, m.k)
	}
	body(last, runs)
	a.Label("none")
}

// longOnes returns what counts the ones of the n bits from a bit on. Words begin with the byte
// of that bit: the ones before it are subtracted.
func (a *amd64) longOnes() func(words, bitAt, n gp) gp {
	w := words{a, a.isa.bytes}
	var ends, all vec
	if a.isa == avx512 {
		ends, all = a.load(a.data("wordEnds", table(8, func(i int) u64 { return u64(64*i + 64) })...)), a.vec()
		a.VPTERNLOGD(u8(0xff), all, all, all)
	}
	return func(words, bitAt, n gp) gp {
		from, before, rest := a.movq(bitAt), a.movq(bitAt), a.GP64()
		a.SHRQ(u8(3), from)
		a.ADDQ(words, from)
		a.ANDQ(u8(7), before)
		a.LEAQ(at(n, 0).Idx(before, 1), rest)
		a.BZHIQ(before, at(from, 0), before)
		a.POPCNTQ(before, before)
		turns, sum := a.movq(rest), a.GP64()
		if a.isa != avx512 {
			a.MOVQ(before, sum)
			a.NEGQ(sum)
			a.SHRQ(u8(6), turns)
			for _, unroll := range []int{4, 1} {
				a.loop(label("words%d", unroll), turns, unroll, func() {
					for i := range unroll {
						v := a.GP64()
						a.POPCNTQ(at(from, 8*i), v)
						a.ADDQ(v, sum)
					}
					a.advance(8*unroll, from)
				})
			}
			a.ANDQ(u8(63), rest)
			a.BZHIQ(rest, at(from, 0), rest)
			a.POPCNTQ(rest, rest)
			a.ADDQ(rest, sum)
			return sum
		}
		p := a.popcount()
		a.SHRQ(u8(9), turns)
		a.loop("vectors", turns, 1, func() {
			p.add(w, w.loads(1, from))
			a.advance(w.bytes, from)
		})
		// The rest is up to 511 bits, of which each word of a vector has up to 64.
		a.ANDQ(u32(511), rest)
		v, low, zero, there := a.vec(), a.vec(), a.vec(), a.K()
		a.VPXORQ(zero, zero, zero)
		a.VPBROADCASTQ(rest, low)
		a.VPSUBQ(low, ends, low)
		a.VPMAXSQ(zero, low, low)
		a.VPSRLVQ(low, all, low)
		a.VPTESTMQ(low, low, there)
		a.VMOVDQU64_Z(at(from, 0), there, v)
		a.and(low, v, v)
		p.add(w, []vec{v})
		sum = p.sum()
		a.SUBQ(before, sum)
		return sum
	}
}

// divideBy has the numbers of ones in dst, as integers below 2^52, divide n, 0 if there are none.
func (a *amd64) divideBy(n gp) {
	dst, left := a.slice("dst")
	magic, count, zero := a.load(a.repeat64("two52", 0x4330000000000000)), a.vec(), a.vec()
	a.VXORPS(count.AsX(), count.AsX(), count.AsX())
	a.VCVTSI2SDQ(n, count.AsX(), count.AsX())
	a.VBROADCASTSD(count.AsX(), count)
	a.xor(zero, zero, zero)
	a.overWords("Divided", left, func(w words, unroll int) {
		for i := range unroll {
			// 2^52 + x has x in the lowest bits of its fraction.
			x, d := w.load(at(dst, w.bytes*i)), w.new()
			a.or(w.as(magic), x, d)
			a.VSUBPD(w.as(magic), d, d)
			a.VDIVPD(d, w.as(count), d)
			if a.isa == avx512 {
				some := a.K()
				a.VPTESTMQ(x, x, some)
				a.VMOVAPD_Z(d, some, d)
			} else {
				a.VPCMPEQQ(w.as(zero), x, x)
				a.VPANDN(d, x, d)
			}
			w.move(d, at(dst, w.bytes*i))
		}
		a.advance(w.bytes*unroll, dst)
	})
}
