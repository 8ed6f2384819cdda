package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// A series is what the rounds measured of a task: nanoseconds an element.
type series struct {
	task
	// Every is n if only each n-th round measured the task, from round 0 on.
	Every int `json:"every,omitempty"`
	// CPU is of one thread of this process, where the system tells it; it counts then.
	CPU  []float64 `json:"cpu_ns,omitempty"`
	Wall []float64 `json:"wall_ns"`
}

// A result is what was measured of one setting.
type result struct {
	Setting string   `json:"setting"`
	Series  []series `json:"series"`

	setting setting
}

// A turn is a task's part in a round.
type turn struct {
	series
	measure func() (cpu, wall float64, err error) // nanoseconds of one run
	err     error                                 // of a peer, which ends its turns
}

// A session is a setting that is being measured.
type session struct {
	*workload
	turns []turn
	rng   *rand.Rand
	round int // the next one
}

// peerEvery is n where peers take part in each n-th round: they take long.
const peerEvery = 5

// measure measures settings, for the tables or for the sweep over sizes. It passes
// through all of them several times, so that what disturbs the machine for a while does
// not meet one of them alone.
func (opt *options) measure(rep *report, settings []setting, rounds int, sweep bool, done func(setting)) (results []*result, err error) {
	sessions := make([]*session, len(settings))
	passes := min(passes, rounds)
	for pass := range passes {
		for i, s := range settings {
			if pass == 0 {
				if sessions[i], err = opt.open(s, sweep); err != nil {
					return nil, err
				}
			}
			opt.pass(sessions[i], rounds*(pass+1)/passes)
			if pass == passes-1 {
				results = append(results, rep.result(sessions[i]))
				sessions[i] = nil // and its memory
			}
			done(s)
		}
	}
	return results, nil
}

// open checks that ours and the peers' outputs are right and prepares their turns.
func (opt *options) open(s setting, sweep bool) (*session, error) {
	se := &session{workload: newWorkload(s), rng: rand.New(rand.NewPCG(3, 4))}
	if err := se.verify(opt.kernels, opt.workers); err != nil {
		return nil, err
	}
	dilates := false
	for _, p := range opt.peers {
		if sweep && !p.sweep || !sweep && !p.runs(s) {
			continue
		}
		err := opt.process.set(s)
		if err == nil {
			err = opt.process.check(p, se.workload)
		}
		for _, threads := range opt.workers {
			if threads == 1 || !sweep {
				se.turns = append(se.turns, opt.peerTurn(p, threads, err))
			}
		}
		dilates = dilates || p.dilates
		if name := p.rival(s); !sweep && err == nil && name != opForward && !p.dilates {
			for _, k := range opt.kernels {
				for _, workers := range opt.workers {
					o := se.op(step{name: name, title: name, sample: true, apply: applyScale, dst: mapY, src: mapX}, p.config(s), k, workers)
					se.turns = append(se.turns, opt.turn(o))
				}
			}
		}
	}
	for _, o := range se.copies(opt.workersOf(s)) {
		if !sweep || o.Op == opCopy && o.Threads == 1 {
			se.turns = append(se.turns, opt.turn(o))
		}
	}
	for i, k := range opt.kernels {
		for _, workers := range opt.workersOf(s) {
			for _, o := range se.layerOps(k, workers) {
				wanted := slices.Contains(stepNames, o.Op) || slices.Contains(fewNames, o.Op) && workers == 1 || o.Op == opDilate && dilates
				if sweep {
					wanted = o.Op == opForward && (workers == 1 || i == 0)
				}
				if wanted {
					se.turns = append(se.turns, opt.turn(o))
				}
			}
		}
	}
	return se, nil
}

// workersOf are the numbers of workers that a setting is measured with.
func (opt *options) workersOf(s setting) []int {
	if s.usual() {
		return opt.workers
	}
	return opt.workers[:1]
}

// pass measures everything in turn, up to a round. A change in the machine's speed then
// meets all of them, and a ratio within a round is not touched by it.
func (opt *options) pass(s *session, end int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.GC() // None is due in the rounds, which allocate next to nothing.
	var err error
	if opt.process != nil { // Another setting was measured since.
		err = opt.process.set(s.setting)
	}
	for ; s.round < end; s.round++ {
		// None always follows the same one, in the caches that this leaves.
		for _, i := range s.rng.Perm(len(s.turns)) {
			t := &s.turns[i]
			if t.err == nil && t.Every > 0 {
				t.err = err
			}
			if s.round%max(t.Every, 1) != 0 || t.err != nil {
				continue
			}
			var cpu, wall float64
			if cpu, wall, t.err = t.measure(); t.err != nil {
				continue
			}
			if cpu > 0 {
				t.CPU = append(t.CPU, digits(cpu/float64(s.n)))
			}
			t.Wall = append(t.Wall, digits(wall/float64(s.n)))
		}
	}
}

