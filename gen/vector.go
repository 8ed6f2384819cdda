package main

import "github.com/mmcloughlin/avo/reg"

// isa is an instruction set that kernels are generated for. In the root package it is isaAVX2,
// say.
type isa struct {
	name  string
	bytes int // of a vector
}

var (
	avx2    = isa{"AVX2", 32}
	avx512  = isa{"AVX512", 64}
	neonSet = isa{"NEON", 16}
	anyCPU  = isa{} // of the architecture

	both     = []isa{avx2, avx512}
	narrow   = []isa{avx2}
	wideOnly = []isa{avx512}
)

// The operations below take registers of any width: those of 64 bytes have
// other names for some.

func wide(v op) bool {
	r, ok := v.(register)
	return ok && r.Size() == 64
}

// vec makes a vector register.
func (a *amd64) vec() vec {
	if a.isa == avx512 {
		return a.ZMM()
	}
	return a.YMM()
}

// low is the part of a vector register that its first bytes are in.
func low(v vec, bytes int) register {
	if bytes > 16 {
		return v
	}
	return v.AsX()
}

func (a *amd64) vecs(n int) []vec {
	v := make([]vec, n)
	for i := range v {
		v[i] = a.vec()
	}
	return v
}

// mask makes an opmask of sixteen lanes.
func (a *amd64) mask(lanes uint32) reg.OpmaskVirtual {
	r, k := a.GP32(), a.K()
	a.MOVL(u32(lanes), r)
	a.KMOVW(r, k)
	return k
}

// move loads or stores a vector, aligned or not.
func (a *amd64) move(from, to op) {
	if wide(from) || wide(to) {
		a.VMOVDQU64(from, to)
	} else {
		a.VMOVDQU(from, to)
	}
}

// load loads a vector.
func (a *amd64) load(m mem) vec {
	v := a.vec()
	a.move(m, v)
	return v
}

// spread is a vector of a doubleword in every lane.
func (a *amd64) spread(m mem) vec {
	v := a.vec()
	a.VPBROADCASTD(m, v)
	return v
}

// bySize emits one instruction for registers of 64 bytes and another one for those below.
func bySize(wider func(...op), narrower func(x, y, z op), x, y, z op) {
	if wide(z) {
		wider(x, y, z)
	} else {
		narrower(x, y, z)
	}
}

func (a *amd64) and(x, y, z op) { bySize(a.VPANDQ, a.VPAND, x, y, z) }
func (a *amd64) or(x, y, z op)  { bySize(a.VPORQ, a.VPOR, x, y, z) }
func (a *amd64) xor(x, y, z op) { bySize(a.VPXORQ, a.VPXOR, x, y, z) }

// andNot is x &^ y.
func (a *amd64) andNot(x, y, z op) { bySize(a.VPANDNQ, a.VPANDN, x, y, z) }

// Truth tables of VPTERNLOG: bit 4x+2y+z of the immediate is the result for
// the bits x, y and z of the destination, the second and the first source.
const (
	xor3   = 0x96 // x ^ y ^ z
	or3    = 0xfe // x | y | z
	nor3   = 0x01 // ^(x | y | z)
	or2    = 0xee // y | z
	nor    = 0x11 // ^(y | z)
	xorOr  = 0xbe // (x ^ y) | z
	xorAnd = 0x28 // (x ^ y) & z
	andOr  = 0xec // x & z | y

	orAnd    = 0xf8 // x | y & z
	orAndNot = 0xf4 // x | y &^ z
)

// notLess is a comparison of VPCMP.
const notLess = 5

// andOr sets z to z & x | y.
func (a *amd64) andOr(x, y, z vec) {
	if a.isa == avx512 {
		a.VPTERNLOGQ(u8(andOr), x, y, z)
		return
	}
	a.VPAND(x, z, z)
	a.VPOR(y, z, z)
}

// repeat32 and repeat64 are tables of one value in every lane.
func (a *amd64) repeat32(name string, v uint32) mem {
	return a.data(name, table(16, func(int) u32 { return u32(v) })...)
}

func (a *amd64) repeat64(name string, v uint64) mem {
	return a.data(name, table(8, func(int) u64 { return u64(v) })...)
}
