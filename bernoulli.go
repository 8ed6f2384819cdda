package dropblock

import (
	"fmt"
	"math/bits"
)

// Bernoulli is a sampler of independent bits that are 1 with probability
// gamma. Sampling writes gamma = h + (1−h)·δ with h = t/2^k: a head of dense
// random bits, 1 with probability h, to which a sparse residual is added by
// jumping from one to the next. See the essay in kernel_generic.go.
//
// A Bernoulli may be used by many goroutines at once. The zero value draws no
// ones; make one with [NewBernoulli] and draw with [KernelSet.Bernoulli].
type Bernoulli struct {
	gamma float64
	ones  bool // γ is 1
	threshold
	delta uint64 // ⌊δ·2⁶⁴⌋; 0 for no residual
	gaps  gapTable
	// wordsPerPosition is the mean number of random words that the residual takes for
	// a position, in units of 2⁻³², plus 3 %. It sizes buffers and changes no bit.
	wordsPerPosition uint64
}

// threshold is the probability t/2^levels of the head, t odd, or no levels.
type threshold struct {
	t      uint32
	levels int
}

const (
	maxHeadBits = 10
	// residualCost is the time of a seed of the residual in units of the time of
	// one level of the head at one position: measured from 40 (generic) to 350
	// (AVX-512). It is part of the stream.
	residualCost = 128
)

// NewBernoulli returns a sampler of probability gamma, or an error if gamma is not
// in [0, 1]. The rate of ones differs from gamma by less than 1.01·2⁻³², and by
// less than 0.1·2⁻³² if gamma is below 0.9999: the gaps of the residual are drawn
// from a table in units of 2⁻³² (docs/stream.md, section 9). Below 2⁻⁴³ there are
// no ones.
func NewBernoulli(gamma float64) (*Bernoulli, error) {
	if !(gamma >= 0 && gamma <= 1) {
		return nil, fmt.Errorf("dropblock: gamma is %v, want a probability from 0 to 1", gamma)
	}
	b := new(Bernoulli)
	b.set(gamma + 0) // −0 becomes 0
	return b, nil
}

// Gamma returns the probability of a 1.
func (b *Bernoulli) Gamma() float64 {
	b.must()
	return b.gamma
}

// String returns the probability, as in "Bernoulli(0.1)".
func (b *Bernoulli) String() string {
	if b == nil {
		return "Bernoulli(<nil>)"
	}
	return fmt.Sprintf("Bernoulli(%v)", b.gamma)
}

func (b *Bernoulli) must() {
	if b == nil {
		panic("dropblock: the Bernoulli is nil, make one with NewBernoulli")
	}
}

// sparse reports whether there is no head, only the residual.
func (b *Bernoulli) sparse() bool { return b.levels == 0 && !b.ones }

func (b *Bernoulli) set(gamma float64) {
	b.gamma, b.ones, b.threshold, b.delta = gamma, gamma == 1, threshold{}, 0
	if b.ones {
		return
	}
	b.threshold, b.delta = splitGamma(fixed64(gamma))
	if b.delta != 0 {
		b.wordsPerPosition = uint64(buildGaps(&b.gaps, b.delta) * (1 + 1./32) * (1 << 32))
	}
}

// splitGamma chooses the head that costs least: k for its levels plus
// residualCost·δ for the residual. On a tie fewer levels win.
func splitGamma(gamma uint64) (head threshold, delta uint64) {
	best := ^uint64(0)
	for k := 0; k <= maxHeadBits; k++ {
		t := gamma >> (64 - k)
		d := gamma
		if t > 0 {
			h := t << (64 - k)
			d, _ = bits.Div64(gamma-h, 0, -h) // (γ−h)/(1−h), where −h is 2⁶⁴−h
		}
		// In units of 2⁵⁶: a level is 1, the residual 128·δ.
		cost := uint64(k)<<56 + d/(1<<8/residualCost)
		if cost < best {
			best, delta, head = cost, d, threshold{uint32(t), k}
		}
	}
	return head, delta
}

const (
	gapBits   = 10
	gapLen    = 1 << gapBits
	gapEscape = gapLen - 1 // the next gapEscape positions have no seed: draw again behind them
)

// gapTable is the alias table (Walker 1977, Vose 1991) of the geometric gaps
// before the next seed, in integers: gap g < gapEscape has weight
// 2³²·δ(1−δ)^g, and the weights sum to 2³². An entry has a threshold in its upper
// 22 bits and an alias in its lower 10. The top 10 bits of a random word select
// an entry; if the other 22 are below the threshold the gap is the number of the
// entry, else the alias.
type gapTable [gapLen]uint32

// buildGaps fills the table for δ = delta/2⁶⁴ and returns the mean number of
// random words for a position.
func buildGaps(t *gapTable, delta uint64) (wordsPerPosition float64) {
	const quota = 1 << (32 - gapBits) // weight of an entry
	var weights [gapLen]uint64
	positions := gapWeights(&weights, delta)

	// The donors, which fill up others, are the entries of quota or more: the first ones,
	// and gapEscape or not. For a weight w is off by less than 1 and falls by δ·w, which is
	// 2¹² where w is the quota, from one gap to the next.
	donors := 0
	for donors < gapEscape && weights[donors] >= quota {
		t[donors] = uint32(donors)
		donors++
	}
	end := gapLen // of the entries to fill up
	if weights[gapEscape] >= quota {
		end = gapEscape
		t[gapEscape] = gapEscape
	}
	// Each entry below the quota is filled up from the first remaining donor. A
	// donor that falls below the quota is filled up at once, from the next one.
	small, donor := donors, 0
	if donors == 0 {
		donor = gapEscape
	}
	left := int64(weights[donor]) - quota // of the donor's weight, above the quota
	for {
		for ; left >= 0 && small < end; small++ {
			w := weights[small]
			t[small] = uint32(w)<<gapBits | uint32(donor)
			left += int64(w) - quota
		}
		if left >= 0 {
			break
		}
		next := donor + 1
		if next == donors {
			next = gapEscape
		}
		t[donor] = uint32(left)<<gapBits | uint32(next) // left + quota, in 22 bits
		donor = next
		left += int64(weights[donor]) - quota
	}
	return (1 << 32) / float64(positions)
}

// gapWeights are the probabilities of the gaps in units of 2⁻³². Rounding the
// probability that a gap is g or more, not each gap's own, makes them sum to
// 2³² and keeps the rate of seeds for the smallest δ. positions is how many of
// them 2³² words pass over, seeds included.
func gapWeights(weights *[gapLen]uint64, delta uint64) (positions uint64) {
	q := -delta // 1−δ
	before, tail := uint64(1<<32), q
	for g := range gapEscape {
		after := tail>>32 + tail>>31&1
		weights[g] = before - after
		positions += before
		before = after
		tail, _ = bits.Mul64(tail, q)
	}
	weights[gapEscape] = before
	return positions
}