// turn is that of an op of this process.
func (opt *options) turn(o op) turn {
	runs := 0
	return turn{series: series{task: o.task}, measure: func() (cpu, wall float64, err error) {
		// As many Ps as workers: a call finds no other to share its work with.
		runtime.GOMAXPROCS(o.Threads)
		if o.Threads == 1 {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		if runs == 0 {
			runs = runsPerBatch(o.run)
		}
		cpus, walls := timeBatches(o.run, runs, opt.slice)
		if o.Threads == 1 {
			cpu = cpus[len(cpus)/2]
		}
		return cpu, walls[len(walls)/2], nil
	}}
}

const (
	// minBatch is several hundred times what reading the clocks takes.
	minBatch = 100 * time.Microsecond
	// minBatches is the least number whose median leaves an outlier out.
	minBatches = 3
)

// runsPerBatch returns how many runs take minBatch together, each of a few times:
// one alone may have been interrupted.
func runsPerBatch(run func()) int {
	run()
	for n := 1; ; n *= 2 {
		least := math.Inf(1)
		for range 1 + minBatches {
			_, wall := timed(run, n)
			least = min(least, wall)
		}
		if least*float64(n) >= float64(minBatch) {
			return n
		}
	}
}

// timeBatches returns the times of a run in batches of n, the least first, of a slice of
// time. As long a slice goes before, in which the caches become the op's own: the last
// level takes several passes. Slices are of CPU time where it is known. Other processes
// make a batch slower and none faster, so that the least ones are what builds can be
// compared by on a machine that is not idle.
func timeBatches(run func(), n int, slice time.Duration) (cpus, walls []float64) {
	for range 2 {
		cpus, walls = cpus[:0], walls[:0]
		for spent := 0.0; spent < float64(slice) || len(walls) < minBatches; {
			cpu, wall := timed(run, n)
			cpus, walls = append(cpus, cpu), append(walls, wall)
			spent += cmp.Or(cpu, wall) * float64(n)
		}
	}
	slices.Sort(cpus)
	slices.Sort(walls)
	return cpus, walls
}

// timed returns the nanoseconds of one of n runs, by CPU time, which may be unknown
// and 0, and by the clock.
func timed(run func(), n int) (cpu, wall float64) {
	start, started := time.Now(), cpuTime()
	for range n {
		run()
	}
	return float64(cpuTime()-started) / float64(n), float64(time.Since(start)) / float64(n)
}

// find returns the series of a task, or nil.
func (res *result) find(op, impl string, threads int) *series {
	i := slices.IndexFunc(res.Series, func(s series) bool { return s.task == task{op, impl, threads} })
	if i < 0 {
		return nil
	}
	return &res.Series[i]
}

// fastest returns the series of the fastest copy by so many goroutines, or nil.
func (res *result) fastest(threads int) *series { return res.fastestOf(opCopy, threads) }

// fastestOf is the fastest implementation of an op.
func (res *result) fastestOf(op string, threads int) (fastest *series) {
	for i, s := range res.Series {
		if s.Op == op && s.Threads == threads && (fastest == nil || s.median() < fastest.median()) {
			fastest = &res.Series[i]
		}
	}
	return fastest
}

// ns are the rounds by the clock that counts.
func (s *series) ns() []float64 {
	if s.CPU != nil {
		return s.CPU
	}
	return s.Wall
}

func (s *series) median() float64 { return quartilesOf(s.ns()).median }

// quotients are of two tasks in the rounds that measured both, by CPU time where both
// have it, if so asked, and otherwise by the clock.
func quotients(above, below *series, cpu bool) quartiles {
	a, b := above.Wall, below.Wall
	if cpu && above.CPU != nil && below.CPU != nil {
		a, b = above.CPU, below.CPU
	}
	var q []float64
	for i, v := range a {
		if r := i * max(above.Every, 1); r%max(below.Every, 1) == 0 {
			q = append(q, v/b[r/max(below.Every, 1)])
		}
	}
	return quartilesOf(q)
}

type quartiles struct{ q1, median, q3 float64 }

func quartilesOf(v []float64) quartiles {
	v = slices.Sorted(slices.Values(v))
	at := func(q float64) float64 {
		pos := q * float64(len(v)-1)
		i := int(pos)
		j := min(i+1, len(v)-1)
		return digits(v[i] + (pos-float64(i))*(v[j]-v[i]))
	}
	return quartiles{at(0.25), at(0.5), at(0.75)}
}

// digits rounds to four digits, more than any measurement is worth.
func digits(v float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return r
}

// newProgress returns a function that writes a line for each setting that is done.
func newProgress(w io.Writer, settings int) (done func(setting)) {
	start := time.Now()
	began, n := start, 0
	since := func(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
	return func(s setting) {
		n++
		fmt.Fprintf(w, "bench: %v  %d/%d %v  took %v\n", since(start), n, settings, s, since(began))
		began = time.Now()
	}
}
