package reference

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// deltas are residuals of all sizes, among them those of DropBlock and those
// behind a head.
func deltas() []uint64 {
	all := []uint64{
		1, 2, 1 << 20, 1<<32 - 1, 1 << 40, 0x00858d5c9d1e1234, 1 << 55, 1<<57 - 1, 1 << 57, 1 << 60, 1 << 62,
		1<<63 - 1, 1 << 63, 3 << 62, ^uint64(0),
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		all = append(all, max(r.Uint64()>>r.IntN(48), 1))
		if _, _, delta := split(fixed64(r.Float64())); delta > 0 {
			all = append(all, delta)
		}
	}
	return all
}

// TestGapWeights holds the recurrence to the exact powers of 1−δ: at gap g it
// may have lost a unit of 2⁻⁶⁴ in each of g products, which is all that a
// rounded tail may differ by.
func TestGapWeights(t *testing.T) {
	one := new(big.Int).Lsh(big.NewInt(1), 64)
	for _, delta := range deltas() {
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
	for _, delta := range deltas() {
		gaps := NewGapTable(delta)
		var drawn [1024]uint64
		for entry, e := range gaps {
			drawn[entry] += uint64(e.Threshold)
			drawn[e.Alias] += share - uint64(e.Threshold)
			for _, below := range []uint32{0, e.Threshold - 1, e.Threshold, share - 1} {
				if below %= share; below < e.Threshold {
					continue
				}
				if got := gaps.Gap(uint32(entry)*share + below); got != e.Alias {
					t.Fatalf("delta %#x: word %d of entry %d draws %d, want the alias %d", delta, below, entry, got, e.Alias)
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
