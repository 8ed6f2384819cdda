package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/atomicfile"
	"github.com/dropblock-go/dropblock/internal/npy"
)

func dilate(o *options, args []string) error {
	in, out := args[0], args[1]
	for _, f := range []namedPath{{"SEEDS", in}, {"MASK", out}} {
		if f.path != std && kindOf(f.path) != kindNpy {
			return usagef("%s %s: want a name that ends in .npy, or -", f.name, f.path)
		}
	}
	if err := o.checkMask(namedPath{"SEEDS", in}, namedPath{"MASK", out}); err != nil {
		return err
	}
	layer, err := o.newLayer()
	if err != nil {
		return err
	}
	f, err := o.open(in)
	if err != nil {
		return err
	}
	defer f.close()
	a, axes, s, err := o.readArray(f, false)
	if err != nil {
		return err
	}
	seeds, err := a.Bits()
	if err == nil {
		err = o.checkShared(extents(s, axes), axes)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	var m dropblock.Mask
	if err := layer.GrowAt(&m, s, o.at, seeds); err != nil {
		return fmt.Errorf("%s: %w", f.name, libraryError(err))
	}
	perCall := o.timed(func() { _ = layer.GrowAt(&m, s, o.at, seeds) })
	err = atomicfile.WriteAll(append(o.maskOutput(&m, axes), o.output(out, func(w io.Writer) error {
		return npy.WriteBits(w, extents(s, axes), m.Words())
	}))...)
	if err != nil {
		return err
	}
	return o.print(o.newReport(layer, &m, axes, perCall), out)
}

// shared are the axes along which elements share a mask.
var shared = map[dropblock.Share]string{
	dropblock.ShareChannels: "C", dropblock.ShareBatch: "N", dropblock.ShareAll: "NC",
}

// checkShared refuses seeds of more than one mask for elements that share it.
func (o *options) checkShared(dims []int, axes string) error {
	names := map[rune]string{'N': "samples", 'C': "channels"}
	for i, axis := range axes {
		if strings.ContainsRune(shared[o.cfg.Share], axis) && dims[i] > 1 {
			return fmt.Errorf("has %d %s; want 1 with -share %v", dims[i], names[axis], o.cfg.Share)
		}
	}
	return nil
}
