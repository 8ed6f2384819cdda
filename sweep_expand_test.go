package dropblock

import (
	"bytes"
	"fmt"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

func expandOf[E float32 | float64](
	method func(dst unsafe.Pointer, n int, e element, keep []uint64, scale float64),
) expandKernel[E] {
	return func(dst []E, keep []uint64, scale E) {
		method(unsafe.Pointer(unsafe.SliceData(dst)), len(dst), elementOf[E](), keep, float64(scale))
	}
}

func sweepExpand[E float32 | float64](t testing.TB, kernel expandKernel[E]) error {
	_, patterns := scalePatterns[E]()
	size := int(unsafe.Sizeof(E(0)))
	a := newArena(t, size*edgeLen+64*8)
	cases := scaleCases(len(patterns), middles(size, 8), [2]int{size, 8}, false)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		keep := lay[uint64](a, &c.at, 1, bitstring.Words(c.n))
		copy(keep, p.keep)
		kernel(dst, keep, p.scale)
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
	_, patterns := scalePatterns[float32]()
	a := newArena(t, edgeLen+64*8)
	cases := scaleCases(len(patterns), middles(1, 16), [2]int{1, 8}, false)
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
		pass(t, sweepExpand(t, expandOf[float32](k.expand)))
		pass(t, sweepExpand(t, expandOf[float64](k.expand)))
	})
}

func TestKernelExpandBool(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepExpandBool(t, k.expandBool)) })
}
