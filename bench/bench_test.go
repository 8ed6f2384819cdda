package main

import (
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock"
)

var benchmarks = append([]string{opCopy, opScaleCopy, opAddLoop}, layerOpNames...)

// BenchmarkDropBlock is everything on every setting, named
// op=…/shape=…/impl=…, with the throughput in bytes of the feature map:
//
//	go test -run '^$' -bench '/op=(copy|apply)/shape=32x256x14x14-b7/impl' -count 10 ./bench | benchstat -col /impl -
//
// For ratios to the copy the program is better: it interleaves what it
// compares.
func BenchmarkDropBlock(b *testing.B) {
	for _, s := range slices.Concat(settings, otherSettings) {
		var w *workload // made for the first op that is not filtered out
		for _, name := range benchmarks {
			for _, impl := range implNames(name) {
				if !s.has(name) {
					continue
				}
				b.Run("op="+name+"/shape="+s.String()+"/impl="+impl, func(b *testing.B) {
					if w == nil {
						w = newWorkload(s)
					}
					run := w.find(b, name, impl)
					run()
					b.SetBytes(int64(s.bytes()))
					b.ReportAllocs()
					for b.Loop() {
						run()
					}
				})
			}
		}
	}
}

// has reports whether an op is measured of the setting.
func (s setting) has(op string) bool {
	switch op {
	case opCopy:
		return true
	case opScaleCopy: // which is of float32
		return s.element == ""
	case opAddLoop:
		return s.all()
	case opDilate, opBernoulli:
		return s.shape.Layout() == dropblock.LayoutNCHW
	}
	return slices.ContainsFunc(stepsOf(s), func(step step) bool { return step.name == op })
}

func implNames(op string) []string {
	name := func(l loop) string { return l.name }
	switch op {
	case opCopy:
		return names(rooflines(), name)
	case opAddLoop:
		return names(addLoops(), name)
	case opScaleCopy:
		return names(scaleCopies(), name)
	}
	return names(dropblock.KernelSets(), dropblock.KernelSet.String)
}

func (w *workload) find(t testing.TB, name, impl string) (run func()) {
	ops := w.copies([]int{1})
	for _, k := range dropblock.KernelSets() {
		if k.String() == impl {
			ops = append(ops, w.layerOps(k, 1)...)
		}
	}
	for _, o := range ops {
		if o.task == (task{name, impl, 1}) {
			return o.run
		}
	}
	t.Fatalf("no op %s of %s", name, impl)
	return nil
}

// TestBenchmarks runs each of them once.
func TestBenchmarks(t *testing.T) {
	for _, s := range append(mustSettings("2x4x14x14-b7", "2x5x6x3-b7-nhwc-bf16/share=channels/norm=plane", "1x2x3x4x5-b3x2x1-ncdhw-f64"), otherSettings[1]) {
		w := newWorkload(s)
		for _, name := range benchmarks {
			for _, impl := range implNames(name) {
				if s.has(name) {
					w.find(t, name, impl)()
				}
			}
		}
	}
}
