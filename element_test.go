package dropblock_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// requireDoubles compares bits; of a NaN only that it is one.
func requireDoubles(t *testing.T, want, got []float64, name string) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, w := range want {
		if g := got[i]; math.Float64bits(g) != math.Float64bits(w) && !(math.IsNaN(g) && math.IsNaN(w)) {
			t.Fatalf("%s: element %d is %v, want %v", name, i, g, w)
		}
	}
}

// doubles are random, with the special values among them.
func doubles(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 64))
	special := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(),
		math.SmallestNonzeroFloat64, 0x1p-1023, math.MaxFloat64, 1 + 0x1p-52, 0.1}
	x := make([]float64, n)
	for i := range x {
		if x[i] = r.NormFloat64(); i%3 == 0 {
			x[i] = special[r.IntN(len(special))]
		}
	}
	return x
}

// Maps of float64 through every call, with a mask for each channel and shared
// ones, in one go, in place and in parts: a product with the float64 scale, or +0.
func TestFloat64(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, s := range []dropblock.Shape{
			dropblock.NCHW(0, 1, 2, 3), dropblock.NCHW(1, 1, 1, 1), dropblock.NCHW(2, 3, 5, 7), dropblock.NCHW(1, 700, 7, 7), dropblock.NCHW(2, 2, 130, 150),
		} {
			for _, share := range []dropblock.Share{dropblock.ShareNone, dropblock.ShareChannels} {
				for _, p := range []float64{0, 0.3, 1} {
					layer := newLayer(t, dropblock.Config{DropProb: p, Block: dropblock.Square(1), Share: share, Kernels: kernels, Workers: 2})
					var m dropblock.Mask
					layer.Sample(&m, s, 1)
					name := fmt.Sprintf("%v, share %v, p %v", s, share, p)
					x := doubles(s.Len(), 1)
					product, factor := make([]float64, len(x)), make([]float64, len(x))
					keep := keptOneByOne(&m)
					for i, k := range keep {
						if k {
							product[i], factor[i] = x[i]*m.Scales()[0], m.Scales()[0]
						}
					}
					original, y := slices.Clone(x), doubles(len(x), 2)
					dropblock.Apply(y, x, &m)
					requireDoubles(t, product, y, name)
					requireDoubles(t, original, x, name+", the source")
					dropblock.Apply(x, x, &m)
					requireDoubles(t, product, x, name+", in place")

					y = doubles(len(x), 3)
					for part := range 3 {
						dropblock.ApplyPart(y, original, &m, part, 3)
					}
					requireDoubles(t, product, y, name+", in parts")
					dropblock.ScaleTo(y, &m)
					requireDoubles(t, factor, y, name+", factors")

					bytes := slices.Repeat([]uint8{7}, len(x))
					dropblock.KeepTo(bytes, &m)
					for i, k := range keep {
						if want := map[bool]uint8{true: 1}[k]; bytes[i] != want {
							t.Fatalf("%s: byte %d is %d, want %d", name, i, bytes[i], want)
						}
					}
				}
			}
		}
	})
}

func TestFloat64Kernels(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, n := range []int{0, 1, 63, 64, 65, 1000} {
			x, y := doubles(n, 5), doubles(n, 6)
			bits := make([]bool, n)
			for i := range bits {
				bits[i] = i%7 < 3
			}
			keep := make([]uint64, (n+63)/64)
			dropblock.PackBits(keep, bits)
			product, factor := make([]float64, n), make([]float64, n)
			for i, k := range bits {
				if k {
					product[i], factor[i] = x[i]*0.3, 0.3
				}
			}
			dropblock.Scale(kernels, y, x, keep, 0.3)
			requireDoubles(t, product, y, "Scale")
			dropblock.Scale(kernels, x, x, keep, 0.3)
			requireDoubles(t, product, x, "Scale in place")
			dropblock.Expand(kernels, y, keep, 0.3)
			requireDoubles(t, factor, y, "Expand")
			bytes := slices.Repeat([]uint8{7}, n)
			dropblock.ExpandBits(kernels, bytes, keep)
			for i, k := range bits {
				require.Equal(t, map[bool]uint8{true: 1}[k], bytes[i])
			}
		}
	})
}

func TestPackBits(t *testing.T) {
	for _, n := range []int{0, 1, 64, 65, 200} {
		bits := make([]bool, n)
		for i := range bits {
			bits[i] = i%3 == 0
		}
		dst := slices.Repeat([]uint64{^uint64(0)}, 6)
		dropblock.PackBits(dst, bits)
		for i := range 64 * len(dst) {
			want := i >= (n+63)/64*64 || i < n && i%3 == 0 // words behind are left alone
			require.Equal(t, want, dst[i/64]>>(i%64)&1 == 1, "bit %d of %d", i, n)
		}
	}
	require.PanicsWithValue(t, "dropblock: PackBits: dst is shorter than its bits", func() {
		dropblock.PackBits(make([]uint64, 1), make([]bool, 65))
	})
}

// unaligned is n elements that begin a number of bytes behind an aligned address.
func unaligned[E dropblock.Float](memory []byte, offset, n int) []E {
	return unsafe.Slice((*E)(unsafe.Pointer(&memory[offset])), n)
}

// testOverlap tries all distances, in bytes, at which two maps of 20 elements may
// lie. Where they share a byte without being the same, every call panics.
func testOverlap[E dropblock.Float](t *testing.T) {
	const n = 20
	size := n * int(unsafe.Sizeof(*new(E)))
	var m dropblock.Mask
	m.Identity(dropblock.NCHW(1, 1, 4, 5))
	memory := make([]byte, 3*size)
	for offset := range 2*size + 1 {
		dst, src := unaligned[E](memory, offset, n), unaligned[E](memory, size, n)
		for call, f := range map[string]func(){
			"Apply":     func() { dropblock.Apply(dst, src, &m) },
			"ApplyPart": func() { dropblock.ApplyPart(dst, src, &m, 0, 1) },
			"Scale":     func() { dropblock.Scale(dropblock.KernelSet{}, dst, src, []uint64{1<<n - 1}, 1) },
		} {
			if offset != size && offset > 0 && offset < 2*size {
				require.PanicsWithValue(t, "dropblock: "+call+": dst and src overlap in part", f, "%d bytes apart", offset-size)
			} else {
				require.NotPanics(t, f, "%d bytes apart", offset-size)
			}
		}
	}
}

func TestOverlap(t *testing.T) {
	t.Run("float32", testOverlap[float32])
	t.Run("float64", testOverlap[float64])
}
