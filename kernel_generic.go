package dropblock

import (
	"math"
	"math/bits"
	"unsafe"
)

// This file has every kernel in pure Go. It is compiled everywhere: for CPUs
// without assembly, as the reference in tests of the assembly, and as the place
// where the algorithms are explained. A generator in gen/ that computes the same
// bits in another way says so.
//
// Callers have checked all arguments: lengths fit, and destinations do not
// overlap sources unless a kernel permits it.

// # bernoulli
//
// Masks need millions of bits that are 1 with probability γ, and for DropBlock γ
// is small. Comparing a random word with γ costs one word for each element. Two
// cheaper samplers together cover the range.
//
// The head draws bits with probability h = t/2^k, 64 at a time. A number
// U < 2^k has k random bits, and U < t is decided from the least significant
// bit up: with the bits u and t of one level, less is t AND NOT u or, if they are
// equal, the result of the levels below. Since u and its complement are equally
// likely, less becomes t ? less|r : less&r with r random: one AND or OR at each
// level for 64 elements (the "bit-sliced" form). t is odd, so that the lowest
// level is less = r.
//
// The residual adds seeds with probability δ. It draws the distance to the next
// seed instead of a bit for each element: P(gap = g) = δ(1−δ)^g. An alias table
// (see gapTable) maps a random word to a gap without a branch. Head and residual
// are independent, so that an element is 1 with probability h + (1−h)·δ = γ.
// Seeds of the residual at different positions are independent because the
// geometric distribution is memoryless, which is also why the residual can start
// anew in each chunk of positions.
//
// Words come from Philox4x32-10 with a counter derived from the position, so that
// the result does not depend on vector width, goroutines or CPU. docs/stream.md
// defines which word decides which bit.

// philoxGeneric fills dst, whole blocks of four words, with those of the
// counters from ctr on. Counter word 0 does not overflow.
func philoxGeneric(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
	c := *ctr
	for ; len(dst) >= 8; dst = dst[8:] {
		x0, x1, x2, x3, y0, y1, y2, y3 := philoxPair(ks, c[0], c[1], c[2], c[3])
		*(*[8]uint32)(dst) = [8]uint32{x0, x1, x2, x3, y0, y1, y2, y3}
		c[0] += 2
	}
	if len(dst) > 0 {
		*(*[4]uint32)(dst) = philoxBlock(ks, c)
	}
}

// philoxPair returns the blocks of a counter and of the next one. Interleaving two blocks
// hides the latency of the multiplications.
func philoxPair(ks *roundKeys, c0, c1, c2, c3 uint32) (x0, x1, x2, x3, y0, y1, y2, y3 uint32) {
	x0, x1, x2, x3 = c0, c1, c2, c3
	y0, y1, y2, y3 = c0+1, c1, c2, c3
	for r := range ks {
		x0, x1, x2, x3 = philoxRound(x0, x1, x2, x3, ks[r][0], ks[r][1])
		y0, y1, y2, y3 = philoxRound(y0, y1, y2, y3, ks[r][0], ks[r][1])
	}
	return x0, x1, x2, x3, y0, y1, y2, y3
}

// join returns the word of two halves.
func join(lo, hi uint32) uint64 { return uint64(hi)<<32 | uint64(lo) }

// headGeneric writes bits of probability t/2^levels to dst, whole groups
// of headGroupWords. ctr is the counter of the first group at level 0.
func headGeneric(dst []uint64, ks *roundKeys, ctr *[4]uint32, t uint32, levels int) {
	c := *ctr
	for ; len(dst) >= headGroupWords; dst = dst[headGroupWords:] {
		for i := uint32(0); i < headGroupWords/2; i += 2 {
			var lo0, hi0, lo1, hi1 uint64
			for level := range uint32(levels) {
				x0, x1, x2, x3, y0, y1, y2, y3 := philoxPair(ks, c[0]+level*headLevelStride+i, c[1], c[2], c[3])
				if t>>level&1 != 0 {
					lo0, hi0 = lo0|join(x0, x1), hi0|join(x2, x3)
					lo1, hi1 = lo1|join(y0, y1), hi1|join(y2, y3)
				} else {
					lo0, hi0 = lo0&join(x0, x1), hi0&join(x2, x3)
					lo1, hi1 = lo1&join(y0, y1), hi1&join(y2, y3)
				}
			}
			dst[i], dst[i+headGroupWords/2] = lo0, hi0
			dst[i+1], dst[i+1+headGroupWords/2] = lo1, hi1
		}
		c[0] += headGroupWords / 2
	}
}

// gapCallLen bounds the random words of a kernel call of the residual.
const gapCallLen = 512

