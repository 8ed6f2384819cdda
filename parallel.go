package dropblock

import (
	"runtime"
	"sync"
)

// A call shares its work among goroutines from this many elements for each of
// them on: 128 Ki float32 take some 10 µs, several times what it costs to start
// a goroutine and wait for it.
var workerLen = 1 << 17 // a variable for the tests

// workers is how many goroutines a call uses on n elements, of which most are
// allowed, or GOMAXPROCS if that is 0.
func workers(most, n int) int {
	w := n / workerLen
	if w < 2 || most == 1 {
		return 1
	}
	if most == 0 {
		most = runtime.GOMAXPROCS(0)
	}
	return min(w, most)
}

// A task is work that can be cut into parts.
type task interface{ part(i, of int) }

// team runs the parts of a task on goroutines that live for one run. It keeps
// the functions that they start with, so that a run allocates nothing, and
// nothing is left behind that someone would have to stop.
type team struct {
	task   task
	of     int
	done   sync.WaitGroup
	starts []func()
}

// run runs the parts of the task, part 0 on the calling goroutine.
func (t *team) run(task task, of int) {
	t.task, t.of = task, of
	t.done.Add(of - 1)
	for i := 1; i < of; i++ {
		if i > len(t.starts) {
			t.starts = append(t.starts, func() {
				t.task.part(i, t.of)
				t.done.Done()
			})
		}
		go t.starts[i-1]()
	}
	task.part(0, of)
	t.done.Wait()
	t.task = nil
}

// share is where part i of n things begins, things that are cut at multiples of
// a unit.
func share(n, unit, i, of int) int {
	if n == 0 {
		return 0
	}
	units := (n-1)/unit + 1
	begin := units/of*i + min(i, units%of)
	if begin >= units {
		return n
	}
	return begin * unit
}
