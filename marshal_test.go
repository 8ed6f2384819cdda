package dropblock_test

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"math"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// storedMasks are masks of every kind that the bytes tell apart.
func storedMasks(t *testing.T) (all []*dropblock.Mask) {
	shapes := []dropblock.Shape{
		dropblock.NCHW(3, 5, 7, 9), dropblock.NHWC(2, 5, 4, 3), dropblock.NCW(3, 2, 11), dropblock.NWC(2, 64, 1), dropblock.NCDHW(1, 2, 3, 4, 5),
		dropblock.NDHWC(2, 3, 4, 5, 6), dropblock.NCHW(0, 3, 4, 5), dropblock.NHWC(3, 4, 5, 0), dropblock.NCHW(1, 1, 8, 8),
	}
	for i, s := range shapes {
		for share := range dropblock.Share(4) {
			for norm := range dropblock.Norm(5) {
				layer := newLayer(t, dropblock.Config{DropProb: .3, Block: dropblock.Rect(2, 3), Share: share, Norm: norm, Seed: uint64(i)})
				m := new(dropblock.Mask)
				layer.SampleAt(m, s, dropblock.Position{Step: 1 << 40, Sample: 5, Stride: 7})
				all = append(all, m)
			}
		}
	}
	rescaled, identity, kept := new(dropblock.Mask), new(dropblock.Mask), new(dropblock.Mask)
	newLayer(t, dropblock.Config{DropProb: .3, Block: dropblock.Square(2)}).Sample(rescaled, shapes[0], 1)
	rescaled.Rescale(10, 70)
	identity.Identity(shapes[1])
	require.NoError(t, kept.SetKeep(shapes[2], []uint64{0x123456789abcdef0, 3}))
	return append(all, rescaled, identity, kept)
}

// A mask that was stored is applied like the one that was, by gob too.
func TestMaskBytes(t *testing.T) {
	for _, m := range storedMasks(t) {
		data, err := m.MarshalBinary()
		require.NoError(t, err)
		var got, coded dropblock.Mask
		require.NoError(t, got.UnmarshalBinary(data))
		var stream bytes.Buffer
		require.NoError(t, gob.NewEncoder(&stream).Encode(m))
		require.NoError(t, gob.NewDecoder(&stream).Decode(&coded))
		for _, got := range []*dropblock.Mask{&got, &coded} {
			requireSame(t, m, got)
			require.Equal(t, m.MaskShape(), got.MaskShape())
			again, err := got.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, data, again)

			src, want, y := make([]float32, m.Shape().Len()), make([]float32, m.Shape().Len()), make([]float32, m.Shape().Len())
			for i := range src {
				src[i] = float32(i + 1)
			}
			dropblock.Apply(want, src, m)
			dropblock.Apply(y, src, got)
			require.Equal(t, want, y)
			// Of a whole batch, the scale is that of its sum of counts.
			m.Rescale(3, 9)
			got.Rescale(3, 9)
			require.Equal(t, m.Scales(), got.Scales())
			require.NoError(t, m.UnmarshalBinary(data))
		}
	}
}

