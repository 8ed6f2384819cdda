package dropblock

import (
	"errors"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// noiseFunc is a kernel without the cache lines that it asks for.
type noiseFunc[E Float] func(dst []E, quads []uint32, ks *roundKeys, ctr *[4]uint32)

// noiseOf is a kernel set's method for slices of E. It asks for lines in its first steps, some of
// them behind dst.
func noiseOf[E Float](
	method func(dst unsafe.Pointer, n int, e element, quads []uint32, ks *roundKeys, ctr *[4]uint32, to, from *byte, lines int),
) noiseFunc[E] {
	return func(dst []E, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
		d := spanOf(dst)
		method(d.at, d.n, d.element, quads, ks, ctr, (*byte)(d.at), nil, 40)
	}
}

type noiseCase struct {
	n    int // listed quads
	ctr  [4]uint32
	kind int
	at   layout
}

// sweepNoise draws some of a slice's quads, which may repeat, in any order.
func sweepNoise[E Float](t testing.TB, kernel noiseFunc[E]) error {
	const most = 9 * noiseStride
	size := int(unsafe.Sizeof(*new(E)))
	a := newArena(t, size*4*most+4*most+64)
	layouts := append(middles(size, 16), edges([2]int{size, 8}, 4)...)
	elements := referenceOf[E]()
	cases := func(yield func(noiseCase) bool) {
		turn := 0
		for n := 0; n <= most; n += noiseStride {
			// Number 0 of the slice may stand before the first quad of a sample.
			for kind, ctr := range [][4]uint32{{0, domainNoise}, {-uint32(n), domainNoise, 1<<32 - 1, 1}, {1<<29 - 7, domainNoise, 3, 1 << 31}} {
				for at := range turns(layouts, turn, 16) {
					if !yield(noiseCase{n, ctr, kind, at}) {
						return
					}
				}
				turn++
			}
		}
	}
	return sweep(cases, func(c *noiseCase) error {
		dst := lay[E](a, &c.at, 0, 4*c.n)
		ks, ctr, check := layKey(a, &c.at, c.ctr)
		quads := lay[uint32](a, &c.at, 3, c.n)
		want := make([]E, len(dst))
		for i := range dst {
			dst[i] = elements.Nearest(float64(i))
			want[i] = dst[i]
		}
		r := rand.New(rand.NewPCG(uint64(c.n), uint64(c.kind)))
		list := make([]uint32, c.n)
		for i := range list {
			switch c.kind {
			case 0: // all of them, the last one first
				list[i] = uint32(c.n - 1 - i)
			default:
				list[i] = r.Uint32N(uint32(c.n))
			}
			block := reference.NoiseBlock([4]uint32{c.ctr[0] + list[i], c.ctr[1], c.ctr[2], c.ctr[3]}, sweepKey)
			for j, v := range block {
				want[4*list[i]+uint32(j)] = elements.Nearest(float64(v))
			}
		}
		copy(quads, list)
		kernel(dst, quads, ks, ctr)
		if err := elements.Same(dst, want); err != nil {
			return err
		}
		return errors.Join(unchanged("quads", quads, list), check(), guard.Check(a[0], dst), guard.Check(a[3], quads))
	})
}

func TestKernelNoise(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		eachElement(t,
			func(t testing.TB) error { return sweepNoise(t, noiseOf[float32](k.noise)) },
			func(t testing.TB) error { return sweepNoise(t, noiseOf[float64](k.noise)) },
			func(t testing.TB) error { return sweepNoise(t, noiseOf[Float16](k.noise)) },
			func(t testing.TB) error { return sweepNoise(t, noiseOf[BFloat16](k.noise)) })
	})
}
