package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// A workload is a setting with three feature maps: x is a source, y a destination, z a
// second one, or both at once. Maps of other elements are seen as float32 of as many bytes.
type workload struct {
	setting
	n       int // elements
	x, y, z []float32
}

const (
	page = 4096
	// aside is where in a page the destinations begin, sources beginning with one. A
	// load whose address agrees in its low twelve bits with that of a store still under
	// way waits for it ("4K aliasing"): half a page apart nothing does, in copies and
	// kernels alike.
	aside = page / 2
)

// newWorkload allocates and touches the memory.
func newWorkload(s setting) *workload {
	n := (s.bytes() + 3) / 4
	w := &workload{setting: s, n: s.shape.Len(), x: placed(n, 0), y: placed(n, aside), z: placed(n, 0)}
	rng := rand.New(rand.NewPCG(1, 2))
	f64, f16, bf16 := view[float64](w.x), view[dropblock.Float16](w.x), view[dropblock.BFloat16](w.x)
	for i := range w.n {
		v := float32(rng.IntN(1<<23))/(1<<22) - 1 + 0x1p-23 // from −1 to 1, never 0
		switch s.element {
		case "f64":
			f64[i] = float64(v)
		case "f16":
			f16[i] = dropblock.NewFloat16(v)
		case "bf16":
			bf16[i] = dropblock.NewBFloat16(v)
		default:
			w.x[i] = v
		}
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

// view is the same memory with other elements.
func view[E dropblock.Float](x []float32) []E {
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x)/int(unsafe.Sizeof(*new(E))))
}

