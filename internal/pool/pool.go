// Package pool shares the work of a call among goroutines, where the call takes tens of
// microseconds: about what it takes to wake a thread that sleeps.
//
// # Why not goroutines and a WaitGroup
//
// A goroutine that is started for a call waits for a thread, and idle threads sleep. When
// one has woken up the caller has mostly run all parts by itself, and with a
// [sync.WaitGroup] it then also waits for goroutines that find nothing left. A pool is
// better at both: its workers stay awake from one call to the next, and a call waits only
// for those that have joined it. It also allocates nothing. BenchmarkRun compares the two;
// this is µs a call, of calls that follow each other at once, caller and one worker:
//
//	parts        alone   pool   WaitGroup.Go
//	2 × 3 µs       6.0    4.7            6.1
//	2 × 20 µs       40     22             38
//	2 × 100 µs     200    100            194
//	16 × 3 µs       48     26             47
//	16 × 20 µs     320    161            241
//	16 × 100 µs   1600    804            965
//
// AMD EPYC of Zen 5, a virtual machine of two CPUs, Go 1.26, 2026-11-28. Other processes
// ran too: each figure is that of the best of some 50 runs of 4 to 25 ms, of which it is the
// tenth percentile of the calls. When the last column has come down to the one before it,
// this package can go: a Run is a dozen lines with a WaitGroup, see bench_test.go.
//
// # What it costs
//
// After its last call a worker stays for 0.1 ms, in which it polls for another one and
// yields to other goroutines again and again: up to GOMAXPROCS-1 CPUs are busy so long
// after a call. Longer would serve training steps with longer pauses, and cost more where
// there is one call now and then. After a longer pause workers are started anew, and a
// call takes as long as with a WaitGroup. Workers yield to goroutines and not to other
// processes: where these had both CPUs, a call of 16 × 3 µs after a pause took up to
// 0.2 ms instead of 0.1 with a WaitGroup and 0.05 alone.
//
// A caller that has run out of parts polls for at most 30 µs before it sleeps, so that one
// with a quota of CPU time below GOMAXPROCS, whose workers may be stopped in a part, does
// not use it up by waiting. (Since Go 1.25 GOMAXPROCS follows the quota of a cgroup.)
//
// A worker has the profiler labels of the call that started it.
//
// # Bubbles
//
// A goroutine belongs to the bubble of testing/synctest in which it was started. A worker
// of a bubble that served calls outside would keep the bubble from its end, and a worker
// from outside would run a bubble's parts by another clock. In bubbles, whose clock does
// not measure how long a call takes, the caller therefore runs all parts.
package pool

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Task is work that is cut into parts, which are independent: one must not wait
// for another, and what one writes no other one reads or writes.
type Task interface{ Part(i, parts int) }

// A Team runs tasks, one at a time. The zero value is ready, and is used again from
// call to call so that Run allocates nothing. It must not be copied after its first
// Run, and not be used for two at once.
type Team struct {
	task  Task
	parts int
	taken atomic.Int32 // parts handed out, and refusals after the last one
	ends  atomic.Int32 // of these, parts handed to workers

	wanted int          // workers that may still join; guarded by shared.mu
	busy   atomic.Int32 // workers that have joined and not left
	done   sync.RWMutex // read-locked by these; the caller waits as its writer
	failed atomic.Pointer[panicked]
}

// Run runs task.Part(0, parts) to task.Part(parts-1, parts), each once, and returns
// when all have returned. At most workers goroutines run parts, the caller included,
// and no more than GOMAXPROCS; parts is below 2³⁰. The caller takes parts from
// the first one on, workers from the last one on. Which goroutine runs a part is left
// to chance, and inside a bubble of testing/synctest the caller runs all.
//
// A part that panics makes Run panic after all goroutines have left the task, whichever
// of them ran it: with the part's own value if it was the caller, else with an error
// that has the value, the worker's stack, and the value as what it wraps if that is an
// error. Other parts may then have been run or not. The Team and the pool stay usable.
// A part must not call runtime.Goexit.
func (t *Team) Run(task Task, parts, workers int) {
	if workers <= 1 || bubbled() {
		for i := range parts {
			task.Part(i, parts)
		}
		return
	}
	t.task, t.parts = task, parts
	t.taken.Store(0)
	t.ends.Store(0)
	shared.offer(t, workers-1)
	defer t.finish() // also when a part panics
	for i := 0; t.take(); i++ {
		task.Part(i, parts)
	}
}

