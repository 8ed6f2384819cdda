package dropblock

import (
	"math/bits"
	"testing"
)

// TestRepeatBits holds repeated bits to those that they come from.
func TestRepeatBits(t *testing.T) {
	src := make([]uint64, 300)
	for i := range src {
		src[i] = uint64(i+1) * 0x9e3779b97f4a7c15
	}
	bit := func(words []uint64, i int) uint64 { return words[i/64] >> (i % 64) & 1 }
	lengths := []int{127, 128, 129, 191, 192, 196, 200, 784, 1000, 3136, scaleCallLen - 1, scaleCallLen}
	for n := range 100 {
		lengths = append(lengths, n+1)
	}
	for _, n := range lengths {
		whole := 64 >> min(bits.TrailingZeros(uint(n)), 6)
		for _, from := range []int{0, 1, 63, 64, 100} {
			for times := 1; times <= 130 && times*n <= scaleCallLen; times += max(times/5, 1) {
				dst := stale(wordsLen(times * n))
				repeatBits(dst, src, from, n, whole)
				for i := range times * n {
					if bit(dst, i) != bit(src, from+i%n) {
						t.Fatalf("%d bits from %d on, %d times: bit %d is wrong", n, from, times, i)
					}
				}
			}
		}
	}
}
