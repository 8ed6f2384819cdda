package main

import (
	"io"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/atomicfile"
	"github.com/dropblock-go/dropblock/internal/npy"
)

// A featureMap is the content of IN.
type featureMap struct {
	axes   string // of the array, in memory order
	shape  dropblock.Shape
	elems  []byte // in this machine's order of bytes
	apply  applier
	encode func(w io.Writer, elems []byte) error
}

// An applier applies a mask to elements of a type: with noise where it drops, or zeros.
type applier func(dst, src []byte, m *dropblock.Mask, noise bool)

// applyTo has the element types that a mask is applied to, by NumPy's names.
var applyTo = map[string]applier{
	"float16":  applyAs[dropblock.Float16],
	"bfloat16": applyAs[dropblock.BFloat16],
	"float32":  applyAs[float32],
	"float64":  applyAs[float64],
}

func applyAs[E dropblock.Float](dst, src []byte, m *dropblock.Mask, noise bool) {
	apply := dropblock.Apply[E]
	if noise {
		apply = dropblock.ApplyNoise[E]
	}
	apply(npy.View[E](dst), npy.View[E](src), m)
}

func apply(o *options, args []string) error {
	in, out := args[0], args[1]
	layer, err := o.newLayer()
	if err != nil {
		return err
	}
	x, err := o.readMap(in, out)
	if err != nil {
		return err
	}
	var m dropblock.Mask
	y := x.elems
	if o.time { // Repeated calls must not see each other's results.
		y = npy.NewElems(len(x.elems))
	}
	perCall := o.timed(func() {
		layer.SampleAt(&m, x.shape, o.at)
		x.apply(y, x.elems, &m, o.fill == fillNoise)
	})
	err = atomicfile.WriteAll(append(o.maskOutput(&m, x.axes), o.output(out, func(w io.Writer) error { return x.encode(w, y) }))...)
	if err != nil {
		return err
	}
	return o.print(o.newReport(layer, &m, x.axes, perCall).expect(layer, x.shape), out)
}

// readMap checks the files' names and formats before it reads IN.
func (o *options) readMap(in, out string) (*featureMap, error) {
	if in != std && kindOf(in) == kindOther {
		return nil, usagef("IN %s: want a name that ends in .npy, .png, .jpg or .jpeg, or - for standard input", in)
	}
	if out != std && kindOf(out) == kindOther {
		return nil, usagef("OUT %s: want a name that ends in .npy, .png, .jpg or .jpeg, or - for standard output", out)
	}
	if in != std {
		if err := checkOut(in, kindOf(in), out); err != nil {
			return nil, err
		}
	}
	if err := o.checkMask(namedPath{"IN", in}, namedPath{"OUT", out}); err != nil {
		return nil, err
	}
	f, err := o.open(in)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if f.kind == kindOther { // OUT says what it should be.
		f.kind = max(kindOf(out), kindNpy)
	}
	if err := checkOut(in, f.kind, out); err != nil {
		return nil, err
	}
	if f.kind == kindNpy {
		return o.readFloatMap(f)
	}
	if o.layout != nil {
		return nil, usagef("-layout %s: a picture has its own layout; want none for IN %s", strings.ToLower(o.layout.String()), in)
	}
	if o.bfloat16 {
		return nil, usagef("-dtype bfloat16: a picture has its own type; want none for IN %s", in)
	}
	return o.readPicture(f, out)
}

// checkOut refuses an OUT of another kind than IN.
func checkOut(in string, k kind, out string) error {
	want := ".png or .jpg"
	if k == kindNpy {
		want = ".npy"
	}
	if out != std && (kindOf(out) == kindNpy) != (k == kindNpy) {
		return usagef("OUT %s: want a name that ends in %s for IN %s", out, want, in)
	}
	return nil
}

func (o *options) readFloatMap(in *input) (*featureMap, error) {
	a, axes, s, err := o.readArray(in, true)
	if err != nil {
		return nil, err
	}
	return &featureMap{axes, s, a.Elems, applyTo[a.Name], a.Write}, nil
}

// maskOutput is the file of -mask, if it is to be written. The mask has the axes of the
// feature map, of extent 1 where elements share it.
func (o *options) maskOutput(m *dropblock.Mask, axes string) []atomicfile.File {
	if o.mask == "" {
		return nil
	}
	return []atomicfile.File{o.output(o.mask, func(w io.Writer) error {
		return npy.WriteBits(w, extents(m.MaskShape(), axes), m.Words())
	})}
}
