package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math/bits"
	"strconv"
	"strings"

	"github.com/dropblock-go/dropblock"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// A figure is figure 2 of the paper, its two panels in one: the region of the
// seeds, the seeds, and the blocks that they grow to.
type figure struct {
	rows, cols int
	block      image.Point     // the size of a block, clipped to the map
	region     image.Rectangle // of cells where a seed may fall
	regionName string
	seeds      []image.Point
	keep       []uint64
	lines      []string // above the map, the first one its title
}

func newFigure(l *dropblock.Layer, m *dropblock.Mask, seeds []uint64, step uint64) *figure {
	cfg, s := l.Config(), m.Shape()
	first, last := l.ValidOn(s)
	f := &figure{
		rows: s.H(), cols: s.W(),
		block:      sizeOf(l.BlockOn(s)),
		region:     image.Rect(first.W, first.H, last.W+1, last.H+1),
		regionName: cfg.Region.String() + " region",
		keep:       m.Words(),
	}
	for i, w := range seeds {
		for ; w != 0; w &= w - 1 {
			at := 64*i + bits.TrailingZeros64(w)
			f.seeds = append(f.seeds, image.Pt(at%f.cols, at/f.cols))
		}
	}
	p := fmt.Sprintf("p %.4g", cfg.DropProb)
	if cfg.Ramp != (dropblock.Ramp{}) {
		p += fmt.Sprintf(" (ramp %v, step %d)", cfg.Ramp, step)
	}
	f.lines = []string{
		fmt.Sprintf("DropBlock on %s, %s", mapText(s), blockText(cfg.Block, l.BlockOn(s), s)),
		fmt.Sprintf("%s, gamma %.4g: %s, %d of %d cells dropped (%.1f%%)", p, m.Gamma(),
			count(len(f.seeds), "seed"), m.Dropped(), f.rows*f.cols, 100*float64(m.Dropped())/float64(f.rows*f.cols)),
	}
	return f
}

// sizeOf is the size of a block, X columns and Y rows.
func sizeOf(b dropblock.Block) image.Point {
	_, h, w := b.Size()
	return image.Pt(w, h)
}

// times is "7×5".
func times(sizes ...int) string { return strings.ReplaceAll(join(sizes), "x", "×") }

func mapText(s dropblock.Shape) string {
	axes := layoutAxes(s.Layout())[2]
	if len(axes) == 1 {
		return fmt.Sprintf("a row of %d", s.W())
	}
	return fmt.Sprintf("a %s map", times(extents(s, axes)...))
}

// blockText names a block and what became of it on a map, on the axes that the layout has.
func blockText(block, on dropblock.Block, s dropblock.Shape) string {
	sizes := func(b dropblock.Block) string {
		d, h, w := b.Size()
		return times([]int{d, h, w}[3-len(layoutAxes(s.Layout())[2]):]...)
	}
	switch _, _, w := block.Size(); {
	case w == 0:
		return fmt.Sprintf("block %v of each axis, %s", block, sizes(on))
	case sizes(block) != sizes(on):
		return fmt.Sprintf("block %s, clipped to %s", sizes(block), sizes(on))
	}
	return "block " + sizes(block)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (f *figure) kept(col, row int) bool {
	at := row*f.cols + col
	return f.keep[at/64]>>(at%64)&1 != 0
}

var (
	paper       = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
	ink         = color.NRGBA{0x1F, 0x23, 0x28, 0xFF}
	faint       = color.NRGBA{0x5B, 0x62, 0x6D, 0xFF}
	validFill   = color.NRGBA{0xC6, 0xEB, 0xC2, 0xFF}
	validEdge   = color.NRGBA{0x2E, 0x9B, 0x45, 0xFF}
	droppedFill = color.NRGBA{0x3A, 0x3F, 0x47, 0xFF}
	gridLine    = color.NRGBA{0x80, 0x88, 0x90, 0x80}
	crossFill   = color.NRGBA{0xE8, 0x1B, 0x23, 0xFF}
	crossEdge   = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
)

const (
	plotSize  = 896 // pixels that the longer side of the map may take
	minCell   = 2
	maxCell   = 36
	lineCell  = 8  // cells from this size on have a grid line each
	tickGap   = 36 // pixels between numbers on an axis
	margin    = 22
	axisWidth = 30 // of the numbers beside the map
	lineStep  = 22 // of text
	swatch    = 14
	fontSize  = 14
)

// A canvas is the picture and the fonts.
type canvas struct {
	*image.NRGBA
	regular, bold font.Face
}

func newFace(ttf []byte, size float64) font.Face {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(err) // The fonts are part of the program.
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic(err)
	}
	return face
}

