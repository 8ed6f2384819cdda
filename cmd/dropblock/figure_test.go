package main

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// drawn makes the figure that show draws and says where its map lies.
func drawn(t *testing.T, cfg dropblock.Config, rows, cols int) (f *figure, img image.Image, cellAt func(col, row int) image.Rectangle) {
	t.Helper()
	layer, err := dropblock.New(cfg)
	require.NoError(t, err)
	s := dropblock.NCHW(1, 1, rows, cols)
	var m dropblock.Mask
	layer.Sample(&m, s, 0)
	seeds := make([]uint64, len(m.Words()))
	layer.DrawSeeds(seeds, s, dropblock.Position{})
	f = newFigure(layer, &m, seeds, 0)
	cell := min(max(plotSize/max(rows, cols), minCell), maxCell)
	origin := image.Pt(margin+axisWidth, margin+3*lineStep)
	return f, f.draw(), func(col, row int) image.Rectangle {
		return image.Rect(0, 0, cell, cell).Add(origin.Add(image.Pt(col, row).Mul(cell)))
	}
}

func TestFigure(t *testing.T) {
	for _, c := range []struct {
		rows, cols int
		cfg        dropblock.Config
	}{
		{rows: 14, cols: 14, cfg: dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7), Seed: 30}},
		{rows: 14, cols: 14, cfg: dropblock.Config{DropProb: 0.3, Block: dropblock.Rect(4, 3), Even: dropblock.EvenAfter, Seed: 1}},
		{rows: 14, cols: 14, cfg: dropblock.Config{DropProb: 0.3, Block: dropblock.Rect(4, 2), Seed: 1}},
		{rows: 10, cols: 20, cfg: dropblock.Config{DropProb: 0.2, Block: dropblock.Square(4), Region: dropblock.RegionFull, Seed: 2}},
		{rows: 224, cols: 224, cfg: dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7), Seed: 1}},
		{rows: 5, cols: 7, cfg: dropblock.Config{DropProb: 0.5, Block: dropblock.Square(9), Seed: 1}},
		{rows: 10, cols: 16, cfg: dropblock.Config{
			DropProb: 0.9, Block: dropblock.Square(12), Clip: dropblock.ClipNone, Region: dropblock.RegionFull, Gamma: dropblock.GammaSimple, Seed: 4,
		}},
		{rows: 20, cols: 30, cfg: dropblock.Config{DropProb: 0.3, Block: dropblock.Fraction(0.25), Gamma: dropblock.GammaExact, Seed: 6}},
	} {
		t.Run(fmt.Sprintf("%dx%d %v", c.rows, c.cols, c.cfg.Block), func(t *testing.T) {
			f, img, cellAt := drawn(t, c.cfg, c.rows, c.cols)
			bounds := cellAt(c.cols-1, c.rows-1)
			require.True(t, bounds.In(img.Bounds()))
			crossed := map[image.Point]bool{}
			reach := int(f.crossSize(bounds.Dx()))/2/bounds.Dx() + 1
			for _, s := range f.seeds {
				require.True(t, s.In(f.region), "seed %v in %v", s, f.region)
				require.False(t, f.kept(s.X, s.Y))
				at := cellAt(s.X, s.Y)
				require.Equal(t, crossFill, img.At((at.Min.X+at.Max.X)/2, (at.Min.Y+at.Max.Y)/2), "seed %v", s)
				for dx := -reach; dx <= reach; dx++ {
					for dy := -reach; dy <= reach; dy++ {
						crossed[s.Add(image.Pt(dx, dy))] = true
					}
				}
			}
			checked := map[color.NRGBA]int{}
			for row := range c.rows {
				for col := range c.cols {
					at := image.Pt(col, row)
					if crossed[at] {
						continue
					}
					want := paper
					if !f.kept(col, row) {
						want = droppedFill
					} else if at.In(f.region) {
						want = validFill
					}
					// Off the lines, which are at the edges of a cell.
					r := cellAt(col, row)
					require.Equal(t, want, img.At(r.Max.X-1-r.Dx()/4, r.Max.Y-1-r.Dy()/4), "cell %v", at)
					checked[want]++
				}
			}
			if c.rows > 9 {
				require.NotEmpty(t, f.seeds)
				require.Positive(t, checked[droppedFill])
				require.Positive(t, checked[validFill])
			}
		})
	}
}

