package dropblock

import (
	"errors"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

var sweepKey = Key{0x89abcdef, 0x01234567}

// layKey lays round keys and a counter in buffers 1 and 2 and returns a check
// that a kernel has left them alone.
func layKey(a *arena, at *layout, counter [4]uint32) (ks *roundKeys, ctr *[4]uint32, check func() error) {
	keys, counters := lay[roundKeys](a, at, 1, 1), lay[[4]uint32](a, at, 2, 1)
	expandKey(&keys[0], sweepKey[0], sweepKey[1])
	before := keys[0]
	counters[0] = counter
	return &keys[0], &counters[0], func() error {
		if keys[0] != before || counters[0] != counter {
			return errors.New("the round keys or the counter are changed")
		}
		if err := guard.Check(a[1], keys); err != nil {
			return err
		}
		return guard.Check(a[2], counters)
	}
}

type philoxCase struct {
	blocks  int
	counter [4]uint32
	at      layout
}

// sweepPhilox draws multiples of stride blocks, also up to the last counter
// before word 0 overflows.
func sweepPhilox(t testing.TB, kernel philoxKernel, stride int) error {
	const blocks = sweepLen / 4
	a := newArena(t, 4*sweepLen+64)
	layouts := append(middles(4, 16), edges([2]int{4, 8}, 4)...)
	var want []uint32
	cases := func(yield func(philoxCase) bool) {
		for n := 0; n <= blocks; n += stride {
			for _, counter := range [][4]uint32{{}, {1<<31 + 77, 65535, 1<<32 - 1, 1}, {-uint32(n), 1<<32 - 1}} {
				want = reference.PhiloxWords(n, counter, sweepKey)
				for _, at := range layouts {
					if !yield(philoxCase{n, counter, at}) {
						return
					}
				}
			}
		}
	}
	return sweep(cases, func(c *philoxCase) error {
		dst := lay[uint32](a, &c.at, 0, 4*c.blocks)
		ks, ctr, check := layKey(a, &c.at, c.counter)
		kernel(dst, ks, ctr)
		if err := sameWords(dst, want); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		return guard.Check(a[0], dst)
	})
}

func TestKernelPhilox(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepPhilox(t, k.philox, k.philoxStride())) })
}
