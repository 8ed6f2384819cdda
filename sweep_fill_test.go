package dropblock

import (
	"iter"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// fillOf is a kernel set's method for slices of E.
func fillOf[E Float, S goFloat](
	method func(dst, src, fill unsafe.Pointer, n int, e element, keep []uint64, scale float64),
) fillKernel[E, S] {
	return func(dst, src, fill []E, keep []uint64, scale S) {
		d, s, f := spanOf(dst), spanOf(src), spanOf(fill)
		method(d.at, s.at, f.at, s.n, s.element, keep, float64(scale))
	}
}

type fillCase struct {
	scaleCase
	intoFill bool // dst is fill
}

// fillCases are scaleCases, those in place with dst as src and as fill.
func fillCases(cases iter.Seq[scaleCase]) iter.Seq[fillCase] {
	return func(yield func(fillCase) bool) {
		for c := range cases {
			if !yield(fillCase{c, false}) || c.inPlace && !yield(fillCase{c, true}) {
				return
			}
		}
	}
}

func sweepFill[E Float, S goFloat](t testing.TB, kernel fillKernel[E, S]) error {
	x, other, patterns := scalePatterns[E]()
	size := int(unsafe.Sizeof(*new(E)))
	a := newArena(t, size*edgeLen+64*8)
	cases := scaleCases[E](len(patterns), middles(size, 16), [2]int{size, size}, true)
	return sweep(fillCases(cases), func(c *fillCase) error {
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		src := lay[E](a, &c.at, 1, c.n)
		c.at[3].skip = c.at[3].skip / size * size
		fill := lay[E](a, &c.at, 3, c.n)
		keep := lay[uint64](a, &c.at, 2, bitstring.Words(c.n))
		copy(keep, p.keep)
		from, with := src, fill
		switch {
		case c.intoFill:
			with = dst
		case c.inPlace:
			from = dst
		}
		copy(from, x)
		copy(with, other)
		kernel(dst, from, with, keep, S(p.scale))
		if err := unchanged("keep", keep, p.keep[:len(keep)]); err != nil {
			return err
		}
		if err := sameElements(dst, p.filled[:c.n]); err != nil {
			return err
		}
		if err := sameDropped(dst, other[:c.n], p.bits); err != nil {
			return err
		}
		if !c.inPlace || c.intoFill {
			if err := unchanged("src", src, x[:c.n]); err != nil {
				return err
			}
		}
		if !c.intoFill {
			if err := unchanged("fill", fill, other[:c.n]); err != nil {
				return err
			}
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		if err := guard.Check(a[1], src); err != nil {
			return err
		}
		if err := guard.Check(a[3], fill); err != nil {
			return err
		}
		return guard.Check(a[2], keep)
	})
}

func testFill(t *testing.T, method func(dst, src, fill unsafe.Pointer, n int, e element, keep []uint64, scale float64)) {
	eachElement(t,
		func(t testing.TB) error { return sweepFill(t, fillOf[float32, float32](method)) },
		func(t testing.TB) error { return sweepFill(t, fillOf[float64, float64](method)) },
		func(t testing.TB) error { return sweepFill(t, fillOf[Float16, float32](method)) },
		func(t testing.TB) error { return sweepFill(t, fillOf[BFloat16, float32](method)) })
}

func TestKernelFill(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testFill(t, k.fill) })
}

func TestKernelFillStream(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testFill(t, k.fillStream) })
}
