package dropblock

import (
	"fmt"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

func sweepCount(t testing.TB, kernel countKernel) error {
	full := make([]uint64, sweepLen)
	for i := range full {
		full[i] = ^uint64(0)
	}
	sources := [][]uint64{mixedWords(sweepLen, 5), full}
	var want [][]int
	for _, words := range sources {
		want = append(want, prefixCounts(reference.Bits(words, 64*sweepLen)))
	}
	a := newArena(t, 8*sweepLen+16)
	cases := dilateCases(func(yield func(int) bool) { _ = yield(0) && yield(1) }, func(int) bool { return true })
	return sweep(cases, func(c *dilateCase) error {
		words := lay[uint64](a, &c.at, 0, c.n)
		copy(words, sources[c.by])
		if got, want := kernel(words), want[c.by][c.n]; got != want {
			return fmt.Errorf("the count is %d, want %d", got, want)
		}
		if err := unchanged("words", words, sources[c.by][:c.n]); err != nil {
			return err
		}
		return guard.Check(a[0], words)
	})
}

func TestKernelCount(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepCount(t, k.count)) })
}
