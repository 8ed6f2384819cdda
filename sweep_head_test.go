package dropblock

import (
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

type headCase struct {
	n  int
	by threshold
	at layout
}

// sweepHead draws whole groups, a chunk at most. That every fraction is exact
// is TestHeadExact's.
func sweepHead(t testing.TB, kernel headKernel) error {
	const most = chunkLen / 64
	a := newArena(t, 8*most+64)
	layouts := append(middles(8, 64), edges([2]int{8, 8}, 4)...)
	counter := [4]uint32{8, 3, 1<<32 - 1, 1 << 31}
	var want []uint64
	cases := func(yield func(headCase) bool) {
		for k := 1; k <= maxHeadBits; k++ {
			for _, frac := range []uint32{1, 1<<k - 1, 1<<(k-1) | 1, 0b1011001101>>(maxHeadBits-k) | 1} {
				seeds := make([]bool, 64*most)
				reference.Head(seeds, frac, k, sweepKey, counter)
				want = reference.Words(seeds)
				for n := 0; n <= most; n += headGroupWords {
					few := 1
					if n <= 4*headGroupWords {
						few = every
					}
					for at := range turns(layouts, n/headGroupWords+k, few) {
						if !yield(headCase{n, threshold{frac, k}, at}) {
							return
						}
					}
				}
			}
		}
	}
	return sweep(cases, func(c *headCase) error {
		dst := lay[uint64](a, &c.at, 0, c.n)
		ks, ctr, check := layKey(a, &c.at, counter)
		kernel(dst, ks, ctr, c.by.t, c.by.levels)
		if err := sameWords(dst, want[:c.n]); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		return guard.Check(a[0], dst)
	})
}

func TestKernelHead(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepHead(t, k.head)) })
}
