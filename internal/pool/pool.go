// Package pool shares the work of a call among goroutines when the call takes tens of
// microseconds: about as long as waking a sleeping thread.
//
// # Why not goroutines and a WaitGroup
//
// A goroutine that is started for a call needs a thread, and idle threads sleep. By the time
// one is running the caller has often run all parts by itself, and with a [sync.WaitGroup]
// it also waits for goroutines that find no part left. The workers of a pool keep running
// from one call to the next, and a call waits only for workers that have joined it. It
// allocates nothing. BenchmarkRun compares the two; this is µs per call in a loop of calls,
// with the caller and one worker:
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
// ran too: each figure is the tenth percentile of the calls in the best of some 50 runs of
// 4 to 25 ms. When the last column has come down to the one before it,
// this package can go: a Run is a dozen lines with a WaitGroup, see bench_test.go.
//
// # What it costs
//
// After its last call a worker polls for another one for 0.1 ms, yielding to other
// goroutines: up to GOMAXPROCS-1 CPUs are busy for that time after a call. A longer time
// would serve training steps with longer pauses, and cost more where calls are rare. After
// a longer pause workers are started anew, and a call takes as long as with a WaitGroup.
// Workers do not yield to other processes: with both CPUs busy with those, a call of
// 16 × 3 µs after a pause took up to 0.2 ms, 0.1 with a WaitGroup and 0.05 alone.
//
// A caller without parts left polls for at most 30 µs before it sleeps: under a CPU quota
// below GOMAXPROCS, where the system may stop a worker in a part, polling would use up the
// quota. (Since Go 1.25 GOMAXPROCS follows the quota of a cgroup.)
//
// A worker has the profiler labels of the call that started it.
//
// # Bubbles
//
// A goroutine belongs to the bubble of testing/synctest in which it was started. A bubble
// could not end while one of its workers served calls outside, and a worker from outside
// would run parts of a bubble under the real clock. In a bubble, whose clock does not
// measure the time of a call anyway, the caller therefore runs all parts.
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

// A Task is work in independent parts: a part must not wait for another one, or read or
// write memory that another one writes.
type Task interface{ Part(i, parts int) }

// A Team runs tasks, one at a time. The zero value is ready for use. Run allocates nothing
// when a Team is reused. It must not be copied after its first Run, or be in two at once.
type Team struct {
	task  Task
	parts int
	taken atomic.Int32 // parts handed out, and refusals after the last one
	ends  atomic.Int32 // of these, parts handed to workers

	wanted int          // workers that may still join; guarded by shared.mu
	busy   atomic.Int32 // workers that have joined and not left
	done   sync.RWMutex // read-locked by busy workers; the caller waits for the write lock
	failed atomic.Pointer[panicked]
}

// Run runs task.Part(0, parts) to task.Part(parts-1, parts), each once, and returns
// when all have returned. At most workers goroutines run parts, the caller included,
// and no more than GOMAXPROCS; parts is below 2³⁰. The caller takes parts from the
// beginning and workers from the end, with no fixed assignment. In a bubble of
// testing/synctest the caller runs all.
//
// If a part panics, Run panics after all goroutines have left the task: with the same
// value if the caller ran the part, otherwise with an error that prints the value and the
// worker's stack, and wraps the value if that is an error. Some parts may then not have
// run. The Team and the pool stay usable.
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

// take takes a part for the calling goroutine and reports whether one was left.
func (t *Team) take() bool { return int(t.taken.Add(1)) <= t.parts }

// finish waits for the workers that have joined, lets no more of them join, and panics
// if a worker's part did.
func (t *Team) finish() {
	shared.withdraw(t)
	// A worker's last part takes microseconds, mostly less than sleeping and waking up.
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

	// polls is how often a worker polls for a team between two yields, in half a
	// microsecond. With one poll, two workers took a tenth longer to draw a mask of 7×7
	// planes.
	polls = 1 << 9

	// spins is how often a caller polls for workers to leave before it sleeps: for some
	// 30 µs.
	spins = 1 << 15
)

// offer lets up to n workers join a team. It starts the missing ones, up to GOMAXPROCS-1
// in all.
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

// work is a worker: it joins one team after another, and yields while there is none.
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
