package dropblock

import (
	"math/bits"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// norms are the scopes of the norms that scale by count/kept: what shares a scale. A new one
// is a row; a norm that scales by anything else is a case of Mask.normalise.
var norms = [...]scope{
	NormTensor:   scopeMask,
	NormNone:     scopeNone,
	NormSample:   scopeSample,
	NormPlane:    scopePlane,
	NormExpected: scopeNone,
}

// scope is the part of a mask over which elements are counted for a scale.
type scope uint8

const (
	scopeNone scope = iota // nothing is counted
	scopeMask
	scopeSample
	scopePlane
)

// groups says which of several scales elements have.
type groups struct {
	reach int // map elements in a row that have the same scale; then comes the next one
	inner int // the channels of a cell, if each has a scale of its own, else 1
	// many is the number of scales. After the last one comes the first.
	many int
}

// groups returns the groups of a norm for a map of shape s and a mask of shape bits. The
// zero groups stand for one scale, which masks without elements have.
func (n Norm) groups(s, bits Shape) (g groups) {
	sample := s.c * s.D() * s.H() * s.w // elements
	switch scope := norms[n]; {
	case scope < scopeSample || bits.Len() == 0:
		return groups{}
	case scope == scopeSample || bits.c == 1:
		g = groups{reach: sample, inner: 1, many: bits.n}
	case s.layout.channelsLast():
		g = groups{reach: sample, inner: s.c, many: bits.n * bits.c}
	default:
		g = groups{reach: sample / s.c, inner: 1, many: bits.n * bits.c}
	}
	if g.many == 1 {
		return groups{}
	}
	return g
}

// spareScales is the number of scales behind those of a mask that scaleRuns may load.
const spareScales = 2

// room returns the number of scales that a mask has room for.
func (g *groups) room() int {
	if g.many == 0 {
		return 0
	}
	return g.many + spareScales
}

// index returns the number of the scale of a map element.
func (g *groups) index(element int) int {
	if g.inner > 1 {
		return (element/g.reach*g.inner + element%g.inner) % g.many
	}
	return element / g.reach % g.many
}

// end returns the element behind the run of an element that has the same scale.
func (g *groups) end(element int) int {
	if g.inner > 1 {
		return element + 1
	}
	return (element/g.reach + 1) * g.reach
}

// quotients sets scales to those of groups of n elements of a mask. buf is the mask's, and has
// a spare word behind its length.
func (g *groups) quotients(k isa, scales []float64, buf []uint64, n int) {
	if g.inner > 1 {
		g.countInner(scales, buf, n)
		return
	}
	if n > countCallLen {
		g.countLong(k, scales, buf, n)
		return
	}
	var table [64]float64
	if n <= shortRun {
		for kept := range n + 1 {
			table[kept] = quotient(n, kept)
		}
	}
	// The word behind the mask's is a spare one, of which no bit counts.
	call := 64 * max(1, min(quotientCalls, countCallLen/n))
	for from := 0; from < g.many; from += call {
		to := min(from+call, g.many)
		k.quotients(scales[from:to], buf[1+from/64*n:][:bitstring.Words((to-from)*n)+1], n, &table)
	}
}

const maxTable = 1 << 10

// tabulate fills a table with the quotients of n, which saves the divisions where there are
// many groups of few elements, and reports whether it did.
func (g *groups) tabulate(table *[maxTable]float64, n int) bool {
	if n >= len(table) || g.many <= n {
		return false
	}
	for kept := range table[:n+1] {
		table[kept] = quotient(n, kept)
	}
	return true
}

// countLong is quotients for groups of many elements.
func (g *groups) countLong(k isa, scales []float64, buf []uint64, n int) {
	words := buf[1:]
	word, ones, before := 0, 0, 0 // the ones of the words before word, and of the groups so far
	for i := range scales {
		end := (i + 1) * n
		if last := end / 64; last-word > 16 {
			ones += k.countCalls(words[word:last])
			word = last
		} else {
			for _, v := range words[word:last] {
				ones += bits.OnesCount64(v)
			}
			word = last
		}
		upTo := ones
		if rest := end & 63; rest > 0 {
			upTo += bits.OnesCount64(words[word] & (1<<rest - 1))
		}
		scales[i] = quotient(n, upTo-before)
		before = upTo
	}
}

// countInner is quotients where each channel of a cell has a scale of its own, for
// groups of n elements. Cells are taken by words, several at once if they are small. The bits
// of one number in some words, the digits, are 64 counters (bit-sliced counters), to which
// words are added seven at a time, without a branch on a carry.
func (g *groups) countInner(scales []float64, buf []uint64, n int) {
	inner := g.inner
	wide, total := inner*max(64/inner, 1), inner*n // bits of the cells at once, of a sample
	used := max(bits.Len(uint(n)), 3)              // digits, at most 31
	words := buf[1 : len(buf)+1]                   // with a spare one, of which no bit counts
	var table [maxTable]float64
	tabled := g.tabulate(&table, n)
	for first := 0; first < len(scales); first += inner {
		kept := scales[first:][:inner] // as numbers until the end
		clear(kept)
		for column := 0; column < wide; column += 64 {
			width := min(wide-column, 64)
			mask := ^uint64(0) >> (64 - width)
			var digits [32]uint64
			for at := column; at < total; {
				var a, b, c uint64 // digits of seven words
				for i := 0; i < 7 && at < total; i++ {
					bit := first*n + at
					w := words[bit>>6]>>(bit&63) | words[bit>>6+1]<<1<<(^bit&63)
					if w &= mask; total-at < width {
						w &= ^uint64(0) >> (64 - (total - at))
					}
					carry := a & w
					a ^= w
					c ^= b & carry
					b ^= carry
					at += wide
				}
				carry := digits[0] & a
				digits[0] ^= a
				digits[1], carry = digits[1]^b^carry, digits[1]&b|carry&(digits[1]^b)
				digits[2], carry = digits[2]^c^carry, digits[2]&c|carry&(digits[2]^c)
				for d := 3; d < used; d++ {
					digits[d&31], carry = digits[d&31]^carry, digits[d&31]&carry
				}
			}
			// Eight digits of eight counters at a time become the counters' bytes.
			for low := 0; low < used; low += 8 {
				channel := column % inner
				for i := 0; i < width; i += 8 {
					var x uint64
					for d, v := range digits[low : low+8] {
						x |= v >> i & 0xff << (8 * d)
					}
					x = transpose(x)
					for range min(8, width-i) {
						kept[channel] += float64(x & 0xff << low)
						x >>= 8
						if channel++; channel == inner {
							channel = 0
						}
					}
				}
			}
		}
		for i, k := range kept {
			if tabled {
				kept[i] = table[int(k)]
			} else {
				kept[i] = quotient(n, int(k))
			}
		}
	}
}

// transpose swaps bit j of byte i and bit i of byte j (Warren, Hacker's Delight, 7-3).
func transpose(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00aa00aa00aa00aa
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000cccc0000cccc
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000f0f0f0f0
	return x ^ t ^ t<<28
}