// The region is the one that the library draws its seeds in: all of it, and
// nothing beyond.
func TestFigureRegion(t *testing.T) {
	for _, even := range []dropblock.Even{dropblock.EvenBefore, dropblock.EvenAfter} {
		for _, region := range []dropblock.Region{dropblock.RegionValid, dropblock.RegionFull} {
			for _, block := range []dropblock.Block{dropblock.Square(1), dropblock.Square(2), dropblock.Rect(3, 4), dropblock.Rect(20, 5)} {
				layer, err := dropblock.New(dropblock.Config{DropProb: 1, Block: block, Even: even, Region: region, Gamma: dropblock.GammaPaper})
				require.NoError(t, err)
				s := dropblock.NCHW(1, 1, 8, 9)
				var m dropblock.Mask
				layer.Sample(&m, s, 0)
				found := image.Rectangle{}
				for step := range uint64(400) {
					seeds := make([]uint64, 2)
					layer.DrawSeeds(seeds, s, dropblock.Position{Step: step})
					for _, p := range newFigure(layer, &m, seeds, 0).seeds {
						found = found.Union(image.Rectangle{p, p.Add(image.Pt(1, 1))})
					}
				}
				require.Equal(t, newFigure(layer, &m, nil, 0).region, found, "%v %v %v", even, region, block)
			}
		}
	}
}

func TestShow(t *testing.T) {
	t.Chdir(t.TempDir())
	var first []byte
	for _, k := range dropblock.KernelSets() {
		r := succeed(t, "show", "-size", "14x20", "-p", "0.2", "-seed", "4", "-kernel", k.String(), "-mask", "mask.npy", "out.png")
		require.Equal(t, []int{14, 20}, r.Shape)
		require.Equal(t, k.String(), r.Kernel)
		_, dims := loadMask(t, "mask.npy")
		require.Equal(t, []int{14, 20}, dims)
		out := append(read(t, "out.png"), read(t, "mask.npy")...)
		if first == nil {
			first = out
		}
		require.Equal(t, first, out)
	}
	// The mask is that of apply for a map of this size.
	writeMap(t, "in.npy", 14, 20)
	succeed(t, "apply", "-p", "0.2", "-seed", "4", "-mask", "applied.npy", "in.npy", "y.npy")
	require.Equal(t, read(t, "applied.npy"), read(t, "mask.npy"))

	for _, size := range []string{"1", "1x1024", "1024x1", "3", "224"} {
		succeed(t, "show", "-size", size, "-p", "0.5", "out.png")
		b := decode(t, "out.png").Bounds()
		require.Less(t, max(b.Dx(), b.Dy()), 2300)
	}
	r := succeed(t, "show", "out.png")
	require.Equal(t, []int{14, 14}, r.Shape)
	for flags, dims := range map[string][]int{
		"-layout ncw -size 40": {40}, "-layout nwc -size 1x40": {40}, "-layout ncdhw -size 9x8": {1, 9, 8}, "-layout ndhwc": {1, 14, 14}, "-layout nhwc -size 9x8": {9, 8},
	} {
		r := succeed(t, "show", append(strings.Fields(flags), "-mask", "mask.npy", "out.png")...)
		require.Equal(t, dims, r.Shape)
		_, mask := loadMask(t, "mask.npy")
		require.Equal(t, dims, mask)
	}
}

func TestFigureText(t *testing.T) {
	for want, c := range map[string]struct {
		cfg   dropblock.Config
		shape dropblock.Shape
	}{
		"a 14×14 map, block 7×7":                       {dropblock.Config{Block: dropblock.Square(7)}, dropblock.NCHW(1, 1, 14, 14)},
		"a 5×14 map, block 7×9, clipped to 5×9":        {dropblock.Config{Block: dropblock.Rect(7, 9)}, dropblock.NCHW(1, 1, 5, 14)},
		"a 5×14 map, block 7×7, clipped to 5×5":        {dropblock.Config{Block: dropblock.Square(7), Clip: dropblock.ClipSquare}, dropblock.NHWC(1, 5, 14, 1)},
		"a 20×30 map, block 0.25 of each axis, 5×8":    {dropblock.Config{Block: dropblock.Fraction(0.25)}, dropblock.NCHW(1, 1, 20, 30)},
		"a row of 40, block 5":                         {dropblock.Config{Block: dropblock.Square(5)}, dropblock.NCW(1, 1, 40)},
		"a row of 4, block 5, clipped to 4":            {dropblock.Config{Block: dropblock.Square(5)}, dropblock.NWC(1, 4, 1)},
		"a 1×14×14 map, block 3×5×7, clipped to 1×5×7": {dropblock.Config{Block: dropblock.Cuboid(3, 5, 7)}, dropblock.NCDHW(1, 1, 1, 14, 14)},
		"a 6×8 map, block 9×9":                         {dropblock.Config{Block: dropblock.Square(9), Clip: dropblock.ClipNone, Region: dropblock.RegionFull}, dropblock.NCHW(1, 1, 6, 8)},
	} {
		c.cfg.DropProb, c.cfg.Ramp = 0.5, dropblock.Ramp{From: 0.1, Steps: 10}
		layer, err := dropblock.New(c.cfg)
		require.NoError(t, err)
		var m dropblock.Mask
		layer.Sample(&m, c.shape, 4)
		f := newFigure(layer, &m, nil, 4)
		require.Equal(t, "DropBlock on "+want, f.lines[0])
		require.Contains(t, f.lines[1], "p 0.5 (ramp 0.1:10, step 4), gamma ")
	}
}