// gapsGeneric advances w.next by the gap of each drawn word, at most gapCallLen of them,
// and writes the positions of the n seeds before w.end. The positions behind them are
// overwritten too. The choice between an entry's own gap and its alias is not a branch: it
// would be mispredicted half of the time.
func gapsGeneric(positions *[gapCallLen]uint32, drawn []uint32, t *gapTable, w *walk) (n int) {
	next := w.next
	for _, word := range drawn[:min(len(drawn), gapCallLen)] {
		own := word >> (32 - gapBits)
		e := t[own]
		alias := e & gapEscape
		// All ones if the lower bits of the word are below the threshold. Equal
		// ones are not below, for any alias.
		below := uint32(int64(uint64(word<<gapBits|gapEscape)-uint64(e)) >> 63)
		gap := alias ^ (alias^own)&below
		next += gap
		positions[n&(gapCallLen-1)] = next
		seed := (gap+1)>>gapBits ^ 1 // 0 for gapEscape
		n += int(seed)
		next += seed
	}
	w.next = next
	for n > 0 && positions[n-1] >= w.end {
		n--
	}
	return n
}

// onesGeneric writes the positions of the ones of words, bit 0 of which has the
// position first. It returns their number and the number of words used: it stops
// before the ones of another word might not fit. The positions behind them are
// overwritten too.
func onesGeneric(positions *[gapCallLen]uint32, words []uint64, first uint32) (n, used int) {
	for i, v := range words {
		if n > gapCallLen-64 {
			return n, i
		}
		next := n + bits.OnesCount64(v)
		// Eight at a time, of which some may be invalid: a branch on the exact number
		// of ones is mispredicted too often.
		for ; v != 0; n += 8 {
			p := (*[8]uint32)(positions[n:])
			for j := range p {
				p[j] = first + uint32(bits.TrailingZeros64(v))
				v &= v - 1
			}
		}
		n = next
		first += 64
	}
	return n, len(words)
}

// placeGeneric maps positions to bits, in place.
func placeGeneric(bits []uint32, w *walk) {
	first, col, row := w.bit, w.col, w.row
	perCol, colShift := w.perCol, w.colShift
	perRow, rowShift := w.perRow, w.rowShift
	skipRow, skipPlane := w.skipRow, w.skipPlane
	for i, p := range bits {
		rows := divide(col+p, perCol, colShift)
		planes := divide(row+rows, perRow, rowShift)
		bits[i] = first + p + rows*skipRow + planes*skipPlane
	}
}

// seedsGeneric sets the bits at ascending numbers.
func seedsGeneric(words []uint64, bits []uint32) {
	for _, bit := range bits {
		words[bit>>6] |= 1 << (bit & 63)
	}
}

// If a block spans few words and seeds are rare, it costs less to AND the blocks
// into the keep mask one by one than to set the seeds and dilate.

// stampTable has a block's complement at every offset in a word: the first bit of the
// block is bit i of stamp i. ANDing it with ones gives the keep mask of the block.
type stampTable [64][stampWords]uint64

// stampWords bounds the words that a stamped block touches.
const stampWords = 8

// stampRoom returns the number of words that a kernel may load and store for a block that
// touches n words, from the one of its first bit.
func stampRoom(n int) int {
	if n <= stampWords/2 {
		return stampWords / 2
	}
	return stampWords
}

// stampsGeneric clears blocks that touch n words and returns the number of ones that it
// cleared. Their first bits ascend, from call to call too, so that words behind the last
// block are all ones.
func stampsGeneric(words []uint64, firsts []uint32, stamps *stampTable, n int) (dropped int) {
	for _, bit := range firsts {
		stamp, dst := stamps[bit&63][:n], words[bit>>6:][:n]
		for i, v := range stamp {
			dropped += bits.OnesCount64(dst[i] &^ v)
			dst[i] &= v
		}
	}
	return dropped
}

// # dilate
//
// Growing a seed to a block is a running maximum, and a maximum of bits is an
// OR. Blocks are separable: they grow along one axis after the other. Along an
// axis a run of b bits grows by doubling: y |= y<<1; y |= y<<2; y |= y<<4; … and
// a last shift that makes the sum of the shifts b−1. Or it is tripled: y |= y<<1 | y<<2;
// y |= y<<3 | y<<6; …, with a last pair that makes the sum of the second shifts b−1.
//
// In the valid region seeds are at the first corner of a block that lies whole in
// its plane. No block leaves its row or its plane, so that the planes of all
// samples are ONE string of bits: along W the shifts are 1, 2, 4, …, along H they
// are W, 2W, 4W, …. There is no loop over rows and no mask at their ends, for any W.
//
// src of a kernel has lead words in front, from which bits are shifted in: dst[i]
// corresponds to src[lead+i]. The last step also takes the complement, which turns
// blocks into a keep mask, and counts its ones.

