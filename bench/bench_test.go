package main

import (
	"testing"

	"github.com/dropblock-go/dropblock"
)

var benchmarks = []string{
	opCopy, opScaleCopy, opForward, opForwardInPlace, opBackward, opSample, opApply, opInPlace, opDilate, opBernoulli,
}

// BenchmarkDropBlock is everything on every setting, named
// op=…/shape=…/impl=…, with the throughput in bytes of the feature map:
//
//	go test -run '^$' -bench '/op=(copy|apply)/shape=32x256x14x14-b7/impl' -count 10 ./bench | benchstat -col /impl -
//
// For ratios to the copy the program is better: it interleaves what it
// compares.
func BenchmarkDropBlock(b *testing.B) {
	for _, s := range settings {
		var w *workload // made for the first op that is not filtered out
		for _, name := range benchmarks {
			for _, impl := range implNames(name) {
				b.Run("op="+name+"/shape="+s.String()+"/impl="+impl, func(b *testing.B) {
					if w == nil {
						w = newWorkload(s)
					}
					o := w.find(b, name, impl)
					o.run()
					b.SetBytes(int64(4 * w.n))
					b.ReportAllocs()
					for b.Loop() {
						o.run()
					}
				})
			}
		}
	}
}

func implNames(op string) (names []string) {
	if op == opCopy {
		for _, r := range rooflines() {
			names = append(names, r.name)
		}
		return names
	}
	if op == opScaleCopy {
		for _, s := range scaleCopies() {
			names = append(names, s.name)
		}
		return names
	}
	for _, k := range dropblock.KernelSets() {
		names = append(names, k.String())
	}
	return names
}

func (w *workload) find(t testing.TB, name, impl string) op {
	ops := append(w.copies(), w.scaleCopies()...)
	for _, k := range dropblock.KernelSets() {
		if k.String() == impl {
			ops = append(append(ops, w.stepOps(k, 1)...), w.dilateOp(k), w.bernoulliOp(k))
		}
	}
	for _, o := range ops {
		if o.name == name && o.impl == impl {
			return o
		}
	}
	t.Fatalf("no op %s of %s", name, impl)
	return op{}
}

// TestBenchmarks runs each of them once.
func TestBenchmarks(t *testing.T) {
	w := newWorkload(setting{shape: dropblock.NCHW(2, 4, 14, 14), block: 7})
	for _, name := range benchmarks {
		for _, impl := range implNames(name) {
			w.find(t, name, impl).run()
		}
	}
}