// The bytes of a mask do not depend on what it held before, even if it has no elements or no key.
func TestMaskBytesUsed(t *testing.T) {
	layer := newLayer(t, dropblock.Config{DropProb: .3, Block: dropblock.Square(2), Seed: 1})
	at := dropblock.Position{Step: 3, Sample: 4, Stride: 5}
	for name, fill := range map[string]func(m *dropblock.Mask){
		"empty":    func(m *dropblock.Mask) { layer.SampleAt(m, dropblock.NCHW(2, 3, 0, 5), at) },
		"identity": func(m *dropblock.Mask) { m.Identity(dropblock.NCHW(2, 3, 4, 5)) },
		"given":    func(m *dropblock.Mask) { require.NoError(t, m.SetKeep(dropblock.NCHW(2, 3, 1, 5), []uint64{7})) },
	} {
		var fresh, used dropblock.Mask
		for step := range 3 {
			layer.SampleAt(&used, dropblock.NCHW(2, 3, 5*(step%2), 5), dropblock.Position{Step: uint64(step), Sample: 7})
		}
		fill(&fresh)
		fill(&used)
		want, err := fresh.MarshalBinary()
		require.NoError(t, err)
		got, err := used.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
}

// What is not the bytes of a mask is refused and leaves the mask as it was.
func TestMaskBytesBad(t *testing.T) {
	layer := newLayer(t, dropblock.Config{DropProb: .3, Block: dropblock.Square(2)})
	var m dropblock.Mask
	_, err := m.MarshalBinary()
	require.EqualError(t, err, "dropblock: MarshalBinary: the mask is not filled: Sample, Grow, SetKeep or Identity comes first")
	layer.Sample(&m, dropblock.NCHW(2, 3, 5, 7), 1)
	good, err := m.MarshalBinary()
	require.NoError(t, err)
	const extents = 10
	put := func(at int, v uint64) func(b []byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[at:], v)
			return b
		}
	}
	set := func(at int, v byte) func(b []byte) []byte {
		return func(b []byte) []byte {
			b[at] = v
			return b
		}
	}
	for _, c := range []struct {
		spoil func(b []byte) []byte
		want  string
	}{
		{func([]byte) []byte { return nil }, "they are 0 and do not begin with a header of 130"},
		{func(b []byte) []byte { return b[:129] }, "they are 129 and do not begin with a header of 130"},
		{set(0, 'd'), "they are 162 and do not begin with a header of 130"},
		{set(6, 2), "version is 2, want 1"},
		{set(7, 6), "layout is Layout(6), want NCHW, NHWC, NCW, NWC, NCDHW or NDHWC"},
		{set(8, 5), "norm is Norm(5), want tensor, none, sample, plane or expected"},
		{set(9, 2), "key is marked by 2, want 0 or 1"},
		{put(extents, 1<<63), "extent 0 is 9223372036854775808, want "},
		{put(extents+16, 3), "depth is 3 and height is 5, want 0 for an axis that NCHW lacks"},
		{put(extents+8, 1<<31-1), "dropblock: shape NCHW 2x2147483647x5x7: a sample has too many elements, want 2147483647 at most"},
		{put(extents, 7), "the mask has 2 samples of 3 channels, want those of a map of NCHW 7x3x5x7, or one"},
		{put(extents+40, 5), "the mask has 5 samples of 3 channels, want those of a map of NCHW 2x3x5x7, or one"},
		{put(extents+48, 0), "the mask has 2 samples of 0 channels, want those of a map of NCHW 2x3x5x7, or one"},
		{put(extents+56, math.Float64bits(1.5)), "gamma is 1.5, want a probability from 0 to 1"},
		{put(extents+56, math.Float64bits(math.NaN())), "gamma is NaN, want a probability from 0 to 1"},
		{put(extents+64, math.Float64bits(math.Inf(1))), "scale is +Inf, want a finite factor of 0 or more"},
		{put(extents+64, math.Float64bits(-1)), "scale is -1, want a finite factor of 0 or more"},
		{put(extents+72, 211), "211 seeds and "},
		{put(extents+80, 211), " seeds and 211 kept, want 210 at most"},
		{put(extents+80, 1), "ones, want the 1 kept"},
		{func(b []byte) []byte { return b[:len(b)-1] }, "31 are left for the words, want 4 words for the 210 elements of a mask of NCHW 2x3x5x7"},
		{func(b []byte) []byte { return append(b, make([]byte, 8)...) }, "40 are left for the words, want 4 words for the 210 elements of a mask of NCHW 2x3x5x7"},
		{set(161, 1), ", want only the lowest 18 bits"},
	} {
		bad := c.spoil(bytes.Clone(good))
		err := m.UnmarshalBinary(bad)
		require.ErrorContains(t, err, "dropblock: the bytes of a mask: ")
		require.ErrorContains(t, err, c.want)
		same, err := m.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, good, same)
	}
}
