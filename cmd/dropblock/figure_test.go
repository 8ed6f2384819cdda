package main

import (
	"fmt"
	"image"
	"image/color"
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
	f = newFigure(layer, &m, seeds)
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
					for _, p := range newFigure(layer, &m, seeds).seeds {
						found = found.Union(image.Rectangle{p, p.Add(image.Pt(1, 1))})
					}
				}
				require.Equal(t, newFigure(layer, &m, nil).region, found, "%v %v %v", even, region, block)
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
}
