package dropblock

import (
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// sweepAdd also adds elements to themselves: what is left of a product by 1 and its factor.
func sweepAdd[E Float, S goFloat](t testing.TB, kernel addKernel[E, S]) error {
	x, other, patterns := scalePatterns[E]()
	element := referenceOf[E]()
	size := int(unsafe.Sizeof(*new(E)))
	a := newArena(t, size*edgeLen+64*8)
	doubled := make([][]E, len(patterns))
	for i, p := range patterns {
		doubled[i] = element.Add(x, x, p.bits, p.scale)
	}
	cases := scaleCases[E](len(patterns), middles(size, 16), [2]int{size, size}, true)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		src := lay[E](a, &c.at, 1, c.n)
		keep := lay[uint64](a, &c.at, 2, bitstring.Words(c.n))
		copy(keep, p.keep)
		was, want := other, p.added
		if c.inPlace {
			was, want = x, doubled[c.pattern]
			copy(dst, was)
			kernel(dst, dst, keep, S(p.scale))
		} else {
			copy(dst, was)
			copy(src, x)
			kernel(dst, src, keep, S(p.scale))
			if err := unchanged("src", src, x[:c.n]); err != nil {
				return err
			}
		}
		if err := unchanged("keep", keep, p.keep[:len(keep)]); err != nil {
			return err
		}
		if err := element.Same(dst, want[:c.n]); err != nil {
			return err
		}
		if err := sameDropped(dst, was[:c.n], p.bits); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		if err := guard.Check(a[1], src); err != nil {
			return err
		}
		return guard.Check(a[2], keep)
	})
}

func TestKernelAdd(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		eachElement(t,
			func(t testing.TB) error {
				return sweepAdd(t, addKernel[float32, float32](scaleOf[float32, float32](k.add)))
			},
			func(t testing.TB) error {
				return sweepAdd(t, addKernel[float64, float64](scaleOf[float64, float64](k.add)))
			},
			func(t testing.TB) error {
				return sweepAdd(t, addKernel[Float16, float32](scaleOf[Float16, float32](k.add)))
			},
			func(t testing.TB) error {
				return sweepAdd(t, addKernel[BFloat16, float32](scaleOf[BFloat16, float32](k.add)))
			})
	})
}
