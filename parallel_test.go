package dropblock

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// parallelCases are large enough for several workers, with samples that begin
// with a word and samples that do not, one sample alone, blocks that are
// stamped, dilated over long halos and painted, a dense head, and shared masks.
var parallelCases = []struct {
	shape Shape
	cfg   Config
}{
	{NCHW(16, 256, 14, 14), Config{DropProb: .1, Block: Square(7)}},
	{NCHW(16, 512, 7, 7), Config{DropProb: .1, Block: Square(3)}},
	{NCHW(67, 83, 13, 11), Config{DropProb: .3, Block: Square(2)}},
	{NCHW(1, 17, 224, 224), Config{DropProb: .1, Block: Square(7)}},
	{NCHW(2, 3, 401, 403), Config{DropProb: .1, Block: Rect(90, 3)}},
	{NCHW(3, 100, 56, 56), Config{DropProb: .1, Block: Square(1)}},
	{NCHW(3, 100, 56, 56), Config{DropProb: .5, Block: Square(1)}},
	{NCHW(8, 40, 56, 56), Config{DropProb: .1, Block: Square(5), Region: RegionFull}},
	{NCHW(32, 256, 14, 14), Config{DropProb: .1, Block: Square(7), Share: ShareChannels}},
	{NCHW(1, 30, 190, 190), Config{DropProb: .1, Block: Square(7), Share: ShareChannels}},
}

// TestWorkers holds masks and outputs of many workers to those of one.
func TestWorkers(t *testing.T) {
	for _, c := range parallelCases {
		t.Run(fmt.Sprintf("%v-b%v-%v-%v", c.shape, c.cfg.Block, c.cfg.Region, c.cfg.Share), func(t *testing.T) {
			n := c.shape.Len()
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(i%8191) - 4095
			}
			var wantMask Mask
			want, got := make([]float32, n), make([]float32, n)
			wantBools, gotBools := make([]bool, n), make([]bool, n)
			for _, workers := range []int{1, 2, 3, 5, 8, 64} {
				c.cfg.Workers = workers
				layer, err := New(c.cfg)
				require.NoError(t, err)
				var m Mask
				for step := range 3 { // the second and third reuse what the first made
					layer.Sample(&m, c.shape, step)
				}
				if workers == 1 {
					layer.Sample(&wantMask, c.shape, 2)
					Apply(want, x, &wantMask)
					wantMask.KeepTo(wantBools)
					continue
				}
				require.Equal(t, wantMask.Words(), m.Words(), workers)
				require.Equal(t, wantMask.Kept(), m.Kept(), workers)
				require.Equal(t, wantMask.Seeds(), m.Seeds(), workers)
				Apply(got, x, &m)
				require.True(t, slices.Equal(want, got), workers)
				m.KeepTo(gotBools)
				require.True(t, slices.Equal(wantBools, gotBools), workers)

				clear(got)
				for part := range workers {
					before := slices.Clone(got)
					ApplyPart(got, x, &m, part, workers)
					for i := range got { // a part leaves the parts before it as they were
						if before[i] != 0 && got[i] != before[i] {
							t.Fatalf("part %d of %d changes element %d of another", part, workers, i)
						}
					}
				}
				require.True(t, slices.Equal(want, got), workers)
			}
		})
	}
}

// TestWorkersAllocs holds calls with several workers to no allocation.
func TestWorkersAllocs(t *testing.T) {
	if sanitized {
		t.Skip("the sanitizers' hooks make buffers escape")
	}
	for _, c := range parallelCases {
		c.cfg.Workers = 3
		layer, err := New(c.cfg)
		require.NoError(t, err)
		var m Mask
		x := make([]float32, c.shape.Len())
		step := 0
		one := func() {
			layer.Sample(&m, c.shape, step)
			Apply(x, x, &m)
			step++
		}
		for range 20 { // what goroutines the runtime keeps for reuse
			one()
		}
		require.Zero(t, testing.AllocsPerRun(20, one), "%v %+v", c.shape, c.cfg)
	}
}

func TestApplyPartPanics(t *testing.T) {
	layer, err := New(Config{DropProb: .1, Block: Square(1)})
	require.NoError(t, err)
	var m Mask
	layer.Sample(&m, NCHW(1, 1, 4, 4), 0)
	x, y := make([]float32, 16), make([]float32, 16)
	for _, p := range [][2]int{{-1, 2}, {2, 2}, {0, 0}, {1, -1}} {
		require.PanicsWithValue(t, "dropblock: ApplyPart: part is not from 0 to of-1",
			func() { ApplyPart(y, x, &m, p[0], p[1]) })
	}
	require.Panics(t, func() { ApplyPart(y[1:], x, &m, 0, 1) })
	require.Panics(t, func() { ApplyPart(y, x, new(Mask), 0, 1) })
	require.Equal(t, make([]float32, 16), y)
	_, err = New(Config{Block: Square(1), Workers: -1})
	require.ErrorContains(t, err, "Workers is -1")
}
