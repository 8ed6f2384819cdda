package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/dropblock-go/dropblock"
)

const mib = 1 << 20

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
		w.x[i] = float32(rng.IntN(1<<23))/(1<<22) - 1 + 0x1p-23 // from −1 to 1, never 0
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
	name    string // sample, apply, …
	impl    string // kernel set or roofline
	workers int    // that it may use
	run     func()
}

const (
	opCopy      = "copy"
	opScaleCopy = "scalecopy"

	// The ops of a training step. In inference there is none.
	opApply          = "apply"
	opBackward       = "backward" // apply, on other memory
	opInPlace        = "inplace"  // apply, in place
	opSample         = "sample"
	opForward        = "forward" // sample, then apply
	opForwardInPlace = "forwardinplace"

	opDilate    = "dilate"
	opBernoulli = "bernoulli"
)

// stepOpNames are in the order of the tables.
var stepOpNames = []string{opApply, opBackward, opInPlace, opSample, opForward, opForwardInPlace}

// titles are what tables call the ops whose names are not words.
var titles = map[string]string{opInPlace: "in place", opForwardInPlace: "forward in place", opScaleCopy: "scale-copy"}

func title(op string) string {
	if t := titles[op]; t != "" {
		return t
	}
	return op
}

// copies are the rooflines on x and y.
func (w *workload) copies() (ops []op) {
	for _, r := range rooflines() {
		ops = append(ops, op{opCopy, r.name, 1, func() { r.copy(w.y, w.x) }})
	}
	return ops
}

// sharedCopies are the rooflines with two goroutines, a half each: what two
// workers can gain at most where the memory is what limits them.
func (w *workload) sharedCopies() (ops []op) {
	half := w.n / 2 &^ (page/4 - 1)
	for _, r := range rooflines() {
		second := companion{work: func() { r.copy(w.y[half:], w.x[half:]) }}
		ops = append(ops, op{opCopy, r.name, 2, func() {
			second.begin()
			r.copy(w.y[:half], w.x[:half])
			second.wait()
		}})
	}
	return ops
}

// A companion is a goroutine that works beside another one, time after time. Between
// two times it looks for work, as it may take longer to wake up than to copy.
type companion struct {
	work  func()
	state atomic.Int32
}

const (
	companionGone = iota
	companionIdle
	companionBusy
)

func (c *companion) begin() {
	if !c.state.CompareAndSwap(companionIdle, companionBusy) {
		c.state.Store(companionBusy)
		go c.live()
	}
}

func (c *companion) wait() {
	for c.state.Load() == companionBusy {
		runtime.Gosched()
	}
}

// live works until there was nothing to do for a while.
func (c *companion) live() {
	for last := time.Now(); ; runtime.Gosched() {
		if c.state.Load() == companionBusy {
			c.work()
			c.state.Store(companionIdle)
			last = time.Now()
		} else if time.Since(last) > time.Millisecond && c.state.CompareAndSwap(companionIdle, companionGone) {
			return
		}
	}
}

func (w *workload) scaleCopies() (ops []op) {
	for _, s := range scaleCopies() {
		ops = append(ops, op{opScaleCopy, s.name, 1, func() { s.run(w.y, w.x, 1.1) }})
	}
	return ops
}

// stepOps are the ops of a training step. Every mask is drawn for a new step.
func (w *workload) stepOps(k dropblock.KernelSet, workers int) []op {
	l := w.mustLayer(k, workers)
	var held, fresh dropblock.Mask
	l.Sample(&held, w.shape, 0)
	step := 0
	sample := func() {
		step++
		l.Sample(&fresh, w.shape, step)
	}
	return []op{
		{opApply, k.String(), workers, func() { dropblock.Apply(w.y, w.x, &held) }},
		{opBackward, k.String(), workers, func() { dropblock.Apply(w.z, w.y, &held) }},
		// Kept values grow, at last to ±Inf, which costs no CPU more.
		{opInPlace, k.String(), workers, func() { dropblock.Apply(w.z, w.z, &held) }},
		{opSample, k.String(), workers, sample},
		{opForward, k.String(), workers, func() {
			sample()
			dropblock.Apply(w.y, w.x, &fresh)
		}},
		{opForwardInPlace, k.String(), workers, func() {
			sample()
			dropblock.Apply(w.z, w.z, &fresh)
		}},
	}
}

