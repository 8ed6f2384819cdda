package dropblock

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGridLargest has samples of so many positions that a sum of them would be above
// what an int of 32 bits holds.
func TestGridLargest(t *testing.T) {
	for _, n := range []int{maxSample - chunkLen, maxSample - chunkLen + 1, maxSample - 1, maxSample} {
		g := flatGrid(n)
		last := (n - 1) / chunkLen
		require.Equal(t, last+1, g.chunks, n)
		word, bit := g.begin(last)
		require.Equal(t, last*(chunkLen/64), word)
		require.Zero(t, bit)
		var w walk
		require.Equal(t, word, g.walk(&w, 0, last))
		require.EqualValues(t, n-last*chunkLen, w.end)
	}
}

// TestGridUnits holds the positions that are numbered together to what inverses are
// exact for.
func TestGridUnits(t *testing.T) {
	for n := 1; n <= chunkLen; n++ {
		for _, skip := range []int{0, 1, 7} {
			g := makeGrid(grid{rows: 1, cols: n, positions: n, skipRow: skip, sampleBits: n + skip})
			if got := n * max(g.unit, g.denseUnit); got > maxTogether {
				t.Fatalf("%d samples of %d positions and %d more bits: %d positions, want at most %d",
					max(g.unit, g.denseUnit), n, skip, got, maxTogether)
			}
		}
	}
}
