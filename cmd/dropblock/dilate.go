package main

import (
	"fmt"
	"io"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/atomicfile"
	"github.com/dropblock-go/dropblock/internal/npy"
)

func dilate(o *options, args []string, stdout io.Writer) error {
	in, out := args[0], args[1]
	for _, f := range []namedPath{{"SEEDS", in}, {"MASK", out}} {
		if kindOf(f.path) != kindNpy {
			return usagef("%s %s: want a name that ends in .npy", f.name, f.path)
		}
	}
	if err := o.checkMask(namedPath{"SEEDS", in}, namedPath{"MASK", out}); err != nil {
		return err
	}
	a, s, err := readNpy(in, false)
	if err != nil {
		return err
	}
	seeds, err := a.Bits()
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	if o.cfg.Share == dropblock.ShareChannels && s.C() > 1 {
		return fmt.Errorf("%s: has %d channels; want 1 with -share channels", in, s.C())
	}
	layer, err := dropblock.New(o.cfg)
	if err != nil {
		return libraryError(err)
	}
	var m dropblock.Mask
	if err := layer.Grow(&m, s, seeds); err != nil {
		return fmt.Errorf("%s: %w", in, libraryError(err))
	}
	perCall := timed(func() { _ = layer.Grow(&m, s, seeds) })
	outputs := o.maskOutput(&m, a.Shape)
	outputs = append(outputs, atomicfile.File{Name: out, Write: func(w io.Writer) error { return npy.WriteBits(w, a.Shape, m.Words()) }})
	if err := atomicfile.WriteAll(outputs...); err != nil {
		return err
	}
	return o.print(stdout, a.Shape, layer, &m, perCall)
}
