package dropblock

import (
	"bytes"
	"fmt"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

func expandOf[E Float, S goFloat](
	method func(dst unsafe.Pointer, n int, e element, keep []uint64, scale float64),
) expandKernel[E, S] {
	return func(dst []E, keep []uint64, scale S) {
		d := spanOf(dst)
		method(d.at, d.n, d.element, keep, float64(scale))
	}
}

func sweepExpand[E Float, S goFloat](t testing.TB, kernel expandKernel[E, S]) error {
	_, _, patterns := scalePatterns[E]()
	size := int(unsafe.Sizeof(*new(E)))
	a := newArena(t, size*edgeLen+64*8)
	cases := scaleCases[E](len(patterns), middles(size, 8), [2]int{size, 8}, false)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		keep := lay[uint64](a, &c.at, 1, bitstring.Words(c.n))
		copy(keep, p.keep)
		kernel(dst, keep, S(p.scale))
		if err := unchanged("keep", keep, p.keep[:len(keep)]); err != nil {
			return err
		}
		if err := sameElements(dst, p.factor[:c.n]); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		return guard.Check(a[1], keep)
	})
}

func sweepExpandBool(t testing.TB, kernel expandBoolKernel) error {
	_, _, patterns := scalePatterns[float32]()
	a := newArena(t, edgeLen+64*8)
	cases := scaleCases[float32](len(patterns), middles(1, 16), [2]int{1, 8}, false)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[bool](a, &c.at, 0, c.n)
		keep := lay[uint64](a, &c.at, 1, bitstring.Words(c.n))
		copy(keep, p.keep)
		kernel(dst, keep)
		if err := unchanged("keep", keep, p.keep[:len(keep)]); err != nil {
			return err
		}
		// Bytes, as a boolean that is neither 0 nor 1 may compare as either.
		if got, want := guard.Bytes(dst), guard.Bytes(p.bits[:c.n]); !bytes.Equal(got, want) {
			return fmt.Errorf("the booleans are %x, want %x", got, want)
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		return guard.Check(a[1], keep)
	})
}

func TestKernelExpand(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		eachElement(t,
			func(t testing.TB) error { return sweepExpand(t, expandOf[float32, float32](k.expand)) },
			func(t testing.TB) error { return sweepExpand(t, expandOf[float64, float64](k.expand)) },
			func(t testing.TB) error { return sweepExpand(t, expandOf[Float16, float32](k.expand)) },
			func(t testing.TB) error { return sweepExpand(t, expandOf[BFloat16, float32](k.expand)) })
	})
}

func TestKernelExpandBool(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepExpandBool(t, k.expandBool)) })
}