func (f *figure) draw() image.Image {
	c := &canvas{regular: newFace(goregular.TTF, fontSize), bold: newFace(gobold.TTF, fontSize+3)}
	cell := min(max(plotSize/max(f.rows, f.cols), minCell), maxCell)
	top := margin + len(f.lines)*lineStep + lineStep
	plot := image.Rect(0, 0, f.cols*cell, f.rows*cell).Add(image.Pt(margin+axisWidth, top))
	legend := f.legend()
	width := plot.Max.X
	for _, e := range legend {
		width = max(width, margin+e.width(c))
	}
	width = max(width, margin+axisWidth+c.textWidth(c.bold, f.lines[0]), margin+axisWidth+c.textWidth(c.regular, f.lines[1]))
	legendTop := plot.Max.Y + margin
	legendRows := flow(c, legend, plot.Min.X, width)
	c.NRGBA = image.NewNRGBA(image.Rect(0, 0, width+margin, legendTop+legendRows*lineStep+margin-lineStep/3))
	c.fill(c.Rect, paper)

	c.text(c.bold, plot.Min.X, margin+fontSize, f.lines[0], ink)
	c.text(c.regular, plot.Min.X, margin+fontSize+lineStep, f.lines[1], faint)
	f.drawCells(c, plot.Min, cell)
	f.drawGrid(c, plot, cell)
	for _, s := range f.seeds {
		at := plot.Min.Add(s.Mul(cell))
		c.cross(float32(at.X)+float32(cell)/2, float32(at.Y)+float32(cell)/2, f.crossSize(cell))
	}
	for _, e := range legend {
		e.draw(c, legendTop)
	}
	return c.NRGBA
}

func (f *figure) drawCells(c *canvas, origin image.Point, cell int) {
	for row := range f.rows {
		for col := range f.cols {
			at := image.Pt(col, row)
			fill := paper
			switch {
			case !f.kept(col, row):
				fill = droppedFill
			case at.In(f.region):
				fill = validFill
			}
			c.fill(image.Rect(0, 0, cell, cell).Add(origin.Add(at.Mul(cell))), fill)
		}
	}
}

// drawGrid draws a line for every cell, or for every numbered one where cells
// are small, the numbers, and the border of the region.
func (f *figure) drawGrid(c *canvas, plot image.Rectangle, cell int) {
	tick := 1
	for tick*cell < tickGap {
		tick *= 2
	}
	step := tick
	if cell >= lineCell {
		step = 1
	}
	for col := 0; col <= f.cols; col += step {
		x := plot.Min.X + col*cell
		c.blend(image.Rect(x, plot.Min.Y, x+1, plot.Max.Y+1), gridLine)
	}
	for row := 0; row <= f.rows; row += step {
		y := plot.Min.Y + row*cell
		c.blend(image.Rect(plot.Min.X, y, plot.Max.X+1, y+1), gridLine)
	}
	c.frame(image.Rectangle{plot.Min, plot.Max.Add(image.Pt(1, 1))}, 1, faint)
	region := image.Rectangle{f.region.Min.Mul(cell), f.region.Max.Mul(cell).Add(image.Pt(1, 1))}
	c.frame(region.Add(plot.Min), 2, validEdge)
	for col := 0; col < f.cols; col += tick {
		s := strconv.Itoa(col)
		x := plot.Min.X + col*cell + (cell-c.textWidth(c.regular, s))/2
		c.text(c.regular, max(x, plot.Min.X), plot.Min.Y-6, s, faint)
	}
	for row := 0; row < f.rows; row += tick {
		s := strconv.Itoa(row)
		y := plot.Min.Y + row*cell + (cell+fontSize)/2 - 2
		c.text(c.regular, plot.Min.X-8-c.textWidth(c.regular, s), max(y, plot.Min.Y+fontSize-4), s, faint)
	}
}