// dilateRowGeneric sets each bit of dst to the OR of the bit and the b−1 bits
// before it, 1 ≤ b ≤ 64. src has one word of lead.
func dilateRowGeneric(dst, src []uint64, b int) {
	src = src[:len(dst)+1]
	steps := bits.Len(uint(b - 1))
	last := uint(b-1<<steps>>1) & 63 // b less the run that the steps before make
	before := src[0]
	for i := range dst {
		v := src[i+1]
		u := before // Its low bits lack the bits of the word before it; no shift moves them into v.
		before = v
		if steps > 1 {
			v, u = v|v<<1|u>>63, u|u<<1
		}
		if steps > 2 {
			v, u = v|v<<2|u>>62, u|u<<2
		}
		if steps > 3 {
			v, u = v|v<<4|u>>60, u|u<<4
		}
		if steps > 4 {
			v, u = v|v<<8|u>>56, u|u<<8
		}
		if steps > 5 {
			v, u = v|v<<16|u>>48, u|u<<16
		}
		if steps > 0 {
			v |= v<<last | u>>1>>(63-last)
		}
		dst[i] = v
	}
}

// dilateLead returns the lead for a shift.
func dilateLead(shift int) int { return shift>>6 + 1 }

// A step is a pair of shifts a ≤ b, which at most triples a run of ones: two passes take
// a run of 1 to 9, for which doubling takes four. A single shift is a pair of equal ones.
// Where channels are stored last, shifts are often by whole words, which need no bits of
// the word before.

// dilateStepGeneric sets dst to src | src<<a | src<<b, a ≤ b. src has the lead of b.
func dilateStepGeneric(dst, src []uint64, a, b int) {
	here, x, y := dilateSources(len(dst), src, a, b)
	s, t := uint(a&63), uint(b&63)
	switch {
	case s|t == 0:
		for i := range dst {
			dst[i] = here[i] | x[i+1] | y[i+1]
		}
	case a == b:
		for i := range dst {
			dst[i] = here[i] | y[i+1]<<t | y[i]>>1>>(63-t)
		}
	default:
		for i := range dst {
			dst[i] = here[i] | x[i+1]<<s | x[i]>>1>>(63-s) | y[i+1]<<t | y[i]>>1>>(63-t)
		}
	}
}

// dilateSources returns the n words of src behind the lead of b, and those that shifts by a
// and b move there, with the word before each.
func dilateSources(n int, src []uint64, a, b int) (here, x, y []uint64) {
	lead := dilateLead(b)
	return src[lead:][:n], src[lead-dilateLead(a):][:n+1], src[:n+1]
}

// dilateKeepGeneric sets dst to the complement of src | src<<a | src<<b, a ≤ b, and counts
// its ones. With shifts of 0 dst may be src[1:].
func dilateKeepGeneric(dst, src []uint64, a, b int) (kept int) {
	here, x, y := dilateSources(len(dst), src, a, b)
	s, t := uint(a&63), uint(b&63)
	switch {
	case b == 0:
		// Loads of the words before would only miss store forwarding.
		for i, v := range here {
			dst[i] = ^v
			kept += bits.OnesCount64(^v)
		}
	case s|t == 0:
		for i := range dst {
			v := ^(here[i] | x[i+1] | y[i+1])
			dst[i] = v
			kept += bits.OnesCount64(v)
		}
	case a == b:
		for i := range dst {
			v := ^(here[i] | y[i+1]<<t | y[i]>>1>>(63-t))
			dst[i] = v
			kept += bits.OnesCount64(v)
		}
	default:
		for i := range dst {
			v := ^(here[i] | x[i+1]<<s | x[i]>>1>>(63-s) | y[i+1]<<t | y[i]>>1>>(63-t))
			dst[i] = v
			kept += bits.OnesCount64(v)
		}
	}
	return kept
}

// dilateNearGeneric does all steps of a small block on a small map, in place, takes the
// complement of each word but the first, and returns the number of its ones. Steps are
// those of dilateStep. The second shifts add up to less than 64: only bits of the word before are shifted in, so that going from
// the end to the beginning reads words that are not yet overwritten. There is at least one
// word and one step.
func dilateNearGeneric(words, shifts []uint64) (kept int) {
	for i := len(words) - 1; i > 0; i-- {
		v := words[i]
		u := words[i-1] // Its low bits lack the bits of the word before it; no shift moves them into v.
		for s := shifts; len(s) >= 2; s = s[2:] {
			a, b := s[0], s[1]
			v |= v<<a | u>>1>>(63-a) | v<<b | u>>1>>(63-b)
			u |= u<<a | u<<b
		}
		words[i] = ^v
		kept += bits.OnesCount64(^v)
	}
	return kept
}

