package dropblock

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Arguments of all constructors are in memory order, and an axis that a layout
// lacks has extent 1.
func TestShapeLayouts(t *testing.T) {
	for _, c := range []struct {
		shape         Shape
		text          string
		n, c, d, h, w int
	}{
		{NCHW(2, 3, 5, 7), "NCHW 2x3x5x7", 2, 3, 1, 5, 7},
		{NHWC(2, 5, 7, 3), "NHWC 2x5x7x3", 2, 3, 1, 5, 7},
		{NCW(2, 3, 7), "NCW 2x3x7", 2, 3, 1, 1, 7},
		{NWC(2, 7, 3), "NWC 2x7x3", 2, 3, 1, 1, 7},
		{NCDHW(2, 3, 4, 5, 7), "NCDHW 2x3x4x5x7", 2, 3, 4, 5, 7},
		{NDHWC(2, 4, 5, 7, 3), "NDHWC 2x4x5x7x3", 2, 3, 4, 5, 7},
		{NCDHW(2, 3, 0, 5, 7), "NCDHW 2x3x0x5x7", 2, 3, 0, 5, 7},
	} {
		s := c.shape
		require.Equal(t, c.text, s.String())
		require.Equal(t, []int{c.n, c.c, c.d, c.h, c.w}, []int{s.N(), s.C(), s.D(), s.H(), s.W()}, s)
		require.Equal(t, c.n*c.c*c.d*c.h*c.w, s.Len(), s)
		require.NoError(t, s.Check())
		require.True(t, s.same(&c.shape))
	}
	// same is ==, field by field.
	s := NCDHW(1, 2, 3, 4, 5)
	for _, other := range []Shape{{}, NCDHW(0, 2, 3, 4, 5), NCDHW(1, 0, 3, 4, 5), NCDHW(1, 2, 0, 4, 5), NCDHW(1, 2, 3, 0, 5), NCDHW(1, 2, 3, 4, 0), NDHWC(1, 3, 4, 5, 2)} {
		require.False(t, s.same(&other), other)
	}
	require.EqualError(t, NDHWC(1, -2, 3, 4, 5).Check(), "dropblock: shape NDHWC 1x-2x3x4x5: D is -2, want 0 or more")
	require.EqualError(t, NCDHW(1, 1, 1<<11, 1<<10, 1<<10).Check(),
		"dropblock: shape NCDHW 1x1x2048x1024x1024: a sample has too many elements, want 2147483647 at most")
}

// A square block has its size on every axis that a map has, and 1 on the others.
func TestBlockOnLayouts(t *testing.T) {
	require.Equal(t, Rect(1, 7), Square(7).on(NCW(1, 1, 9), ClipAxes))
	require.Equal(t, Rect(1, 5), Square(7).on(NWC(1, 5, 1), ClipAxes))
	require.Equal(t, Rect(7, 7), Square(7).on(NHWC(1, 9, 9, 1), ClipAxes))
	require.Equal(t, Cuboid(3, 7, 5), Square(7).on(NCDHW(1, 1, 3, 9, 5), ClipAxes))
	require.Equal(t, Rect(3, 4), Rect(3, 4).on(NDHWC(1, 9, 9, 9, 1), ClipAxes))
}
