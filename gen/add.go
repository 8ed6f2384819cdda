package main

import (
	"slices"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

func add(a *amd64) { a.scaled(scaled{dropped: "dst", add: true}) }

func addNEON(a *neon) {
	dst, src, keep := a.LoadBase("dst"), a.LoadBase("src"), a.LoadBase("keep")
	n := a.LoadLen("src")
	r := a.arithmetic()
	a.masked(n, keep, func(elements int, m []arm64.Vec) {
		for m := range slices.Chunk(m, 4) { // There are not registers for more.
			x, y := a.Vecs(len(m)), a.Vecs(len(m))
			a.loadNext(elements, x, src)
			a.load(elements, y, dst)
			for i := range x {
				// y[i] += x[i]*scale where keep is 1
				r.multiplyAdd(elements, x[i], y[i])
				a.BIT(y[i].B16(), x[i].B16(), m[i].B16())
			}
			a.storeNext(elements, y, dst)
		}
	})
	a.RET()
}