// In the full region blocks are clipped at the ends of rows and planes. Masks, which are the
// same for all planes, clear the bits that a shift moves across such an end. Blocks grow in
// both directions at once.

// dilateBorderGeneric sets dst to src | src<<shift & up | src>>shift & down. src has the
// lead of the shift on both sides.
func dilateBorderGeneric(dst, src, up, down []uint64, shift int) {
	lead, s := dilateLead(shift), uint(shift&63)
	up, down = up[:len(dst)], down[:len(dst)]
	here := src[lead:][:len(dst)]
	before, after := src[:len(dst)+1], src[2*lead-1:][:len(dst)+1]
	for i, v := range here {
		u := before[i+1]<<s | before[i]>>1>>(63-s)
		d := after[i]>>s | after[i+1]<<1<<(63-s)
		dst[i] = v | u&up[i] | d&down[i]
	}
}

// # stretch
//
// Where channels are stored last and share a mask, a bit is for the C elements of a cell. The
// kernels that read maps take a bit for each element, so that bits are repeated, for the
// elements of a kernel call at a time. A word makes C of them.

// stretchLanes says where 64 bits, or bytes of eight equal bits, that come one after the other
// come from: number i from the one that is 1 in bit[i] of byte at[i] of a word.
type stretchLanes struct{ at, bit [64]uint8 }

// maxLanes bounds the lanes of stretch, which are 128 bytes each.
const maxLanes = 32

// stretchGeneric fills dst with the bits of src, each of them repeated as often as there are
// lanes, which are those of lanesOf.
func stretchGeneric(dst, src []uint64, lanes []stretchLanes) {
	repeatBits(dst, src, len(lanes))
}

// stretchBytesGeneric fills dst, a multiple of eight words, with the bits of src, each of them
// repeated eight times as often as there are lanes. to and from are where the call that reads
// dst will write and read: assembly asks for a cache line of each now and then.
func stretchBytesGeneric(dst, src []uint64, lanes []stretchLanes, _, _ *byte) {
	repeatBits(dst, src, 8*len(lanes))
}

// repeatBits fills dst with the bits of src, each of them repeated n times.
func repeatBits(dst, src []uint64, n int) {
	each := uint(n)
	// The bits of a word are moved to the first elements of their cells in steps, from the
	// highest bit of a bit's number to the lowest: by where that is 1 it goes up by its
	// value times each−1 (as for Morton codes: Warren, Hacker's Delight, 7-6).
	levels := bits.Len(63 / each)
	first := uint64(1)<<(1<<levels) - 1
	var masks [5]uint64
	for level := range levels {
		for i := range uint(1) << levels {
			low := i & (1<<level - 1)
			masks[level] |= 1 << ((i-low)*each + low)
		}
	}
	for len(dst) > 0 {
		words := dst[:min(n, len(dst))]
		dst = dst[len(words):]
		left := src[0] // from the cell on that the first element of the word is of
		src = src[1:]
		rest := each // elements of that cell from there on
		for i := range words {
			x := left >> 1 & first
			for level := levels - 1; level >= 0; level-- {
				x = (x | x<<((each-1)<<level)) & masks[level]
			}
			x <<= rest
			words[i] = x<<each - x | -(left&1)&(1<<rest-1)
			left >>= 64 / each
			if by := 64 % each; by < rest {
				rest -= by
			} else {
				rest += each - by
				left >>= 1
			}
		}
	}
}

// # scale, add, fill
//
// Kept elements are multiplied by the scale. scale makes dropped ones +0 by selection: a
// product with zero would keep NaN, turn Inf into NaN, and give −0. add adds the products
// to dst, and leaves its dropped elements as they are; fill takes what is given for them.
// Both keep every bit of these, of a signalling NaN too.

// goFloat is the elements that are computed with as they are.
type goFloat interface{ float32 | float64 }