// forwardOp is forward of another layer on the same feature map.
func (w *workload) forwardOp(name string, cfg dropblock.Config, k dropblock.KernelSet, workers int) op {
	l := mustLayer(cfg, k, workers)
	var mask dropblock.Mask
	step := 0
	return op{name, k.String(), workers, func() {
		step++
		l.Sample(&mask, w.shape, step)
		dropblock.Apply(w.y, w.x, &mask)
	}}
}

// dilateOp grows blocks from a string of bits, as large as the mask's. Its time
// does not depend on the bits.
func (w *workload) dilateOp(k dropblock.KernelSet) op {
	var m dropblock.Mask
	w.mustLayer(k, 1).Sample(&m, w.shape, 0)
	words, bits := slices.Clone(m.Words()), m.MaskShape().Len()
	return op{opDilate, k.String(), 1, func() {
		k.Dilate(words, bits, 1, min(w.block, w.shape.W()))
		k.Dilate(words, bits, w.shape.W(), min(w.block, w.shape.H()))
	}}
}

// bernoulliOp draws as many bits as the mask has.
func (w *workload) bernoulliOp(k dropblock.KernelSet) op {
	var m dropblock.Mask
	w.mustLayer(k, 1).Sample(&m, w.shape, 0)
	words, bits := make([]uint64, len(m.Words())), m.MaskShape().Len()
	b, err := dropblock.NewBernoulli(m.Gamma())
	if err != nil {
		panic(err)
	}
	step := uint64(0)
	return op{opBernoulli, k.String(), 1, func() {
		step++
		k.Bernoulli(words, bits, b, dropblock.NewKey(42, 0, step), 0)
	}}
}

func (w *workload) mustLayer(k dropblock.KernelSet, workers int) *dropblock.Layer {
	return mustLayer(w.config(), k, workers)
}

func mustLayer(cfg dropblock.Config, k dropblock.KernelSet, workers int) *dropblock.Layer {
	cfg.Kernels, cfg.Workers = k, workers
	l, err := dropblock.New(cfg)
	if err != nil {
		panic(err)
	}
	return l
}

// verify checks that every roofline copies and that the masks and outputs of
// all kernel sets and numbers of workers are bitwise those of generic Go.
func (w *workload) verify(kernels []dropblock.KernelSet, workers []int) error {
	for _, o := range append(w.copies(), w.sharedCopies()...) {
		clear(w.y)
		o.run()
		if i := differ(w.y, w.x); i >= 0 {
			return fmt.Errorf("%v: copy %s is wrong at element %d", w.setting, o.impl, i)
		}
	}
	generic, err := dropblock.ParseKernelSet("generic")
	if err != nil {
		return err
	}
	for step := range 3 {
		var want, got dropblock.Mask
		w.mustLayer(generic, 1).Sample(&want, w.shape, step)
		dropblock.Apply(w.y, w.x, &want)
		for _, k := range kernels {
			for _, n := range workers {
				w.mustLayer(k, n).Sample(&got, w.shape, step)
				if err := w.verifyMask(&got, &want); err != nil {
					return fmt.Errorf("%v, step %d, %v with %d workers: %w", w.setting, step, k, n, err)
				}
			}
		}
	}
	return nil
}

// verifyMask compares a mask and its outputs with another mask and its output,
// which is in y.
func (w *workload) verifyMask(got, want *dropblock.Mask) error {
	if got.Kept() != want.Kept() || got.Scales()[0] != want.Scales()[0] {
		return fmt.Errorf("keeps %d with scale %v, generic %d with %v", got.Kept(), got.Scales()[0], want.Kept(), want.Scales()[0])
	}
	for i, word := range got.Words() {
		if word != want.Words()[i] {
			return fmt.Errorf("the mask is wrong at word %d", i)
		}
	}
	dropblock.Apply(w.z, w.x, got)
	if i := differ(w.z, w.y); i >= 0 {
		return fmt.Errorf("the output is wrong at element %d", i)
	}
	copy(w.z, w.x)
	dropblock.Apply(w.z, w.z, got)
	if i := differ(w.z, w.y); i >= 0 {
		return fmt.Errorf("the output in place is wrong at element %d", i)
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