func memory(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// A task is what is timed of a setting.
type task struct {
	Op      string `json:"op"`
	Impl    string `json:"impl"` // kernel set, loop or peer
	Threads int    `json:"threads"`
}

// String names the task as in forward/avx2/1.
func (t task) String() string { return fmt.Sprintf("%s/%s/%d", t.Op, t.Impl, t.Threads) }

// An op is a task of this process.
type op struct {
	task
	run func()
}

const (
	opCopy      = "copy"
	opScaleCopy = "scalecopy"
	opAddLoop   = "addloop"
	opApply     = "apply"
	opSample    = "sample"
	opForward   = "forward"
	opDilate    = "dilate"
	opBernoulli = "bernoulli"
)

// A step is an op of a training step; in inference there is none. It samples the mask
// of a new step, or takes one that is there, and applies it from a map to one.
type step struct {
	name, title string
	sample      bool
	apply       operation
	dst, src    func(w *workload) []float32
	few         bool // measured on the settings that all says
}

// operation is how a mask is applied.
type operation int

const (
	applyNot operation = iota
	applyScale
	applyAdd
	applyFill // from a third map
	applyNoise
)

func mapX(w *workload) []float32 { return w.x }
func mapY(w *workload) []float32 { return w.y }
func mapZ(w *workload) []float32 { return w.z }

// steps are in the order of the tables. In z kept values grow, at last to ±Inf, which
// costs no CPU more.
var steps = []step{
	{"apply", "apply", false, applyScale, mapY, mapX, false},
	{"backward", "backward", false, applyScale, mapZ, mapY, false}, // apply, on other memory
	{"inplace", "in place", false, applyScale, mapZ, mapZ, false},
	{"sample", "sample", true, applyNot, mapY, mapX, false},
	{"forward", "forward", true, applyScale, mapY, mapX, false},
	{"forwardinplace", "forward in place", true, applyScale, mapZ, mapZ, false},
	{"add", "add", false, applyAdd, mapZ, mapX, true},
	{"fill", "fill", false, applyFill, mapY, mapX, true},
	{"noise", "noise", false, applyNoise, mapY, mapX, true},
	{"ramp", "forward, another p each step", true, applyScale, mapY, mapX, true},
}

// all reports whether the steps for few settings are measured.
func (s setting) all() bool {
	return s.shape == dropblock.NCHW(32, 256, 14, 14) && s.square() == 7 && s.share == dropblock.ShareNone && s.norm == dropblock.NormTensor
}

// stepsOf are the steps that are measured of a setting.
func stepsOf(s setting) (of []step) {
	for _, step := range steps {
		if !step.few || s.all() {
			of = append(of, step)
		}
	}
	return of
}

var (
	stepNames    = names(slices.DeleteFunc(slices.Clone(steps), func(s step) bool { return s.few }), func(s step) string { return s.name })
	fewNames     = names(slices.DeleteFunc(slices.Clone(steps), func(s step) bool { return !s.few }), func(s step) string { return s.name })
	layerOpNames = slices.Concat(stepNames, fewNames, []string{opDilate, opBernoulli})
)

func names[T any](all []T, name func(T) string) (names []string) {
	for _, v := range all {
		names = append(names, name(v))
	}
	return names
}

// title is what tables call an op.
func title(op string) string {
	if i := slices.IndexFunc(steps, func(s step) bool { return s.name == op }); i >= 0 {
		return steps[i].title
	}
	return strings.Replace(op, opScaleCopy, "scale-copy", 1)
}

// op is a step of a layer with so many workers.
func (w *workload) op(s step, cfg dropblock.Config, k dropblock.KernelSet, workers int) op {
	o := op{task: task{s.name, k.String(), workers}}
	l := mustLayer(cfg, k, workers)
	switch w.element {
	case "f64":
		o.run = stepRun[float64](w, s, l)
	case "f16":
		o.run = stepRun[dropblock.Float16](w, s, l)
	case "bf16":
		o.run = stepRun[dropblock.BFloat16](w, s, l)
	default:
		o.run = stepRun[float32](w, s, l)
	}
	return o
}

// apply applies a mask from x to y.
func (w *workload) apply(m *dropblock.Mask) {
	switch w.element {
	case "f64":
		applied[float64](w, m)
	case "f16":
		applied[dropblock.Float16](w, m)
	case "bf16":
		applied[dropblock.BFloat16](w, m)
	default:
		applied[float32](w, m)
	}
}

func applied[E dropblock.Float](w *workload, m *dropblock.Mask) {
	dropblock.Apply(view[E](w.y)[:w.n], view[E](w.x)[:w.n], m)
}

// stepRun returns a function without a branch, which would count on a small map.
func stepRun[E dropblock.Float](w *workload, s step, l *dropblock.Layer) func() {
	m, n, shape := new(dropblock.Mask), 0, w.shape
	dst, src := view[E](s.dst(w))[:w.n], view[E](s.src(w))[:w.n]
	fill := view[E](w.z)[:w.n]
	l.Sample(m, shape, n)
	switch {
	case s.name == "ramp":
		ramp, at := rampOf(l), dropblock.Position{}
		return func() {
			at.Step++
			ramp.SampleAt(m, shape, at)
			dropblock.Apply(dst, src, m)
		}
	case s.sample && s.apply == applyNot:
		return func() { n++; l.Sample(m, shape, n) }
	case s.sample:
		return func() {
			n++
			l.Sample(m, shape, n)
			dropblock.Apply(dst, src, m)
		}
	case s.apply == applyAdd:
		return func() { dropblock.ApplyAdd(dst, src, m) }
	case s.apply == applyFill:
		return func() { dropblock.ApplyFill(dst, src, fill, m) }
	case s.apply == applyNoise:
		return func() { dropblock.ApplyNoise(dst, src, m) }
	}
	return func() { dropblock.Apply(dst, src, m) }
}

// rampOf is a layer whose probability is another one at each step, all but dropProb.
func rampOf(l *dropblock.Layer) *dropblock.Layer {
	cfg := l.Config()
	cfg.Ramp = dropblock.Ramp{From: dropProb * .99, Steps: 1 << 30}
	return mustLayer(cfg, cfg.Kernels, cfg.Workers)
}

// layerOps are the steps, and with one worker what a mask is made of: growing blocks
// from a string of bits, as large as the mask's, whose time does not depend on the
// bits, and drawing such a string.
func (w *workload) layerOps(k dropblock.KernelSet, workers int) (ops []op) {
	for _, s := range stepsOf(w.setting) {
		ops = append(ops, w.op(s, w.config(), k, workers))
	}
	if workers > 1 || w.shape.Layout() != dropblock.LayoutNCHW {
		return ops
	}
	var m dropblock.Mask
	mustLayer(w.config(), k, 1).Sample(&m, w.shape, 0)
	grown, drawn, bits := slices.Clone(m.Words()), slices.Clone(m.Words()), m.MaskShape().Len()
	b, err := dropblock.NewBernoulli(m.Gamma())
	if err != nil {
		panic(err)
	}
	step := uint64(0)
	return append(ops,
		op{task{opDilate, k.String(), 1}, func() {
			k.Dilate(grown, bits, 1, min(w.square(), w.shape.W()))
			k.Dilate(grown, bits, w.shape.W(), min(w.square(), w.shape.H()))
		}},
		op{task{opBernoulli, k.String(), 1}, func() {
			step++
			k.Bernoulli(drawn, bits, b, dropblock.NewKey(42, 0, step), 0)
		}})
}

func mustLayer(cfg dropblock.Config, k dropblock.KernelSet, workers int) *dropblock.Layer {
	cfg.Kernels, cfg.Workers = k, workers
	l, err := dropblock.New(cfg)
	if err != nil {
		panic(err)
	}
	return l
}

// copies are the loops that the layer is compared with, from x to y.
func (w *workload) copies(workers []int) (ops []op) {
	for _, r := range rooflines() {
		for _, n := range workers {
			// Goroutines copy a part each: what workers can gain at most where the
			// memory is what limits them.
			h, run := &parallel{run: r.run, dst: w.y, src: w.x}, func() { r.run(w.y, w.x) }
			if n > 1 {
				run = func() { h.team.Run(h, n, n) }
			}
			ops = append(ops, op{task{opCopy, r.name, n}, run})
		}
	}
	for _, s := range addLoops() {
		if w.all() {
			ops = append(ops, op{task{opAddLoop, s.name, 1}, func() { s.run(w.z, w.x) }})
		}
	}
	for _, s := range scaleCopies() {
		if w.element == "" {
			ops = append(ops, op{task{opScaleCopy, s.name, 1}, func() { s.run(w.y, w.x) }})
		}
	}
	return ops
}

// A parallel loop has goroutines for parts of the slices.
type parallel struct {
	run      func(dst, src []float32)
	dst, src []float32
	team     pool.Team
}

func (h *parallel) Part(i, parts int) {
	from, to := pool.Share(len(h.dst), page/4, i, parts), pool.Share(len(h.dst), page/4, i+1, parts)
	h.run(h.dst[from:to], h.src[from:to])
}

// verify checks that every roofline copies, and that the masks and outputs of all kernel
// sets and numbers of workers are bitwise those of generic Go.
func (w *workload) verify(kernels []dropblock.KernelSet, workers []int) error {
	for _, o := range w.copies(workers) {
		clear(w.y)
		if o.run(); o.Op == opCopy && !bytes.Equal(memory(w.y), memory(w.x)) {
			return fmt.Errorf("%v: %v is wrong", w.setting, o)
		}
	}
	generic, err := dropblock.ParseKernelSet("generic")
	if err != nil {
		return err
	}
	want := w.digest(generic, 1)
	for _, k := range kernels {
		for _, n := range workers {
			if w.digest(k, n) != want {
				return fmt.Errorf("%v: masks or outputs of %v with %d workers are not those of generic with one", w.setting, k, n)
			}
		}
	}
	return nil
}
