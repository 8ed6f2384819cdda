package dropblock

import (
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// scaleRunsOf is a kernel set's method for slices of E.
func scaleRunsOf[E Float, S goFloat](
	method func(dst, src unsafe.Pointer, n int, e element, keep []uint64, scales []float64, run, left int),
) scaleRunsKernel[E, S] {
	return func(dst, src []E, keep []uint64, scales []float64, run, left int) {
		d, s := spanOf(dst), spanOf(src)
		method(d.at, s.at, s.n, s.element, keep, scales, run, left)
	}
}

// sweepScaleRuns has runs that end in every bit of a word, one or two in each, or few.
func sweepScaleRuns[E Float, S goFloat](t testing.TB, kernel scaleRunsKernel[E, S]) error {
	x, _, patterns := scalePatterns[E]()
	size := int(unsafe.Sizeof(*new(E)))
	a := newArena(t, size*edgeLen+64*8+8*(edgeLen+spareScales))
	reference := referenceOf[E]()
	scales := make([]float64, edgeLen+1)
	for i := range scales {
		scales[i] = 1 / (1 - float64(i*37%83)/100)
	}
	runs := []int{32, 33, 49, 63, 64, 65, 100, 196, 5000, 7, 1}
	// wants has the elements for each run, pattern and number of elements of the first run.
	type key struct{ pattern, run, left int }
	wants := map[key][]E{}
	want := func(pattern, run, left int) []E {
		k := key{pattern, run, left}
		if wants[k] == nil {
			bits, all := patterns[pattern].bits, make([]E, 0, edgeLen)
			for i, to := 0, min(left, edgeLen); len(all) < edgeLen; i, to = i+1, min(to+run, edgeLen) {
				from := len(all)
				all = append(all, reference.Scale(x[from:to], bits[from:to], scales[i])...)
			}
			wants[k] = all
		}
		return wants[k]
	}
	turn := 0
	cases := scaleCases[E](len(patterns), middles(size, step(size)), [2]int{size, size}, true)
	return sweep(cases, func(c *scaleCase) error {
		tries := 1
		if c.n%64 == 0 { // which assembly takes
			tries = 3
		}
		for range tries {
			turn++
			run := runs[turn%len(runs)]
			left := 1 + turn/len(runs)*23%min(run, 64)
			if c.n == 0 {
				left = run
			}
			dst := lay[E](a, &c.at, 0, c.n)
			src := lay[E](a, &c.at, 1, c.n)
			keep := lay[uint64](a, &c.at, 2, bitstring.Words(c.n))
			n := 1 + (max(c.n-left, 0)+run-1)/run
			list := lay[float64](a, &c.at, 3, n+spareScales)
			copy(keep, patterns[c.pattern].keep)
			copy(list, scales[:n])
			list[n], list[n+1] = 1e9, 1e9
			from := src
			if c.inPlace {
				from = dst
			}
			copy(from, x)
			kernel(dst, from, keep, list, run, left)
			if err := sameElements(dst, want(c.pattern, run, left)[:c.n]); err != nil {
				return err
			}
			if err := unchanged("keep", keep, patterns[c.pattern].keep[:len(keep)]); err != nil {
				return err
			}
			if err := guard.Check(a[0], dst); err != nil {
				return err
			}
			if err := guard.Check(a[2], keep); err != nil {
				return err
			}
			if !c.inPlace {
				if err := unchanged("src", src, x[:c.n]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func testScaleRuns(t *testing.T, method func(dst, src unsafe.Pointer, n int, e element, keep []uint64, scales []float64, run, left int)) {
	eachElement(t,
		func(t testing.TB) error { return sweepScaleRuns(t, scaleRunsOf[float32, float32](method)) },
		func(t testing.TB) error { return sweepScaleRuns(t, scaleRunsOf[float64, float64](method)) },
		func(t testing.TB) error { return sweepScaleRuns(t, scaleRunsOf[Float16, float32](method)) },
		func(t testing.TB) error { return sweepScaleRuns(t, scaleRunsOf[BFloat16, float32](method)) })
}

func TestKernelScaleRuns(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testScaleRuns(t, k.scaleRuns) })
}

func TestKernelScaleRunsStream(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testScaleRuns(t, k.scaleRunsStream) })
}
