package main

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// pictures are of each size of planes in the sweep.
func (r *report) pictures() (all []picture, err error) {
	var sides []int
	for _, res := range r.Sweep {
		side := res.setting.shape.H()
		if slices.Contains(sides, side) {
			continue
		}
		sides = append(sides, side)
		p, err := r.picture(side, res.setting.block)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// A line is a task over the sizes.
type line struct {
	name   string
	task   task // without Impl: the fastest copy
	color  color.Color
	glyph  draw.GlyphDrawer // none for the copy
	dashes []vg.Length
	xys    plotter.XYs
}

// lines are what a picture can have.
func (r *report) lines() []*line {
	all := []*line{
		{name: "torchvision", task: task{opForward, "torchvision", 1}, color: vermilion, glyph: draw.BoxGlyph{}},
		{name: "torch dropout", task: task{opForward, "dropout", 1}, color: purple, glyph: draw.TriangleGlyph{}},
		{name: "tutorial code,\nshared mask", task: task{opForward, "tutorial", 1}, color: orange, glyph: draw.PyramidGlyph{}},
		{name: "copy, the fastest", task: task{Threads: 1}, color: black},
	}
	for i, k := range r.Kernels {
		c, ok := kernelColors[k]
		if !ok {
			c = blue
		}
		glyphs := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}, draw.CrossGlyph{}}
		all = append(all, &line{name: "dropblock " + k, task: task{opForward, k, 1}, color: c, glyph: glyphs[i%len(glyphs)]})
		if i == 0 {
			all = append(all, &line{name: "dropblock " + k + ",\n2 workers", task: task{opForward, k, 2}, color: c, glyph: draw.PlusGlyph{}, dashes: []vg.Length{4, 3}})
		}
	}
	return all
}

// picture is time per element over the size of the feature map.
func (r *report) picture(planes, block int) (picture, error) {
	lines := r.lines()
	for _, res := range r.Sweep {
		if res.setting.shape.H() != planes {
			continue
		}
		for _, l := range lines {
			s := res.find(l.task.Op, l.task.Impl, l.task.Threads)
			if l.task.Impl == "" {
				s = res.fastest(1)
			}
			if s != nil {
				l.xys = append(l.xys, plotter.XY{X: float64(res.setting.bytes()), Y: quartilesOf(s.Wall).median})
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

// pictureCaption is what the figures depend on, in two lines.
func (r *report) pictureCaption() string {
	line := fmt.Sprintf("%s, %s, %s/%s", r.Machine.CPU, r.Machine.Go, r.Machine.OS, r.Machine.Arch)
	var second []string
	for _, name := range []string{"torch", "torchvision", "cv2"} {
		if v := r.Versions[name]; v != "" {
			second = append(second, name+" "+v)
		}
	}
	how := fmt.Sprintf("medians of %d interleaved rounds", r.SweepRounds)
	if r.PeerEvery > 1 && len(second) > 0 {
		how += fmt.Sprintf(", others in %d of them", (r.SweepRounds-1)/r.PeerEvery+1)
	}
	second = append(second, r.Date.Format(time.DateOnly), fmt.Sprintf("p = %v", r.P), how)
	return line + "\n" + strings.Join(second, ", ")
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
