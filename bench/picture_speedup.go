package main

import (
	"cmp"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A barGroup is a peer on a setting, with our kernel sets' speed-ups.
type barGroup struct {
	label string
	times []float64 // of the kernel sets; NaN where not measured
}

// rows are of the peers that only dilate, or of the others, peer by peer.
func (r *report) rows(dilate bool) (rows []barGroup) {
	var peers []string
	for _, res := range r.Results {
		for _, s := range res.SpeedUps {
			if (s.Op == opDilate) == dilate && !slices.Contains(peers, s.Peer) {
				peers = append(peers, s.Peer)
			}
		}
	}
	for _, peer := range peers {
		for _, res := range r.Results {
			times, any := make([]float64, len(r.Kernels)), false
			for i, k := range r.Kernels {
				times[i] = math.NaN()
				for _, s := range res.SpeedUps {
					if s.Peer == peer && s.Impl == k && s.Threads == 1 {
						times[i], any = s.Times.Median, true
					}
				}
			}
			if any {
				shape := strings.NewReplacer("x", "×", "-b", ", block ", "/share=channels", ", shared").Replace(res.Setting)
				rows = append(rows, barGroup{peer + "   " + shape, times})
			}
		}
	}
	return rows
}

// speedUpPicture has a group of bars for a row, from 1 on, over a logarithmic
// axis.
func (r *report) speedUpPicture(name, title string, rows []barGroup) picture {
	p := newPlot(title, "times as fast, one thread each", "")
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = decades{"×"}
	lo, hi := 1.0, 1.0
	var names []plot.Tick
	for i, row := range rows {
		names = append(names, plot.Tick{Value: float64(len(rows) - 1 - i), Label: row.label})
		for _, t := range row.times {
			if !math.IsNaN(t) {
				lo, hi = min(lo, t), max(hi, t)
			}
		}
	}
	p.X.Min, p.X.Max = lo/1.1, hi*1.7 // Room for the figure behind the longest bar.
	if lo < 1 {
		p.X.Min = lo / 1.7
	}
	p.Y.Min, p.Y.Max = -0.6, float64(len(rows))-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(names)
	p.Y.Tick.Length = 0
	p.Y.Tick.Label.Font.Size = 9.5
	p.Y.LineStyle.Width = 0
	p.Add(bars{rows, r.colors()})

	const title0, axis, entry = 40, 46, 10
	height := vg.Length(len(rows)*(entry*len(r.Kernels)+7)) + title0 + axis + 50
	words := r.pictureCaption(r.Rounds)
	if slices.ContainsFunc(rows, func(r barGroup) bool { return strings.HasSuffix(r.label, "shared") }) {
		words += ". Shared: one mask for all channels"
	}
	return picture{name, title, 760, height, func(c draw.Canvas) {
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
		c = caption(c, words)
		key := draw.Crop(c, 0, 0, c.Max.Y-c.Min.Y-14, 0)
		at := key.Min.X + 6
		for i, k := range r.Kernels {
			s := style(10, black)
			label := "dropblock " + k
			key.FillPolygon(r.colors()[i], rectangle(at, key.Min.Y+1, at+14, key.Min.Y+11))
			s.YAlign = draw.YBottom
			key.FillText(s, vg.Point{X: at + 19, Y: key.Min.Y + 1}, label)
			at += 19 + s.Width(label) + 24
		}
		p.Draw(draw.Crop(c, 0, 0, 0, -22))
	}}
}

func (r *report) colors() (all []color.Color) {
	for _, k := range r.Kernels {
		c := kernelColors[k]
		all = append(all, cmp.Or(c, blue))
	}
	return all
}

func rectangle(x0, y0, x1, y1 vg.Length) []vg.Point {
	return []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

// bars are drawn from 1, with their figures.
type bars struct {
	rows   []barGroup
	colors []color.Color
}

func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if t.Label != "" {
			c.StrokeLine2(draw.LineStyle{Color: light, Width: 0.7}, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
		}
	}
	for i, row := range b.rows {
		middle := float64(len(b.rows) - 1 - i)
		thick := 0.8 / float64(len(row.times))
		for j, t := range row.times {
			if math.IsNaN(t) {
				continue
			}
			top := middle + 0.4 - float64(j)*thick
			y0, y1 := y(top-thick*0.92), y(top)
			c.FillPolygon(b.colors[j], rectangle(x(min(t, 1)), y0, x(max(t, 1)), y1))
			s := style(8, black)
			s.YAlign = draw.YCenter
			c.FillText(s, vg.Point{X: x(max(t, 1)) + 3, Y: (y0 + y1) / 2}, figure(t)+"×")
		}
	}
	c.StrokeLine2(draw.LineStyle{Color: black, Width: 1}, x(1), c.Min.Y, x(1), c.Max.Y)
}
