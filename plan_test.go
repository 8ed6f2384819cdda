package dropblock

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlanLargest plans for the largest samples that Check takes, on all axes, with blocks
// up to theirs. Sums of such numbers are above what an int of 32 bits holds.
func TestPlanLargest(t *testing.T) {
	const n = math.MaxInt32
	for _, s := range []Shape{
		NCHW(1, 1, 1, n), NCHW(1, 1, n, 1), NCHW(1, n, 1, 1), NCHW(1, 1, n/2, 2), NCHW(1, 1, 2, n/2), NCHW(1, 1, 46340, 46340), NCHW(1, 3, 26754, 26754),
		NCW(1, 1, n), NWC(1, n, 1), NWC(1, 2, n/2), NHWC(1, n/3, 1, 3), NCDHW(1, 1, n, 1, 1), NCDHW(1, 1, n/4, 2, 2), NDHWC(1, 2, 2, 2, n/8),
	} {
		require.NoError(t, s.Check())
		for _, block := range []Block{Square(1), Square(2), Square(64), Square(1000), Rect(1, n), Rect(n, 1), Square(n / 2), Square(n)} {
			for region := range Region(2) {
				for even := range Even(2) {
					cfg := Config{DropProb: .1, Block: block, Region: region, Even: even}
					set := settings{cfg: cfg, isa: available[0].isa}
					p := set.newPlan(s, nil)
					g, at := &p.geometry, &p.places
					require.LessOrEqual(t, g.span(), g.plane(), "%v, %+v", s, cfg)
					require.Less(t, g.lead(), g.plane(), "%v, %+v", s, cfg)
					require.Equal(t, s.Len(), at.sampleBits)
					require.Less(t, (at.chunks-1)*chunkLen, at.positions)

					// The last position is the last bit, but for what is behind valid ones.
					var r route
					var volume walk
					word := r.set(at, 0, at.chunks-1, &volume)
					last := int64(64*word) + int64(r.bit(r.walk.end-1))
					if !g.full {
						last += int64(g.span() - 1)
					}
					require.EqualValues(t, s.Len()-1, last, "%v, %+v", s, cfg)
				}
			}
		}
	}
}

// TestClip holds blocks at both ends of the longest axis to their definition.
func TestClip(t *testing.T) {
	const n = math.MaxInt32
	for _, block := range []int{1, 2, 7, 64, n / 2, n - 1, n} {
		for _, before := range []int{block / 2, (block - 1) / 2} {
			a := axis{size: n, block: block, before: before, stride: 1}
			for _, seed := range []int{0, 1, 63, n / 2, n - 64, n - 2, n - 1} {
				first := int64(seed) - int64(before)
				from, to := a.clip(seed)
				require.EqualValues(t, max(first, 0), from, "block %d, seed %d", block, seed)
				require.EqualValues(t, min(first+int64(block), n), to, "block %d, seed %d", block, seed)
			}
		}
	}
}
