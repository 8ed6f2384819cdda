package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/atomicfile"
	"github.com/dropblock-go/dropblock/internal/npy"
)

// A featureMap is the content of IN.
type featureMap struct {
	dims   []int
	shape  dropblock.Shape
	data   []float32
	encode func(w io.Writer, data []float32) error
}

func apply(o *options, args []string, stdout io.Writer) error {
	in, out := args[0], args[1]
	x, err := o.readMap(in, out)
	if err != nil {
		return err
	}
	layer, err := dropblock.New(o.cfg)
	if err != nil {
		return libraryError(err)
	}
	var m dropblock.Mask
	y := make([]float32, len(x.data))
	perCall := timed(func() {
		layer.SampleAt(&m, x.shape, o.at)
		dropblock.Apply(y, x.data, &m)
	})
	outputs := o.maskOutput(&m, x.dims)
	outputs = append(outputs, atomicfile.File{Name: out, Write: func(w io.Writer) error { return x.encode(w, y) }})
	if err := atomicfile.WriteAll(outputs...); err != nil {
		return err
	}
	return o.print(stdout, x.dims, layer, &m, perCall)
}

// readMap checks the files' names and formats before it reads IN.
func (o *options) readMap(in, out string) (*featureMap, error) {
	want := ".npy"
	switch kindOf(in) {
	case kindOther:
		return nil, usagef("IN %s: want a name that ends in .npy, .png, .jpg or .jpeg", in)
	case kindPNG, kindJPEG:
		want = ".png or .jpg"
	}
	if k := kindOf(out); k == kindOther || (k == kindNpy) != (want == ".npy") {
		return nil, usagef("OUT %s: want a name that ends in %s for IN %s", out, want, in)
	}
	if err := o.checkMask(namedPath{"IN", in}, namedPath{"OUT", out}); err != nil {
		return nil, err
	}
	if want == ".npy" {
		return readFloatMap(in)
	}
	return readPicture(in, out)
}

func readFloatMap(path string) (*featureMap, error) {
	a, s, err := readNpy(path, true)
	if err != nil {
		return nil, err
	}
	data, err := npy.Values[float32](a)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	order, dims := a.Order, a.Shape // The closure must not keep the bytes of a.
	return &featureMap{dims, s, data, func(w io.Writer, data []float32) error {
		return npy.Write(w, order, dims, data)
	}}, nil
}

// maskOutput is the file of -mask, if it is to be written. The mask has the
// dimensions of the feature map, with one channel if they share it.
func (o *options) maskOutput(m *dropblock.Mask, dims []int) []atomicfile.File {
	if o.mask == "" {
		return nil
	}
	dims = slices.Clone(dims)
	if c := len(dims) - 3; c >= 0 {
		dims[c] = m.MaskShape().C()
	}
	return []atomicfile.File{{Name: o.mask, Write: func(w io.Writer) error { return npy.WriteBits(w, dims, m.Words()) }}}
}
