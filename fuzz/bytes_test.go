package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// maskBytesInput reads bytes that need not be those of a mask.
type maskBytesInput struct{ data []byte }

func (in maskBytesInput) check() error {
	var mask dropblock.Mask
	mask.Identity(dropblock.NWC(1, 2, 3))
	before, err := mask.MarshalBinary()
	if err != nil {
		return err
	}
	refused := mask.UnmarshalBinary(in.data)
	after, err := mask.MarshalBinary()
	switch {
	case err != nil:
		return err
	case refused != nil && !bytes.Equal(after, before):
		return fmt.Errorf("the mask is changed in spite of the error %q", refused)
	case refused != nil:
		return nil
	case !bytes.Equal(after, in.data):
		return fmt.Errorf("the mask has the bytes %x", after)
	}

	s, bits := mask.Shape(), mask.MaskShape()
	if s.Len() == 0 || s.Len() > 1<<14 { // Extents without elements may be of any size.
		return nil
	}
	p := reference.Params{
		Layout: s.Layout().String(), N: s.N(), C: s.C(), D: s.D(), H: s.H(), W: s.W(),
		Norm: dropblock.Norm(in.data[8]).String(),
	}
	switch samples, channels := bits.N() < s.N(), bits.C() < s.C(); {
	case samples && channels:
		p.Share = "all"
	case samples:
		p.Share = "batch"
	case channels:
		p.Share = "channels"
	}
	keep, scales := reference.Bits(mask.Words(), mask.Len()), mask.Scales()
	if len(scales) > 1 { // A single one is stored: it may be that of a whole batch.
		if err := sameScales(scales, p.Scales(keep)); err != nil {
			return err
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	out := newOutputs(elementType[float32]{&reference.Float32}, r, p.Spread(keep))
	out.compute(r, &p, scales)
	dropblock.Apply(out.laid.dst, out.x, &mask)
	return errors.Join(same("Kept", mask.Kept(), reference.Count(keep)), out.same(out.scaled), out.unchanged())
}

// drawnBytes are those of a mask that a layer draws, and one time in four rescales.
func drawnBytes(r *rand.Rand) []byte {
	_, p := randomMap(r, 16, 300)
	p.P, p.Seed, p.Step, p.Sample, p.Stride = .3, r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()
	tame(&p)
	layer, err := dropblock.New(config(&p, dropblock.KernelSet{}))
	if err != nil {
		panic(err)
	}
	var mask dropblock.Mask
	layer.SampleAt(&mask, shape(&p), position(&p))
	if r.IntN(4) == 0 {
		mask.Rescale(mask.Kept()/2, mask.Len())
	}
	data, err := mask.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return data
}

// randomMaskBytes have some bytes changed, but for one time in four.
func randomMaskBytes(r *rand.Rand) input {
	data := drawnBytes(r)
	for range r.IntN(4) {
		data[6+r.IntN(len(data)-6)] = byte(r.IntN(1 << r.IntN(9)))
	}
	return maskBytesInput{data}
}

func FuzzMaskBytes(f *testing.F) {
	add := func(m *dropblock.Mask) {
		data, err := m.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	var m dropblock.Mask
	m.Identity(dropblock.NHWC(2, 5, 4, 3))
	add(&m)
	if err := m.SetKeep(dropblock.NCW(3, 2, 11), []uint64{0x123456789abcdef0, 3}); err != nil {
		f.Fatal(err)
	}
	add(&m)
	for i := range uint64(100) {
		f.Add(drawnBytes(rand.New(rand.NewPCG(i, 0))))
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(t, maskBytesInput{data}) })
}
