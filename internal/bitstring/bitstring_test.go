package bitstring

import (
	"math/bits"
	"slices"
	"testing"
)

// stale makes words that hold what has to be overwritten.
func stale(n int) []uint64 {
	words := make([]uint64, n)
	for i := range words {
		words[i] = 0x5555555555555555 << (i % 2)
	}
	return words
}

func random(n int) []uint64 {
	words := make([]uint64, n)
	for i := range words {
		words[i] = uint64(i+1) * 0x9e3779b97f4a7c15
	}
	return words
}

func bit(words []uint64, i int) uint64 { return words[i/64] >> (i % 64) & 1 }

// lengths are numbers of bits around words, and more than a call of the runtime's copies.
var lengths = []int{0, 1, 2, 31, 62, 63, 64, 65, 127, 128, 129, 191, 192, 193, 255, 256, 257, 1000, 64*callWords + 65}

// requireBits fails where a bit of words is not what it should be.
func requireBits(t *testing.T, words []uint64, want func(i int) uint64, format string, args ...any) {
	t.Helper()
	for i := range 64 * len(words) {
		if bit(words, i) != want(i) {
			t.Fatalf("bit %d is wrong: "+format, slices.Concat([]any{i}, args)...)
		}
	}
}

func TestWords(t *testing.T) {
	const most = int(^uint(0) >> 1)
	for _, c := range [][2]int{{0, 0}, {1, 1}, {64, 1}, {65, 2}, {128, 2}, {most, most/64 + 1}} {
		if got := Words(c[0]); got != c[1] {
			t.Errorf("%d bits take %d words, want %d", c[0], got, c[1])
		}
	}
	for n := -1; n <= 65; n++ {
		if got, want := bits.OnesCount64(Low(n)), min(max(n, 0), 64); got != want || Low(n)&(Low(n)+1) != 0 {
			t.Errorf("Low(%d) is %x", n, Low(n))
		}
	}
}

func TestRuns(t *testing.T) {
	for _, n := range lengths {
		for _, at := range []int{0, 1, 63, 64, 100} {
			in := func(i int) bool { return i >= at && i < at+n }
			words := stale(Words(at+n) + 1)
			before := slices.Clone(words)
			SetRun(words, at, n)
			requireBits(t, words, func(i int) uint64 {
				if in(i) {
					return 1
				}
				return bit(before, i)
			}, "SetRun from %d, %d bits", at, n)
			copy(words, before)
			ClearRun(words, at, n)
			requireBits(t, words, func(i int) uint64 {
				if in(i) {
					return 0
				}
				return bit(before, i)
			}, "ClearRun from %d, %d bits", at, n)
		}
	}
}

func TestFill(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, callWords, callWords + 1, 3*callWords + 5} {
		words, src := stale(n), random(n)
		SetAll(words)
		requireBits(t, words, func(int) uint64 { return 1 }, "SetAll of %d words", n)
		Clear(words)
		requireBits(t, words, func(int) uint64 { return 0 }, "Clear of %d words", n)
		if Copy(words, src); !slices.Equal(words, src) {
			t.Fatalf("Copy of %d words", n)
		}
	}
}

func TestMove(t *testing.T) {
	src := random(callWords + 20)
	for _, n := range lengths {
		for _, from := range []int{0, 1, 31, 63, 64, 100} {
			for _, to := range []int{0, 1, 31, 63, 64, 100} {
				dst := make([]uint64, Words(to+n)+1)
				Move(dst, to, src[:Words(from+n)], from, n)
				requireBits(t, dst, func(i int) uint64 {
					if i >= to && i < to+n {
						return bit(src, from+i-to)
					}
					return 0
				}, "%d bits from %d to %d", n, from, to)
			}
		}
	}
}

func TestOr(t *testing.T) {
	for n := range 5 {
		src := random(n)
		for _, at := range []int{0, 1, 63} {
			dst := stale(n + 1)
			before := slices.Clone(dst)
			Or(dst, at, src)
			requireBits(t, dst, func(i int) uint64 {
				if i >= at && i < at+64*n {
					return bit(before, i) | bit(src, i-at)
				}
				return bit(before, i)
			}, "%d words from %d", n, at)
		}
	}
}

