// Package bitstring works on strings of bits in slices of words: bit i is bit i&63
// of word i>>6.
package bitstring

import (
	"math/bits"
	"slices"
	"unsafe"
)

// Words is the number of words that n bits take.
func Words(n int) int { return n/64 + (n%64+63)/64 }

// Low is a word whose first n bits are ones: all from 64 on, none from 0 down.
func Low(n int) uint64 {
	n = min(max(n, 0), 64)
	return ^(^uint64(0) << n)
}

// callWords bounds the words that one call of the runtime's memory routines clears or
// copies, since these cannot be preempted.
const callWords = 1 << 13

// Clear makes words zero.
func Clear(words []uint64) {
	for len(words) > callWords {
		clear(words[:callWords])
		words = words[callWords:]
	}
	clear(words)
}

// Copy copies src to dst, which is as long. They may be the same words.
func Copy(dst, src []uint64) {
	for len(src) > callWords {
		copy(dst, src[:callWords])
		dst, src = dst[callWords:], src[callWords:]
	}
	copy(dst, src)
}

// SetAll makes words all ones, by copies, which are faster than a loop.
func SetAll(words []uint64) {
	for len(words) > 0 {
		words = words[copy(words, allOnes[:]):]
	}
}

var allOnes = func() (words [1 << 9]uint64) {
	for i := range words {
		words[i] = ^uint64(0)
	}
	return words
}()

// SetRun sets n bits from bit at on.
func SetRun(words []uint64, at, n int) {
	for n > 0 {
		s := at & 63
		if s == 0 && n >= 2*64 {
			SetAll(words[at>>6:][:n>>6])
			at, n = at+n&^63, n&63
			continue
		}
		run := min(n, 64-s)
		words[at>>6] |= Low(run) << s
		at += run
		n -= run
	}
}

// ClearRun clears n bits from bit at on.
func ClearRun(words []uint64, at, n int) {
	if s := at & 63; n > 0 && (s != 0 || n < 64) {
		run := min(n, 64-s)
		words[at>>6] &^= Low(run) << s
		at += run
		n -= run
	}
	if n > 0 {
		Clear(words[at>>6:][:n>>6])
		if rest := n & 63; rest > 0 {
			words[(at+n)>>6] &^= Low(rest)
		}
	}
}

// Next is the first one of the bits from from on and up to to, or to if there is none.
func Next(words []uint64, from, to int) int {
	if from >= to {
		return to
	}
	i := from >> 6
	w := words[i] >> (from & 63) << (from & 63)
	for w == 0 {
		if i++; uint(i)<<6 >= uint(to) { // which may overflow an int
			return to
		}
		w = words[i]
	}
	return min(i<<6+bits.TrailingZeros64(w), to)
}

// Last is the last one of the bits from from on and up to to, or −1 if there is none.
func Last(words []uint64, from, to int) int {
	if from >= to {
		return -1
	}
	i := (to - 1) >> 6
	w := words[i] & Low(to-i<<6)
	for w == 0 {
		if i--; i < from>>6 {
			return -1
		}
		w = words[i]
	}
	if last := i<<6 + bits.Len64(w) - 1; last >= from {
		return last
	}
	return -1
}

// Or ORs src to dst from bit at of its first word on, 0 ≤ at < 64. Ones of src lie
// inside dst.
func Or(dst []uint64, at int, src []uint64) {
	var carry uint64
	for i, v := range src {
		if w := v<<(at&63) | carry; w != 0 {
			dst[i] |= w
		}
		carry = v >> 1 >> (63 - at&63)
	}
	if carry != 0 {
		dst[len(src)] |= carry
	}
}

