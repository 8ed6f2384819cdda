package pool

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// turns is a task whose parts compute for so many turns, a chain of multiplications.
type turns int

var sink atomic.Uint64

func (n turns) Part(i, parts int) {
	x := uint64(i)
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
	}
	if x == 0 {
		sink.Add(1)
	}
}

// turnsOf is a task whose parts take so long.
func turnsOf(d time.Duration) *turns {
	const sample = 10_000
	best := time.Hour
	for range 100 {
		begin := time.Now()
		turns(sample).Part(0, 1)
		best = min(best, time.Since(begin))
	}
	n := turns(sample * d / best)
	return &n
}

// runGroup is Run by goroutines that are started for the call.
func runGroup(task Task, parts, workers int) {
	var group sync.WaitGroup
	var taken atomic.Int32
	work := func() {
		for i := int(taken.Add(1)) - 1; i < parts; i = int(taken.Add(1)) - 1 {
			task.Part(i, parts)
		}
	}
	for range workers - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
}

// BenchmarkRun runs a task by the caller alone, by a Team, and by goroutines with a
// WaitGroup. Calls follow each other at once or after a pause in which the caller computes
// and workers end. ns/op is the median of the calls, which one that was disturbed leaves as
// it is, without the pause.
func BenchmarkRun(b *testing.B) {
	workers := runtime.GOMAXPROCS(0)
	if workers == 1 {
		b.Skip("one CPU")
	}
	var team Team
	for _, impl := range []struct {
		name string
		run  func(task Task, parts, workers int)
	}{
		{"alone", func(task Task, parts, workers int) { team.Run(task, parts, 1) }},
		{"pool", team.Run},
		{"waitgroup", runGroup},
	} {
		for _, pause := range []time.Duration{0, time.Millisecond} {
			for _, each := range []int{1, 8} {
				for _, part := range []time.Duration{3, 20, 100} {
					name := fmt.Sprintf("pause=%v/parts=%dx%dµs/impl=%s", pause, each*workers, part, impl.name)
					b.Run(name, func(b *testing.B) {
						task, rest := turnsOf(part*time.Microsecond), turnsOf(pause)
						var times []time.Duration
						b.ReportAllocs()
						for b.Loop() {
							if pause > 0 {
								rest.Part(0, 1)
							}
							begin := time.Now()
							impl.run(task, each*workers, workers)
							times = append(times, time.Since(begin))
						}
						slices.Sort(times)
						b.ReportMetric(float64(times[len(times)/2]), "ns/op")
						b.ReportMetric(float64(times[len(times)/10]), "p10-ns/op")
					})
				}
			}
		}
	}
}
