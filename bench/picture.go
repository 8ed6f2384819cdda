package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"image/png"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
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

// A picture is drawn to a canvas of a size.
type picture struct {
	name, title   string
	width, height vg.Length
	draw          func(draw.Canvas)
}

// png returns the picture with few colours, a quarter as long as with all.
func (p picture) png() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(p.width, p.height), vgimg.UseDPI(dpi))
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

func style(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color: c, Font: font.From(plot.DefaultFont, size), Handler: plot.DefaultTextHandler,
		XAlign: draw.XLeft, YAlign: draw.YTop,
	}
}

// newPlot is a plot with a title and axes of readable size.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font.Size = 13
	p.Title.Padding = 6
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size = 11
		a.Tick.Label.Font.Size = 10
		a.Padding = 0
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Label.Padding, p.Y.Label.Padding = 4, 4
	return p
}

// caption writes at the lower edge and returns what is left of the canvas.
func caption(c draw.Canvas, words string) draw.Canvas {
	lines := strings.Split(words, "\n")
	const line = vg.Length(12)
	for i, l := range lines {
		c.FillText(style(8.5, grey), vg.Point{X: c.Min.X + 8, Y: c.Min.Y + 4 + line*vg.Length(len(lines)-i)}, l)
	}
	return draw.Crop(c, 6, -8, line*vg.Length(len(lines))+12, -6)
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
