package dropblock

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
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
type pattern[E Float] struct {
	keep   []uint64
	bits   []bool
	scale  float64
	scaled []E // the elements, scaled
	added  []E // that, added to the other elements
	filled []E // the elements, scaled or replaced by the other ones
	factor []E // the scale, expanded
}

// referenceOf is the reference of the element whose Go type is E.
func referenceOf[E Float]() *reference.Element[E] {
	var e any
	switch any(*new(E)).(type) {
	case float32:
		e = &reference.Float32
	case float64:
		e = &reference.Float64
	case Float16:
		h := reference.Half[Float16](reference.Binary16)
		e = &h
	case BFloat16:
		h := reference.Half[BFloat16](reference.Brain16)
		e = &h
	}
	return e.(*reference.Element[E])
}

// eachElement runs a test of a kernel set for every type of elements: for one with the race
// detector, which is told of the slices in the same way for all.
func eachElement(t *testing.T, f32, f64, f16, bf16 func(testing.TB) error) {
	for name, f := range map[string]func(testing.TB) error{"float32": f32, "float64": f64, "float16": f16, "bfloat16": bf16} {
		if guard.Race && name != "float32" {
			continue
		}
		t.Run(name, func(t *testing.T) { pass(t, f(t)) })
	}
}

// scaleOf is a kernel set's method for slices of E.
func scaleOf[E Float, S goFloat](
	method func(dst, src unsafe.Pointer, n int, e element, keep []uint64, scale float64),
) scaleKernel[E, S] {
	return func(dst, src []E, keep []uint64, scale S) {
		d, s := spanOf(dst), spanOf(src)
		method(d.at, s.at, s.n, s.element, keep, float64(scale))
	}
}

// scalePatterns returns edgeLen elements, special values among them, others that are
// written over or added to, and what to do with them.
func scalePatterns[E Float]() (x, other []E, patterns []pattern[E]) {
	r := rand.New(rand.NewPCG(1, 2))
	element := referenceOf[E]()
	random := func() []E {
		x := make([]E, edgeLen)
		for i := range x {
			x[i] = element.Nearest(r.Float64() - .5)
			if r.IntN(5) == 0 {
				x[i] = element.Special[r.IntN(len(element.Special))]
			}
		}
		return x
	}
	x, other = random(), random()
	const words = edgeLen / 64
	ones, zeros, alternate := make([]uint64, words), make([]uint64, words), make([]uint64, words)
	for i := range words {
		ones[i], alternate[i] = ^uint64(0), 0x5a5aa5a533cccc33+uint64(i)
	}
	for _, p := range []pattern[E]{
		{keep: mixedWords(words, 1), scale: 1.0714},
		{keep: alternate, scale: element.Value(element.Nearest(tiny[E]()))},
		{keep: ones, scale: 1.5},
		{keep: zeros, scale: math.Inf(1)},
		{keep: mixedWords(words, 2), scale: math.Copysign(0, -1)},
	} {
		p.bits = reference.Bits(p.keep, edgeLen)
		p.scaled, p.factor = element.Scale(x, p.bits, p.scale), element.Expand(p.bits, p.scale)
		p.added, p.filled = element.Add(other, x, p.bits, p.scale), element.Fill(x, other, p.bits, p.scale)
		patterns = append(patterns, p)
	}
	return x, other, patterns
}

// tiny is a scale by which products are subnormal.
func tiny[E Float]() float64 {
	switch any(*new(E)).(type) {
	case float64:
		return 0x1p-1065
	case Float16:
		return 0x1p-20
	}
	return 0x1p-130
}

// sameElements compares bit for bit, but for the payload of a NaN.
func sameElements[E Float](got, want []E) error { return referenceOf[E]().Same(got, want) }