// scaleGeneric sets dst to src·scale where keep, bit i for element i, is 1 and
// to +0 elsewhere. dst may be src.
func scaleGeneric[E goFloat](dst, src []E, keep []uint64, scale E) {
	dst = dst[:len(src)]
	for ; len(src) >= 64; src, dst, keep = src[64:], dst[64:], keep[1:] {
		x, y := (*[64]E)(src), (*[64]E)(dst)
		if keep[0] == 0 {
			*y = [64]E{}
			continue
		}
		for i := 0; i < 64; i += 4 {
			y[i], y[i+1], y[i+2], y[i+3] = x[i]*scale, x[i+1]*scale, x[i+2]*scale, x[i+3]*scale
		}
		// Selecting bit by bit took 1.2 to 2.2 times as long, for blocks and for
		// dropout with p up to 0.5.
		for drop := ^keep[0]; drop != 0; drop &= drop - 1 {
			y[bits.TrailingZeros64(drop)&63] = 0
		}
	}
	if len(src) > 0 {
		rest := keep[0]
		for i, v := range src {
			dst[i] = selectBit(v*scale, rest)
			rest >>= 1
		}
	}
}

// selectBit returns v if bit 0 of keep is 1, else +0.
func selectBit[E goFloat](v E, keep uint64) E {
	if unsafe.Sizeof(v) == 4 {
		return E(math.Float32frombits(math.Float32bits(float32(v)) & -uint32(keep&1)))
	}
	return E(math.Float64frombits(math.Float64bits(float64(v)) & -(keep & 1)))
}

// scaleRunsGeneric is scaleGeneric with a scale for each run of elements: scales[0] for the
// first ones, left of them, then the others for run elements each. scales has two more than
// those, whatever they are, which assembly loads.
func scaleRunsGeneric[E goFloat](dst, src []E, keep []uint64, scales []float64, run, left int) {
	for n := 0; len(src) > 0; src, dst, keep = src[n:], dst[n:], keep[1:] {
		n = min(len(src), 64)
		for from, to := 0, 0; from < n; from = to {
			if left == 0 {
				scales, left = scales[1:], run
			}
			to = from + min(left, n-from)
			left -= to - from
			scale, y := E(scales[0]), dst[from:to]
			for i, v := range src[from:to] {
				y[i] = v * scale
			}
		}
		for drop := ^keep[0] & (1<<n - 1); drop != 0; drop &= drop - 1 {
			dst[bits.TrailingZeros64(drop)] = 0
		}
	}
}

// scaleCellsGeneric is scaleGeneric with words of which each bit is for as many elements as
// there are lanes. scaleCellsHalfGeneric is the same.
func scaleCellsGeneric[E goFloat](dst, src []E, words []uint64, lanes []stretchLanes, scale E) {
	overCells(dst, src, words, lanes, func(dst, src []E, keep []uint64) { scaleGeneric(dst, src, keep, scale) })
}

func scaleCellsHalfGeneric[E half](dst, src []E, words []uint64, lanes []stretchLanes, scale float32) {
	overCells(dst, src, words, lanes, func(dst, src []E, keep []uint64) { scaleHalfGeneric(dst, src, keep, scale) })
}

// overCells calls a function with the elements of a word at a time and their bits.
func overCells[E Float](dst, src []E, words []uint64, lanes []stretchLanes, call func(dst, src []E, keep []uint64)) {
	var keep [maxLanes]uint64
	for n := 0; len(src) > 0; dst, src, words = dst[n:], src[n:], words[1:] {
		n = min(len(src), 64*len(lanes))
		bits := keep[:(n+63)/64]
		stretchGeneric(bits, words, lanes)
		call(dst[:n], src[:n], bits)
	}
}

// scaleEachGeneric is scaleGeneric with a scale for each element.
func scaleEachGeneric[E goFloat](dst, src []E, keep []uint64, factors []E) {
	for n := 0; len(src) > 0; src, dst, factors, keep = src[n:], dst[n:], factors[n:], keep[1:] {
		n = min(len(src), 64)
		y, scales := dst[:n], factors[:n]
		for i, v := range src[:n] {
			y[i] = v * scales[i]
		}
		for drop := ^keep[0] & (1<<n - 1); drop != 0; drop &= drop - 1 {
			y[bits.TrailingZeros64(drop)] = 0
		}
	}
}

// addGeneric adds src·scale to dst where keep is 1, the product rounded before it is added.
// dst may be src.
func addGeneric[E goFloat](dst, src []E, keep []uint64, scale E) {
	dst = dst[:len(src)]
	for ; len(src) >= 64; src, dst, keep = src[64:], dst[64:], keep[1:] {
		x, y := (*[64]E)(src), (*[64]E)(dst)
		if keep[0] == 0 {
			continue
		}
		dropped := *y
		for i := 0; i < 64; i += 4 {
			// The conversions keep the compiler from fusing.
			y[i], y[i+1], y[i+2], y[i+3] = y[i]+E(x[i]*scale), y[i+1]+E(x[i+1]*scale), y[i+2]+E(x[i+2]*scale), y[i+3]+E(x[i+3]*scale)
		}
		for drop := ^keep[0]; drop != 0; drop &= drop - 1 {
			i := bits.TrailingZeros64(drop) & 63
			y[i] = dropped[i]
		}
	}
	for i, v := range src {
		if keep[0]>>i&1 != 0 {
			dst[i] += E(v * scale)
		}
	}
}