// Move ORs n bits of src from bit from on to dst, whose bits from bit to on are zero.
// They may be the same words, as long as the bits do not overlap.
func Move(dst []uint64, to int, src []uint64, from, n int) {
	for n > 0 {
		if to&63 == 0 && n >= 64 { // whole words of dst
			moveWords(dst[to>>6:][:n>>6], src[from>>6:], uint(from&63))
			from, to, n = from+n&^63, to+n&^63, n&63
			continue
		}
		w := src[from>>6] >> (from & 63)
		run := min(n, 64-to&63)
		if have := 64 - from&63; have < run {
			w |= src[from>>6+1] << have
		}
		dst[to>>6] |= w & Low(run) << (to & 63)
		from, to, n = from+run, to+run, n-run
	}
}

// moveWords sets dst to as many words of src from bit s of it on.
func moveWords(dst, src []uint64, s uint) {
	if s == 0 {
		Copy(dst, src[:len(dst)])
		return
	}
	next := src[1:][:len(dst)]
	v := src[0]
	for i, w := range next {
		dst[i] = v>>(s&63) | w<<((64-s)&63)
		v = w
	}
}

// Repeat fills dst with the n bits of src from bit from on, again and again. Bits
// behind the last whole n are anything. So many n are whole words.
func Repeat(dst, src []uint64, from, n, whole int) {
	period := n // of at least a word
	clear(dst[:Words(n)])
	Move(dst, 0, src, from, n)
	if n < 64 {
		for have := n; have < 64; have *= 2 {
			dst[0] |= dst[0] << have
		}
		if period = (63/n + 1) * n; len(dst) > 1 {
			dst[1] = dst[0] >> (64 - n) & Low(period-64)
		}
	}
	// A bit is that of a period before.
	lag, s := period/64, uint(period%64)
	if lag >= len(dst) {
		return
	}
	if s == 0 {
		dst[lag] = 0
	}
	dst[lag] |= dst[0] << s
	end := min(whole*n/64, len(dst))
	for i := lag + 1; i < end; i++ {
		dst[i] = dst[i-lag]<<s | dst[i-lag-1]>>(64-s)
	}
	for done := end; done < len(dst); done *= 2 {
		copy(dst[done:], dst[:done])
	}
}

// Stretch sets the first n bits of dst to those of a string in which every bit of src
// stands each times, from bit from of it on. Bits behind them in their last word are zero.
func Stretch(dst, src []uint64, from, n, each int) {
	clear(dst[:Words(n)])
	for i := 0; i < n; {
		bit := (from + i) / each
		w := src[bit>>6] >> (bit & 63)
		one := w&1 != 0
		if !one {
			w = ^w
		}
		equal := min(bits.TrailingZeros64(^w), 64-bit&63) // bits from here on
		run := min((bit+equal)*each-from, n) - i
		if one {
			SetRun(dst, i, run)
		}
		i += run
	}
}

// ShiftDown moves every bit of words down by n, and ShiftUp up. No one leaves the words.
func ShiftDown(words []uint64, n int) {
	lead, s := n/64, n%64
	for i := range words {
		var v uint64
		if j := i + lead; j < len(words) {
			v = words[j] >> s
			if j+1 < len(words) {
				v |= words[j+1] << 1 << (63 - s)
			}
		}
		words[i] = v
	}
}

// ShiftUp is described at ShiftDown.
func ShiftUp(words []uint64, n int) {
	lead, s := n/64, n%64
	for i := range slices.Backward(words) {
		var v uint64
		if j := i - lead; j >= 0 {
			v = words[j] << s
			if j > 0 {
				v |= words[j-1] >> 1 >> (63 - s)
			}
		}
		words[i] = v
	}
}

const lineBytes = 64

// LineWords are the words of a cache line.
const LineWords = lineBytes / 8

// Lines rounds a number of words up to whole cache lines.
func Lines(n int) int { return (n + LineWords - 1) &^ (LineWords - 1) }

// Aligned makes n words, of which word i begins with a cache line, as vectors that span
// two lines are slow to load and store.
func Aligned(n, i int) []uint64 {
	words := make([]uint64, n+LineWords-1)
	skip := -(uintptr(unsafe.Pointer(&words[i])) / 8) & (LineWords - 1)
	return words[skip:][:n]
}
