package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes turns bits of a keep mask into masks of lanes: bits[j] has bit 8j+i in
// lane i, and a lane whose bit is in the keep word compares equal.
type lanes struct {
	a    *amd64
	bits [4]reg.VecVirtual
}

func (a *amd64) lanes() lanes {
	var values []operand.Constant
	for i := range 32 {
		values = append(values, operand.U32(1<<i))
	}
	table := a.data("laneBits", values...)
	l := lanes{a: a}
	for j := range l.bits {
		l.bits[j] = a.YMM()
		a.VMOVDQU(table.Offset(32*j), l.bits[j])
	}
	return l
}

// mask writes to m all ones in the lanes that elements 8j to 8j+7 of word
// keep.
func (l *lanes) mask(word reg.VecVirtual, j int, m reg.VecVirtual) {
	l.a.VPAND(l.bits[j], word, m)
	l.a.VPCMPEQD(l.bits[j], m, m)
}

// masked runs body over n float32 whose keep bits are at keep: 64 at a time
// with the word's eight masks, then 8, then 1 (of which lane 0 counts).
func (a *amd64) masked(n, keep reg.GPVirtual, body func(offset, elements int, m reg.VecVirtual), advance func(elements int)) {
	l := a.lanes()
	a.loop("word", n, 64, func() {
		for half := range 2 {
			word := a.YMM()
			a.VPBROADCASTD(at(keep, 4*half), word)
			for j := range 4 {
				m := a.YMM()
				l.mask(word, j, m)
				body(32*(4*half+j), 8, m)
			}
		}
		a.ADDQ(operand.U8(8), keep)
		advance(64)
	})
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("done"))
	rest := a.GP64()
	a.MOVQ(at(keep, 0), rest)
	for _, elements := range []int{8, 1} {
		a.loop(label("rest%d", elements), n, elements, func() {
			word, m := a.YMM(), a.YMM()
			a.VMOVQ(rest, word.AsX())
			a.VPBROADCASTD(word.AsX(), word)
			l.mask(word, 0, m)
			body(0, elements, m)
			a.SHRQ(operand.U8(uint8(elements)), rest)
			advance(elements)
		})
	}
	a.Label("done")
}

func scale(a *amd64) {
	a.scale("scaleAVX2", "is scaleGeneric.", false)
}

func scaleStream(a *amd64) {
	a.scale("scaleStreamAVX2", "is scaleGeneric for dst that begins at a multiple of 32 bytes. Its stores bypass the caches.", true)
}

func (a *amd64) scale(name, doc string, stream bool) {
	a.function(name, "func(dst, src []float32, keep []uint64, scale float32)", doc)
	dst, src, keep := a.base("dst"), a.base("src"), a.base("keep")
	n := a.GP64()
	a.Load(a.Param("src").Len(), n)
	s := a.broadcastScale()
	a.masked(n, keep, func(offset, elements int, m reg.VecVirtual) {
		x := a.YMM()
		if elements == 1 {
			a.VMULSS(at(src, offset), s.AsX(), x.AsX())
			a.VPAND(m.AsX(), x.AsX(), x.AsX())
			a.VMOVSS(x.AsX(), at(dst, offset))
			return
		}
		a.VMULPS(at(src, offset), s, x)
		a.VPAND(m, x, x)
		if stream {
			a.VMOVNTPS(x, at(dst, offset))
		} else {
			a.VMOVUPS(x, at(dst, offset))
		}
	}, func(elements int) {
		a.ADDQ(operand.U32(uint32(4*elements)), src)
		a.ADDQ(operand.U32(uint32(4*elements)), dst)
	})
	if stream {
		a.SFENCE() // Go's own stores that follow, such as a channel's, must not overtake.
	}
	a.ret()
}

func (a *amd64) broadcastScale() reg.VecVirtual {
	m, err := a.Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	s := a.YMM()
	a.VBROADCASTSS(m.Addr, s)
	return s
}
