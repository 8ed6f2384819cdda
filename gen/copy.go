package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The copies that bench/ measures everything else against: the plain loop that
// a scaling kernel would be without its mask and multiply, and the same with
// non-temporal stores.

func copyVector(a *amd64) { a.copy("copyVector", false) }

func copyStream(a *amd64) { a.copy("copyStream", true) }

// copy emits a copy, eight vectors at a time.
func (a *amd64) copy(name string, stream bool) {
	doc, store := "copies src to dst, which has the same length.", a.vmovups
	if stream {
		doc, store = doc+" Its stores bypass the caches.", a.VMOVNTDQ
	}
	a.function(name, "func(dst, src []float32)", doc)
	dst, n := a.slice("dst")
	src := a.base("src")
	bytes := a.isa.bytes
	advance := func(bytes int) {
		a.ADDQ(operand.U32(uint32(bytes)), src)
		a.ADDQ(operand.U32(uint32(bytes)), dst)
	}
	single := func() {
		v := a.XMM()
		a.VMOVSS(at(src, 0), v)
		a.VMOVSS(v, at(dst, 0))
		advance(4)
	}
	if stream { // Non-temporal stores must be aligned.
		a.Label("head")
		a.TESTQ(operand.U32(uint32(bytes-1)), dst)
		a.JZ(operand.LabelRef("aligned"))
		a.TESTQ(n, n)
		a.JZ(operand.LabelRef("aligned"))
		single()
		a.DECQ(n)
		a.JMP(operand.LabelRef("head"))
		a.Label("aligned")
	}
	for _, unroll := range []int{8, 1} {
		a.loop(label("vectors%d", unroll), n, unroll*bytes/4, func() {
			v := make([]reg.VecVirtual, unroll)
			for i := range v {
				v[i] = a.vec()
				a.vmovups(at(src, bytes*i), v[i])
			}
			for i := range v {
				store(v[i], at(dst, bytes*i))
			}
			advance(bytes * unroll)
		})
	}
	a.loop("single", n, 1, single)
	if stream {
		a.SFENCE()
	}
	a.ret()
}

func (a *amd64) vmovups(from, to operand.Op) { a.VMOVUPS(from, to) }