// crossSize returns the size of a seed's cross: most of a cell, or of the block if
// cells are small.
func (f *figure) crossSize(cell int) float32 {
	block := float32(min(f.block.X, f.block.Y) * cell)
	return max(0.6*float32(cell), min(0.5*block, 13), 4)
}

type legendEntry struct {
	text string
	fill color.NRGBA
	edge color.NRGBA
	seed bool
	x    int
	row  int
}

func (f *figure) legend() []*legendEntry {
	return []*legendEntry{
		{text: f.regionName, fill: validFill, edge: validEdge},
		{text: "seed", seed: true},
		{text: "dropped", fill: droppedFill, edge: droppedFill},
		{text: "kept", fill: paper, edge: faint},
	}
}

func (e *legendEntry) width(c *canvas) int { return swatch + 8 + c.textWidth(c.regular, e.text) }

// flow places the entries from left on in rows that end at right, and returns
// how many rows there are.
func flow(c *canvas, entries []*legendEntry, left, right int) int {
	x, row := left, 0
	for _, e := range entries {
		if x > left && x+e.width(c) > right {
			x, row = left, row+1
		}
		e.x, e.row = x, row
		x += e.width(c) + 24
	}
	return row + 1
}

func (e *legendEntry) draw(c *canvas, top int) {
	y := top + e.row*lineStep
	box := image.Rect(e.x, y, e.x+swatch, y+swatch)
	if e.seed {
		c.cross(float32(e.x)+swatch/2, float32(y)+swatch/2, swatch-2)
	} else {
		c.fill(box, e.fill)
		c.frame(box, 1, e.edge)
	}
	c.text(c.regular, box.Max.X+8, y+swatch-2, e.text, ink)
}

func (c *canvas) fill(r image.Rectangle, fill color.NRGBA) {
	draw.Draw(c, r, image.NewUniform(fill), image.Point{}, draw.Src)
}

func (c *canvas) blend(r image.Rectangle, fill color.NRGBA) {
	draw.Draw(c, r, image.NewUniform(fill), image.Point{}, draw.Over)
}

// frame draws a border of a width inside r.
func (c *canvas) frame(r image.Rectangle, width int, fill color.NRGBA) {
	inner := r.Inset(width)
	for _, edge := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, inner.Min.Y)},
		{image.Pt(r.Min.X, inner.Max.Y), r.Max},
		{r.Min, image.Pt(inner.Min.X, r.Max.Y)},
		{image.Pt(inner.Max.X, r.Min.Y), r.Max},
	} {
		c.fill(edge, fill)
	}
}

func (c *canvas) textWidth(face font.Face, s string) int {
	return font.MeasureString(face, s).Ceil()
}

func (c *canvas) text(face font.Face, x, y int, s string, fill color.NRGBA) {
	d := font.Drawer{Dst: c, Src: image.NewUniform(fill), Face: face, Dot: fixed.P(x, y)}
	d.DrawString(s)
}

// cross draws a cross of a size around a point, with a light edge if there is room for
// one.
func (c *canvas) cross(x, y, size float32) {
	stroke := max(size/5, 1.6)
	if size >= 8 {
		c.strokes(x, y, size+1.6, stroke+1.8, crossEdge)
	}
	c.strokes(x, y, size, stroke, crossFill)
}

// strokes draws the two diagonals of a square.
func (c *canvas) strokes(x, y, size, stroke float32, fill color.NRGBA) {
	const root = 0.70710678
	along, across := size/2, stroke/2*root
	reach := int(along+across) + 2
	box := image.Rect(int(x)-reach, int(y)-reach, int(x)+reach, int(y)+reach)
	x, y = x-float32(box.Min.X), y-float32(box.Min.Y)
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	for _, down := range []float32{1, -1} {
		ex, ey := along, down*along
		nx, ny := -down*across, across
		r.Reset(box.Dx(), box.Dy())
		r.MoveTo(x-ex+nx, y-ey+ny)
		r.LineTo(x+ex+nx, y+ey+ny)
		r.LineTo(x+ex-nx, y+ey-ny)
		r.LineTo(x-ex-nx, y-ey-ny)
		r.ClosePath()
		r.Draw(c, box, image.NewUniform(fill), image.Point{})
	}
}
