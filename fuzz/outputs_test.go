package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// laid is a slice anywhere in guarded memory.
type laid[E any] struct {
	buf *guard.Buffer
	dst []E
}

func newLaid[E any](r *rand.Rand, n int) laid[E] {
	size := int(unsafe.Sizeof(*new(E)))
	buf := guard.Heap(n*size + guard.Align)
	return laid[E]{buf, guard.Middle[E](buf, r.IntN(guard.Align/size)*size, n)}
}

// checkKeep writes a mask as bytes, and as booleans to the same memory.
func checkKeep(l laid[uint8], m *dropblock.Mask, keep []bool) error {
	dropblock.KeepTo(l.dst, m)
	if err := errors.Join(sameKeep(l.dst, keep), guard.Check(l.buf, l.dst)); err != nil {
		return fmt.Errorf("KeepTo of bytes: %w", err)
	}
	dropblock.KeepTo(boolsOf(l.dst), m)
	if err := errors.Join(sameKeep(l.dst, keep), guard.Check(l.buf, l.dst)); err != nil {
		return fmt.Errorf("KeepTo of booleans: %w", err)
	}
	return nil
}

// boolsOf returns bytes as booleans, in the same memory.
func boolsOf(s []uint8) []bool {
	return unsafe.Slice((*bool)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

// outputs are random feature maps, and what the reference makes of them by a mask.
type outputs[E dropblock.Float] struct {
	of   elementType[E]
	keep []bool
	laid laid[E]

	x, other         []E
	xCopy, otherCopy []E
	scaled           []E // x
	added, doubled   []E // x, added to other and to itself
	filled, noisy    []E // x, with other or noise where it is dropped
	factors          []E // the mask itself
}

func newOutputs[E dropblock.Float](of elementType[E], r *rand.Rand, keep []bool) *outputs[E] {
	x := of.random(r, len(keep))
	return &outputs[E]{of: of, keep: keep, x: x, xCopy: slices.Clone(x), laid: newLaid[E](r, len(keep))}
}

// compute takes the scales of a mask of p.
func (o *outputs[E]) compute(r *rand.Rand, p *reference.Params, scales []float64) {
	o.other = o.of.random(r, len(o.keep))
	o.otherCopy = slices.Clone(o.other)
	o.scaled, o.factors, o.filled, o.noisy = make([]E, len(o.keep)), make([]E, len(o.keep)), slices.Clone(o.other), o.noise(p)
	o.added, o.doubled = o.other, o.x
	o.eachScale(p, scales, func(keep []bool, scale float64) {
		o.scaled = o.of.Fill(o.x, o.scaled, keep, scale)
		o.added, o.doubled = o.of.Add(o.added, o.x, keep, scale), o.of.Add(o.doubled, o.x, keep, scale)
		factor := o.of.Expand([]bool{true}, scale)[0]
		for i, kept := range keep {
			if kept {
				o.filled[i], o.noisy[i], o.factors[i] = o.scaled[i], o.scaled[i], factor
			}
		}
	})
}

// noise is what dropped elements have of each sample's own, even if they share a mask.
func (o *outputs[E]) noise(p *reference.Params) []E {
	noise, key := make([]E, len(o.keep)), reference.Key(p.Seed, p.Layer, p.Step)
	sample := len(noise) / max(p.N, 1) // elements
	for i, kept := range o.keep {
		if !kept {
			index := p.Sample + uint64(i/sample)*max(p.Stride, 1)
			noise[i] = o.of.Nearest(float64(reference.Noise(key, index, i%sample)))
		}
	}
	return noise
}

// eachScale visits the different scales, with the kept elements that have them.
func (o *outputs[E]) eachScale(p *reference.Params, scales []float64, visit func(keep []bool, scale float64)) {
	if len(scales) == 1 {
		visit(o.keep, scales[0])
		return
	}
	factors := p.Factors(scales)
	for _, scale := range slices.Compact(slices.Sorted(slices.Values(scales))) {
		keep := slices.Clone(o.keep)
		for i, s := range factors {
			keep[i] = keep[i] && s == scale
		}
		visit(keep, scale)
	}
}

// check holds everything that is written by a mask to what was computed.
func (o *outputs[E]) check(m *dropblock.Mask, parts int) error {
	eachPart := func(call func(part int)) {
		for part := range parts {
			call(part)
		}
	}
	dst, x, other := o.laid.dst, o.x, o.other
	for _, c := range []struct {
		name      string
		old, want []E
		write     func()
	}{
		{"Apply", other, o.scaled, func() { dropblock.Apply(dst, x, m) }},
		{"Apply in place", x, o.scaled, func() { dropblock.Apply(dst, dst, m) }},
		{"ApplyPart", other, o.scaled, func() { eachPart(func(part int) { dropblock.ApplyPart(dst, x, m, part, parts) }) }},
		{"ApplyAdd", other, o.added, func() { dropblock.ApplyAdd(dst, x, m) }},
		{"ApplyAdd in place", x, o.doubled, func() { dropblock.ApplyAdd(dst, dst, m) }},
		{"ApplyAddPart", other, o.added, func() { eachPart(func(part int) { dropblock.ApplyAddPart(dst, x, m, part, parts) }) }},
		{"ApplyFill", x, o.filled, func() { dropblock.ApplyFill(dst, x, other, m) }},
		{"ApplyFill in place", x, o.filled, func() { dropblock.ApplyFill(dst, dst, other, m) }},
		{"ApplyFill in place of fill", other, o.filled, func() { dropblock.ApplyFill(dst, x, dst, m) }},
		{"ApplyFillPart", x, o.filled, func() { eachPart(func(part int) { dropblock.ApplyFillPart(dst, x, other, m, part, parts) }) }},
		{"ApplyNoise", other, o.noisy, func() { dropblock.ApplyNoise(dst, x, m) }},
		{"ApplyNoise in place", x, o.noisy, func() { dropblock.ApplyNoise(dst, dst, m) }},
		{"ApplyNoisePart", other, o.noisy, func() { eachPart(func(part int) { dropblock.ApplyNoisePart(dst, x, m, part, parts) }) }},
		{"ScaleTo", other, o.factors, func() { dropblock.ScaleTo(dst, m) }},
	} {
		copy(dst, c.old)
		c.write()
		if err := o.same(c.want); err != nil {
			return fmt.Errorf("%s, %d parts: %w", c.name, parts, err)
		}
	}
	return o.unchanged()
}

// same compares the output. What is dropped has no arithmetic, and so has the same bits even
// for NaN.
func (o *outputs[E]) same(want []E) error {
	got := o.laid.dst
	if !bytes.Equal(guard.Bytes(got), guard.Bytes(want)) {
		if err := o.of.Same(got, want); err != nil {
			return err
		}
		for i, keep := range o.keep {
			if g, w := guard.Bytes(got[i:i+1]), guard.Bytes(want[i:i+1]); !keep && !bytes.Equal(g, w) {
				return fmt.Errorf("element %d, which is dropped, is %x, want %x", i, g, w)
			}
		}
	}
	return nil
}

// unchanged looks for writes anywhere but to the output.
func (o *outputs[E]) unchanged() error {
	if !bytes.Equal(guard.Bytes(o.x), guard.Bytes(o.xCopy)) || !bytes.Equal(guard.Bytes(o.other), guard.Bytes(o.otherCopy)) {
		return errors.New("src or fill is changed")
	}
	return guard.Check(o.laid.buf, o.laid.dst)
}