// fillGeneric sets dst to src·scale where keep is 1 and to fill elsewhere. dst may be src
// or fill.
func fillGeneric[E goFloat](dst, src, fill []E, keep []uint64, scale E) {
	dst, fill = dst[:len(src)], fill[:len(src)]
	for ; len(src) >= 64; src, dst, fill, keep = src[64:], dst[64:], fill[64:], keep[1:] {
		x, y := (*[64]E)(src), (*[64]E)(dst)
		dropped := *(*[64]E)(fill)
		for i := 0; i < 64; i += 4 {
			y[i], y[i+1], y[i+2], y[i+3] = x[i]*scale, x[i+1]*scale, x[i+2]*scale, x[i+3]*scale
		}
		for drop := ^keep[0]; drop != 0; drop &= drop - 1 {
			i := bits.TrailingZeros64(drop) & 63
			y[i] = dropped[i]
		}
	}
	for i, v := range src {
		if keep[0]>>i&1 != 0 {
			dst[i] = v * scale
		} else {
			dst[i] = fill[i]
		}
	}
}

// expandGeneric writes scale where keep is 1 and +0 elsewhere.
func expandGeneric[E goFloat](dst []E, keep []uint64, scale E) {
	for ; len(dst) >= 64; dst, keep = dst[64:], keep[1:] {
		y := (*[64]E)(dst)
		if keep[0] == 0 {
			*y = [64]E{}
			continue
		}
		for i := 0; i < 64; i += 4 {
			y[i], y[i+1], y[i+2], y[i+3] = scale, scale, scale, scale
		}
		for drop := ^keep[0]; drop != 0; drop &= drop - 1 {
			y[bits.TrailingZeros64(drop)&63] = 0
		}
	}
	if len(dst) > 0 {
		rest := keep[0]
		for i := range dst {
			dst[i] = selectBit(scale, rest)
			rest >>= 1
		}
	}
}

// Half-precision elements are widened to float32, which is exact, computed with in float32,
// and rounded once, as what is written.

type half interface{ Float16 | BFloat16 }

// halves are what 64 elements are computed in.
type halves [64]float32

// widen returns the values of up to 64 elements.
func widen[E half](to *halves, from []E) []float32 {
	x := to[:len(from)]
	switch from := any(from).(type) {
	case []Float16:
		for i, v := range from {
			x[i] = v.Float32()
		}
	case []BFloat16:
		for i, v := range from {
			x[i] = v.Float32()
		}
	}
	return x
}

// narrow rounds.
func narrow[E half](to []E, from []float32) {
	from = from[:len(to)]
	switch to := any(to).(type) {
	case []Float16:
		for i, v := range from {
			to[i] = NewFloat16(v)
		}
	case []BFloat16:
		for i, v := range from {
			to[i] = NewBFloat16(v)
		}
	}
}

// choose sets dst to kept where keep is 1 and to dropped elsewhere.
func choose[E half](dst, kept, dropped []E, keep uint64) {
	kept, dropped = kept[:len(dst)], dropped[:len(dst)]
	for i := range dst {
		m := -E(keep & 1)
		dst[i] = kept[i]&m | dropped[i]&^m
		keep >>= 1
	}
}

// scaleHalfGeneric is scaleGeneric.
func scaleHalfGeneric[E half](dst, src []E, keep []uint64, scale float32) {
	var buf halves
	for n := 0; len(src) > 0; src, dst, keep = src[n:], dst[n:], keep[1:] {
		n = min(len(src), 64)
		x := widen(&buf, src[:n])
		scaleGeneric(x, x, keep, scale)
		narrow(dst[:n], x)
	}
}

// scaleRunsHalfGeneric is scaleRunsGeneric.
func scaleRunsHalfGeneric[E half](dst, src []E, keep []uint64, scales []float64, run, left int) {
	var buf halves
	for n := 0; len(src) > 0; src, dst, keep = src[n:], dst[n:], keep[1:] {
		n = min(len(src), 64)
		x := widen(&buf, src[:n])
		scaleRunsGeneric(x, x, keep, scales, run, left)
		narrow(dst[:n], x)
		for left -= n; left < 0; left += run {
			scales = scales[1:]
		}
	}
}