// sameDropped compares those that are dropped bit for bit.
func sameDropped[E Float](got, want []E, keep []bool) error {
	for i, w := range want {
		if g := got[i]; !keep[i] && !bytes.Equal(guard.Bytes([]E{g}), guard.Bytes([]E{w})) {
			return fmt.Errorf("element %d, which is dropped, is %x, want %x", i, guard.Bytes([]E{g}), guard.Bytes([]E{w}))
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
// edgeLen against guard pages, some of them for other elements than float32,
// in place too if a kernel has a source of elements.
func scaleCases[E Float](patterns int, inner []layout, unit [2]int, inPlace bool) iter.Seq[scaleCase] {
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
		long := someLengths
		if _, ok := any(*new(E)).(float32); ok {
			long = lengths
		}
		for n := range long(edgeLen) {
			if !emit(n, outer) {
				return
			}
		}
	}
}

// step is the distance, in bytes, of the places of a source in the inner layouts: all that
// elements of four bytes and more have, and some of the halves'.
func step(size int) int { return max(size, 16/size) }

func sweepScale[E Float, S goFloat](t testing.TB, kernel scaleKernel[E, S]) error {
	x, _, patterns := scalePatterns[E]()
	size := int(unsafe.Sizeof(*new(E)))
	a := newArena(t, size*edgeLen+64*8)
	cases := scaleCases[E](len(patterns), middles(size, step(size)), [2]int{size, size}, true)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[E](a, &c.at, 0, c.n)
		src := lay[E](a, &c.at, 1, c.n)
		keep := lay[uint64](a, &c.at, 2, bitstring.Words(c.n))
		copy(keep, p.keep)
		if c.inPlace {
			copy(dst, x)
			kernel(dst, dst, keep, S(p.scale))
		} else {
			copy(src, x)
			kernel(dst, src, keep, S(p.scale))
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

func testScale(t *testing.T, method func(dst, src unsafe.Pointer, n int, e element, keep []uint64, scale float64)) {
	eachElement(t,
		func(t testing.TB) error { return sweepScale(t, scaleOf[float32, float32](method)) },
		func(t testing.TB) error { return sweepScale(t, scaleOf[float64, float64](method)) },
		func(t testing.TB) error { return sweepScale(t, scaleOf[Float16, float32](method)) },
		func(t testing.TB) error { return sweepScale(t, scaleOf[BFloat16, float32](method)) })
}

func TestKernelScale(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testScale(t, k.scale) })
}

func TestKernelScaleStream(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { testScale(t, k.scaleStream) })
}

// halfScales are usual scales, and those that make subnormal numbers, overflow or NaN of halves.
var halfScales = func() (scales []float64) {
	for _, s := range []float64{
		1, 1.0714, 1.5, 2, 3, 1 / 0.9, 1 / 0.3, 1 + 0x1p-23, 1 - 0x1p-24, 1 + 0x1p-11, 1 + 0x1p-10, 1 + 0x1p-8, 1 + 0x1p-7,
		0.1, 0.5, 0x1p-8, 0x1p-10, 0x1p-14, 0x1.8p-14, 0x1p-24, 0x1p-25, 0x1.000002p-25, 0x1p-126, 0x1.8p-133, 0x1p-149, 0x1p-160,
		65504, 65520, 1e30, 0x1.fffffep127, math.Inf(1), 0,
	} {
		scales = append(scales, s, -s)
	}
	scales[3] = math.NaN() // in place of −1.0714
	return scales
}()

// TestEveryHalf takes every half through every kernel of every set.
func TestEveryHalf(t *testing.T) {
	t.Run("float16", testEveryHalf[Float16])
	t.Run("bfloat16", testEveryHalf[BFloat16])
}

func testEveryHalf[E half](t *testing.T) {
	element := referenceOf[E]()
	x, y := make([]E, 1<<16), make([]E, 1<<16)
	for i := range x {
		x[i], y[i] = E(i), E(i*0x9e37) // which is odd, so that y has all halves too
	}
	ones, mixed := slices.Repeat([]uint64{1<<64 - 1}, 1<<10), mixedWords(1<<10, 3)
	all, some := reference.Bits(ones, 1<<16), reference.Bits(mixed, 1<<16)
	dst := make([]E, 1<<16)
	for i, scale := range halfScales {
		scaled := element.Scale(x, all, scale)
		var added, filled []E
		if i%4 == 0 {
			added, filled = element.Add(y, x, some, scale), element.Fill(x, y, some, scale)
		}
		for _, k := range available {
			check := func(kernel string, want []E) {
				t.Helper()
				if err := element.Same(dst, want); err != nil {
					t.Fatalf("%s, scale %v, impl=%v: %v", kernel, scale, k, err)
				}
			}
			scaleOf[E, float32](k.isa.scale)(dst, x, ones, float32(scale))
			check("scale", scaled)
			if added == nil {
				continue
			}
			copy(dst, y)
			scaleOf[E, float32](k.isa.add)(dst, x, mixed, float32(scale))
			check("add", added)
			pass(t, sameDropped(dst, y, some))
			fillOf[E, float32](k.isa.fill)(dst, x, y, mixed, float32(scale))
			check("fill", filled)
			pass(t, sameDropped(dst, y, some))
		}
	}
}
