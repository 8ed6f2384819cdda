package dropblock

import "math/bits"

// drawSample adds to words the seeds of one sample, whose bits begin at base,
// and returns their number.
func (b *Bernoulli) drawSample(k isa, words []uint64, base int, g *grid, key Key, sample uint64) (seeds int) {
	var ks roundKeys
	expandKey(&ks, key)
	for chunk := 0; chunk*chunkLen < g.positions; chunk++ {
		w, word := g.walk(base, chunk)
		dst := words[word:]
		switch {
		case b.head.k == 0 && !b.ones:
			b.drawGaps(k, dst, &w, &ks, chunk, sample)
			seeds += int(w[walkSeeds])
		case g.dense() && w[walkBit] == 0 && w[walkEnd]%headGroupLen == 0:
			seeds += b.drawDense(k, dst[:w[walkEnd]/64], int(w[walkEnd]), &ks, chunk, sample)
		default:
			seeds += b.drawMapped(k, dst, g.dense(), &w, &ks, chunk, sample)
		}
	}
	return seeds
}

// Fill writes n bits to dst: those of the positions 0 to n−1 of the stream of
// a key and a sample. Bits from n to the end of word (n−1)/64 become zero; the
// words behind it are left alone. It returns the number of ones. It panics if
// n is negative or above 2³¹−1, or dst is shorter than n bits.
func (b *Bernoulli) Fill(kernels KernelSet, dst []uint64, n int, key Key, sample uint64) (ones int) {
	dst = wordsFor("Fill", "dst", dst, n)
	if n > maxSample {
		panic("dropblock: Fill: n is above 2147483647")
	}
	clear(dst)
	g := flatGrid(n)
	return b.drawSample(kernels.resolve(), dst, 0, &g, key, sample)
}

// drawDense writes the bits of a chunk of n positions to dst, whole groups of
// the head, and returns the number of ones in the first n.
func (b *Bernoulli) drawDense(k isa, dst []uint64, n int, ks *roundKeys, chunk int, sample uint64) int {
	if b.ones {
		for i := range dst {
			dst[i] = ^uint64(0)
		}
	} else {
		ctr := chunkCounter(domainHead, chunk, sample)
		k.bernoulliHead(dst, ks, &ctr, b.head)
	}
	if b.delta != 0 {
		b.addResidual(k, dst, n, ks, chunk, sample)
	}
	if n%64 != 0 {
		dst[n/64] &= 1<<(n%64) - 1
	}
	return k.count(dst[:wordsLen(n)])
}

// addResidual ORs the residual of a chunk of n positions into dst.
//
//go:noinline
func (b *Bernoulli) addResidual(k isa, dst []uint64, n int, ks *roundKeys, chunk int, sample uint64) {
	var buf [chunkLen / 64]uint64
	g := flatGrid(n)
	w, _ := g.walk(0, 0)
	b.drawGaps(k, buf[:], &w, ks, chunk, sample)
	for i, v := range buf[:wordsLen(n)] {
		dst[i] |= v
	}
}

// drawMapped draws a chunk densely and moves its ones to where the walk's grid
// has them.
//
//go:noinline
func (b *Bernoulli) drawMapped(k isa, words []uint64, dense bool, w *walk, ks *roundKeys, chunk int, sample uint64) int {
	var buf [chunkLen / 64]uint64
	n := int(w[walkEnd])
	groups := (n + headGroupLen - 1) / headGroupLen
	seeds := b.drawDense(k, buf[:groups*headGroupWords], n, ks, chunk, sample)
	drawn := buf[:wordsLen(n)]
	if dense {
		orShifted(words, int(w[walkBit]), drawn)
		return seeds
	}
	for i, v := range drawn {
		for ; v != 0; v &= v - 1 {
			bit := walkBitOf(w, uint32(i*64+bits.TrailingZeros64(v)))
			words[bit>>6] |= 1 << (bit & 63)
		}
	}
	return seeds
}

// orShifted ORs src into dst from a bit of its first word on. Ones of src lie
// inside dst.
func orShifted(dst []uint64, bit int, src []uint64) {
	var carry uint64
	for i, v := range src {
		if w := v<<(bit&63) | carry; w != 0 {
			dst[i] |= w
		}
		carry = v >> 1 >> (63 - bit&63)
	}
	if carry != 0 {
		dst[len(src)] |= carry
	}
}

// drawGaps sets the bits of a chunk's residual in words, which are zero behind
// the first one.
func (b *Bernoulli) drawGaps(k isa, words []uint64, w *walk, ks *roundKeys, chunk int, sample uint64) {
	var buf [gapCallLen]uint32
	ctr := chunkCounter(domainGaps, chunk, sample)
	stride := 4 * k.philoxStride()
	for w[walkNext] < w[walkEnd] {
		// A few words above the mean; what is short is drawn in another turn.
		want := int(float64(w[walkEnd]-w[walkNext])*b.wordsPerPosition*1.125) + 2
		drawn := buf[:min((want+stride-1)/stride*stride, gapCallLen)]
		k.philox(drawn, ks, &ctr)
		ctr[0] += uint32(len(drawn) / 4)
		k.bernoulliGaps(words, drawn, &b.gaps, w)
	}
}
