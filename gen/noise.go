package main

import "math"

// noise draws quads in several states of Philox at a time. Even doublewords of vectors are of
// words 0 and 1 of the blocks, odd ones of words 2 and 3.
//
// Steps of several states in turn, or in phases with the words in memory between them, were
// no faster, nor were polynomials in even and odd powers (Zen 5, 2026-11-28).
func noise(a *amd64) {
	dst := a.base("dst")
	quads, n := a.slice("quads")
	c := a.philoxConst()
	first := a.vec()
	a.VMOVQ(c.first, first.AsX())
	a.VPBROADCASTQ(first.AsX(), first)
	blocks := a.isa.bytes / 8
	states := []int{2}
	var odd register
	if a.isa == avx512 {
		states, odd = []int{4, 2}, a.mask(0xaaaa)
	}
	for _, states := range states { // noiseStride is a multiple of the fewest of AVX-512.
		a.loop(label("quads%d", states), n, states*blocks, func() {
			p0 := a.vecs(states)
			for i, p := range p0 {
				a.VPMOVZXDQ(at(quads, 4*blocks*i), p)
				a.VPADDD(first, p, p)
				a.VPMULUDQ(p, c.m0, p)
			}
			for i, s := range a.philoxBlocks(c, p0) {
				u, v := a.lastNoiseRound(c, s, odd)
				x, y := a.normals(u, v)
				a.storeQuads(x, y, dst, quads, blocks*i)
			}
			a.advance(4*states*blocks, quads)
		})
	}
	a.ret()
}

// storeQuads stores quads, from the first-th in the list on: the lower two elements of each are a
// quadword of x, the upper ones of y.
func (a *amd64) storeQuads(x, y vec, dst, quads gp, first int) {
	var halves [2]vec
	halves[0], halves[1] = a.vec(), a.vec()
	a.VUNPCKLPD(y, x, halves[0]) // quads 0, 2, …
	a.VUNPCKHPD(y, x, halves[1]) // quads 1, 3, …
	bytes := 4 * a.element.bytes
	for odd, v := range halves {
		lanes, each := a.isa.bytes/16, 1
		if a.element.narrow != nil {
			v = a.element.narrow(a, v)
			lanes, each = lanes/2, 2
		}
		for i := range lanes {
			lane := v.AsX().(vec)
			switch {
			case i == 0:
			case v.Size() == 64:
				lane = a.XMM()
				a.VEXTRACTF32X4(u8(i), v, lane)
			default:
				lane = a.XMM()
				a.VEXTRACTF128(u8(1), v, lane)
			}
			for j := range each {
				to := a.quad(dst, quads, first+odd+2*(i*each+j))
				switch {
				case j == 1:
					a.VMOVHPS(lane, to)
				case bytes == 8:
					a.VMOVSD(lane, to)
				case bytes == 16:
					a.VMOVUPS(lane, to)
				default:
					y := lane.AsY().(vec)
					a.VCVTPS2PD(lane, y)
					a.VMOVUPD(y, to)
				}
			}
		}
	}
}

// quad is the memory of a quad of the list.
func (a *amd64) quad(dst, quads gp, i int) mem {
	to := a.movl(at(quads, 4*i))
	if a.element.bytes == 2 {
		return at(dst, 0).Idx(to, 8)
	}
	a.SHLQ(u8(2), to)
	return at(dst, 0).Idx(to, uint8(a.element.bytes))
}

// lastNoiseRound is the last round. It returns words 0 and 2 of each block, and words 1 and 3.
func (a *amd64) lastNoiseRound(c philoxConst, s philoxState, odd register) (u, v vec) {
	u, q := s[0], s[2]
	v = a.vec()
	a.VPMULUDQ(q, c.m1, q)
	a.VPMULUDQ(u, c.m0, u)
	key := at(c.ks, 8*(philoxRounds-1))
	if a.isa == avx512 {
		a.VMOVDQA64(q, v)
		a.VPSHUFD(u8(0xa0), u, odd, v)
		a.VPSHUFD(u8(0xf5), q, c.even, u)
		a.VPSHUFD(u8(0xa0), s[3], odd, s[1])
		a.VPTERNLOGQ_BCST(u8(xor3), key, s[1], u)
		return u, v
	}
	a.VPSHUFD(u8(0xa0), u, v)
	a.VPBLENDD(u8(0xaa), v, q, v)
	a.VPSHUFD(u8(0xf5), q, q)
	a.VPBLENDD(u8(0xaa), u, q, u)
	a.VPSHUFD(u8(0xa0), s[3], s[3])
	a.VPBLENDD(u8(0xaa), s[3], s[1], s[1])
	a.VPXOR(s[1], u, u)
	k := a.YMM()
	a.VPBROADCASTQ(key, k)
	a.VPXOR(k, u, u)
	return u, v
}

