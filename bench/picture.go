package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"image/png"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The colours of Okabe and Ito, which those who do not see some colours tell
// apart too.
var (
	black     = color.RGBA{A: 255}
	grey      = color.RGBA{120, 120, 120, 255}
	light     = color.RGBA{225, 225, 225, 255}
	orange    = color.RGBA{230, 159, 0, 255}
	skyBlue   = color.RGBA{86, 180, 233, 255}
	green     = color.RGBA{0, 158, 115, 255}
	blue      = color.RGBA{0, 114, 178, 255}
	vermilion = color.RGBA{213, 94, 0, 255}
	purple    = color.RGBA{204, 121, 167, 255}
)

// kernelColors are of the sets, best first, whatever they are called.
var kernelColors = map[string]color.RGBA{"avx512": blue, "avx2": skyBlue, "neon": blue, "generic": green}

const dpi = 144

func init() { plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"} }

// A picture is drawn to a canvas.
type picture struct {
	name, title string
	draw        func(draw.Canvas)
}

const width, height vg.Length = 760, 470

// png returns the picture with few colours, a quarter as long as with all.
func (p picture) png() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	p.draw(draw.New(c))
	to := image.NewPaletted(c.Image().Bounds(), shades())
	imagedraw.Draw(to, to.Bounds(), c.Image(), image.Point{}, imagedraw.Src)
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, to)
	return b.Bytes(), err
}

// shades are the colours and, for edges, what lies between them and white.
func shades() (all color.Palette) {
	const steps = 16
	mix := func(c uint8, i int) uint8 { return uint8((int(c)*i + 255*(steps-i)) / steps) }
	all = append(all, color.White)
	for _, c := range []color.RGBA{black, grey, light, orange, skyBlue, green, blue, vermilion, purple} {
		for i := 1; i <= steps; i++ {
			all = append(all, color.RGBA{mix(c.R, i), mix(c.G, i), mix(c.B, i), 255})
		}
	}
	return all
}

// small is the style of captions and marks.
func small() text.Style {
	return text.Style{Color: grey, Font: font.From(plot.DefaultFont, 8.5), Handler: plot.DefaultTextHandler, YAlign: draw.YTop}
}

// pictures are of each size of planes in the sweep.
func (r *report) pictures() (all []picture, err error) {
	var sides []int
	for _, res := range r.Sweep {
		side := res.setting.shape.H()
		if slices.Contains(sides, side) {
			continue
		}
		sides = append(sides, side)
		p, err := r.picture(side, res.setting.square())
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
		c, glyph := cmp.Or(kernelColors[k], blue), []draw.GlyphDrawer{draw.CircleGlyph{}, draw.RingGlyph{}, draw.CrossGlyph{}}[i%3]
		all = append(all, &line{name: "dropblock " + k, task: task{opForward, k, 1}, color: c, glyph: glyph})
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
	p := plot.New()
	p.Title.Text, p.Title.TextStyle.Font.Size, p.Title.Padding = title, 13, 6
	p.X.Label.Text, p.Y.Label.Text = "size of the feature map", "ns per element"
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size, a.Label.Padding, a.Tick.Label.Font.Size, a.Padding = 11, 4, 10, 0
	}
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = bytesTicks{}, plot.LogTicks{Prec: -1}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = light, light
	p.Add(grid)

	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.YPosition = true, true, draw.PosTop
	legend.TextStyle.Font.Size, legend.ThumbnailWidth, legend.Padding = 10, 24, 7
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

	words := r.caption() + "\nBy the clock, one thread unless said. Dropout has no blocks."
	if len(r.Machine.Caches) > 0 {
		words += " Dotted: from here on, input and output together are larger than the cache."
	}
	return picture{fmt.Sprintf("time-%dx%d", planes, planes), title, func(c draw.Canvas) {
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
		const column, lineHeight, captionHeight = 150, 12, 3*12 + 12
		for i, l := range strings.Split(words, "\n") {
			c.FillText(small(), vg.Point{X: 8, Y: captionHeight - 8 - lineHeight*vg.Length(i)}, l)
		}
		c = draw.Crop(c, 6, -8, captionHeight, -6)
		p.Draw(draw.Crop(c, 0, -column, 0, 0))
		legend.Draw(draw.Crop(c, c.Max.X-c.Min.X-column+12, 0, 0, -34))
	}}, nil
}

// caption is what the figures depend on, in two lines.
func (r *report) caption() string {
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
		c.FillText(small(), vg.Point{X: at + 3, Y: c.Max.Y - 2}, name)
	}
}

// bytesTicks are powers of two, each second with a label.
type bytesTicks struct{}

func (bytesTicks) Ticks(lo, hi float64) (ticks []plot.Tick) {
	for power := 14; power < 40; power++ {
		tick := plot.Tick{Value: math.Ldexp(1, power)}
		if power%2 == 0 {
			tick.Label = fmt.Sprintf("%d %s", 1<<(power%10), [...]string{"B", "KiB", "MiB", "GiB"}[power/10])
		}
		if lo <= tick.Value && tick.Value <= hi {
			ticks = append(ticks, tick)
		}
	}
	return ticks
}
