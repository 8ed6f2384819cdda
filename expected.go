package dropblock

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// The expected drop rate is the mean over the cells of 1 − (1−γ)^k, where the blocks of k
// positions cover a cell. It is computed in integers, for two reasons. A float64 1−γ is
// off by up to 2⁻⁵⁴, its power by k times that: 10⁻¹² from k = 18,000 on. And sums and
// products of integers, rounded down, never fall where a term or a factor rises, so that
// the computed rate never falls where γ rises: there is one least γ that reaches a rate,
// however it is searched for. docs/stream.md, section 5, defines every operation.
//
// k is a product of one number for each axis, and along an axis it rises by one from cell
// to cell, stays, and falls by one. So the powers along the longest axis are two geometric
// series, which need a number of products that grows with the logarithm of their length,
// and no more than the runs of the two other axes are gone through one by one.

// coverage says how many positions along an axis have a block that covers its cells: first
// at the first cell, then one more from cell to cell up to most, and at the end down to last.
type coverage struct{ size, first, most, last int }

func (a *axis) coverage(full bool) coverage {
	if full {
		return coverage{a.size, min(a.before+1, a.size), min(a.block, a.size), min(a.after()+1, a.size)}
	}
	return coverage{a.size, 1, min(a.block, a.valid()), 1}
}

// cells returns the number of cells that k positions cover, k from the least to most.
func (c *coverage) cells(k int) (n int) {
	if k == c.most {
		return c.size - (c.most - c.first) - (c.most - c.last)
	}
	if k >= c.first {
		n++
	}
	if k >= c.last {
		n++
	}
	return n
}

// moments returns the means of the numbers of positions that cover a cell and of their
// squares.
func (c *coverage) moments() (mean, square float64) {
	add := func(n, low, high int) { // n cells, covered by low to high in equal shares
		middle, width := (float64(low)+float64(high))/2, float64(high-low)
		mean += float64(n) * middle
		square += float64(n) * (middle*middle + width*(width+2)/12)
	}
	add(c.most-c.first, c.first, c.most-1)
	add(c.most-c.last, c.last, c.most-1)
	add(c.cells(c.most), c.most, c.most)
	return mean / float64(c.size), square / float64(c.size)
}

// coverages are those of the axes, from the shortest axis to the longest one, of equal ones
// the outermost first.
type coverages [axes]coverage

func (g *geometry) coverages() (all coverages) {
	for i := range g.axes {
		all[axes-1-i] = g.axes[i].coverage(g.full)
	}
	slices.SortStableFunc(all[:], func(a, b coverage) int { return cmp.Compare(a.size, b.size) })
	return all
}

func (all *coverages) cells() int { return all[0].size * all[1].size * all[2].size }

// moments returns the mean and the variance of the numbers of positions that cover a cell.
func (all *coverages) moments() (mean, variance float64) {
	mean, square := 1., 1.
	for i := range all {
		m, s := all[i].moments()
		mean *= m
		square *= s
	}
	return mean, square - mean*mean
}

// A uint128 is a probability in units of 2⁻¹²⁸, or a sum of up to 2³¹ of them in units of 2⁻⁹⁶.
type uint128 struct{ hi, lo uint64 }

func (a uint128) plus(b uint128) uint128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return uint128{a.hi + b.hi + carry, lo}
}

func (a uint128) minus(b uint128) uint128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return uint128{a.hi - b.hi - borrow, lo}
}

