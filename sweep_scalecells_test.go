package dropblock

import (
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// scaleCellsOf is a kernel set's method for slices of E.
func scaleCellsOf[E Float, S goFloat](
	method func(dst, src unsafe.Pointer, n int, e element, words []uint64, lanes []stretchLanes, scale float64),
) scaleCellsKernel[E, S] {
	return func(dst, src []E, words []uint64, lanes []stretchLanes, scale S) {
		d, s := spanOf(dst), spanOf(src)
		method(d.at, s.at, s.n, s.element, words, lanes, float64(scale))
	}
}

// sweepScaleCells has every number of lanes.
func sweepScaleCells[E Float, S goFloat](t testing.TB, kernel scaleCellsKernel[E, S]) error {
	x, _, patterns := scalePatterns[E]()
	size := int(unsafe.Sizeof(*new(E)))
	a := newArena(t, max(size*edgeLen, maxLanes*int(unsafe.Sizeof(stretchLanes{})))+64*8)
	reference := referenceOf[E]()
	// wants has the elements for each pattern and number of lanes.
	type key struct{ pattern, each int }
	wants := map[key][]E{}
	want := func(pattern, each int) []E {
		k := key{pattern, each}
		if wants[k] == nil {
			p := &patterns[pattern]
			repeated := make([]bool, edgeLen)
			for i := range repeated {
				repeated[i] = p.bits[i/each]
			}
			wants[k] = reference.Scale(x, repeated, p.scale)
		}
		return wants[k]
	}
	turn := 0
	cases := scaleCases[E](len(patterns), middles(size, step(size)), [2]int{size, size}, true)
	return sweep(cases, func(c *scaleCase) error {
		turn++
		each := 2 + turn%(maxLanes-1)
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		src := lay[E](a, &c.at, 1, c.n)
		words := lay[uint64](a, &c.at, 2, (bitstring.Words(c.n)+each-1)/each)
		lanes := lay[stretchLanes](a, &c.at, 3, each)
		copy(words, p.keep)
		copy(lanes, lanesOf(each))
		from := src
		if c.inPlace {
			from = dst
		}
		copy(from, x)
		kernel(dst, from, words, lanes, S(p.scale))
		if err := sameElements(dst, want(c.pattern, each)[:c.n]); err != nil {
			return err
		}
		if err := unchanged("words", words, p.keep[:len(words)]); err != nil {
			return err
		}
		if err := unchanged("lanes", lanes, lanesOf(each)); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil || c.inPlace {
			return err
		}
		return unchanged("src", src, x[:c.n])
	})
}

func testScaleCells(t *testing.T, method func(dst, src unsafe.Pointer, n int, e element, words []uint64, lanes []stretchLanes, scale float64)) {
	eachElement(t,
		func(t testing.TB) error { return sweepScaleCells(t, scaleCellsOf[float32, float32](method)) },
		func(t testing.TB) error { return sweepScaleCells(t, scaleCellsOf[float64, float64](method)) },
		func(t testing.TB) error { return sweepScaleCells(t, scaleCellsOf[Float16, float32](method)) },
		func(t testing.TB) error { return sweepScaleCells(t, scaleCellsOf[BFloat16, float32](method)) })
}

func TestKernelScaleCells(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testScaleCells(t, k.scaleCells) })
}

func TestKernelScaleCellsStream(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testScaleCells(t, k.scaleCellsStream) })
}
