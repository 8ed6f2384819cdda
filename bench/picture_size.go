package main

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func (r *report) sweepSides() (sides []int) {
	for _, res := range r.Sweep {
		if s := res.setting.shape.H(); !slices.Contains(sides, s) {
			sides = append(sides, s)
		}
	}
	return sides
}

// A line is an implementation over the sizes.
type line struct {
	name   string
	color  color.Color
	dashes []vg.Length
	glyph  draw.GlyphDrawer // none for the copy
	match  func(res *result, s *series) bool
	xys    plotter.XYs
}

// lines are what a size picture can have.
func (r *report) lines() (all []*line) {
	add := func(name string, c color.Color, dashes []vg.Length, glyph draw.GlyphDrawer, match func(*result, *series) bool) {
		all = append(all, &line{name: name, color: c, dashes: dashes, glyph: glyph, match: match})
	}
	peer := func(name, shown string, c color.Color, glyph draw.GlyphDrawer) {
		add(shown, c, nil, glyph, func(_ *result, s *series) bool { return s.Impl == name && s.Threads == 1 })
	}
	peer("torchvision", "torchvision", vermilion, draw.BoxGlyph{})
	peer("dropout", "torch dropout", purple, draw.TriangleGlyph{})
	peer("tutorial", "tutorial code,\nshared mask", orange, draw.PyramidGlyph{})
	for i, k := range r.Kernels {
		c, ok := kernelColors[k]
		if !ok {
			c = blue
		}
		glyphs := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}, draw.CrossGlyph{}}
		add("dropblock "+k, c, nil, glyphs[i%len(glyphs)], func(_ *result, s *series) bool {
			return s.Op == opForward && s.Impl == k && s.Threads == 1
		})
		if i == 0 {
			add("dropblock "+k+",\n2 workers", c, []vg.Length{4, 3}, draw.PlusGlyph{}, func(_ *result, s *series) bool {
				return s.Op == opForward && s.Impl == k && s.Threads == 2
			})
		}
	}
	add("copy, the fastest", black, nil, nil, func(res *result, s *series) bool { return s.Op == opCopy && s.Impl == res.Copy })
	return all
}

// sizePicture is time per element over the size of the feature map.
func (r *report) sizePicture(planes int) (picture, error) {
	lines := r.lines()
	block := 0
	for _, res := range r.Sweep {
		if res.setting.shape.H() != planes {
			continue
		}
		block = res.setting.block
		for _, s := range res.Series {
			for _, l := range lines {
				if l.match(res, &s) && len(s.Wall) > 0 {
					l.xys = append(l.xys, plotter.XY{X: float64(4 * res.Elements), Y: quartilesOf(s.Wall).Median})
				}
			}
		}
	}
	lines = slices.DeleteFunc(lines, func(l *line) bool { return len(l.xys) == 0 })
	if len(lines) == 0 {
		return picture{}, fmt.Errorf("the sweep of planes of %d has no series that is drawn", planes)
	}
	// The legend has the order in which the lines end at the right.
	slices.SortStableFunc(lines, func(a, b *line) int {
		return cmp.Compare(b.xys[len(b.xys)-1].Y, a.xys[len(a.xys)-1].Y)
	})

	title := fmt.Sprintf("DropBlock forward, maps of %d×%d, block %d", planes, planes, block)
	p := newPlot(title, "size of the feature map", "ns per element")
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = bytesTicks{}, plot.LogTicks{Prec: -1}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = light, light
	p.Add(grid)

	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle.Font.Size = 10
	legend.ThumbnailWidth = 24
	legend.Padding = 7
	legend.YPosition = draw.PosTop
	for _, l := range lines {
		drawn, points, err := plotter.NewLinePoints(l.xys)
		if err != nil {
			return picture{}, err
		}
		drawn.Color, drawn.Width, drawn.Dashes = l.color, 1.6, l.dashes
		points.Color, points.Shape, points.Radius = l.color, l.glyph, 2.8
		thumbs := []plot.Thumbnailer{drawn}
		if l.glyph == nil {
			drawn.Width = 2.6
			p.Add(drawn)
		} else {
			p.Add(drawn, points)
			thumbs = append(thumbs, points)
		}
		legend.Add(l.name, thumbs...)
	}
	// After Add, which has widened them to the data.
	p.Y.Min = math.Pow(10, math.Floor(math.Log10(p.Y.Min)*4)/4)
	p.Y.Max = math.Pow(10, math.Ceil(math.Log10(p.Y.Max)*4+0.5)/4)
	p.X.Min, p.X.Max = p.X.Min/1.1, p.X.Max*1.1
	p.Add(cacheMarks{r.Machine.Caches})

	words := r.pictureCaption() + "\nBy the clock, one thread unless said. Dropout has no blocks."
	if len(r.Machine.Caches) > 0 {
		words += " Dotted: from here on, input and output together are larger than the cache."
	}
	return picture{fmt.Sprintf("time-%dx%d", planes, planes), title, 760, 470, func(c draw.Canvas) {
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
		c = caption(c, words)
		const column = 150
		p.Draw(draw.Crop(c, 0, -column, 0, 0))
		legend.Draw(draw.Crop(c, c.Max.X-c.Min.X-column+12, 0, 0, -34))
	}}, nil
}

// cacheMarks are at half the size of each: a map and its output together fill it.
type cacheMarks struct{ names []string }

func (m cacheMarks) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, cache := range m.names {
		name, size, _ := strings.Cut(cache, " ")
		bytes := float64(cacheBytes(size))
		if strings.HasSuffix(name, "i") || bytes/2 < p.X.Min || bytes/2 > p.X.Max {
			continue
		}
		at := x(bytes / 2)
		dotted := draw.LineStyle{Color: grey, Width: 0.8, Dashes: []vg.Length{1.5, 2.5}}
		c.StrokeLine2(dotted, at, c.Min.Y, at, c.Max.Y)
		label := style(8.5, grey)
		label.YAlign = draw.YTop
		c.FillText(label, vg.Point{X: at + 3, Y: c.Max.Y - 2}, name)
	}
}