// scaleEachHalfGeneric is scaleEachGeneric.
func scaleEachHalfGeneric[E half](dst, src []E, keep []uint64, factors []float32) {
	var buf halves
	for n := 0; len(src) > 0; src, dst, factors, keep = src[n:], dst[n:], factors[n:], keep[1:] {
		n = min(len(src), 64)
		x := widen(&buf, src[:n])
		scaleEachGeneric(x, x, keep, factors)
		narrow(dst[:n], x)
	}
}

// addHalfGeneric is addGeneric: product and sum are float32.
func addHalfGeneric[E half](dst, src []E, keep []uint64, scale float32) {
	var bufX, bufY halves
	var sum [64]E
	for n := 0; len(src) > 0; src, dst, keep = src[n:], dst[n:], keep[1:] {
		n = min(len(src), 64)
		x, y := widen(&bufX, src[:n]), widen(&bufY, dst[:n])
		addGeneric(y, x, keep, scale)
		narrow(sum[:n], y)
		choose(dst[:n], sum[:n], dst, keep[0])
	}
}

// fillHalfGeneric is fillGeneric.
func fillHalfGeneric[E half](dst, src, fill []E, keep []uint64, scale float32) {
	var buf halves
	var product [64]E
	for n := 0; len(src) > 0; src, dst, fill, keep = src[n:], dst[n:], fill[n:], keep[1:] {
		n = min(len(src), 64)
		x := widen(&buf, src[:n])
		scaleGeneric(x, x, keep, scale)
		narrow(product[:n], x)
		choose(dst[:n], product[:n], fill, keep[0])
	}
}

// expandHalfGeneric is expandGeneric with the half nearest to the scale.
func expandHalfGeneric[E half](dst []E, keep []uint64, scale float32) {
	var nearest [1]E
	narrow(nearest[:], []float32{scale})
	for i := range dst {
		dst[i] = nearest[0] & -E(keep[i>>6]>>(i&63)&1)
	}
}

func expandBoolGeneric(dst []bool, keep []uint64) {
	for i := range dst {
		dst[i] = keep[i>>6]>>(i&63)&1 != 0
	}
}

// # noise
//
// Elements that are dropped may be filled with noise of the distribution N(0,1): a normal
// variate for each element of a sample, a function of the mask's key and the element's
// number. Four elements, a quad, take the four words of one Philox block, in a domain of
// counters of its own. Two words a and b make two variates (Box and Muller, "A note on the
// generation of random normal deviates", 1958): the radius r = √(−2 ln u), u from a, and a
// point on the unit circle, from b. A quad is drawn where one of its elements is dropped.
//
// Inverting the distribution function takes one word for a variate too, but a logarithm
// and a root for each, not for two, and a polynomial for the tails besides. Tables of a
// ziggurat would have to be gathered.
//
// Every operation is rounded by itself: addition, multiplication, square root, conversion
// of an integer. So all CPUs compute the same bits. docs/stream.md, section 12, defines
// them.

// The polynomials have the least greatest error that their degree permits: normalLog is
// −2 ln(1+f)/f on [√½−1, √2−1] to 1.7e-7 of it, normalSin is sin(π/2·√z)/√z to 5.3e-9 of
// it, and normalCos is cos(π/2·√z) to 4.7e-8, both on [0, 1]. The coefficients of the
// highest power come first.
const (
	normalLog0 = 0x1.9df954p-3
	normalLog1 = -0x1.4c3cc8p-2
	normalLog2 = 0x1.614c1cp-2
	normalLog3 = -0x1.978e38p-2
	normalLog4 = 0x1.ff623cp-2
	normalLog5 = -0x1.5559dcp-1
	normalLog6 = 0x1.00007ap0
	normalLog7 = -0x1.fffffep0
	normalLn2  = -0x1.62e43p-23 // −2 ln 2, times 2^-23

	normalSin0 = 0x1.3daff6p-13
	normalSin1 = -0x1.324ccap-8
	normalSin2 = 0x1.4668bp-4
	normalSin3 = -0x1.4abbc2p-1
	normalSin4 = 0x1.921fb6p0

	normalCos0 = 0x1.c1f066p-11
	normalCos1 = -0x1.54f61ap-6
	normalCos2 = 0x1.03bd06p-2
	normalCos3 = -0x1.3bd3a6p0
	normalCos4 = 0x1.fffffep-1

	// rootHalf is the bits of √½ as a float32, from where mantissas go to √2.
	rootHalf = 0x3f3504f3
)

// noiseStride is what the number of quads of a call of the kernel is a multiple of.
const noiseStride = 16

