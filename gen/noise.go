package main

import (
	"math"
	"slices"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// noise draws quads in several states of Philox at a time. Even doublewords of vectors are of
// words 0 and 1 of the blocks, odd ones of words 2 and 3.
//
// Steps of several states in turn, or in phases with the words in memory between them, were
// no faster, nor were polynomials in even and odd powers (Zen 5, 2026-11-28).
func noise(a *amd64) {
	dst := a.base("dst")
	quads, n := a.slice("quads")
	c := a.philoxConst()
	ctr := a.param("ctr")
	to, from, lines := a.param("to"), a.param("from"), a.param("lines")
	blocks := a.isa.bytes / 8
	states := []int{3, 1}
	var odd register
	if a.isa == avx512 {
		states, odd = []int{4, 2}, a.mask(0xaaaa)
	}
	for _, states := range states { // noiseStride is a multiple of the fewest of AVX-512.
		a.loop(label("quads%d", states), n, states*blocks, func() {
			if a.element.bytes > 2 { // Drawing for halves takes as long, and memory half the time: nothing was saved.
				a.askAhead(label("asked%d", states), lines, to, from)
			}
			p0, first := a.vecs(states), a.spread(at(ctr, 0))
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

// noiseLines is how many cache lines a step asks for at each pointer, as memory is idle while
// noise is drawn. On a map of 6 MiB, blocks of 7×7 and p = 0.1, that took 7 % less time with AVX2
// and 4 to 7 % with AVX-512. Eight took longer with AVX2; 24 made no difference; all lines of a
// call were slower with AVX-512, whose steps are of more quads (Zen 5, 2026-11-28).
const noiseLines = 16

// askAhead asks for cache lines at the pointers, if there are noiseLines left, and goes on.
func (a *amd64) askAhead(done string, lines gp, pointers ...gp) {
	a.CMPQ(lines, u8(noiseLines))
	a.JL(ref(done))
	for i := range noiseLines {
		for _, p := range pointers {
			a.PREFETCHT0(at(p, 64*i))
		}
	}
	a.advance(64*noiseLines, pointers...)
	a.SUBQ(u8(noiseLines), lines)
	a.Label(done)
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
		for i := lanes - 1; i >= 0; i-- { // the lowest one last: it is widened in place
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
	// c := (float32(int32(u)) + .5) * 0x1p-32
	// f := c; if c < 0 { f = 1 + c }
	c, f, e := u, a.vec(), a.vec()
	a.VCVTDQ2PS(u, c)
	a.addFloat(.5, c, c)
	a.multiplyFloat(0x1p-32, c, c)
	if a.isa == avx512 {
		negative := a.K()
		a.VPMOVD2M(c, negative)
		a.VMOVAPS(c, f)
		a.VADDPS_BCST(a.inAll(math.Float32bits(1)), c, negative, f)
	} else {
		a.addFloat(1, c, e)
		a.VBLENDVPS(c, e, c, f)
	}
	// e := (f - rootHalf) & -1 << 23
	// f = f - e - 1; if e == 0 { f = c }
	a.withAll(a.VPSUBD, a.VPSUBD_BCST, uint32(rootHalf), f, e)
	a.withAll(of3(a.VPAND), a.VPANDD_BCST, 0xff800000, e, e)
	a.VPSUBD(e, f, f)
	a.addFloat(-1, f, f)
	if a.isa == avx512 {
		zero := a.K()
		a.VPTESTNMD(e, e, zero)
		a.VMOVAPS(c, zero, f)
	} else {
		a.VBLENDVPS(e, f, c, f) // e is never positive.
	}
	r := a.vec()
	a.polynomial("normalLog", 8, f, r)
	a.VMULPS(f, r, r)
	a.VCVTDQ2PS(e, e)
	a.multiplyFloat(rootFloat("normalLn2"), e, e)
	a.VADDPS(e, r, r)
	a.VSQRTPS(r, r)

	// y := float32(int32(v)) * 0x1p-31
	z := a.vec()
	x, y = a.vec(), a.vec()
	a.VCVTDQ2PS(v, y)
	a.multiplyFloat(0x1p-31, y, y)
	a.VMULPS(y, y, z)
	a.polynomial("normalCos", 5, z, x)
	a.VPSLLD(u8(31), v, v)
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

// noiseNEON takes eight quads at a time, in two states of four. Constants are loaded once for
// all vectors of a step.
func noiseNEON(a *neon) {
	dst, quads, n := a.LoadBase("dst"), a.LoadBase("quads"), a.LoadLen("quads")
	p, k := a.philox(), a.constants(noiseConstants())
	var c conversions
	if a.element.half != nil {
		c = a.element.half(a)
	}
	a.loop("quads", n, 8, func() {
		for _, w := range a.blocksOf(p, func(i int, c arm64.Vec) {
			first := a.Vec()
			a.DUP(first.S4(), p.first.W())
			a.LDR(c.Q(), quads.Off(16*i))
			a.ADD(c.S4(), c.S4(), first.S4())
		}) {
			r := a.radii(k, []arm64.Vec{w[0], w[2]})
			x, y := a.circle(k, []arm64.Vec{w[1], w[3]})
			for i := range r {
				a.FMUL(x[i].S4(), x[i].S4(), r[i].S4())
				a.FMUL(y[i].S4(), y[i].S4(), r[i].S4())
			}
			a.storeQuads(x, y, dst, quads, c)
		}
	})
	a.RET()
}

// storeQuads stores four quads and goes on in their list.
func (a *neon) storeQuads(x, y []arm64.Vec, dst, quads arm64.GP, c conversions) {
	for _, zip := range []func(d, n, m arm64.VecArr){a.ZIP1, a.ZIP2} {
		lower, upper := a.Vec(), a.Vec()
		zip(lower.S4(), x[0].S4(), x[1].S4())
		zip(upper.S4(), y[0].S4(), y[1].S4())
		for _, zip := range []func(d, n, m arm64.VecArr){a.ZIP1, a.ZIP2} {
			quad, to := a.Vec(), a.GP()
			zip(quad.D2(), lower.D2(), upper.D2())
			a.LDR(to.W(), quads.Post(4))
			switch {
			case a.element.half != nil:
				half := a.Vec()
				c.narrow(half, []arm64.Vec{quad})
				a.ADD(to, dst, to.LSL(3))
				a.STR(half.D(), to.Off(0))
			case a.element.bytes == 4:
				a.ADD(to, dst, to.LSL(4))
				a.STR(quad.Q(), to.Off(0))
			default:
				wide := a.Vecs(2)
				a.FCVTL(wide[0].D2(), quad.S2())
				a.FCVTL2(wide[1].D2(), quad.S4())
				a.ADD(to, dst, to.LSL(5))
				qwords{a, 16}.store(wide, to)
			}
		}
	}
}

// radii makes words u, which it destroys, radii.
func (a *neon) radii(k neonConstants, u []arm64.Vec) []arm64.Vec {
	f, e, t := a.Vecs(len(u)), a.Vecs(len(u)), a.Vec()
	half, one, root, mask := k.float(0x1p-33), k.float(1), k.bits(uint32(rootHalf)), k.bits(0xff800000)
	for i, c := range u {
		// c := (float32(int32(u)) + .5) * 0x1p-32
		a.SCVTF(c.S4(), c.S4(), 32)
		a.FADD(c.S4(), c.S4(), half.S4())
		// f := c; if c < 0 { f = 1 + c }
		a.FADD(f[i].S4(), c.S4(), one.S4())
		a.SSHR(t.S4(), c.S4(), 31)
		a.BIF(f[i].B16(), c.B16(), t.B16())
		// e := (f - rootHalf) & -1 << 23
		// f = f - e - 1; if e == 0 { f = c }
		a.SUB(e[i].S4(), f[i].S4(), root.S4())
		a.AND(e[i].B16(), e[i].B16(), mask.B16())
		a.SUB(f[i].S4(), f[i].S4(), e[i].S4())
		a.FSUB(f[i].S4(), f[i].S4(), one.S4())
		a.CMEQ(t.S4(), e[i].S4(), 0)
		a.BIT(f[i].B16(), c.B16(), t.B16())
		a.SCVTF(e[i].S4(), e[i].S4())
	}
	a.polynomial(k, "normalLog", 8, f, u)
	ln2 := k.float(rootFloat("normalLn2"))
	for i, r := range u {
		a.FMUL(r.S4(), r.S4(), f[i].S4())
		a.FMUL(e[i].S4(), e[i].S4(), ln2.S4())
		a.FADD(r.S4(), r.S4(), e[i].S4())
		a.FSQRT(r.S4(), r.S4())
	}
	return u
}

// circle makes words v, which it destroys, points on the unit circle.
func (a *neon) circle(k neonConstants, v []arm64.Vec) (x, y []arm64.Vec) {
	x, y = a.Vecs(len(v)), a.Vecs(len(v))
	z, p := a.Vecs(len(v)), v
	for i := range v {
		a.SCVTF(y[i].S4(), v[i].S4(), 31)
		a.FMUL(z[i].S4(), y[i].S4(), y[i].S4())
	}
	a.polynomial(k, "normalCos", 5, z, x)
	for i := range v {
		a.SHL(v[i].S4(), v[i].S4(), 31)
		a.EOR(x[i].B16(), x[i].B16(), v[i].B16())
	}
	a.polynomial(k, "normalSin", 5, z, p)
	for i := range v {
		a.FMUL(y[i].S4(), y[i].S4(), p[i].S4())
	}
	return x, y
}

func (a *neon) polynomial(k neonConstants, name string, terms int, x, p []arm64.Vec) {
	c := k.float(rootFloat(name + "0"))
	for i := range p {
		a.FMUL(p[i].S4(), x[i].S4(), c.S4())
	}
	for term := 1; term < terms; term++ {
		c := k.float(rootFloat(label("%s%d", name, term)))
		for i := range p {
			if term > 1 {
				a.FMUL(p[i].S4(), p[i].S4(), x[i].S4())
			}
			a.FADD(p[i].S4(), p[i].S4(), c.S4())
		}
	}
}

// neonConstants are float32 that are loaded into all lanes when they are needed.
type neonConstants struct {
	a    *neon
	base arm64.GP
}

// noiseConstants are those of noiseNEON, as bits.
func noiseConstants() []uint32 {
	bits := []uint32{uint32(rootHalf), 0xff800000}
	for _, c := range []float32{0x1p-33, 1, rootFloat("normalLn2")} {
		bits = append(bits, math.Float32bits(c))
	}
	for name, terms := range map[string]int{"normalLog": 8, "normalCos": 5, "normalSin": 5} {
		for i := range terms {
			bits = append(bits, math.Float32bits(rootFloat(label("%s%d", name, i))))
		}
	}
	slices.Sort(bits)
	return bits
}

func (a *neon) constants(bits []uint32) neonConstants {
	return neonConstants{a, a.table("noiseConstants", table(4*len(bits), func(i int) u32 { return u32(bits[i/4]) })...)}
}

func (c neonConstants) bits(b uint32) arm64.Vec {
	i, ok := slices.BinarySearch(noiseConstants(), b)
	if !ok {
		panic("no constant of noise")
	}
	v := c.a.Vec()
	c.a.LDR(v.Q(), c.base.Off(16*i))
	return v
}

func (c neonConstants) float(v float32) arm64.Vec { return c.bits(math.Float32bits(v)) }
