package fuzz

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// scaleInput scales elements, out of place and in place.
type scaleInput struct {
	src, keep []byte
	scale     float32
	dstOffset int // bytes past a multiple of 64
	srcOffset int
}

func (in scaleInput) check() error {
	x := floatsOf(in.src)
	n := len(x)
	keep := wordsOf(in.keep, (n+63)/64)
	want := reference.Scale(x, reference.Bits(keep, n), in.scale)

	dstBuf, srcBuf := guard.Heap(4*n+guard.Align), guard.Heap(4*n+guard.Align)
	dst := guard.Middle[float32](dstBuf, in.dstOffset, n)
	src := guard.Middle[float32](srcBuf, in.srcOffset, n)
	return eachSet(func(set dropblock.KernelSet) error {
		copy(src, x)
		dropblock.Scale(set, dst, src, keep, in.scale)
		if err := reference.SameFloats(dst, want); err != nil {
			return err
		}
		if !bytes.Equal(guard.Bytes(src), guard.Bytes(x)) {
			return errors.New("src is changed")
		}
		dropblock.Scale(set, src, src, keep, in.scale)
		if err := reference.SameFloats(src, want); err != nil {
			return err
		}
		return errors.Join(guard.Check(dstBuf, dst), guard.Check(srcBuf, src))
	})
}

func newScaleInput(src, keep []byte, scale uint32, dstOffset, srcOffset uint8) scaleInput {
	return scaleInput{
		src: src, keep: keep, scale: math.Float32frombits(scale),
		dstOffset: int(dstOffset % 16 * 4), srcOffset: int(srcOffset % 16 * 4),
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

// expandInput writes n bits as floats and as booleans.
type expandInput struct {
	keep   []byte
	n      int
	scale  float32
	offset int // elements past a multiple of 64 bytes
}

func (in expandInput) check() error {
	words := wordsOf(in.keep, (in.n+63)/64)
	bits := reference.Bits(words, in.n)
	want := reference.Expand(bits, in.scale)
	floatBuf, boolBuf := guard.Heap(4*in.n+4*guard.Align), guard.Heap(in.n+guard.Align)
	floats := guard.Middle[float32](floatBuf, 4*in.offset, in.n)
	bools := guard.Middle[bool](boolBuf, in.offset, in.n)
	return eachSet(func(set dropblock.KernelSet) error {
		dropblock.Expand(set, floats, words, in.scale)
		dropblock.ExpandBits(set, bools, words)
		if err := reference.SameFloats(floats, want); err != nil {
			return err
		}
		if err := sameBools(bools, bits); err != nil {
			return err
		}
		return errors.Join(guard.Check(floatBuf, floats), guard.Check(boolBuf, bools))
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