// take reports whether there was a part left, which the calling goroutine then runs.
func (t *Team) take() bool { return int(t.taken.Add(1)) <= t.parts }

// finish waits for the workers that have joined, lets no more of them join, and panics
// if a worker's part did.
func (t *Team) finish() {
	shared.withdraw(t)
	// A part takes microseconds, mostly less than to sleep and be woken.
	for i := 0; i < spins && t.busy.Load() > 0; i++ {
	}
	t.done.Lock()
	t.done.Unlock()
	t.task = nil
	if p := t.failed.Load(); p != nil {
		t.failed.Store(nil)
		panic(p)
	}
}

// work runs parts on a worker that has joined.
func (t *Team) work() {
	defer shared.leave(t)
	for t.take() {
		t.task.Part(t.parts-int(t.ends.Add(1)), t.parts)
	}
}

// panicked is the panic of a part on a worker.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }

func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// shared is the pool of all teams.
var shared pool

type pool struct {
	mu    sync.Mutex
	teams []*Team      // that want workers
	open  atomic.Int32 // len(teams), which workers poll without the lock
	alive int          // workers
	idle  int          // workers in no team
}

const (
	// A worker without a team ends after lingerTime. One goroutine draws a mask in
	// less, between two calls that share their work.
	lingerTime = 100 * time.Microsecond

	// It also ends after lingerTurns yields, several times what fits into lingerTime: a
	// clock may stand still while goroutines run, as that of go.dev/play does, where
	// without it a program would not end (go build -tags faketime).
	lingerTurns = 1 << 12

	// Between two yields it polls for a team so many times, in half a microsecond.
	// With one poll instead, two workers took a tenth longer to draw a mask of 7×7 planes.
	polls = 1 << 9

	// A caller polls so many times, some 30 µs, for workers to leave before it sleeps.
	spins = 1 << 15
)

// offer lets up to n workers join a team. It starts as many as are missing, if the
// runtime can run them beside the caller.
func (p *pool) offer(t *Team, n int) {
	most := runtime.GOMAXPROCS(0) - 1
	if n = min(n, most); n <= 0 {
		return
	}
	p.mu.Lock()
	t.wanted = n
	p.teams = append(p.teams, t)
	start := -p.idle
	for _, t := range p.teams {
		start += t.wanted
	}
	start = max(min(start, most-p.alive), 0)
	p.alive += start
	p.idle += start
	p.mu.Unlock()
	p.open.Add(1) // After the unlock, as a worker that sees it takes the lock.
	for range start {
		go work() // A method value would be allocated.
	}
}

// withdraw lets no more workers join a team.
func (p *pool) withdraw(t *Team) {
	p.mu.Lock()
	if t.wanted > 0 {
		p.remove(t)
	}
	p.mu.Unlock()
}

// remove removes a team that wants workers from the list.
func (p *pool) remove(t *Team) {
	t.wanted = 0
	i := slices.Index(p.teams, t)
	p.teams = slices.Delete(p.teams, i, i+1)
	p.open.Add(-1)
}

// work is a worker: it joins one team after the other, and yields while there is none.
func work() {
	for last, turns := time.Now(), 0; ; turns++ {
		if t := shared.join(); t != nil {
			t.work()
			last, turns = time.Now(), 0
			continue
		}
		if (turns > lingerTurns || time.Since(last) > lingerTime) && shared.end() {
			return
		}
		runtime.Gosched()
	}
}

// join returns a team that the worker has joined, or nil.
func (p *pool) join() *Team {
	for i := 1; p.open.Load() == 0; i++ {
		if i == polls {
			return nil
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.teams) == 0 {
		return nil
	}
	t := p.teams[0]
	if t.wanted == 1 {
		p.remove(t)
	} else {
		t.wanted--
	}
	p.idle--
	t.busy.Add(1)
	t.done.RLock()
	return t
}

// leave ends a worker's part in a team. It is deferred, to recover from a panic.
func (p *pool) leave(t *Team) {
	if v := recover(); v != nil {
		t.failed.Store(&panicked{v, debug.Stack()})
	}
	t.done.RUnlock()
	t.busy.Add(-1) // After the unlock, so that a caller that polls it finds the lock free.
	p.mu.Lock()
	p.idle++
	p.mu.Unlock()
}

// end takes a worker from the pool, unless a team wants one.
func (p *pool) end() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.teams) > 0 {
		return false
	}
	p.alive--
	p.idle--
	return true
}
