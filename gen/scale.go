package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// streamAhead is the distance, in bytes, at which the source is prefetched before
// non-temporal stores. With a source that came partly from the last-level cache and partly
// from memory, 2 KiB saved 4 % of the time, 4 to 12 KiB 5 to 9 %, and half a KiB cost 5 %;
// with all of it from either one it made no difference. PREFETCHNTA saved less, as the last
// level then keeps less. A prefetch past the end of the source does not fault.
const streamAhead = 8 << 10

func scale(a *amd64)       { a.scale(false) }
func scaleStream(a *amd64) { a.scale(true) }

func (a *amd64) scale(stream bool) {
	w := maskedLoop{n: a.GP64(), keep: a.base("keep"), dst: a.base("dst"), src: a.base("src"), stream: stream}
	a.Load(a.Param("src").Len(), w.n)
	s := a.broadcast("scale")
	if stream {
		w.ahead = func() {
			for line := range 4 {
				a.PREFETCHT0(at(w.src, streamAhead+64*line))
			}
		}
	} else {
		// Load from each cache line of a word's elements before processing them: the
		// misses overlap, those of dst included, which stores would take one by one.
		// With maps in the last-level cache this is 2 to 10 % faster than the plain
		// loop; prefetches, or more lines at once, are slower. With maps in memory the
		// plain loop is as fast, or faster by a tenth.
		w.touch = func() {
			for _, p := range []gp{w.src, w.dst} {
				for line := range 4 {
					a.MOVQ(at(p, 64*line), a.GP64())
				}
			}
		}
	}
	w.value = func(p piece, m register) vec {
		// y[i] = x[i]*scale where keep is 1, else 0. The source is loaded whole, not
		// through the mask: that is slower, from memory by a third.
		x, from := a.vec(), at(w.src, p.offset)
		switch {
		case p.exist != nil:
			a.element.loadMasked(a, from, p.exist, x)
		case a.isa == avx512 && (p.apart || stream): // Halves are 1 to 3 % faster.
			a.element.loadHalves(a, from, x)
		default:
			a.element.load(a, from, p.elements, x)
		}
		a.element.multiplyMasked(a, s, m, x)
		return x
	}
	w.advance = func(elements int) { a.advance(a.element.bytes*elements, w.src, w.dst) }
	a.masked(w)
	if stream {
		a.SFENCE() // Go's own stores that follow, such as a channel's, must not overtake.
	}
	a.ret()
}

func scaleNEON(a *neon) {
	dst, src, keep := a.LoadBase("dst"), a.LoadBase("src"), a.LoadBase("keep")
	n := a.LoadLen("src")
	r := a.arithmetic()
	a.masked(n, keep, func(elements int, m []arm64.Vec) {
		x := a.Vecs(len(m))
		a.loadNext(elements, x, src)
		for i := range x {
			// y[i] = x[i]*scale where keep is 1, else 0
			r.multiply(elements, x[i])
			a.AND(x[i].B16(), x[i].B16(), m[i].B16())
		}
		a.storeNext(elements, x, dst)
	})
	a.RET()
}
