package fuzz

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// bernoulliInput asks for n bits.
type bernoulliInput struct {
	gamma  float64
	n      int
	key    [2]uint32
	sample uint64
	offset int // bytes past a multiple of 64
}

func (in bernoulliInput) check() error {
	b, err := dropblock.NewBernoulli(in.gamma)
	if valid := in.gamma >= 0 && in.gamma <= 1; !valid {
		if err == nil {
			return fmt.Errorf("gamma %v is accepted", in.gamma)
		}
		return nil
	}
	if err != nil {
		return err
	}
	want := Bernoulli(in.gamma, in.n, in.key, in.sample)
	words := (in.n + 63) / 64
	buf := guard.Heap(8*words + guard.Align)
	dst := guard.Middle[uint64](buf, in.offset, words)
	return eachSet(func(set dropblock.KernelSet) error {
		ones := set.Bernoulli(dst, in.n, b, in.key, in.sample)
		if err := sameBits(dst, want); err != nil {
			return err
		}
		if err := same("the number of ones", ones, Count(want)); err != nil {
			return err
		}
		return guard.Check(buf, dst)
	})
}

func newBernoulliInput(gamma float64, n uint32, key, sample uint64, offset uint8) bernoulliInput {
	bits := int(n % 3000)
	if n >= 0xff000000 { // about a chunk
		bits += 1<<16 - 1500
	}
	return bernoulliInput{
		gamma: gamma, n: bits, key: [2]uint32{lo(key), hi(key)}, sample: sample, offset: int(offset % 8 * 8),
	}
}

// randomGamma has every head, from γ = 2⁻⁶⁰ on, and the edges.
func randomGamma(r *rand.Rand) float64 {
	switch r.IntN(8) {
	case 0:
		return []float64{
			0, 1, 0.5, 1 - 0x1p-53, 0x1p-64, 0x1p-65, 0x1p-1074, 0x1p-32, math.NaN(), -0x1p-1074, 1 + 0x1p-52,
		}[r.IntN(11)]
	case 1: // no residual
		k := 1 + r.IntN(12)
		return float64(r.IntN(1<<k)) / float64(int(1)<<k)
	case 2:
		return math.Ldexp(r.Float64(), -r.IntN(60))
	case 3:
		return .1 / 49 * (r.Float64() + .5)
	}
	return r.Float64()
}

func randomBernoulli(r *rand.Rand) input {
	n := r.Uint32N(3000)
	if r.IntN(200) == 0 {
		n |= 0xff000000
	}
	return newBernoulliInput(randomGamma(r), n, r.Uint64(), r.Uint64()>>r.IntN(64), uint8(r.Uint32()))
}

func FuzzBernoulli(f *testing.F) {
	for i, gamma := range []float64{
		0, 1, math.NaN(), -1, 1.5, // edges and errors
		0x1p-1074, 0x1p-65, 0x1p-64, 0x1p-32, // hardly ever a seed
		.1 / 49, .1 / 9, .1, .5, .25, .3, 1. / 3, .9, 1 - 0x1p-53,
		683. / 1024, 1023. / 1024, 1. / 128, 0.0078124, 0.0078126,
	} {
		f.Add(gamma, uint32(100*i), uint64(i), uint64(i)<<60, uint8(i))
	}
	f.Add(.1/49, uint32(0xffffffff), uint64(1), uint64(2), uint8(3))
	f.Add(.7, uint32(0xff000000), uint64(1), uint64(2), uint8(3))
	f.Fuzz(func(t *testing.T, gamma float64, n uint32, key, sample uint64, offset uint8) {
		fuzzed(t, newBernoulliInput(gamma, n, key, sample, offset))
	})
}

// TestBernoulliLong crosses chunks.
func TestBernoulliLong(t *testing.T) {
	for _, n := range []int{65535, 65536, 65537, 131072, 140001} {
		for _, gamma := range []float64{.001, .3, .5} {
			fuzzed(t, bernoulliInput{gamma: gamma, n: n, key: [2]uint32{3, 4}, sample: 1 << 40})
		}
	}
}

// TestGapWeights holds the recurrence to the exact powers of 1−δ: at gap g it
// may have lost a unit of 2⁻⁶⁴ in each of g products, which is all that a
// rounded tail may differ by.
func TestGapWeights(t *testing.T) {
	one := new(big.Int).Lsh(big.NewInt(1), 64)
	for _, delta := range []uint64{
		1, 1 << 20, 1<<32 - 1, 1 << 40, 0x00858d5c9d1e1234, 1 << 55, 1 << 57, 1<<57 - 1, 1 << 63, ^uint64(0),
	} {
		weight := GapWeights(delta)
		var sum uint64
		for _, w := range weight {
			sum += w
		}
		if sum != 1<<32 {
			t.Fatalf("delta %#x: the weights sum to %d, want 2³²", delta, sum)
		}

		q := new(big.Int).Sub(one, new(big.Int).SetUint64(delta))
		power := new(big.Int).Set(one) // (1−δ)^g·2^(64·(g+1))
		tail := uint64(1 << 32)        // gap g or more
		for g := range weight {
			exact := new(big.Int).Rsh(power, uint(64*g)) // ⌊(1−δ)^g·2⁶⁴⌋
			low := new(big.Int).Sub(exact, big.NewInt(int64(g)))
			if r := roundTail(exact); tail != r && tail != roundTail(low) {
				t.Fatalf("delta %#x: %d words have a gap of %d or more, want %d", delta, tail, g, r)
			}
			tail -= weight[g]
			power.Mul(power, q)
		}
	}
}

// roundTail takes units of 2⁻⁶⁴ to the nearest of 2⁻³².
func roundTail(x *big.Int) uint64 {
	half := new(big.Int).Add(x, big.NewInt(1<<31))
	return half.Rsh(half, 32).Uint64()
}

// TestGapTable counts the words that draw each gap.
func TestGapTable(t *testing.T) {
	for _, delta := range []uint64{1, 1 << 40, 0x00858d5c9d1e1234, 1 << 55, 1<<57 - 1, 1 << 60, ^uint64(0)} {
		gaps := NewGapTable(delta)
		var drawn [1024]uint64
		for entry, e := range gaps {
			drawn[entry] += uint64(e.threshold)
			drawn[e.alias] += share - uint64(e.threshold)
			for _, below := range []uint32{0, e.threshold - 1, e.threshold, share - 1} {
				if below %= share; below < e.threshold {
					continue
				}
				if got := gaps.Gap(uint32(entry)*share + below); got != e.alias {
					t.Fatalf("delta %#x: word %d of entry %d draws %d, want the alias %d", delta, below, entry, got, e.alias)
				}
			}
		}
		if want := GapWeights(delta); drawn != want {
			t.Errorf("delta %#x: the table does not draw the weights", delta)
		}
	}
}

// TestHead holds the rate of the head to t/2^k, within five deviations.
func TestHead(t *testing.T) {
	const n = 1 << 14
	for k := 1; k <= 10; k++ {
		for _, threshold := range []uint32{1, 1<<k - 1, 1<<(k-1) | 1} {
			seeds := make([]bool, n)
			Head(seeds, threshold, k, [2]uint32{5, 6}, [4]uint32{})
			mean := float64(n) * float64(threshold) / float64(int(1)<<k)
			sigma := math.Sqrt(mean*(1-mean/n)) + 1
			if got := float64(Count(seeds)); math.Abs(got-mean) > 5*sigma {
				t.Errorf("t/2^k = %d/2^%d: %v of %d, want %.0f ± %.0f", threshold, k, got, n, mean, 5*sigma)
			}
		}
	}
}
