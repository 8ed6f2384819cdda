package dropblock_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// The references of halves.
var (
	float16  = reference.Half[dropblock.Float16](reference.Binary16)
	bfloat16 = reference.Half[dropblock.BFloat16](reference.Brain16)
)

// values are random, with the special ones among them.
func values[E dropblock.Float](element *reference.Element[E], n int, seed uint64) []E {
	r := rand.New(rand.NewPCG(seed, 64))
	x := make([]E, n)
	for i := range x {
		if x[i] = element.Nearest(r.NormFloat64()); i%3 == 0 {
			x[i] = element.Special[r.IntN(len(element.Special))]
		}
	}
	return x
}

func requireElements[E dropblock.Float](t *testing.T, element *reference.Element[E], want, got []E, name string) {
	t.Helper()
	require.NoError(t, element.Same(got, want), name)
}

// Maps of every type but float32 through every call, with a mask for each channel and
// shared ones, in one go, in place and in parts.
func TestElements(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		t.Run("float64", func(t *testing.T) { testMaps(t, kernels, &reference.Float64) })
		t.Run("float16", func(t *testing.T) { testMaps(t, kernels, &float16) })
		t.Run("bfloat16", func(t *testing.T) { testMaps(t, kernels, &bfloat16) })
	})
}

func testMaps[E dropblock.Float](t *testing.T, kernels dropblock.KernelSet, element *reference.Element[E]) {
	for _, s := range []dropblock.Shape{
		dropblock.NCHW(0, 1, 2, 3), dropblock.NCHW(1, 1, 1, 1), dropblock.NCHW(2, 3, 5, 7), dropblock.NCHW(1, 700, 7, 7), dropblock.NCHW(2, 2, 130, 150),
	} {
		for _, share := range []dropblock.Share{dropblock.ShareNone, dropblock.ShareChannels} {
			for _, p := range []float64{0, 0.3, 1} {
				layer := newLayer(t, dropblock.Config{DropProb: p, Block: dropblock.Square(1), Share: share, Kernels: kernels, Workers: 2})
				var m dropblock.Mask
				layer.Sample(&m, s, 1)
				name := fmt.Sprintf("%v, share %v, p %v", s, share, p)
				x := values(element, s.Len(), 1)
				keep := keptOneByOne(&m)
				product, factor := element.Scale(x, keep, m.Scales()[0]), element.Expand(keep, m.Scales()[0])
				original, y := slices.Clone(x), values(element, len(x), 2)
				dropblock.Apply(y, x, &m)
				requireElements(t, element, product, y, name)
				requireElements(t, element, original, x, name+", the source")
				dropblock.Apply(x, x, &m)
				requireElements(t, element, product, x, name+", in place")

				y = values(element, len(x), 3)
				for part := range 3 {
					dropblock.ApplyPart(y, original, &m, part, 3)
				}
				requireElements(t, element, product, y, name+", in parts")
				dropblock.ScaleTo(y, &m)
				requireElements(t, element, factor, y, name+", factors")

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
}

func TestElementKernels(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		t.Run("float64", func(t *testing.T) { testPrimitives(t, kernels, &reference.Float64) })
		t.Run("float16", func(t *testing.T) { testPrimitives(t, kernels, &float16) })
		t.Run("bfloat16", func(t *testing.T) { testPrimitives(t, kernels, &bfloat16) })
	})
}

// A scale is the value of an element: 0.3 is another one in every type.
func testPrimitives[E dropblock.Float](t *testing.T, kernels dropblock.KernelSet, element *reference.Element[E]) {
	scale := element.Nearest(0.3)
	for _, n := range []int{0, 1, 63, 64, 65, 1000} {
		x, y := values(element, n, 5), values(element, n, 6)
		bits := make([]bool, n)
		for i := range bits {
			bits[i] = i%7 < 3
		}
		keep := make([]uint64, (n+63)/64)
		dropblock.PackBits(keep, bits)
		product, factor := element.Scale(x, bits, element.Value(scale)), element.Expand(bits, element.Value(scale))
		dropblock.Scale(kernels, y, x, keep, scale)
		requireElements(t, element, product, y, "Scale")
		dropblock.Scale(kernels, x, x, keep, scale)
		requireElements(t, element, product, x, "Scale in place")
		dropblock.Expand(kernels, y, keep, scale)
		requireElements(t, element, factor, y, "Expand")
		bytes := slices.Repeat([]uint8{7}, n)
		dropblock.ExpandBits(kernels, bytes, keep)
		for i, k := range bits {
			require.Equal(t, map[bool]uint8{true: 1}[k], bytes[i])
		}
	}
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
	require.PanicsWithValue(t, "dropblock: PackBits: dst has 1 words, want 2 or more for 65 bits", func() {
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
	t.Run("float16", testOverlap[dropblock.Float16])
	t.Run("bfloat16", testOverlap[dropblock.BFloat16])
}

// TestHalves holds conversions of all halves, and of float32 about all of them and all
// that lies between two, against the reference.
func TestHalves(t *testing.T) {
	t.Run("float16", func(t *testing.T) {
		testHalf(t, reference.Binary16, dropblock.NewFloat16, dropblock.Float16.Float32)
	})
	t.Run("bfloat16", func(t *testing.T) {
		testHalf(t, reference.Brain16, dropblock.NewBFloat16, dropblock.BFloat16.Float32)
	})
}

func testHalf[E ~uint16](t *testing.T, f *reference.Format, round func(float32) E, value func(E) float32) {
	check := func(x float32) {
		if x != x {
			return
		}
		if got, want := uint16(round(x)), f.Nearest(float64(x)); got != want {
			t.Fatalf("%v (%#08x) is rounded to %#04x, want %#04x", x, math.Float32bits(x), got, want)
		}
	}
	for half := range 1 << 16 {
		x := value(E(half))
		if want := f.Value(uint16(half)); !(float64(x) == want || x != x && want != want) || math.Float32bits(x)>>31 != uint32(half)>>15 {
			t.Fatalf("the value of %#04x is %v, want %v", half, x, want)
		}
		// About x, half-way to the next one, and about what rounds up to infinity.
		next := value(E(half + 1&0xffff))
		for _, b := range []uint32{math.Float32bits(x), math.Float32bits(x + (next-x)/2), uint32(half) << 16, uint32(half)<<16 | 0x8000} {
			for d := range uint32(5) {
				check(math.Float32frombits(b + d - 2))
			}
		}
	}
	r := rand.New(rand.NewPCG(7, 7))
	for range 1 << 20 {
		check(math.Float32frombits(r.Uint32()))
	}
	// The bits of NaN are put together: a conversion may change them.
	for payload := uint32(1); payload < 1<<23; payload += 1<<9 + 1 {
		for sign := range uint32(2) {
			x := sign<<31 | 0x7f800000 | payload
			want := f.Nearest(math.Float64frombits(uint64(sign)<<63 | 0x7ff<<52 | uint64(payload)<<29))
			if got := uint16(round(math.Float32frombits(x))); got != want {
				t.Fatalf("NaN %#08x is rounded to %#04x, want %#04x", x, got, want)
			}
		}
	}
}

// Words of any type are halves in the same memory.
func TestAsHalves(t *testing.T) {
	type word uint16
	words := []word{0x3c00, 0xbf80}
	f, b := dropblock.AsFloat16(words), dropblock.AsBFloat16(words)
	require.Len(t, f, 2)
	require.Len(t, b, 2)
	require.Equal(t, float32(1), f[0].Float32())
	require.Equal(t, float32(-1), b[1].Float32())
	f[1], b[0] = dropblock.NewFloat16(2), dropblock.NewBFloat16(2)
	require.Equal(t, []word{0x4000, 0x4000}, words)
	require.Empty(t, dropblock.AsFloat16[uint16](nil))
	require.Empty(t, dropblock.AsBFloat16[uint16](nil))
}
