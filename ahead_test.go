package dropblock

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dropblock-go/dropblock/internal/sanitize"
)

// TestAhead holds masks drawn ahead to those drawn at once, over expected and
// unexpected steps, shapes and samples, and holds each valid while the next one
// is drawn.
func TestAhead(t *testing.T) {
	layer, err := New(Config{DropProb: .2, Block: Square(3), Seed: 5})
	require.NoError(t, err)
	a := layer.Ahead()
	defer a.Stop()
	small, large := NCHW(2, 3, 9, 9), NCHW(4, 64, 28, 28)
	var want Mask
	for i, c := range []struct {
		shape Shape
		at    Position
	}{
		{small, Position{Step: 0}}, {small, Position{Step: 1}}, {small, Position{Step: 2}},
		{large, Position{Step: 3}}, {large, Position{Step: 4}}, {small, Position{Step: 5}},
		{small, Position{Step: 5}}, {small, Position{Step: 4}}, {small, Position{Step: 5, Sample: 7}},
		{small, Position{Step: 6, Sample: 7}}, {NCHW(0, 3, 9, 9), Position{Step: 7}}, {large, Position{Step: 1<<64 - 1}},
		{large, Position{Step: 0}},
	} {
		m := a.SampleAt(c.shape, c.at)
		layer.SampleAt(&want, c.shape, c.at)
		require.Equal(t, want.Words(), m.Words(), i)
		require.Equal(t, want.Scales()[0], m.Scales()[0], i)
		if i%3 == 0 {
			a.Stop()
			require.Equal(t, want.Words(), m.Words(), "the mask given out is drawn over, at %d", i)
		}
	}
	layer.Sample(&want, small, 9)
	require.Equal(t, want.Words(), a.Sample(small, 9).Words())
	require.PanicsWithValue(t, "dropblock: Sample: step is -1, want 0 or more", func() { a.Sample(small, -1) })
	require.Panics(t, func() { a.Sample(NCHW(-1, 1, 1, 1), 0) })
}

// TestAheadAllocs holds drawing ahead to no allocation.
func TestAheadAllocs(t *testing.T) {
	if sanitize.Enabled {
		t.Skip("the sanitizers' hooks make buffers escape")
	}
	layer, err := New(Config{DropProb: .1, Block: Square(7)})
	require.NoError(t, err)
	a := layer.Ahead()
	defer a.Stop()
	shape := NCHW(4, 16, 14, 14)
	x := make([]float32, shape.Len())
	step := 0
	one := func() {
		Apply(x, x, a.Sample(shape, step))
		step++
	}
	for range 20 {
		one()
	}
	require.Zero(t, testing.AllocsPerRun(100, one))
}
