package pool

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A call shares its work among goroutines from this many elements for each of
// them on: 128 Ki float32 take some 10 µs, several times what it costs to share
// them.
var workerLen = 1 << 17 // a variable for the tests

// workers is how many goroutines a call uses on n elements: GOMAXPROCS, or most if
// that is fewer and not 0.
func workers(most, n int) int {
	if n < 2*workerLen || most == 1 { // without a division, which small maps notice
		return 1
	}
	w := n / workerLen
	if most > 0 {
		w = min(w, most)
	}
	return min(w, runtime.GOMAXPROCS(0))
}

// A task is work that can be cut into parts.
type task interface{ part(i, of int) }

// team runs the parts of a task. The calling goroutine takes one part after the
// other, and helpers that come in time take some from it. So nobody waits for a
// thread to wake up, which may take longer than the call.
type team struct {
	task  task
	of    int
	taken atomic.Int32 // how many parts are: the caller's from the first on,
	back  atomic.Int32 // and from the last on so many of the helpers

	room int          // for helpers that have not come yet; guarded by helpers.mu
	busy atomic.Int32 // helpers that have come and not gone
	gate sync.RWMutex // read-locked by these; a WaitGroup would bind them to a bubble of testing/synctest
}

// run runs the parts of the task, with so many workers at most.
func (t *team) run(task task, of, workers int) {
	if workers == 1 {
		for i := range of {
			task.part(i, of)
		}
		return
	}
	t.task, t.of = task, of
	t.taken.Store(0)
	t.back.Store(0)
	crew.call(t, workers-1)
	for i := 0; t.take(); i++ {
		task.part(i, of)
	}
	crew.dismiss(t)
	// What a helper is at takes some microseconds: less than to sleep and wake up.
	for i := 0; i < spins && t.busy.Load() > 0; i++ {
	}
	t.gate.Lock() // when all have gone
	t.gate.Unlock()
	t.task = nil
}

// take reports whether there is a part left, which is taken.
func (t *team) take() bool { return int(t.taken.Add(1)) <= t.of }

// help is a helper's work.
func (t *team) help() {
	for t.take() {
		t.task.part(t.of-int(t.back.Add(1)), t.of)
	}
}

// crew is the helpers of all teams: goroutines that live until there was nothing to
// help with for a while, so that the calls of a training step, which come one after
// the other, find them awake.
var crew helpers

type helpers struct {
	mu    sync.Mutex
	teams []*team      // that have room
	open  atomic.Int32 // the number of teams, soon, to be seen without the lock
	alive int
	idle  int // of those alive
}

// lingerTime is how long a helper looks for a team before it ends. A mask is drawn
// in less by one goroutine, between two calls that share their work.
const lingerTime = 100 * time.Microsecond

// lingerTurns is how often it yields at most: several times what there is time for,
// unless the clock stands still, as in a bubble of testing/synctest.
const lingerTurns = 1 << 12

// looks is how often it looks between two yields, in half a microsecond: a mask of
// 7×7 planes took two workers a tenth less than with one look.
const looks = 1 << 9

// spins is how often a caller looks whether helpers have gone, before it sleeps:
// some 30 µs.
const spins = 1 << 15

// call lets up to n helpers join a team, and starts them if there are too few and
// the runtime can run them beside the caller.
func (h *helpers) call(t *team, n int) {
	most := runtime.GOMAXPROCS(0) - 1
	if n = min(n, most); n <= 0 {
		return
	}
	h.mu.Lock()
	t.room = n
	h.teams = append(h.teams, t)
	start := -h.idle
	for _, t := range h.teams {
		start += t.room
	}
	start = max(min(start, most-h.alive), 0)
	h.alive += start
	h.idle += start
	h.mu.Unlock()
	h.open.Add(1) // Not before: who sees it takes the lock.
	for range start {
		go help() // A method would allocate.
	}
}

// dismiss lets no more helpers join a team.
func (h *helpers) dismiss(t *team) {
	h.mu.Lock()
	if t.room > 0 {
		h.close(t)
	}
	h.mu.Unlock()
}

// close takes a team that has room from the list.
func (h *helpers) close(t *team) {
	t.room = 0
	i := slices.Index(h.teams, t)
	h.teams = slices.Delete(h.teams, i, i+1)
	h.open.Add(-1)
}

// help is a helper: it joins teams, and yields while there are none.
func help() {
	for last, turns := time.Now(), 0; ; turns++ {
		if t := crew.join(); t != nil {
			t.help()
			crew.leave(t)
			last, turns = time.Now(), 0
			continue
		}
		if (turns > lingerTurns || time.Since(last) > lingerTime) && crew.end() {
			return
		}
		runtime.Gosched()
	}
}

// join returns a team that the helper has joined, or nil.
func (h *helpers) join() *team {
	for i := 1; h.open.Load() == 0; i++ {
		if i == looks {
			return nil
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.teams) == 0 {
		return nil
	}
	t := h.teams[0]
	if t.room == 1 {
		h.close(t)
	} else {
		t.room--
	}
	h.idle--
	t.busy.Add(1)
	t.gate.RLock()
	return t
}

func (h *helpers) leave(t *team) {
	t.gate.RUnlock()
	t.busy.Add(-1) // After the unlock, so that who waits for it need not sleep.
	h.mu.Lock()
	h.idle++
	h.mu.Unlock()
}

// end ends a helper, unless a team has come.
func (h *helpers) end() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.teams) > 0 {
		return false
	}
	h.alive--
	h.idle--
	return true
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
