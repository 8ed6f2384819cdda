package dropblock

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

var edgeSkips = flag.Int("edges", 4, "distances from a guard page, up to 64, in the sweeps of scale and expand")

const (
	sweepLen = 512  // in every layout
	edgeLen  = 4096 // against guard pages
)

// A pattern is what a case scales by, with the results for edgeLen elements.
type pattern struct {
	keep   []uint64
	bits   []bool
	scale  float32
	scaled []float32 // the elements, scaled
	factor []float32 // the scale, expanded
}

// scalePatterns returns edgeLen elements, special values among them, and what
// to do with them.
func scalePatterns() (x []float32, patterns []pattern) {
	r := rand.New(rand.NewPCG(1, 2))
	x = make([]float32, edgeLen)
	for i := range x {
		x[i] = r.Float32() - .5
		if r.IntN(5) == 0 {
			x[i] = reference.SpecialFloats[r.IntN(len(reference.SpecialFloats))]
		}
	}
	const words = edgeLen / 64
	ones, zeros, alternate := make([]uint64, words), make([]uint64, words), make([]uint64, words)
	for i := range words {
		ones[i], alternate[i] = ^uint64(0), 0x5a5aa5a533cccc33+uint64(i)
	}
	for _, p := range []pattern{
		{keep: mixedWords(words, 1), scale: 1.0714},
		{keep: alternate, scale: 0x1p-140},
		{keep: ones, scale: 1.5},
		{keep: zeros, scale: float32(math.Inf(1))},
		{keep: mixedWords(words, 2), scale: float32(math.Copysign(0, -1))},
	} {
		p.bits = reference.Bits(p.keep, edgeLen)
		p.scaled = reference.Scale(x, p.bits, p.scale)
		p.factor = reference.Expand(p.bits, p.scale)
		patterns = append(patterns, p)
	}
	return x, patterns
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

func sweepScale(t testing.TB, kernel scaleKernel) error {
	x, patterns := scalePatterns()
	a := newArena(t, 4*edgeLen+64*8)
	cases := scaleCases(len(patterns), middles(4, 4), [2]int{4, 4}, true)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[float32](a, &c.at, 0, c.n)
		src := lay[float32](a, &c.at, 1, c.n)
		keep := lay[uint64](a, &c.at, 2, wordsLen(c.n))
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
		if err := reference.SameFloats(dst, p.scaled[:c.n]); err != nil {
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

func sweepExpand(t testing.TB, kernel expandKernel) error {
	_, patterns := scalePatterns()
	a := newArena(t, 4*edgeLen+64*8)
	cases := scaleCases(len(patterns), middles(4, 8), [2]int{4, 8}, false)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[float32](a, &c.at, 0, c.n)
		keep := lay[uint64](a, &c.at, 1, wordsLen(c.n))
		copy(keep, p.keep)
		kernel(dst, keep, p.scale)
		if err := unchanged("keep", keep, p.keep[:len(keep)]); err != nil {
			return err
		}
		if err := reference.SameFloats(dst, p.factor[:c.n]); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		return guard.Check(a[1], keep)
	})
}

func sweepExpandBool(t testing.TB, kernel expandBoolKernel) error {
	_, patterns := scalePatterns()
	a := newArena(t, edgeLen+64*8)
	cases := scaleCases(len(patterns), middles(1, 16), [2]int{1, 8}, false)
	return sweep(cases, func(c *scaleCase) error {
		p := &patterns[c.pattern]
		dst := lay[bool](a, &c.at, 0, c.n)
		keep := lay[uint64](a, &c.at, 1, wordsLen(c.n))
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

func TestKernelScale(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepScale(t, k.scale)) })
}

func TestKernelScaleStream(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepScale(t, k.scaleStream)) })
}

func TestKernelExpand(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepExpand(t, k.expand)) })
}

func TestKernelExpandBool(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepExpandBool(t, k.expandBool)) })
}
