package dropblock

import (
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// scaleEachOf is a kernel set's method for slices of E.
func scaleEachOf[E Float, S goFloat](
	method func(dst, src unsafe.Pointer, n int, e element, keep []uint64, factors unsafe.Pointer),
) scaleEachKernel[E, S] {
	return func(dst, src []E, keep []uint64, factors []S) {
		d, s := spanOf(dst), spanOf(src)
		method(d.at, s.at, s.n, s.element, keep, unsafe.Pointer(unsafe.SliceData(factors)))
	}
}

func sweepScaleEach[E Float, S goFloat](t testing.TB, kernel scaleEachKernel[E, S]) error {
	x, _, patterns := scalePatterns[E]()
	size, scaleSize := int(unsafe.Sizeof(*new(E))), int(unsafe.Sizeof(*new(S)))
	a := newArena(t, max(size, scaleSize)*edgeLen+64*8)
	reference := referenceOf[E]()
	scales := make([]S, edgeLen)
	for i := range scales {
		scales[i] = S(1 / (1 - float64(i*37%83)/100))
	}
	wants := make([][]E, len(patterns))
	for p := range patterns {
		for i := range x {
			wants[p] = append(wants[p], reference.Scale(x[i:i+1], patterns[p].bits[i:i+1], float64(scales[i]))...)
		}
	}
	cases := scaleCases[E](len(patterns), middles(size, step(size)), [2]int{size, size}, true)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		src := lay[E](a, &c.at, 1, c.n)
		keep := lay[uint64](a, &c.at, 2, bitstring.Words(c.n))
		factors := lay[S](a, &c.at, 3, c.n)
		copy(keep, p.keep)
		copy(factors, scales)
		from := src
		if c.inPlace {
			from = dst
		}
		copy(from, x)
		kernel(dst, from, keep, factors)
		if err := sameElements(dst, wants[c.pattern][:c.n]); err != nil {
			return err
		}
		if err := unchanged("keep", keep, p.keep[:len(keep)]); err != nil {
			return err
		}
		if err := unchanged("factors", factors, scales[:c.n]); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil || c.inPlace {
			return err
		}
		return unchanged("src", src, x[:c.n])
	})
}

func TestKernelScaleEach(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		eachElement(t,
			func(t testing.TB) error { return sweepScaleEach(t, scaleEachOf[float32, float32](k.scaleEach)) },
			func(t testing.TB) error { return sweepScaleEach(t, scaleEachOf[float64, float64](k.scaleEach)) },
			func(t testing.TB) error { return sweepScaleEach(t, scaleEachOf[Float16, float32](k.scaleEach)) },
			func(t testing.TB) error { return sweepScaleEach(t, scaleEachOf[BFloat16, float32](k.scaleEach)) })
	})
}
