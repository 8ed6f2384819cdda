package dropblock

import (
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// This file has the kernels for those who use them alone, with checks of what they take.

// wordsFor checks that a slice holds n bits and cuts it to their words.
func wordsFor(call, name string, words []uint64, n int) []uint64 {
	if n < 0 {
		panic("dropblock: " + call + ": n is negative")
	}
	if len(words) < bitstring.Words(n) {
		panic("dropblock: " + call + ": " + name + " is shorter than its bits")
	}
	return words[:bitstring.Words(n)]
}

// Philox fills dst with the words of Philox4x32-10 blocks, from the block with
// the given counter on. It panics, without writing anything, if the length of
// dst is not a multiple of 4.
func (k KernelSet) Philox(dst []uint32, key Key, counter [4]uint32) {
	if len(dst)%4 != 0 {
		panic("dropblock: Philox: the length of dst is not a multiple of 4")
	}
	isa := k.resolve()
	var ks roundKeys
	expandKey(&ks, key[0], key[1])
	stride := isa.philoxStride()
	for len(dst) > 0 {
		// Kernels count in word 0 alone: stop where it overflows.
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

// Scale sets dst to src·scale where keep, bit i for element i, is 1, and to +0
// elsewhere. dst may be the same slice as src. It panics, without writing
// anything, if the lengths of dst and src differ, keep is shorter than their
// bits, or dst and src overlap in part.
func Scale[E Float](k KernelSet, dst, src []E, keep []uint64, scale E) {
	k.scale(spanOf(dst), spanOf(src), keep, float64(scale))
}

func (k KernelSet) scale(dst, src span, keep []uint64, scale float64) {
	if dst.n != src.n {
		panic("dropblock: Scale: dst and src have different lengths")
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

// Expand sets dst to scale where keep is 1 and to +0 elsewhere. It panics,
// without writing anything, if keep is shorter than the bits of dst.
func Expand[E Float](k KernelSet, dst []E, keep []uint64, scale E) {
	k.expand("Expand", spanOf(dst), keep, float64(scale))
}

// ExpandBits sets dst to the bits of keep, bit i to element i. It panics, without
// writing anything, if keep is shorter than the bits of dst.
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

// PackBits sets the bits of dst to bits, bit i from element i, in the order of
// [Mask.Words]. Bits behind the last one become zero to the end of its word; the
// words behind that are left alone. It panics, without writing anything, if dst
// is shorter than the bits.
func PackBits(dst []uint64, bits []bool) {
	dst = wordsFor("PackBits", "dst", dst, len(bits))
	bitstring.Clear(dst)
	for i, b := range bits {
		if b {
			dst[i/64] |= 1 << (i % 64)
		}
	}
}

// Count returns the number of ones in words.
func (k KernelSet) Count(words []uint64) (n int) { return k.resolve().countCalls(words) }

// Dilate grows the ones among n bits along one axis, in place: bit i becomes
// the OR of the bits i, i−stride, …, i−(size−1)·stride, those that exist. On
// several axes one call after the other makes blocks; with stride 1 rows do
// not end, so that a one has to be at least size−1 bits before the end of its
// row (see the essay in kernel_generic.go).
//
// Bits from n to the end of word (n−1)/64 must be zero and become zero. Dilate
// panics, without writing anything, if n is negative, stride or size is below
// 1, or words is shorter than n bits.
func (k KernelSet) Dilate(words []uint64, n, stride, size int) {
	words = wordsFor("Dilate", "words", words, n)
	if stride < 1 || size < 1 {
		panic("dropblock: Dilate: stride and size must be at least 1")
	}
	isa := k.resolve()
	for run := 1; run < size; {
		s := min(run, size-run)
		if hi, shift := bits.Mul64(uint64(stride), uint64(s)); hi == 0 && shift < uint64(n) {
			isa.dilateInPlace(words, int(shift))
		}
		run += s
	}
	if n%64 != 0 {
		words[len(words)-1] &= 1<<(n%64) - 1
	}
}

// Bernoulli writes n bits to dst, independent and 1 with the probability of b:
// those of the positions 0 to n−1 of the stream of a key and a sample. Bits from
// n to the end of word (n−1)/64 become zero; the words behind it are left alone.
// It returns the number of ones. It panics, without writing anything, if n is
// negative or above 2³¹−1, or dst is shorter than n bits.
func (k KernelSet) Bernoulli(dst []uint64, n int, b *Bernoulli, key Key, sample uint64) (ones int) {
	b.must()
	dst = wordsFor("Bernoulli", "dst", dst, n)
	if n > maxSample {
		panic("dropblock: Bernoulli: n is above 2147483647")
	}
	isa := k.resolve()
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	return sc.drawBits(b, isa, dst, n, key, sample)
}
