package main

import (
	"image/png"
	"io"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/atomicfile"
)

func show(o *options, args []string, stdout io.Writer) error {
	out := args[0]
	if kindOf(out) != kindPNG {
		return usagef("OUT %s: want a name that ends in .png", out)
	}
	if err := o.checkMask(namedPath{"OUT", out}); err != nil {
		return err
	}
	layer, err := dropblock.New(o.cfg)
	if err != nil {
		return libraryError(err)
	}
	s := dropblock.NCHW(1, 1, o.rows, o.cols)
	var m dropblock.Mask
	perCall := timed(func() { layer.SampleAt(&m, s, o.at) })
	seeds := make([]uint64, len(m.Words()))
	layer.DrawSeeds(seeds, s, o.at)
	fig := newFigure(layer, &m, seeds)
	dims := []int{o.rows, o.cols}
	outputs := o.maskOutput(&m, dims)
	outputs = append(outputs, atomicfile.File{Name: out, Write: func(w io.Writer) error { return png.Encode(w, fig.draw()) }})
	if err := atomicfile.WriteAll(outputs...); err != nil {
		return err
	}
	return o.print(stdout, dims, layer, &m, perCall)
}
