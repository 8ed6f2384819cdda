package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"unsafe"

	"github.com/dropblock-go/dropblock"
)

// A workload is a setting with its memory.
type workload struct {
	setting
	n       int
	x, y, z []float32
}

const (
	page = 4096
	// aside is where in a page the destinations begin, sources beginning with
	// one. A load whose address agrees in its low twelve bits with that of a
	// store still under way waits for it ("4K aliasing"): half a page apart
	// nothing does, in copies and kernels alike.
	aside = page / 2
)

// newWorkload allocates and touches the memory: x is a source, y a
// destination, z a second one, or both at once.
func newWorkload(s setting) *workload {
	n := s.shape.Len()
	w := &workload{setting: s, n: n, x: placed(n, 0), y: placed(n, aside), z: placed(n, 0)}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range w.x {
		w.x[i] = rng.Float32() - 0.5
	}
	copy(w.y, w.x)
	copy(w.z, w.x)
	return w
}

// placed allocates n elements that begin offset bytes into a page.
func placed(n, offset int) []float32 {
	buf := make([]float32, n+(page+offset)/4)
	at := uintptr(unsafe.Pointer(&buf[0]))
	skip := int(-at%page) + offset
	return buf[skip/4:][:n:n]
}

// An op is one thing to measure.
type op struct {
	name string // sample, apply, …
	impl string // kernel set or roofline
	run  func()
}

// The ops of a training step, which the program measures.
const (
	opCopy    = "copy"
	opApply   = "apply"
	opInPlace = "inplace"
	opSample  = "sample"
	opForward = "forward"
)

// copies are the rooflines on x and y.
func (w *workload) copies() (ops []op) {
	for _, r := range rooflines() {
		ops = append(ops, op{opCopy, r.name, func() { r.copy(w.y, w.x) }})
	}
	return ops
}

// stepOps are the ops of a training step. Every mask is drawn for a new step.
func (w *workload) stepOps(k dropblock.KernelSet) []op {
	l := w.mustLayer(k)
	var held, fresh dropblock.Mask
	l.Sample(&held, w.shape, 0)
	step := 0
	sample := func() {
		step++
		l.Sample(&fresh, w.shape, step)
	}
	return []op{
		{opApply, k.String(), func() { dropblock.Apply(w.y, w.x, &held) }},
		// Kept values grow, at last to +Inf, which costs no CPU more.
		{opInPlace, k.String(), func() { dropblock.Apply(w.z, w.z, &held) }},
		{opSample, k.String(), sample},
		{opForward, k.String(), func() {
			sample()
			dropblock.Apply(w.y, w.x, &fresh)
		}},
	}
}

// partOps are the backward pass, which is apply on other memory, and the
// kernels that Sample is made of, each on the whole string of the mask's bits.
func (w *workload) partOps(k dropblock.KernelSet) []op {
	l := w.mustLayer(k)
	var held dropblock.Mask
	l.Sample(&held, w.shape, 0)
	bits := held.MaskShape().Len()
	words := make([]uint64, len(held.Words()))
	b, err := dropblock.NewBernoulli(held.Gamma())
	if err != nil {
		panic(err)
	}
	step := uint64(0)
	return []op{
		{"backward", k.String(), func() { dropblock.Apply(w.z, w.y, &held) }},
		{"bernoulli", k.String(), func() {
			step++
			b.Fill(k, words, bits, dropblock.NewKey(42, 0, step), 0)
		}},
		// Its time does not depend on the bits.
		{"dilate", k.String(), func() {
			k.Dilate(words, bits, 1, min(w.block, w.shape.W))
			k.Dilate(words, bits, w.shape.W, min(w.block, w.shape.H))
		}},
	}
}

func (w *workload) mustLayer(k dropblock.KernelSet) *dropblock.Layer {
	l, err := w.layer(k)
	if err != nil {
		panic(err)
	}
	return l
}

// verify checks that every roofline copies and that the masks and outputs of
// all kernel sets are bitwise those of generic Go.
func (w *workload) verify(kernels []dropblock.KernelSet) error {
	for _, r := range rooflines() {
		clear(w.y)
		r.copy(w.y, w.x)
		if i := differ(w.y, w.x); i >= 0 {
			return fmt.Errorf("%v: copy %s is wrong at element %d", w.setting, r.name, i)
		}
	}
	generic, err := dropblock.KernelsByName("generic")
	if err != nil {
		return err
	}
	for step := range 3 {
		var want, got dropblock.Mask
		w.mustLayer(generic).Sample(&want, w.shape, step)
		dropblock.Apply(w.y, w.x, &want)
		for _, k := range kernels {
			w.mustLayer(k).Sample(&got, w.shape, step)
			if got.Kept() != want.Kept() || got.Scale() != want.Scale() {
				return fmt.Errorf("%v, step %d: %v keeps %d with scale %v, generic %d with %v",
					w.setting, step, k, got.Kept(), got.Scale(), want.Kept(), want.Scale())
			}
			for i, word := range got.Words() {
				if word != want.Words()[i] {
					return fmt.Errorf("%v, step %d: the mask of %v is wrong at word %d", w.setting, step, k, i)
				}
			}
			dropblock.Apply(w.z, w.x, &got)
			if i := differ(w.z, w.y); i >= 0 {
				return fmt.Errorf("%v, step %d: the output of %v is wrong at element %d", w.setting, step, k, i)
			}
			copy(w.z, w.x)
			dropblock.Apply(w.z, w.z, &got)
			if i := differ(w.z, w.y); i >= 0 {
				return fmt.Errorf("%v, step %d: the output of %v in place is wrong at element %d", w.setting, step, k, i)
			}
		}
	}
	return nil
}

// differ returns the first element that is not bitwise equal, or −1.
func differ(x, y []float32) int {
	if bytes.Equal(memory(x), memory(y)) {
		return -1
	}
	for i, v := range x {
		if math.Float32bits(v) != math.Float32bits(y[i]) {
			return i
		}
	}
	return len(x)
}

func memory(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
