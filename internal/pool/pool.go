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
	done   sync.RWMutex // read-locked by these; a caller waits as its writer
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

	// It also ends after lingerTurns yields, several times what fits into lingerTime:
	// a clock may stand still while goroutines run, as that of go.dev/play does.
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
