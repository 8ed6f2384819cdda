package dropblock

import (
	"errors"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// sweepQuotients has runs of every length about those of bytes, words and two words, and some
// longer ones, as many as the words have room for.
func sweepQuotients(t testing.TB, kernel quotientsKernel) error {
	words := mixedWords(sweepLen, 8)
	bits := reference.Bits(words, 64*sweepLen)
	a := newArena(t, 8*64*sweepLen+16)
	var want []float64
	wantBy := -1
	lengths := func(yield func(int) bool) {
		for n := 1; n <= 200; n++ {
			if !yield(n) {
				return
			}
		}
		_ = yield(448) && yield(504) && yield(505) && yield(512) && yield(784) && yield(1023) && yield(1024)
	}
	var table [64]float64
	for i := range table {
		table[i] = 1 / float64(i+1)
	}
	cases := dilateCases(lengths, func(by int) bool { return by == 49 })
	return sweep(cases, func(c *dilateCase) error {
		if wantBy != c.by {
			want, wantBy = nil, c.by
			for at := 0; at+c.by <= 64*sweepLen; at += c.by {
				ones := reference.Count(bits[at : at+c.by])
				if c.by <= shortRun {
					want = append(want, table[ones])
				} else {
					want = append(want, quotient(c.by, ones))
				}
			}
		}
		n := min(c.n, len(want)-1)
		dst := lay[float64](a, &c.at, 0, n)
		src := lay[uint64](a, &c.at, 1, bitstring.Words(n*c.by)+1)
		list := lay[float64](a, &c.at, 2, len(table))
		copy(src, words)
		copy(list, table[:])
		kernel(dst, src, c.by, (*[64]float64)(list))
		if err := sameElements(dst, want[:n]); err != nil {
			return err
		}
		return errors.Join(unchanged("words", src, words[:len(src)]), guard.Check(a[0], dst), guard.Check(a[1], src))
	})
}

func TestKernelQuotients(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepQuotients(t, k.quotients)) })
}
