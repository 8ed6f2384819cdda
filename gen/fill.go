package main

import (
	"slices"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

func fill(a *amd64)       { a.scaled(scaled{dropped: "fill"}) }
func fillStream(a *amd64) { a.scaled(scaled{dropped: "fill", stream: true}) }

func fillNEON(a *neon) {
	dst, src, fill, keep := a.LoadBase("dst"), a.LoadBase("src"), a.LoadBase("fill"), a.LoadBase("keep")
	n := a.LoadLen("src")
	r := a.arithmetic()
	a.masked(n, keep, func(elements int, m []arm64.Vec) {
		for m := range slices.Chunk(m, 4) {
			x, y := a.Vecs(len(m)), a.Vecs(len(m))
			a.loadNext(elements, x, src)
			a.loadNext(elements, y, fill)
			for i := range x {
				// y[i] = x[i]*scale where keep is 1, else fill[i]
				r.multiply(elements, x[i])
				a.BIT(y[i].B16(), x[i].B16(), m[i].B16())
			}
			a.storeNext(elements, y, dst)
		}
	})
	a.RET()
}
