package fuzz

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// scaleInput scales elements, out of place and in place.
type scaleInput[E dropblock.Float] struct {
	of        elementType[E]
	src       []E
	keep      []byte
	scale     E
	dstOffset int // bytes past a multiple of 64
	srcOffset int
}

func (in scaleInput[E]) check() error {
	x, n := in.src, len(in.src)
	keep := wordsOf(in.keep, (n+63)/64)
	want := in.of.Scale(x, reference.Bits(keep, n), in.of.Value(in.scale))

	dstBuf, srcBuf := guard.Heap(in.of.size()*n+guard.Align), guard.Heap(in.of.size()*n+guard.Align)
	dst := guard.Middle[E](dstBuf, in.dstOffset, n)
	src := guard.Middle[E](srcBuf, in.srcOffset, n)
	return eachSet(func(set dropblock.KernelSet) error {
		copy(src, x)
		dropblock.Scale(set, dst, src, keep, in.scale)
		if err := in.of.Same(dst, want); err != nil {
			return err
		}
		if !bytes.Equal(guard.Bytes(src), guard.Bytes(x)) {
			return errors.New("src is changed")
		}
		dropblock.Scale(set, src, src, keep, in.scale)
		if err := in.of.Same(src, want); err != nil {
			return err
		}
		return errors.Join(guard.Check(dstBuf, dst), guard.Check(srcBuf, src))
	})
}

func (of elementType[E]) newScale(src, keep []byte, scale uint64, dstOffset, srcOffset uint8) input {
	return scaleInput[E]{of, elementsOf[E](src), keep, fromBits[E](scale), of.offset(int(dstOffset)), of.offset(int(srcOffset))}
}

func (of elementType[E]) randomScale(r *rand.Rand) input {
	n := randomLen(r, 700)
	return scaleInput[E]{of, of.random(r, n), bytesOf(randomWords(r, 11)), of.randomFactor(r), of.offset(r.Int()), of.offset(r.Int())}
}

func randomScale(r *rand.Rand) input { return elements[r.IntN(len(elements))].randomScale(r) }

func FuzzScale(f *testing.F) {
	for number, of := range elements {
		for i, scale := range of.specialBits() {
			f.Add(of.specials(17*i), []byte{255, byte(i), 0, 129, 7, 64, 255, 254}, scale, uint8(i), uint8(3*i), uint8(number))
		}
		f.Add(of.specials(333), bytes.Repeat([]byte{255}, 8), of.nearestBits(1.25), uint8(15), uint8(1), uint8(number))
		f.Add(of.specials(64), []byte{0}, of.nearestBits(1.25), uint8(0), uint8(0), uint8(number))
	}
	f.Fuzz(func(t *testing.T, src, keep []byte, scale uint64, dstOffset, srcOffset, element uint8) {
		fuzzed(t, elements[int(element)%len(elements)].newScale(src, keep, scale, dstOffset, srcOffset))
	})
}

// TestScaleLong crosses the boundaries of kernel calls.
func TestScaleLong(t *testing.T) {
	for i, n := range []int{16383, 16384, 16385, 40000} {
		keep := bytesOf(randomWords(rand.New(rand.NewPCG(1, uint64(n))), 600))
		for j, of := range elements {
			if j == 0 || i == 3 { // float32, and the others once
				fuzzed(t, of.newScale(of.specials(n), keep, of.nearestBits(1.5), 4, 8))
				fuzzed(t, of.newExpand(keep, n, of.nearestBits(1.5), 3))
			}
		}
	}
}

// expandInput writes n bits as factors, booleans and bytes.
type expandInput[E dropblock.Float] struct {
	of     elementType[E]
	keep   []byte
	n      int
	scale  E
	offset int // elements past a multiple of 64 bytes
}

func (in expandInput[E]) check() error {
	words := wordsOf(in.keep, (in.n+63)/64)
	bits := reference.Bits(words, in.n)
	want := in.of.Expand(bits, in.of.Value(in.scale))
	buf, byteBuf := guard.Heap(in.of.size()*(in.n+guard.Align)), guard.Heap(in.n+guard.Align)
	factors := guard.Middle[E](buf, in.of.size()*in.offset, in.n)
	bytes := guard.Middle[uint8](byteBuf, in.offset, in.n)
	return eachSet(func(set dropblock.KernelSet) error {
		dropblock.Expand(set, factors, words, in.scale)
		if err := errors.Join(in.of.Same(factors, want), guard.Check(buf, factors)); err != nil {
			return err
		}
		dropblock.ExpandBits(set, bytes, words)
		if err := errors.Join(sameKeep(bytes, bits), guard.Check(byteBuf, bytes)); err != nil {
			return err
		}
		dropblock.ExpandBits(set, boolsOf(bytes), words)
		return errors.Join(sameKeep(bytes, bits), guard.Check(byteBuf, bytes))
	})
}

func (of elementType[E]) newExpand(keep []byte, n int, scale uint64, offset uint8) input {
	return expandInput[E]{of, keep, n, fromBits[E](scale), int(offset % guard.Align)}
}

func (of elementType[E]) randomExpand(r *rand.Rand) input {
	n := randomLen(r, 900)
	return expandInput[E]{of, bytesOf(randomWords(r, (n+63)/64)), n, of.randomFactor(r), r.IntN(guard.Align)}
}

func randomExpand(r *rand.Rand) input { return elements[r.IntN(len(elements))].randomExpand(r) }

func FuzzExpand(f *testing.F) {
	for number, of := range elements {
		for i, scale := range of.specialBits() {
			f.Add([]byte{255, byte(i), 0, 129, 7, 64, 255, 254, 3}, uint16(61*i), scale, uint8(5*i), uint8(number))
		}
	}
	f.Fuzz(func(t *testing.T, keep []byte, n uint16, scale uint64, offset, element uint8) {
		fuzzed(t, elements[int(element)%len(elements)].newExpand(keep, int(n%2000), scale, offset))
	})
}