// normals makes the variates of words u and v, which it destroys.
func (a *amd64) normals(u, v vec) (x, y vec) {
	d, f, e, m := a.vec(), a.vec(), a.vec(), a.vec()
	// d := (float32(int32(u^sign)) + .5) * 0x1p-32, here -d
	a.VPSRAD(u8(31), u, d)
	a.xor(u, d, d)
	a.VCVTDQ2PS(d, d)
	a.addFloat(.5, d, d)
	a.multiplyFloat(-0x1p-32, d, d)
	// f := d; if sign != 0 { f = 1 - d }
	// near is where u >= 3<<30
	sign := a.inAll(1 << 31)
	near := u
	var nearMask register
	if a.isa == avx512 {
		upper, k := a.K(), a.K()
		a.VPMOVD2M(u, upper)
		a.VPCMPUD_BCST(u8(5), a.inAll(3<<30), u, k)
		a.VPXORD_BCST(sign, d, f)
		a.VADDPS_BCST(a.inAll(math.Float32bits(1)), d, upper, f)
		nearMask = k
	} else {
		a.VPXOR(sign, d, f)
		a.addFloat(1, d, e)
		a.VBLENDVPS(u, e, f, f)
		a.VPADDD(u, u, e)
		a.VPAND(e, u, near)
	}
	// e := int32(f - rootHalf) >> 23
	// f = f - e<<23 - 1
	a.withAll(a.VPSUBD, a.VPSUBD_BCST, uint32(rootHalf), f, e)
	a.VPSRAD(u8(23), e, e)
	a.VPSLLD(u8(23), e, m)
	a.VPSUBD(m, f, f)
	a.addFloat(-1, f, f)
	// if u >= 3<<30 { f = -d }
	if a.isa == avx512 {
		a.VMOVAPS(d, nearMask, f)
	} else {
		a.VBLENDVPS(near, d, f, f)
	}
	r := u
	a.polynomial("normalLog", 8, f, r)
	a.VMULPS(f, r, r)
	a.VCVTDQ2PS(e, e)
	a.multiplyFloat(rootFloat("normalLn2"), e, e)
	a.VADDPS(e, r, r)
	a.VSQRTPS(r, r)

	// y := float32(int32(v<<1|1)) * 0x1p-31
	// z := y * y
	z := a.vec()
	x, y = a.vec(), a.vec()
	a.VPADDD(v, v, y)
	a.withAll(of3(a.VPOR), a.VPORD_BCST, 1, y, y)
	a.VCVTDQ2PS(y, y)
	a.multiplyFloat(0x1p-31, y, y)
	a.VMULPS(y, y, z)
	a.polynomial("normalCos", 5, z, x)
	a.withAll(of3(a.VPAND), a.VPANDD_BCST, 1<<31, v, v)
	a.xor(v, x, x)
	a.polynomial("normalSin", 5, z, v)
	a.VMULPS(v, y, y)
	a.VMULPS(r, x, x)
	a.VMULPS(r, y, y)
	return x, y
}

// polynomial sets p to the polynomial in x whose coefficients are the constants name0, name1
// and so on of the root package.
func (a *amd64) polynomial(name string, terms int, x, p vec) {
	a.multiplyFloat(rootFloat(name+"0"), x, p)
	for i := 1; i < terms; i++ {
		if i > 1 {
			a.VMULPS(x, p, p)
		}
		a.addFloat(rootFloat(label("%s%d", name, i)), p, p)
	}
}

func (a *amd64) addFloat(c float32, x, to vec) {
	a.withAll(a.VADDPS, a.VADDPS_BCST, math.Float32bits(c), x, to)
}

func (a *amd64) multiplyFloat(c float32, x, to vec) {
	a.withAll(a.VMULPS, a.VMULPS_BCST, math.Float32bits(c), x, to)
}

// withAll emits an instruction with a doubleword in all lanes for one operand: from a table, or
// with AVX-512, where that could span two cache lines, by the instruction that broadcasts.
func (a *amd64) withAll(vector, broadcast func(...op), c uint32, x, to vec) {
	if a.isa == avx512 {
		broadcast(a.inAll(c), x, to)
	} else {
		vector(a.inAll(c), x, to)
	}
}

func (a *amd64) inAll(c uint32) mem { return a.repeat32(label("all%08x", c), c) }

// of3 is an instruction of AVX2 alone in the form of the others.
func of3(f func(x, y, z op)) func(...op) { return func(o ...op) { f(o[0], o[1], o[2]) } }
