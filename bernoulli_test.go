package dropblock

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// gammas are probabilities of every kind: none, subnormal, below the
// resolution of 2⁻⁶⁴ and 2⁻³², those of DropBlock, with a head and without, on
// a level of the head exactly, and next to 1.
var gammas = []float64{
	0, math.SmallestNonzeroFloat64, 0x1p-1030, 1e-300, 0x1p-65, 0x1.fffffffffffffp-65, 0x1p-64, 1e-18, 0x1p-33, 1e-9,
	1e-6, 0.1 / 49, 0.1 / 49 * 196 / 64, 0.1 / 9, 0.02, 0.05, 0.1, 0.125, 0.25, 0.3, 1.0 / 3, 0.5, math.Nextafter(0.5, 0),
	math.Nextafter(0.5, 1), 0.64, 2.0 / 3, 0.75, 0.9, 0.99, 1023.0 / 1024, 0.9995, 1 - 0x1p-33, 1 - 0x1p-53, 1,
}

// Every fraction t/2^k, k ≤ 10, by enumeration: the kernel's output is looked
// up against the k random bits of each position, drawn word by word from
// docs/stream.md. It must be a function of them, all 2^k values must occur,
// and exactly t of them must give a 1. As the bits are independent and fair
// those are equally likely.
func TestHeadExact(t *testing.T) {
	// One chunk: 64 positions for each of the 1024 values.
	key := Key{0x01234567, 0x89abcdef}
	levels := make([]uint16, chunkLen)
	for level := range maxHeadBits {
		for i, u := range reference.HeadBits(reference.Rounds, chunkLen, level, key, chunkCounter(domainHead, 0, 7)) {
			if u {
				levels[i] |= 1 << level
			}
		}
	}
	var ks roundKeys
	for r := range ks {
		ks[r] = [2]uint32{key[0] + uint32(r)*philoxW0, key[1] + uint32(r)*philoxW1}
	}
	for _, kernels := range KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) {
			dst := make([]uint64, chunkLen/64)
			for k := 1; k <= maxHeadBits; k++ {
				for frac := uint32(1); frac < 1<<k; frac += 2 {
					ctr := chunkCounter(domainHead, 0, 7)
					kernels.resolve().head(dst, &ks, &ctr, frac, k)
					var seen [1 << maxHeadBits]uint8 // bit 0 for an output of 0, bit 1 for 1
					for i, u := range levels {
						seen[u&(1<<k-1)] |= 1 << (dst[i>>6] >> (i & 63) & 1)
					}
					var ones uint32
					for u, s := range seen[:1<<k] {
						if s != 1 && s != 2 {
							t.Fatalf("%d/2^%d: the bits %0*b give outputs %02b, want one of 01 and 10", frac, k, k, u, s)
						}
						ones += uint32(s >> 1)
					}
					require.Equal(t, frac, ones, "of 2^%d", k)
				}
			}
		})
	}
}

// KernelSet.Bernoulli against the definition, at lengths on both sides of words, groups and
// chunks. The bits of the longest are computed once, so that this is also
// proof that a shorter fill is the beginning of a longer one.
func TestKernelSetBernoulli(t *testing.T) {
	lengths := []int{0, 1, 2, 63, 64, 65, 127, 500, 1023, 1024, 1025, 2048, 5000, 65535, 65536, 65537, 66560, 140000}
	const canary = 0xfedcba9876543210
	key, sample := Key{3, 0x80000000}, uint64(1)<<32+5
	dst := make([]uint64, bitstring.Words(lengths[len(lengths)-1])+3)
	for _, gamma := range gammas {
		b, err := NewBernoulli(gamma)
		require.NoError(t, err)
		require.Equal(t, gamma, b.Gamma())
		want := reference.Bernoulli(gamma, lengths[len(lengths)-1], key, sample)
		for _, kernels := range KernelSets() {
			for _, n := range lengths {
				for i := range dst {
					dst[i] = canary
				}
				ones := kernels.Bernoulli(dst, n, b, key, sample)
				wantOnes := 0
				for i, bit := range want[:n] {
					if bit {
						wantOnes++
					}
					if dst[i>>6]>>(i&63)&1 == 1 != bit {
						t.Fatalf("gamma %v, %v, n %d: bit %d is %v, want %v", gamma, kernels, n, i, !bit, bit)
					}
				}
				at := fmt.Sprintf("gamma %v, %v, n %d", gamma, kernels, n)
				require.Equal(t, wantOnes, ones, at)
				if n%64 != 0 {
					require.Zero(t, dst[n/64]>>(n%64), at+": bits past the end")
				}
				for i, w := range dst[bitstring.Words(n):] {
					if w != canary {
						t.Fatalf("%s: word %d behind the bits is %#x", at, i, w)
					}
				}
			}
		}
	}
}

