package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// scaleInput scales elements of every type, out of place and in place.
type scaleInput struct {
	src, keep []byte
	scale     float32
	dstOffset int // bytes past a multiple of 64
	srcOffset int
}

// The references of halves.
var (
	float16  = reference.Half[dropblock.Float16](reference.Binary16)
	bfloat16 = reference.Half[dropblock.BFloat16](reference.Brain16)
)

func (in scaleInput) check() error {
	return errors.Join(
		checkScale(in, &reference.Float32), checkScale(in, &reference.Float64),
		checkScale(in, &float16), checkScale(in, &bfloat16))
}

func checkScale[E dropblock.Float](in scaleInput, element *reference.Element[E]) error {
	size := int(unsafe.Sizeof(*new(E)))
	n := len(in.src) / size
	x := make([]E, n)
	copy(guard.Bytes(x), in.src)
	keep := wordsOf(in.keep, (n+63)/64)
	scale := element.Nearest(float64(in.scale))
	want := element.Scale(x, reference.Bits(keep, n), element.Value(scale))

	dstBuf, srcBuf := guard.Heap(size*n+guard.Align), guard.Heap(size*n+guard.Align)
	dst := guard.Middle[E](dstBuf, in.dstOffset/size*size, n)
	src := guard.Middle[E](srcBuf, in.srcOffset/size*size, n)
	return eachSet(func(set dropblock.KernelSet) error {
		copy(src, x)
		dropblock.Scale(set, dst, src, keep, scale)
		if err := element.Same(dst, want); err != nil {
			return fmt.Errorf("%T: %w", scale, err)
		}
		if !bytes.Equal(guard.Bytes(src), guard.Bytes(x)) {
			return fmt.Errorf("%T: src is changed", scale)
		}
		dropblock.Scale(set, src, src, keep, scale)
		if err := element.Same(src, want); err != nil {
			return fmt.Errorf("%T in place: %w", scale, err)
		}
		return errors.Join(guard.Check(dstBuf, dst), guard.Check(srcBuf, src))
	})
}

func newScaleInput(src, keep []byte, scale uint32, dstOffset, srcOffset uint8) scaleInput {
	return scaleInput{
		src: src, keep: keep, scale: math.Float32frombits(scale),
		dstOffset: int(dstOffset % 32 * 2), srcOffset: int(srcOffset % 32 * 2),
	}
}

func randomScale(r *rand.Rand) input {
	n := randomLen(r, 700)
	return newScaleInput(bytesOf(randomFloats(r, n)), bytesOf(randomWords(r, 11)), randomScaleBits(r),
		uint8(r.Uint32()), uint8(r.Uint32()))
}

// specials are all special values, over and over, in n elements.
func specials(n int) []byte {
	floats := make([]float32, n)
	for i := range floats {
		floats[i] = reference.SpecialFloats[i%len(reference.SpecialFloats)]
	}
	return bytesOf(floats)
}

func FuzzScale(f *testing.F) {
	for i, scale := range reference.SpecialFloats {
		f.Add(specials(17*i), []byte{255, byte(i), 0, 129, 7, 64, 255, 254}, math.Float32bits(scale), uint8(i), uint8(3*i))
	}
	f.Add(specials(333), bytes.Repeat([]byte{255}, 8), math.Float32bits(1.25), uint8(15), uint8(1))
	f.Add(specials(64), []byte{0}, math.Float32bits(1.25), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, src, keep []byte, scale uint32, dstOffset, srcOffset uint8) {
		fuzzed(t, newScaleInput(src, keep, scale, dstOffset, srcOffset))
	})
}

// TestScaleLong crosses the boundaries of kernel calls.
func TestScaleLong(t *testing.T) {
	for _, n := range []int{16383, 16384, 16385, 40000} {
		keep := bytesOf(randomWords(rand.New(rand.NewPCG(1, uint64(n))), 600))
		fuzzed(t, scaleInput{specials(n), keep, 1.5, 4, 8})
		fuzzed(t, expandInput{keep, n, 1.5, 3})
	}
}

// expandInput writes n bits as elements of every type and as booleans.
type expandInput struct {
	keep   []byte
	n      int
	scale  float32
	offset int // elements past a multiple of 64 bytes
}

func (in expandInput) check() error {
	words := wordsOf(in.keep, (in.n+63)/64)
	bits := reference.Bits(words, in.n)
	boolBuf := guard.Heap(in.n + guard.Align)
	bools := guard.Middle[bool](boolBuf, in.offset, in.n)
	return errors.Join(
		checkExpand(in, &reference.Float32), checkExpand(in, &reference.Float64),
		checkExpand(in, &float16), checkExpand(in, &bfloat16),
		eachSet(func(set dropblock.KernelSet) error {
			dropblock.ExpandBits(set, bools, words)
			return errors.Join(sameBools(bools, bits), guard.Check(boolBuf, bools))
		}))
}

func checkExpand[E dropblock.Float](in expandInput, element *reference.Element[E]) error {
	words := wordsOf(in.keep, (in.n+63)/64)
	scale := element.Nearest(float64(in.scale))
	want := element.Expand(reference.Bits(words, in.n), element.Value(scale))
	size := int(unsafe.Sizeof(scale))
	buf := guard.Heap(size * (in.n + guard.Align))
	dst := guard.Middle[E](buf, size*in.offset, in.n)
	return eachSet(func(set dropblock.KernelSet) error {
		dropblock.Expand(set, dst, words, scale)
		if err := element.Same(dst, want); err != nil {
			return fmt.Errorf("%T: %w", scale, err)
		}
		return guard.Check(buf, dst)
	})
}

func newExpandInput(keep []byte, n uint16, scale uint32, offset uint8) expandInput {
	return expandInput{keep, int(n % 2000), math.Float32frombits(scale), int(offset % 64)}
}

func randomExpand(r *rand.Rand) input {
	n := randomLen(r, 900)
	return newExpandInput(bytesOf(randomWords(r, (n+63)/64)), uint16(n), randomScaleBits(r), uint8(r.Uint32()))
}

func FuzzExpand(f *testing.F) {
	for i, scale := range reference.SpecialFloats {
		f.Add([]byte{255, byte(i), 0, 129, 7, 64, 255, 254, 3}, uint16(61*i), math.Float32bits(scale), uint8(5*i))
	}
	f.Fuzz(func(t *testing.T, keep []byte, n uint16, scale uint32, offset uint8) {
		fuzzed(t, newExpandInput(keep, n, scale, offset))
	})
}
