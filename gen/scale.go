package main

import "github.com/dropblock-go/dropblock/asm/arm64"

// streamAhead is the distance, in bytes, at which the source is prefetched before
// non-temporal stores. With a source that came partly from the last-level cache and partly
// from memory, 2 KiB saved 4 % of the time, 4 to 12 KiB 5 to 9 %, and half a KiB cost 5 %;
// with all of it from either one it made no difference. PREFETCHNTA saved less, as the last
// level then keeps less. A prefetch past the end of the source does not fault.
const streamAhead = 8 << 10

func scale(a *amd64)       { a.scaled(scaled{}) }
func scaleStream(a *amd64) { a.scaled(scaled{stream: true}) }

func scaleCells(a *amd64)       { a.scaled(scaled{cells: true}) }
func scaleCellsStream(a *amd64) { a.scaled(scaled{cells: true, stream: true}) }

// scaled is a kernel that multiplies src by scale.
type scaled struct {
	stream bool
	// cells says that keep is made of words and lanes.
	cells bool
	// dropped is the slice whose elements stand where keep is 0: +0 if there is none.
	dropped string
	// add says that products are added to those elements where keep is 1.
	add bool
}

func (a *amd64) scaled(k scaled) {
	w := maskedLoop{n: a.GP64(), stream: k.stream}
	if k.cells {
		a.stretched(&w)
	} else {
		w.keep = a.base("keep")
	}
	w.dst, w.src = a.base("dst"), a.base("src")
	a.Load(a.Param("src").Len(), w.n)
	w.moves = []gp{w.src, w.dst}
	dropped := w.dst
	if k.dropped != "" && k.dropped != "dst" {
		dropped = a.base(k.dropped)
		w.moves = append(w.moves, dropped)
	}
	maps := 1
	if k.dropped != "" {
		maps = 2
	}
	w.held = a.held(maps)
	s := a.scale("scale")
	w.hints(a)
	// The source is loaded whole, not through the mask: that is slower, from memory by a
	// third.
	w.value = func(p piece, m register) vec {
		from, to := at(w.src, p.offset), at(dropped, p.offset)
		if k.dropped != "" {
			// y[i] = x[i]*scale, or y[i]+x[i]*scale, where keep is 1, else y[i]
			y := a.loadElements(to, p)
			var sum vec
			if k.add {
				sum = y
			}
			a.merge(a.multiply(s, from, p, sum, to), m, y)
			return y
		}
		return a.kept(s, from, p, m) // y[i] = x[i]*scale where keep is 1, else 0
	}
	a.masked(w)
	if k.stream {
		a.SFENCE() // Go's own stores that follow, such as a channel's, must not overtake.
	}
	a.ret()
}

// held is how many vectors are made before they are stored, of elements of so many maps: all
// of a word, or as many as 16 registers have room for.
func (a *amd64) held(maps int) int {
	switch {
	case a.isa != avx2 || maps == 1 && a.element == &float32AMD64:
		return 0
	case a.element.split != nil:
		return 2
	}
	return 4
}

// hints has the loop ask for cache lines.
func (w *maskedLoop) hints(a *amd64) {
	if w.stream {
		w.ahead = func() {
			for _, p := range w.moves {
				for line := range a.element.bytes {
					if p != w.dst {
						a.PREFETCHT0(at(p, streamAhead+64*line))
					}
				}
			}
		}
	} else {
		// Load from each cache line of a word's elements before processing them: the
		// misses overlap, those of dst included, which stores would take one by one.
		// With maps in the last-level cache this is 2 to 10 % faster than the plain
		// loop; prefetches, or more lines at once, are slower. With maps in memory the
		// plain loop is as fast, or faster by a tenth.
		w.touch = func() {
			for _, p := range w.moves {
				for line := range a.element.bytes {
					a.MOVQ(at(p, 64*line), a.GP64())
				}
			}
		}
	}
}

// kept is the elements of a piece times s, and +0 where m is none.
func (a *amd64) kept(s vec, from mem, p piece, m register) vec {
	if a.isa == avx512 && a.element.multiplyZero != nil {
		x := a.loadElements(from, p)
		a.element.multiplyZero(a.Context, s, x, m, x)
		return x
	}
	x := a.multiply(s, from, p, nil, from)
	a.zero(x, m, x)
	return x
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