// γ = 0 and 1 are exact, and γ below 2⁻⁶⁴, which no sampler can tell from 0,
// is 0.
func TestKernelSetBernoulliExtremes(t *testing.T) {
	const n = 3*chunkLen + 77
	dst := make([]uint64, bitstring.Words(n))
	for _, kernels := range KernelSets() {
		for _, gamma := range []float64{0, math.SmallestNonzeroFloat64, 1e-300, 0x1.fffffffffffffp-65} {
			b, err := NewBernoulli(gamma)
			require.NoError(t, err)
			require.Zero(t, kernels.Bernoulli(dst, n, b, Key{}, 0), "gamma %v, %v", gamma, kernels)
			require.Zero(t, kernels.Count(dst), "gamma %v, %v", gamma, kernels)
		}
		b, err := NewBernoulli(1)
		require.NoError(t, err)
		require.Equal(t, n, kernels.Bernoulli(dst, n, b, Key{}, 0))
		require.Equal(t, n, kernels.Count(dst))
	}
}

// A Bernoulli that a mask has used for other probabilities is as good as new.
func TestBernoulliReset(t *testing.T) {
	var reused Bernoulli
	got, want := make([]uint64, 100), make([]uint64, 100)
	for _, from := range gammas {
		for _, to := range gammas {
			reused.set(from)
			reused.set(to)
			fresh, err := NewBernoulli(to)
			require.NoError(t, err)
			KernelSet{}.Bernoulli(got, 6400, &reused, Key{1}, 2)
			KernelSet{}.Bernoulli(want, 6400, fresh, Key{1}, 2)
			require.Equal(t, want, got, "gamma %v after %v", to, from)
		}
	}
}

// two64 is 2⁶⁴.
var two64 = new(big.Int).Lsh(big.NewInt(1), 64)

func bigUint(u uint64) *big.Int { return new(big.Int).SetUint64(u) }

func TestFixed64(t *testing.T) {
	r := Philox{key: [2]uint32{1, 1}}
	for _, gamma := range append(manyGammas(&r, 2000), gammas...) {
		if gamma == 1 {
			continue
		}
		scaled := new(big.Float).SetMantExp(big.NewFloat(gamma), 64)
		want, _ := scaled.Int(nil)
		require.Equal(t, want, bigUint(fixed64(gamma)), "gamma %v", gamma)
	}
}

// manyGammas are n probabilities in (0, 1), half of them uniform, half with a
// uniform exponent.
func manyGammas(r *Philox, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = (float64(r.Uint64()>>11) + 0.5) * 0x1p-53
		if i%2 == 1 {
			all[i] = math.Ldexp(all[i], -int(r.Uint32()%70))
		}
	}
	return all
}