func (a uint128) less(b uint128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// times returns ⌊a·b/2¹²⁸⌋.
func (a uint128) times(b uint128) uint128 {
	low, _ := bits.Mul64(a.lo, b.lo)
	high1, low1 := bits.Mul64(a.hi, b.lo)
	high2, low2 := bits.Mul64(a.lo, b.hi)
	hi, lo := bits.Mul64(a.hi, b.hi)
	middle, carry := bits.Add64(low1, low2, 0)
	high1, carry1 := bits.Add64(high1, high2, carry)
	_, carry = bits.Add64(middle, low, 0)
	lo, carry2 := bits.Add64(lo, high1, carry)
	return uint128{hi + carry1 + carry2, lo}
}

// many returns n·a, which must fit.
func (a uint128) many(n int) uint128 {
	hi, lo := bits.Mul64(a.lo, uint64(n))
	return uint128{hi + a.hi*uint64(n), lo}
}

// term returns a probability as a term of a sum.
func (a uint128) term() uint128 { return uint128{a.hi >> 32, a.hi<<32 | a.lo>>32} }

// fixed128 returns ⌊x·2¹²⁸⌋ for x in [0, 1). The products and the difference are exact.
func fixed128(x float64) uint128 {
	x = float64(x * (1 << 64))
	hi := uint64(x)
	return uint128{hi, uint64((x - float64(hi)) * (1 << 64))}
}

// power returns a^k, k > 0.
func (a uint128) power(k int) uint128 {
	r := a
	for i := bits.Len(uint(k)) - 2; i >= 0; i-- {
		if r = r.times(r); k>>i&1 != 0 {
			r = r.times(a)
		}
	}
	return r
}

// series returns a^n and the sum 1 + a + … + a^(n−1), n > 0.
func (a uint128) series(n int) (power, sum uint128) {
	power, sum = a, uint128{hi: 1 << 32}
	for i := bits.Len(uint(n)) - 2; i >= 0; i-- {
		sum = sum.plus(power.times(sum))
		power = power.times(power)
		if n>>i&1 != 0 {
			sum = sum.plus(power.term())
			power = power.times(a)
		}
	}
	return power, sum
}

// side returns the sum of stay^k for k from end up to most−1, and stay^most.
func (c *coverage) side(stay uint128, end int) (sum, top uint128) {
	top = stay.power(end)
	if end < c.most {
		power, series := stay.series(c.most - end)
		sum, top = top.times(series), top.times(power)
	}
	return sum, top
}

// sum returns the sum over the cells of stay^k.
func (c *coverage) sum(stay uint128) uint128 {
	sum, top := c.side(stay, c.first)
	if c.last == c.first {
		sum = sum.plus(sum)
	} else {
		more, _ := c.side(stay, c.last)
		sum = sum.plus(more)
	}
	return sum.plus(top.term().many(c.cells(c.most)))
}

// each calls visit with stay^k and the number of its cells, for every k.
func (c *coverage) each(stay uint128, visit func(power uint128, cells int)) {
	k := min(c.first, c.last)
	for power := stay.power(k); ; power = power.times(stay) {
		visit(power, c.cells(k))
		if k++; k > c.most {
			return
		}
	}
}

// dropSum returns the sum over the cells of their expected drop rates, γ in [0, 1).
func (all *coverages) dropSum(gamma float64) uint128 {
	drop := fixed128(gamma)
	if drop == (uint128{}) {
		return drop
	}
	stay := uint128{}.minus(drop) // 2¹²⁸ − drop
	var kept uint128
	all[0].each(stay, func(stay uint128, n int) {
		all[1].each(stay, func(stay uint128, m int) {
			kept = kept.plus(all[2].sum(stay).many(n * m))
		})
	})
	return uint128{hi: uint64(all.cells()) << 32}.minus(kept)
}

// expectedDrop returns the expected drop rate for a γ in [0, 1]. The error is below 2⁻⁵¹.
func (g *geometry) expectedDrop(gamma float64) float64 {
	if gamma == 1 {
		return 1
	}
	all := g.coverages()
	return all.dropSum(gamma).float64() / (float64(all.cells()) * (1 << 96))
}

// float64 returns the nearest float64 of the first 64 significant bits.
func (a uint128) float64() float64 {
	if a.hi == 0 {
		return float64(a.lo)
	}
	shift := bits.LeadingZeros64(a.hi)
	return math.Ldexp(float64(a.hi<<shift|a.lo>>1>>(63-shift)), 64-shift)
}

// exactGamma returns the least γ of all float64 whose expected drop rate is p in [0, 1] or
// more: 1 if only that is. Rates are compared as integers, p rounded down to a multiple of
// 2⁻⁹⁶, so that how γ is searched for, with whatever rounding, does not matter.
//
// The search is the secant method for u = log(1−γ) and v = log(1−rate). v is nearly linear
// in u, and convex, as a logarithm of a sum of exponentials, with the mean coverage and its
// variance for derivatives at 0.
func (g *geometry) exactGamma(p float64) float64 {
	if p == 1 {
		return 1
	}
	all := g.coverages()
	want := fixed128(p).term().many(all.cells())
	if want == (uint128{}) {
		return 0
	}
	keep := (1 - p) * float64(all.cells()) * (1 << 96)
	mean, variance := all.moments()
	gamma, off := 0.0, -math.Log1p(-p) // off is how much v is above that of p
	slope := (mean + math.Sqrt(max(0, mean*mean-2*variance*off))) / 2
	// γ is above below and at most above, as bits, whose order is that of the numbers.
	below, above := math.Float64bits(gamma), math.Float64bits(1)
	for step := 0; above-below > 1; step++ {
		last, lastOff := gamma, off
		at := below + (above-below)/2
		if step < maxSecants {
			gamma = last - (1-last)*math.Expm1(-off/slope)
			at = min(max(math.Float64bits(gamma), below+1), above-1)
		}
		gamma = math.Float64frombits(at)
		if drop := all.dropSum(gamma); drop.less(want) {
			below, off = at, math.Log1p(want.minus(drop).float64()/keep)
		} else {
			above, off = at, math.Log1p(-drop.minus(want).float64()/keep)
		}
		u := math.Log1p((last - gamma) / (1 - last))
		if slope = (off - lastOff) / u; step == 0 {
			slope = 3*slope - 2*mean - u*variance/2 // at the end of the cubic through both
		}
	}
	return math.Float64frombits(above)
}

// maxSecants is how many secants exactGamma follows before it halves what is left. They end
// after 2 to 16 steps unless p is below 10⁻¹² or so, where many γ have equal rates.
const maxSecants = 20