func TestRepeat(t *testing.T) {
	const most = 1 << 14
	src := random(300)
	lengths := []int{127, 128, 129, 191, 192, 196, 200, 784, 1000, 3136, most - 1, most}
	for n := range 100 {
		lengths = append(lengths, n+1)
	}
	for _, n := range lengths {
		whole := 64 >> min(bits.TrailingZeros(uint(n)), 6)
		for _, from := range []int{0, 1, 63, 64, 100} {
			for times := 1; times <= 130 && times*n <= most; times += max(times/5, 1) {
				dst := stale(Words(times * n))
				Repeat(dst, src, from, n, whole)
				for i := range times * n {
					if bit(dst, i) != bit(src, from+i%n) {
						t.Fatalf("%d bits from %d on, %d times: bit %d is wrong", n, from, times, i)
					}
				}
			}
		}
	}
}

func TestStretch(t *testing.T) {
	src := []uint64{0, ^uint64(0), 0xf0f0f0f0f0f0f0f1, 1 << 63, 1, 0x5555555555555555, ^uint64(0), ^uint64(0), 0}
	for _, each := range []int{1, 2, 3, 16, 63, 64, 65, 1000} {
		for _, from := range []int{0, 1, 5, 64, 130, 1000} {
			for _, n := range []int{0, 1, 63, 64, 65, 500} {
				if from+n > 64*len(src)*each {
					continue
				}
				dst := stale(Words(n) + 1)
				before := slices.Clone(dst)
				Stretch(dst, src, from, n, each)
				requireBits(t, dst, func(i int) uint64 {
					switch {
					case i < n:
						return bit(src, (from+i)/each)
					case i < 64*Words(n):
						return 0
					}
					return bit(before, i)
				}, "each %d, from %d, %d bits", each, from, n)
			}
		}
	}
}

func TestShift(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 130, 300} {
		up := make([]uint64, 6)
		down := slices.Clone(up)
		src := random(6)
		copy(up, src)
		ShiftUp(up, n)
		copy(down, src)
		ShiftDown(down, n)
		at := func(i int) uint64 {
			if i < 0 || i >= 64*len(src) {
				return 0
			}
			return bit(src, i)
		}
		requireBits(t, up, func(i int) uint64 { return at(i - n) }, "up by %d", n)
		requireBits(t, down, func(i int) uint64 { return at(i + n) }, "down by %d", n)
	}
}

func TestSearch(t *testing.T) {
	words := []uint64{0, 1, 0, 1<<63 | 1<<62, 0, 0, 1 << 5, 0}
	for from := range 64*len(words) + 1 {
		for to := range 64*len(words) + 1 {
			next, last := to, -1
			for i := from; i < to; i++ {
				if bit(words, i) == 1 {
					next, last = min(next, i), i
				}
			}
			if got := Next(words, from, to); got != next {
				t.Fatalf("next from %d to %d is %d, want %d", from, to, got, next)
			}
			if got := Last(words, from, to); got != last {
				t.Fatalf("last from %d to %d is %d, want %d", from, to, got, last)
			}
		}
	}
}

// TestSearchLargest searches the end of a string whose length is the largest int of 32
// bits.
func TestSearchLargest(t *testing.T) {
	const n = 1<<31 - 1
	words := make([]uint64, Words(n))
	if got := Next(words, n-200, n); got != n {
		t.Errorf("Next without a one: %d, want %d", got, n)
	}
	if got := Last(words, n-200, n); got != -1 {
		t.Errorf("Last without a one: %d, want -1", got)
	}
	SetRun(words, n-100, 100)
	if next, last := Next(words, n-200, n), Last(words, n-200, n); next != n-100 || last != n-1 {
		t.Errorf("Next is %d and Last %d, want %d and %d", next, last, n-100, n-1)
	}
}
