package pool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWorkers(t *testing.T) {
	manyCPUs(t) // 8
	for _, c := range []struct{ most, n, each, want int }{
		{0, 0, 100, 1}, {0, 199, 100, 1}, {0, 200, 100, 2}, {0, 799, 100, 7}, {0, 1 << 30, 100, 8},
		{1, 1 << 30, 100, 1}, {3, 200, 100, 2}, {3, 1 << 30, 100, 3}, {9, 1 << 30, 100, 8},
	} {
		require.Equal(t, c.want, Workers(c.most, c.n, c.each), c)
	}
}

// TestShare holds the parts of any number to be all of it, in order.
func TestShare(t *testing.T) {
	for _, n := range []int{0, 1, 6, 63, 64, 65, 1000, 1<<31 - 1} {
		for _, unit := range []int{1, 7, 64, 1 << 14} {
			for _, parts := range []int{1, 2, 3, 64, 1<<31 - 1} {
				require.Zero(t, Share(n, unit, 0, parts))
				require.Equal(t, n, Share(n, unit, parts, parts))
				for _, i := range []int{0, parts / 3, parts / 2, parts - 1} {
					from, to := Share(n, unit, i, parts), Share(n, unit, i+1, parts)
					require.LessOrEqual(t, from, to)
					require.True(t, from%unit == 0 || from == n)
				}
			}
		}
	}
}
