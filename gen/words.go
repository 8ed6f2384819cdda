package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// dilateUnroll vectors go through the steps together.
const dilateUnroll = 4

// words is a vector of words, or a single one in the low end of a register that
// is zero elsewhere.
type words struct {
	a     *amd64
	bytes int
}

func (w words) new() vec {
	switch w.bytes {
	case 8:
		return w.a.XMM()
	case 32:
		return w.a.YMM()
	}
	return w.a.ZMM()
}

// move loads or stores.
func (w words) move(from, to op) {
	if w.bytes == 8 {
		w.a.VMOVQ(from, to)
	} else {
		w.a.move(from, to)
	}
}

func (w words) load(m mem) vec {
	v := w.new()
	w.move(m, v)
	return v
}

// loads loads vectors that follow each other.
func (w words) loads(n int, from gp) []vec {
	v := make([]vec, n)
	for i := range v {
		v[i] = w.load(at(from, w.bytes*i))
	}
	return v
}

// as is the part of a vector register that the words take.
func (w words) as(v vec) register { return low(v, w.bytes) }

// overWords runs body over n words: several vectors at a time, then one, then
// single words.
func (a *amd64) overWords(name string, n gp, body func(w words, unroll int)) {
	for _, unroll := range []int{dilateUnroll, 1} {
		a.loop(label("vectors%d%s", unroll, name), n, a.isa.bytes/8*unroll, func() {
			body(words{a, a.isa.bytes}, unroll)
		})
	}
	a.loop("words"+name, n, 1, func() { body(words{a, 8}, 1) })
}

// incoming loads words and the word before each, from which bits are shifted in. Loads of
// the latter span two cache lines where those of the former do not. AVX-512 makes them
// from vectors in registers.
type incoming struct {
	a    *amd64
	src  gp // the word before the first one
	last vec
}

func (in *incoming) begin() {
	if in.a.isa == avx512 {
		in.last = in.a.ZMM()
		in.a.VPBROADCASTQ(at(in.src, 0), in.last)
	}
}

// load loads the words at an offset, v, and the word before each, u. Offsets ascend.
func (in *incoming) load(w words, offset int) (v, u vec) {
	a := in.a
	v = w.load(at(in.src, 8+offset))
	if w.bytes == 8 || a.isa != avx512 {
		return v, w.load(at(in.src, offset))
	}
	u = w.new()
	a.VALIGNQ(u8(7), in.last, v, u)
	a.VMOVDQA64(v, in.last)
	return v, u
}

// popcount counts the ones of vectors: with AVX2 by a look-up table for nibbles
// (VPSHUFB), then sums of bytes (VPSADBW).
type popcount struct {
	a                *amd64
	total            vec
	table, low, zero vec
}

func (a *amd64) popcount() popcount {
	p := popcount{a: a, total: a.vec()}
	a.xor(p.total, p.total, p.total)
	if a.isa == avx2 {
		p.table, p.low, p.zero = a.YMM(), a.YMM(), a.YMM()
		a.VBROADCASTI128(a.data("nibbleOnes", u64(0x0302020102010100), u64(0x0403030203020201)), p.table)
		a.VPBROADCASTQ(a.repeat64("nibbleLow", 0x0f0f0f0f0f0f0f0f), p.low)
		a.VPXOR(p.zero, p.zero, p.zero)
	}
	return p
}

// add counts vectors, up to 31 of them so that their bytes do not overflow.
// It destroys them.
func (p *popcount) add(w words, vs []vec) {
	a := p.a
	// A single word's register is zero elsewhere, so that it can be added whole.
	widen := func(v vec) vec {
		if a.isa == avx512 {
			return v.AsZ().(vec)
		}
		return v.AsY().(vec)
	}
	if a.isa == avx512 {
		for _, v := range vs {
			a.VPOPCNTQ(v, v)
			a.VPADDQ(widen(v), p.total, p.total)
		}
		return
	}
	var sum vec
	for _, v := range vs {
		hi := w.new()
		a.VPSRLW(u8(4), v, hi)
		a.VPAND(w.as(p.low), v, v)
		a.VPAND(w.as(p.low), hi, hi)
		a.VPSHUFB(v, w.as(p.table), v)
		a.VPSHUFB(hi, w.as(p.table), hi)
		a.VPADDB(v, hi, v)
		if sum == nil {
			sum = v
		} else {
			a.VPADDB(v, sum, sum)
		}
	}
	a.VPSADBW(w.as(p.zero), sum, sum)
	a.VPADDQ(widen(sum), p.total, p.total)
}

func (p *popcount) sum() gp {
	a := p.a
	if a.isa == avx512 {
		y := a.YMM()
		a.VEXTRACTI64X4(u8(1), p.total, y)
		a.VPADDQ(p.total.AsY(), y, p.total.AsY())
	}
	x, hi, n := a.XMM(), a.XMM(), a.GP64()
	a.VEXTRACTI128(u8(1), p.total.AsY(), x)
	a.VPADDQ(x, p.total.AsX(), x)
	a.VPSRLDQ(u8(8), x, hi)
	a.VPADDQ(hi, x, x)
	a.VMOVQ(x, n)
	return n
}

// overWords runs body over n words: several vectors at a time, then one, then
// single words.
func (a *neon) overWords(name string, n arm64.GP, body func(w qwords, unroll int)) {
	for _, unroll := range []int{dilateUnroll, 1} {
		a.loop(label("vectors%d%s", unroll, name), n, 2*unroll, func() { body(qwords{a, 16}, unroll) })
	}
	a.loop("words"+name, n, 1, func() { body(qwords{a, 8}, 1) })
}

// neonPopcount counts the ones of vectors: first in bytes, then in ever wider lanes.
type neonPopcount struct{ total arm64.Vec }

func (a *neon) popcount() neonPopcount {
	p := neonPopcount{a.Vec()}
	a.MOVI(p.total.D2(), 0)
	return p
}

// add counts vectors, up to 31 of them so that their bytes do not overflow.
// It destroys them.
func (p neonPopcount) add(a *neon, vs []arm64.Vec) {
	for i, v := range vs {
		a.CNT(v.B16(), v.B16())
		if i > 0 {
			a.ADD(vs[0].B16(), vs[0].B16(), v.B16())
		}
	}
	a.UADDLP(vs[0].H8(), vs[0].B16())
	a.UADALP(p.total.S4(), vs[0].H8())
}

func (p neonPopcount) sum(a *neon) arm64.GP {
	n := a.GP()
	a.UADDLV(p.total.D(), p.total.S4())
	a.FMOV(n, p.total.D())
	return n
}