// noiseGeneric draws quads: quad i is elements 4i to 4i+3 of dst, and block ctr[0]+i. Their
// numbers may repeat. to and from are where so many cache lines will be written and read next:
// assembly asks for them now and then, as memory is idle.
func noiseGeneric[E goFloat](dst []E, quads []uint32, ks *roundKeys, ctr *[4]uint32, _, _ *byte, _ int) {
	for _, i := range quads {
		y := (*[4]E)(dst[4*i:])
		y0, y1, y2, y3 := normals(ks, ctr[0]+i, ctr[1], ctr[2], ctr[3])
		y[0], y[1], y[2], y[3] = E(y0), E(y1), E(y2), E(y3)
	}
}

// noiseHalfGeneric is noiseGeneric.
func noiseHalfGeneric[E half](dst []E, quads []uint32, ks *roundKeys, ctr *[4]uint32, _, _ *byte, _ int) {
	for _, i := range quads {
		y0, y1, y2, y3 := normals(ks, ctr[0]+i, ctr[1], ctr[2], ctr[3])
		narrow(dst[4*i:][:4], []float32{y0, y1, y2, y3})
	}
}

// normals returns the variates of a quad.
func normals(ks *roundKeys, x0, x1, x2, x3 uint32) (y0, y1, y2, y3 float32) {
	for r := range ks {
		x0, x1, x2, x3 = philoxRound(x0, x1, x2, x3, ks[r][0], ks[r][1])
	}
	r, s := normalRadius(x0), normalRadius(x2)
	return r * normalX(x1), s * normalX(x3), r * normalY(x1), s * normalY(x3)
}

// normalRadius returns √(−2 ln u) for u = (a+½)/2³². A u above ½ is 1+c, with a negative c
// that is as exact as a small u, so that small radii have all their bits too.
func normalRadius(a uint32) float32 {
	c := (float32(int32(a)) + .5) * 0x1p-32
	u := c
	if c < 0 {
		u = 1 + c
	}
	// u = 2^e·(1+f), with e in the place of a float32's exponent.
	e := int32(math.Float32bits(u)-rootHalf) & (-1 << 23)
	f := math.Float32frombits(math.Float32bits(u)-uint32(e)) - 1
	if e == 0 {
		f = c
	}
	p := float32(normalLog0*f) + normalLog1
	p = float32(p*f) + normalLog2
	p = float32(p*f) + normalLog3
	p = float32(p*f) + normalLog4
	p = float32(p*f) + normalLog5
	p = float32(p*f) + normalLog6
	p = float32(p*f) + normalLog7
	l := float32(p*f) + float32(float32(e)*normalLn2)
	return float32(math.Sqrt(float64(l)))
}

// normalX returns the cosine of the angle b·π/2³², b from −2³¹ to 2³¹−1, with the lowest bit
// of b for its sign: a point anywhere on the circle.
func normalX(b uint32) float32 {
	y := float32(int32(b)) * 0x1p-31 // in right angles
	z := y * y
	p := float32(normalCos0*z) + normalCos1
	p = float32(p*z) + normalCos2
	p = float32(p*z) + normalCos3
	p = float32(p*z) + normalCos4
	return math.Float32frombits(math.Float32bits(p) ^ b<<31)
}

// normalY returns the sine of the angle.
func normalY(b uint32) float32 {
	y := float32(int32(b)) * 0x1p-31
	z := y * y
	p := float32(normalSin0*z) + normalSin1
	p = float32(p*z) + normalSin2
	p = float32(p*z) + normalSin3
	p = float32(p*z) + normalSin4
	return p * y
}

// # count

// shortRun is the greatest length of runs whose quotients are in a table.
const shortRun = 57

// quotient returns count/kept, 0 if nothing is kept.
func quotient(count, kept int) float64 {
	if kept == 0 {
		return 0
	}
	return float64(count) / float64(kept)
}

// quotientsGeneric sets dst to n divided by the numbers of ones of runs of n bits that follow
// each other from the first bit on, 0 if there are none. words has one more than those of the
// runs, whatever it is. table has the quotients of runs of up to shortRun bits: there are many.
func quotientsGeneric(dst []float64, words []uint64, n int, table *[64]float64) {
	for i := range dst {
		at, rest, ones := i*n, n, 0
		for rest > 64 {
			ones += bits.OnesCount64(words[at>>6]>>(at&63) | words[at>>6+1]<<1<<(^at&63))
			at, rest = at+64, rest-64
		}
		v := words[at>>6]>>(at&63) | words[at>>6+1]<<1<<(^at&63)
		ones += bits.OnesCount64(v << (64 - rest))
		if n <= shortRun {
			dst[i] = table[ones&63]
		} else {
			dst[i] = quotient(n, ones)
		}
	}
}

func countGeneric(words []uint64) (n int) {
	for _, v := range words {
		n += bits.OnesCount64(v)
	}
	return n
}