// h + (1−h)·δ is γ to within 2⁻⁶⁴ in 64 bits of fixed point, t is odd, and no
// other number of levels costs less.
func TestSplitGamma(t *testing.T) {
	r := Philox{key: [2]uint32{2, 1}}
	var fixed []uint64
	for _, gamma := range append(manyGammas(&r, 5000), gammas...) {
		if gamma < 1 {
			fixed = append(fixed, fixed64(gamma))
		}
	}
	for k := uint64(1); k <= 64; k++ { // around every power of two, and the largest
		one := uint64(1) << (64 - k)
		fixed = append(fixed, one-1, one, one+1, -one, -one-1)
	}
	for _, gamma := range fixed {
		head, delta := splitGamma(gamma)
		at := fmt.Sprintf("gamma %#x, head %d/2^%d, delta %#x", gamma, head.t, head.levels, delta)
		if head.levels == 0 {
			require.Zero(t, head.t, at)
		} else {
			require.LessOrEqual(t, head.levels, 10, at)
			require.EqualValues(t, 1, head.t%2, at)
			require.Less(t, head.t, uint32(1)<<head.levels, at)
		}

		h := bigUint(uint64(head.t))
		h.Lsh(h, uint(64-head.levels))
		sum := new(big.Int).Sub(two64, h)
		sum.Mul(sum, bigUint(delta)).Rsh(sum, 64).Add(sum, h)
		off := new(big.Int).Sub(bigUint(gamma), sum)
		require.True(t, off.Sign() >= 0 && off.Cmp(big.NewInt(1)) <= 0, "%s: off by %v·2^-64", at, off)

		cost := func(k int, delta *big.Int) *big.Int { // in units of 2⁻⁶⁴
			c := new(big.Int).Lsh(big.NewInt(int64(k)), 64)
			return c.Add(c, new(big.Int).Mul(delta, big.NewInt(residualCost)))
		}
		// The 2⁻⁵⁶ by which the definition rounds costs down.
		chosen := cost(head.levels, bigUint(delta))
		chosen.Sub(chosen, big.NewInt(1<<8))
		for k := range maxHeadBits + 1 {
			h := bigUint(gamma >> (64 - k))
			h.Lsh(h, uint(64-k))
			d := new(big.Int).Sub(bigUint(gamma), h)
			d.Lsh(d, 64).Div(d, h.Sub(two64, h))
			require.Negative(t, chosen.Cmp(cost(k, d)), "%s: %d levels", at, k)
		}
	}
	// The residual alone costs 6 and 7, as do the heads 3/2^6 and 7/2^7.
	for _, gamma := range []float64{3.0 / 64, 7.0 / 128} {
		head, delta := splitGamma(fixed64(gamma))
		require.Equal(t, threshold{}, head)
		require.Equal(t, fixed64(gamma), delta)
	}
}

// deltas are residuals: all sizes, among them those of DropBlock.
func deltas() []uint64 {
	all := []uint64{1, 2, 1 << 20, 1 << 24, 1 << 31, 1 << 40, 1 << 62, 1<<63 - 1, 1 << 63, 3 << 62, 1<<64 - 1}
	for _, gamma := range gammas {
		if gamma < 1 {
			if _, delta := splitGamma(fixed64(gamma)); delta > 0 {
				all = append(all, delta)
			}
		}
	}
	// Where the weights of gaps 0 and gapEscape come to the quota of an entry.
	for d := range uint64(20) {
		all = append(all, 1<<54+(d-10)<<31, 0x1ba8c0087a54ff9+(d-10)<<31)
	}
	r := Philox{key: [2]uint32{3, 1}}
	for range 60 {
		all = append(all, max(r.Uint64()>>(4+r.Uint32()%44), 1))
	}
	return all
}

// The weights and the alias table are those of the reference, which is held to exact
// powers of 1−δ.
func TestGapTable(t *testing.T) {
	for _, delta := range deltas() {
		var weights [gapLen]uint64
		gapWeights(&weights, delta)
		require.Equal(t, reference.GapWeights(delta), weights, "delta %#x", delta)

		var table gapTable
		buildGaps(&table, delta)
		for i, want := range reference.NewGapTable(delta) {
			if got := table[i]; got != want.Threshold<<10|want.Alias {
				t.Fatalf("delta %#x, entry %d: threshold %d, alias %d, want %d and %d",
					delta, i, got>>10, got&1023, want.Threshold, want.Alias)
			}
		}
	}
}

