package main

import (
	"image/png"
	"io"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/atomicfile"
)

func show(o *options, args []string) error {
	out := args[0]
	if out != std && kindOf(out) != kindPNG {
		return usagef("OUT %s: want a name that ends in .png, or - for standard output", out)
	}
	if err := o.checkMask(namedPath{"OUT", out}); err != nil {
		return err
	}
	layer, err := o.newLayer()
	if err != nil {
		return err
	}
	axes, s, err := o.shownShape()
	if err != nil {
		return err
	}
	var m dropblock.Mask
	perCall := o.timed(func() { layer.SampleAt(&m, s, o.at) })
	seeds := make([]uint64, len(m.Words()))
	layer.DrawSeeds(seeds, s, o.at)
	fig := newFigure(layer, &m, seeds, o.at.Step)
	err = atomicfile.WriteAll(append(o.maskOutput(&m, axes), o.output(out, func(w io.Writer) error { return png.Encode(w, fig.draw()) }))...)
	if err != nil {
		return err
	}
	return o.print(o.newReport(layer, &m, axes, perCall).expect(layer, s), out)
}

// shownShape is the shape of one channel of -size: in a layout with one axis a row, in one
// with three a plane.
func (o *options) shownShape() (axes string, s dropblock.Shape, err error) {
	layout := dropblock.LayoutNCHW
	if o.layout != nil {
		layout = *o.layout
	}
	axes = layoutAxes(layout)[2]
	rows, cols := o.size[0], o.size[len(o.size)-1]
	dims := []int{1, rows, cols}[3-len(axes):]
	if len(axes) == 1 && len(o.size) == 2 && rows > 1 {
		return "", s, usagef("-size %s: want one size, 14, or 1x14, with -layout %s", join(o.size), strings.ToLower(layout.String()))
	}
	wide := *o
	wide.layout = &layout
	return wide.shapeOf(dims)
}
