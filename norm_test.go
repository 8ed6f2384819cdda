package dropblock_test

import (
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// Replicas that hold contiguous or interleaved parts of a batch, and sum their counts,
// write the very slices of the output of the whole batch; with norms that do not count the
// batch they need no sum.
func TestReplicas(t *testing.T) {
	const world, each, sample = 3, 4, 11
	whole := dropblock.NCHW(world*each, 5, 7, 6)
	part := dropblock.NCHW(each, 5, 7, 6)
	n := part.Len() / each // elements of a sample
	src := make([]float32, whole.Len())
	for i := range src {
		src[i] = float32(i) + .7
	}
	for norm := range dropblock.Norm(5) {
		for _, share := range []dropblock.Share{dropblock.ShareNone, dropblock.ShareChannels} {
			layer := newLayer(t, dropblock.Config{DropProb: .3, Block: dropblock.Square(3), Norm: norm, Share: share, Seed: 8})
			var all dropblock.Mask
			layer.SampleAt(&all, whole, dropblock.Position{Step: 2, Sample: sample})
			want := make([]float32, len(src))
			dropblock.Apply(want, src, &all)
			for _, interleaved := range []bool{false, true} {
				var masks [world]dropblock.Mask
				kept, count := 0, 0
				index := func(rank, i int) int { return rank*each + i }
				for rank := range masks {
					at := dropblock.Position{Step: 2, Sample: sample + uint64(rank*each)}
					if interleaved {
						at.Sample, at.Stride = sample+uint64(rank), world
						index = func(rank, i int) int { return rank + i*world }
					}
					layer.SampleAt(&masks[rank], part, at)
					kept, count = kept+masks[rank].Kept(), count+masks[rank].Len()
				}
				require.Equal(t, [2]int{all.Kept(), all.Len()}, [2]int{kept, count})
				for rank := range masks {
					m := &masks[rank]
					m.Rescale(kept, count)
					x, y := make([]float32, part.Len()), make([]float32, part.Len())
					for i := range each {
						copy(x[i*n:(i+1)*n], src[index(rank, i)*n:])
					}
					dropblock.Apply(y, x, m)
					for i := range each {
						require.Equal(t, want[index(rank, i)*n:][:n], y[i*n:][:n], "%v %v, interleaved %v, rank %d, sample %d", norm, share, interleaved, rank, i)
					}
				}
			}
		}
	}
}

func TestRescale(t *testing.T) {
	layer := newLayer(t, dropblock.Config{DropProb: .3, Block: dropblock.Square(3)})
	var m dropblock.Mask
	m.Rescale(1, 2) // not filled: nothing
	require.Nil(t, m.Scales())
	layer.Sample(&m, dropblock.NCHW(2, 3, 7, 7), 1)
	m.Rescale(0, 100)
	require.Equal(t, []float64{0}, m.Scales())
	m.Rescale(0, 0)
	require.Equal(t, []float64{0}, m.Scales())
	m.Rescale(50, 100)
	require.Equal(t, []float64{2}, m.Scales())
	for _, bad := range [][2]int{{-1, 4}, {5, 4}, {0, -1}} {
		require.Panics(t, func() { m.Rescale(bad[0], bad[1]) })
	}
	require.Equal(t, []float64{2}, m.Scales())
	m.Identity(dropblock.NCHW(2, 3, 7, 7))
	m.Rescale(1, 2)
	require.Equal(t, []float64{1}, m.Scales())
}