// The rate of seeds, of a walk through the positions, is δ to within 2⁻⁴²:
// what a weight is rounded by, spread over the 1023 positions of the longest
// gap. For a δ of that order and above seeds are neither lost nor doubled.
func TestGapRate(t *testing.T) {
	for _, delta := range deltas() {
		var table gapTable
		words := buildGaps(&table, delta)
		var weights [gapLen]uint64
		gapWeights(&weights, delta)
		var seeds, positions float64
		for g, w := range weights {
			if g < gapEscape {
				seeds += float64(w)
				positions += float64(w) * float64(g+1)
			} else {
				positions += float64(w) * gapEscape
			}
		}
		d := float64(delta) * 0x1p-64
		// Gaps far down the tail err by a few 2⁻³³ in turn: relative to δ.
		require.InDelta(t, d, seeds/positions, 0x1p-42+d*0x1p-31, "delta %#x", delta)
		require.InEpsilon(t, 0x1p32/positions, words, 1e-12, "delta %#x", delta)
	}
}

// gapError is how far the rate of seeds, of a walk through the positions, is from δ,
// in units of 2⁻³². With A(g) the rounded tails, a word gives (A(0)−A(1023))/A(0)
// seeds and (A(0)+…+A(1022))/A(0) positions.
func gapError(delta uint64) float64 {
	var weights [gapLen]uint64
	gapWeights(&weights, delta)
	var positions uint64
	tail := uint64(1 << 32)
	for _, w := range weights[:gapEscape] {
		positions += tail
		tail -= w
	}
	return (float64(1<<32-tail)/float64(positions) - float64(delta)*0x1p-64) * 0x1p32
}

// The bounds that NewBernoulli and docs/stream.md state, and that no smaller one is
// true: the rates of the two γ named here are off by more than one unit.
func TestBernoulliRate(t *testing.T) {
	r := rand.New(&Philox{key: Key{4, 2}})
	check := func(gamma float64) (residual, all float64) {
		head, delta := splitGamma(fixed64(gamma))
		residual = math.Abs(gapError(delta))
		all = residual * (1 - math.Ldexp(float64(head.t), -head.levels))
		require.Less(t, residual, 4.0, "the residual of gamma %v", gamma)
		if gamma < 0.9999 {
			require.Less(t, all, 0.1, "gamma %v", gamma)
		}
		require.Less(t, all, 1.01, "gamma %v", gamma)
		return residual, all
	}
	residual, _ := check(0.9998087887910284)
	require.Greater(t, residual, 2.29)
	_, all := check(0.9999380199006093)
	require.Greater(t, all, 1.0)
	for range 3000 {
		check(r.Float64())
		check(math.Exp(-30 * r.Float64()))
		check(0.04 + 0.04*r.Float64())
		check(1 - r.Float64()/1024)
		check(1 - r.Float64()*8e-5)
	}
}

func TestNewBernoulliBad(t *testing.T) {
	for _, gamma := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -math.SmallestNonzeroFloat64, math.Nextafter(1, 2)} {
		b, err := NewBernoulli(gamma)
		require.EqualError(t, err, fmt.Sprintf("dropblock: gamma is %v, want a probability from 0 to 1", gamma))
		require.Nil(t, b)
	}
	b, err := NewBernoulli(math.Copysign(0, -1))
	require.NoError(t, err)
	require.False(t, math.Signbit(b.Gamma()), "−0 is 0")
	require.Zero(t, KernelSet{}.Bernoulli(make([]uint64, 2), 128, b, Key{}, 0))
}

func TestBernoulliString(t *testing.T) {
	b, err := NewBernoulli(0.1)
	require.NoError(t, err)
	require.Equal(t, "Bernoulli(0.1)", fmt.Sprintf("%v", b))
	require.Equal(t, "Bernoulli(0.1)", fmt.Sprintf("%+v", b))
	require.Equal(t, "Bernoulli(0)", new(Bernoulli).String())
	require.Equal(t, "Bernoulli(<nil>)", (*Bernoulli)(nil).String())
	require.Zero(t, KernelSet{}.Bernoulli(make([]uint64, 2), 128, new(Bernoulli), Key{}, 0), "the zero value draws no ones")
}
