package dropblock

import (
	"fmt"
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// This file exports kernels, with checks of the arguments.

// wordsFor checks that words has n bits or more and returns the words of the first n.
func wordsFor(call, name string, words []uint64, n int) []uint64 {
	if n < 0 {
		panic(fmt.Sprintf("dropblock: %s: n is %d, want 0 or more", call, n))
	}
	if len(words) < bitstring.Words(n) {
		panic(fmt.Sprintf("dropblock: %s: %s has %d words, want %d or more for %d bits", call, name, len(words), bitstring.Words(n), n))
	}
	return words[:bitstring.Words(n)]
}

// Philox fills dst with Philox4x32-10 blocks of four words, with consecutive
// counters from the given one. It panics, without writing anything, if the length
// of dst is not a multiple of 4.
func (k KernelSet) Philox(dst []uint32, key Key, counter [4]uint32) {
	if len(dst)%4 != 0 {
		panic(fmt.Sprintf("dropblock: Philox: dst has %d words, want a multiple of 4", len(dst)))
	}
	isa := k.resolve()
	var ks roundKeys
	expandKey(&ks, key[0], key[1])
	stride := isa.philoxStride()
	for len(dst) > 0 {
		// Kernels advance word 0 only: stop where it overflows.
		blocks := min(len(dst)/4, philoxCallLen)
		if left := 1<<32 - uint64(counter[0]); uint64(blocks) > left {
			blocks = int(left)
		}
		if whole := blocks / stride * stride; whole > 0 {
			blocks = whole
			isa.philox(dst[:4*blocks], &ks, &counter)
		} else {
			philoxGeneric(dst[:4*blocks], &ks, &counter)
		}
		dst = dst[4*blocks:]
		advance(&counter, uint32(blocks))
	}
}

// Scale sets dst to src·scale where keep is 1, and to +0 elsewhere, even for NaN
// and Inf. Bit i of keep, as in [Mask.Words], is for element i. Products are rounded as
// [Float] says. dst may be the same slice as src. Scale panics, without writing anything,
// if the lengths of dst and src differ, keep has fewer bits, or dst and src overlap in part.
func Scale[E Float](k KernelSet, dst, src []E, keep []uint64, scale E) {
	k.scale(spanOf(dst), spanOf(src), keep, float64Of(scale))
}

func (k KernelSet) scale(dst, src span, keep []uint64, scale float64) {
	if dst.n != src.n {
		panic(fmt.Sprintf("dropblock: Scale: dst has %d elements and src %d, want as many", dst.n, src.n))
	}
	keep = wordsFor("Scale", "keep", keep, dst.n)
	if dst.overlaps(&src) {
		panic("dropblock: Scale: dst and src overlap in part")
	}
	isa := k.resolve()
	for from := 0; from < dst.n; from += scaleCallLen {
		to := min(from+scaleCallLen, dst.n)
		isa.scaleSpan(dst.part(from, to), src.part(from, to), keep[from/64:], scale, false)
	}
}

// Expand sets dst to scale where keep is 1 and to +0 elsewhere. Bit i of keep, as
// in [Mask.Words], is for element i. It panics, without writing anything, if keep
// has fewer bits than dst has elements.
func Expand[E Float](k KernelSet, dst []E, keep []uint64, scale E) {
	k.expand("Expand", spanOf(dst), keep, float64Of(scale))
}

// ExpandBits sets element i of dst to bit i of keep, in the order of [Mask.Words].
// It panics, without writing anything, if keep has fewer bits than dst has elements.
func ExpandBits[T bool | uint8](k KernelSet, dst []T, keep []uint64) {
	k.expand("ExpandBits", spanOf(dst), keep, 1)
}

func (k KernelSet) expand(call string, dst span, keep []uint64, scale float64) {
	keep = wordsFor(call, "keep", keep, dst.n)
	isa := k.resolve()
	for from := 0; from < dst.n; from += scaleCallLen {
		to := min(from+scaleCallLen, dst.n)
		isa.expandSpan(dst.part(from, to), keep[from/64:], scale)
	}
}

// PackBits sets bit i of dst, in the order of [Mask.Words], to element i of bits. It
// clears the rest of the last word and leaves further words as they are. It panics,
// without writing anything, if dst has fewer bits.
func PackBits(dst []uint64, bits []bool) {
	dst = wordsFor("PackBits", "dst", dst, len(bits))
	for i := range dst {
		var w uint64
		for j, b := range bits[64*i : min(64*i+64, len(bits))] {
			var one uint64 // A branch would be mispredicted.
			if b {
				one = 1
			}
			w |= one << (j & 63)
		}
		dst[i] = w
	}
}

// Count returns the number of one bits in words.
func (k KernelSet) Count(words []uint64) (n int) { return k.resolve().countCalls(words) }

// Dilate grows the ones among n bits along one axis, in place: bit i becomes the
// OR of the bits i, i−stride, …, i−(size−1)·stride that exist. One call for each
// axis makes blocks. Blocks are not clipped at the ends of rows: with stride 1, a
// one has to be size−1 bits or more before the end of its row (see the essay in
// kernel_generic.go).
//
// Bits from n to the end of word (n−1)/64 must be zero and stay zero. Dilate
// panics, without writing anything, if n is negative, stride or size is below 1,
// or words has fewer than n bits.
func (k KernelSet) Dilate(words []uint64, n, stride, size int) {
	words = wordsFor("Dilate", "words", words, n)
	if stride < 1 || size < 1 {
		panic(fmt.Sprintf("dropblock: Dilate: stride is %d and size %d, want 1 or more", stride, size))
	}
	isa := k.resolve()
	for run, by := 1, 0; run < size; run += by {
		by = min(run, size-run)
		if hi, shift := bits.Mul64(uint64(stride), uint64(by)); hi == 0 && shift < uint64(n) {
			isa.dilateInPlace(words, int(shift))
		}
	}
	if n%64 != 0 {
		words[len(words)-1] &= bitstring.Low(n % 64)
	}
}

// Bernoulli writes n independent bits to dst, 1 with the probability of b, and
// returns the number of ones. They are a function of b, the key and the sample: the
// positions 0 to n−1 of docs/stream.md. It clears the bits from n to the end of
// word (n−1)/64 and leaves further words as they are. It panics, without writing
// anything, if n is negative or above 2³¹−1, or dst has fewer than n bits.
func (k KernelSet) Bernoulli(dst []uint64, n int, b *Bernoulli, key Key, sample uint64) (ones int) {
	b.must()
	dst = wordsFor("Bernoulli", "dst", dst, n)
	if n > maxSample {
		panic(fmt.Sprintf("dropblock: Bernoulli: n is %d, want %d at most", n, maxSample))
	}
	isa := k.resolve()
	sc := scratches.Get()
	defer scratches.Put(sc)
	return sc.drawBits(b, isa, dst, n, key, sample)
}
