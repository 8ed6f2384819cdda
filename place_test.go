package dropblock

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlacesLargest has samples of so many positions that a sum of them would be above
// what an int of 32 bits holds.
func TestPlacesLargest(t *testing.T) {
	for _, n := range []int{maxSample - chunkLen, maxSample - chunkLen + 1, maxSample - 1, maxSample} {
		p := flatPlaces(n)
		last := (n - 1) / chunkLen
		require.Equal(t, last+1, p.chunks, n)
		word, bit := p.begin(last)
		require.Equal(t, last*(chunkLen/64), word)
		require.Zero(t, bit)
		var r route
		require.Equal(t, word, r.set(&p, 0, last, nil))
		require.EqualValues(t, n-last*chunkLen, r.walk.end)
	}
}

// TestPlacesTogether holds the positions that are numbered together to what inverses are
// exact for.
func TestPlacesTogether(t *testing.T) {
	for n := 1; n <= chunkLen; n++ {
		for _, skip := range []int{0, 1, 7} {
			p := makePlaces(places{rows: 1, cols: n, slices: 1, positions: n, skipRow: skip, sampleBits: n + skip})
			if got := n * max(p.together, p.denseTogether); got > maxTogether {
				t.Fatalf("%d samples of %d positions and %d more bits: %d positions, want at most %d",
					max(p.together, p.denseTogether), n, skip, got, maxTogether)
			}
		}
	}
}
