package dropblock

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

var edgeSkips = flag.Int("edges", 4, "distances from a guard page, up to 64, in the sweeps of scale and expand")

const (
	sweepLen = 512  // in every layout
	edgeLen  = 4096 // against guard pages
)

// A pattern is what a case scales by, with the results for edgeLen elements.
type pattern[E float32 | float64] struct {
	keep   []uint64
	bits   []bool
	scale  E
	scaled []E // the elements, scaled
	factor []E // the scale, expanded
}

// elementOf is the element whose Go type is E.
func elementOf[E float32 | float64]() element {
	if _, ok := any(E(0)).(float64); ok {
		return elementFloat64
	}
	return elementFloat32
}

// scaleOf is a kernel set's method for slices of E.
func scaleOf[E float32 | float64](
	method func(dst, src unsafe.Pointer, n int, e element, keep []uint64, scale float64),
) scaleKernel[E] {
	return func(dst, src []E, keep []uint64, scale E) {
		method(unsafe.Pointer(unsafe.SliceData(dst)), unsafe.Pointer(unsafe.SliceData(src)), len(src), elementOf[E](), keep, float64(scale))
	}
}

// specials are zeros, subnormal, extreme and infinite numbers, and NaNs.
func specials[E float32 | float64]() (all []E) {
	if elementOf[E]() == elementFloat64 {
		for _, b := range []uint64{
			0, 1 << 63, 1, 0x800fffffffffffff, 1 << 52, 0x7fefffffffffffff, 0xffefffffffffffff,
			0x7ff << 52, 0xfff << 52, 0x7ff8 << 48, 0xfff8000000000001,
		} {
			all = append(all, E(math.Float64frombits(b)))
		}
		return all
	}
	for _, b := range []uint32{
		0, 1 << 31, 1, 0x807fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001,
	} {
		all = append(all, E(math.Float32frombits(b)))
	}
	return all
}

// scalePatterns returns edgeLen elements, special values among them, and what
// to do with them.
func scalePatterns[E float32 | float64]() (x []E, patterns []pattern[E]) {
	r := rand.New(rand.NewPCG(1, 2))
	special := specials[E]()
	x = make([]E, edgeLen)
	for i := range x {
		x[i] = E(r.Float64() - .5)
		if r.IntN(5) == 0 {
			x[i] = special[r.IntN(len(special))]
		}
	}
	const words = edgeLen / 64
	ones, zeros, alternate := make([]uint64, words), make([]uint64, words), make([]uint64, words)
	for i := range words {
		ones[i], alternate[i] = ^uint64(0), 0x5a5aa5a533cccc33+uint64(i)
	}
	tiny := 0x1p-140
	if elementOf[E]() == elementFloat64 {
		tiny = 0x1p-1065
	}
	for _, p := range []pattern[E]{
		{keep: mixedWords(words, 1), scale: 1.0714},
		{keep: alternate, scale: E(tiny)},
		{keep: ones, scale: 1.5},
		{keep: zeros, scale: E(math.Inf(1))},
		{keep: mixedWords(words, 2), scale: E(math.Copysign(0, -1))},
	} {
		p.bits = reference.Bits(p.keep, edgeLen)
		p.scaled, p.factor = make([]E, edgeLen), make([]E, edgeLen)
		for i, keep := range p.bits {
			if keep {
				p.scaled[i], p.factor[i] = x[i]*p.scale, p.scale
			}
		}
		patterns = append(patterns, p)
	}
	return x, patterns
}

// sameElements compares bit for bit, but for the payload of a NaN.
func sameElements[E float32 | float64](got, want []E) error {
	if bytes.Equal(guard.Bytes(got), guard.Bytes(want)) {
		return nil
	}
	for i, w := range want {
		g := got[i]
		if !bytes.Equal(guard.Bytes(got[i:i+1]), guard.Bytes(want[i:i+1])) && (g == g || w == w) {
			return fmt.Errorf("element %d of %d is %v (%x), want %v (%x)",
				i, len(want), g, guard.Bytes(got[i:i+1]), w, guard.Bytes(want[i:i+1]))
		}
	}
	return nil
}

type scaleCase struct {
	n, pattern int
	inPlace    bool
	at         layout
}

// scaleCases are the lengths to sweepLen in the inner layouts and those to
// edgeLen against guard pages, in place too if a kernel has a source of
// elements.
func scaleCases(patterns int, inner []layout, unit [2]int, inPlace bool) iter.Seq[scaleCase] {
	return func(yield func(scaleCase) bool) {
		turn := 0
		emit := func(n int, layouts []layout) bool {
			for _, at := range layouts {
				turn++
				c := scaleCase{n: n, pattern: turn % patterns, at: at}
				if !yield(c) {
					return false
				}
				if c.inPlace = true; inPlace && at[1].skip == 0 && !yield(c) {
					return false
				}
			}
			return true
		}
		for n := range lengths(sweepLen) {
			if !emit(n, inner) {
				return
			}
		}
		outer := edges(unit, *edgeSkips)
		for n := range lengths(edgeLen) {
			if !emit(n, outer) {
				return
			}
		}
	}
}

func sweepScale[E float32 | float64](t testing.TB, kernel scaleKernel[E]) error {
	x, patterns := scalePatterns[E]()
	size := int(unsafe.Sizeof(E(0)))
	a := newArena(t, size*edgeLen+64*8)
	cases := scaleCases(len(patterns), middles(size, size), [2]int{size, size}, true)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		src := lay[E](a, &c.at, 1, c.n)
		keep := lay[uint64](a, &c.at, 2, bitstring.Words(c.n))
		copy(keep, p.keep)
		if c.inPlace {
			copy(dst, x)
			kernel(dst, dst, keep, p.scale)
		} else {
			copy(src, x)
			kernel(dst, src, keep, p.scale)
			if err := unchanged("src", src, x[:c.n]); err != nil {
				return err
			}
		}
		if err := unchanged("keep", keep, p.keep[:len(keep)]); err != nil {
			return err
		}
		if err := sameElements(dst, p.scaled[:c.n]); err != nil {
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

func TestKernelScale(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		pass(t, sweepScale(t, scaleOf[float32](k.scale)))
		pass(t, sweepScale(t, scaleOf[float64](k.scale)))
	})
}

func TestKernelScaleStream(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		pass(t, sweepScale(t, scaleOf[float32](k.scaleStream)))
		pass(t, sweepScale(t, scaleOf[float64](k.scaleStream)))
	})
}
