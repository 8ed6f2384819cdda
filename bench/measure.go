package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/dropblock-go/dropblock"
)

// plan is how measurements are made.
type plan struct {
	rounds    int
	passes    int // through all settings, which share the rounds
	slice     time.Duration
	peerEvery int // the rounds that peers take part in: each n-th
	kernels   []dropblock.KernelSet
	workers   []int // the numbers that are compared
	peers     *peerProcess
}

// A series is what the rounds measured of one op.
type series struct {
	Op      string `json:"op"`
	Impl    string `json:"impl"` // kernel set, roofline or peer
	Threads int    `json:"threads"`
	// Every is n if only each n-th round measured the op, from round 0 on.
	Every int `json:"every,omitempty"`

	// Of one thread of this process, by its CPU time where the system tells
	// it; otherwise by the clock.
	NsPerElement quartiles `json:"ns_per_element"`
	// Ratio is to the fastest copy in the same round, by the same clock.
	Ratio quartiles `json:"ratio"`

	CPU  []float64 `json:"cpu_ns,omitempty"` // an element, in each round
	Wall []float64 `json:"wall_ns"`
}

// A result is what was measured of one setting.
type result struct {
	Setting  string    `json:"setting"`
	Elements int       `json:"elements"`
	Copy     string    `json:"fastest_copy"` // by the median over the rounds
	Series   []series  `json:"series"`
	SpeedUps []speedUp `json:"speed_ups,omitempty"`

	setting setting
	failed  []failure
}

// A speedUp is a peer's time divided by ours in the same round.
type speedUp struct {
	Peer    string    `json:"peer"`
	Op      string    `json:"op"` // ours
	Impl    string    `json:"impl"`
	Threads int       `json:"threads"` // of both
	Times   quartiles `json:"times"`
}

type quartiles struct{ Q1, Median, Q3 float64 }

func (q quartiles) MarshalJSON() ([]byte, error) {
	return json.Marshal([3]float64{q.Q1, q.Median, q.Q3})
}

func (q *quartiles) UnmarshalJSON(text []byte) error {
	var v [3]float64
	err := json.Unmarshal(text, &v)
	*q = quartiles{v[0], v[1], v[2]}
	return err
}

// A failure is why a peer was not timed.
type failure struct {
	peer string
	err  error
}

// A turn is an op's part in a round.
type turn struct {
	series
	measure func() (cpu, wall float64, err error) // nanoseconds of one run
	err     error                                 // of a peer, which ends its turns
}

// A session is a setting that is being measured.
type session struct {
	*workload
	peers  []peer
	failed []failure
	turns  []turn
	rng    *rand.Rand
	round  int // the next one
}

// dropPeers ends the turns of the peers that are left.
func (s *session) dropPeers(err error) {
	for i := range s.turns {
		t := &s.turns[i]
		if t.err == nil && slices.ContainsFunc(s.peers, func(p peer) bool { return p.name == t.Impl }) {
			t.err = err
		}
	}
}

// measure runs everything in turn, up to a round. A change in the machine's speed
// then meets all of them, and a ratio within a round is not touched by it.
func (p *plan) measure(s *session, end int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.GC() // None is due in the rounds, which allocate next to nothing.
	for ; s.round < end; s.round++ {
		r := s.round
		// None always follows the same one, in the caches that this leaves.
		for _, i := range s.rng.Perm(len(s.turns)) {
			t := &s.turns[i]
			if r%max(t.Every, 1) != 0 || t.err != nil {
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
func (p *plan) turn(o op) turn {
	runs := 0
	batches := make([]timing, 0, p.slice/minBatch+minBatches)
	s := series{Op: o.name, Impl: o.impl, Threads: o.workers}
	return turn{series: s, measure: func() (cpu, wall float64, err error) {
		// As many Ps as workers: a call finds no other to share its work with.
		runtime.GOMAXPROCS(o.workers)
		if o.workers == 1 {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		if runs == 0 {
			runs = runsPerBatch(o.run)
		}
		t := p.round(o.run, runs, batches)
		if o.workers == 1 && hasCPUClock {
			cpu = float64(t.cpu) / float64(runs)
		}
		return cpu, float64(t.wall) / float64(runs), nil
	}}
}

const (
	// minBatch is several hundred times what reading the clocks takes.
	minBatch = 100 * time.Microsecond
	// minBatches is the least number whose median leaves an outlier out.
	minBatches = 3
)

// timing is a time on the two clocks.
type timing struct{ cpu, wall time.Duration }

// runsPerBatch returns how many runs take minBatch together, each of a few times:
// one alone may have been interrupted.
func runsPerBatch(run func()) int {
	run()
	for n := 1; ; n *= 2 {
		least := timed(run, n).wall
		for range minBatches {
			least = min(least, timed(run, n).wall)
		}
		if least >= minBatch {
			return n
		}
	}
}

// round returns the time of a batch of n runs: the medians of the batches in a
// slice of time. As long a slice goes before, in which the caches become the
// op's own: the last level takes several passes.
func (p *plan) round(run func(), n int, batches []timing) timing {
	for start := time.Now(); time.Since(start) < p.slice; {
		run()
	}
	for start := time.Now(); len(batches) < minBatches || time.Since(start) < p.slice && len(batches) < cap(batches); {
		batches = append(batches, timed(run, n))
	}
	middle := len(batches) / 2
	slices.SortFunc(batches, func(a, b timing) int { return int(a.cpu - b.cpu) })
	cpu := batches[middle].cpu
	slices.SortFunc(batches, func(a, b timing) int { return int(a.wall - b.wall) })
	return timing{cpu, batches[middle].wall}
}

func timed(run func(), n int) timing {
	start, cpu := time.Now(), cpuTime()
	for range n {
		run()
	}
	return timing{cpuTime() - cpu, time.Since(start)}
}

func summarize(s setting, turns []turn) *result {
	res := &result{Setting: s.String(), Elements: s.shape.Len(), setting: s}
	var fastest *series
	for i := range turns {
		t := &turns[i].series
		if turns[i].err != nil {
			continue
		}
		t.NsPerElement = quartilesOf(t.rounds())
		if t.Op == opCopy && t.Threads == 1 && (fastest == nil || t.NsPerElement.Median < fastest.NsPerElement.Median) {
			fastest = t
		}
	}
	res.Copy = fastest.Impl
	for i := range turns {
		t := &turns[i].series
		if err := turns[i].err; err != nil {
			res.failed = append(res.failed, failure{t.Impl, err})
			continue
		}
		t.Ratio = quotients(t, fastest, t.CPU != nil)
		res.Series = append(res.Series, *t)
	}
	return res
}

// compare divides the peers' times by ours.
func (res *result) compare(peers []peer, kernels []dropblock.KernelSet) {
	for _, p := range peers {
		for _, theirs := range res.Series {
			if theirs.Impl != p.name {
				continue
			}
			for _, k := range kernels {
				if ours := res.find(p.rival(res.setting), k.String(), theirs.Threads); ours != nil {
					res.SpeedUps = append(res.SpeedUps, speedUp{p.name, ours.Op, ours.Impl, ours.Threads, quotients(&theirs, ours, false)})
				}
			}
		}
	}
}

// rounds are by the clock that counts.
func (s *series) rounds() []float64 {
	if s.CPU != nil {
		return s.CPU
	}
	return s.Wall
}

// quotients are of two ops in the rounds that measured both.
func quotients(above, below *series, cpu bool) quartiles {
	a, b := above.Wall, below.Wall
	if cpu {
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

// find returns the series of an op, or nil.
func (res *result) find(op, impl string, threads int) *series {
	for i, s := range res.Series {
		if s.Op == op && s.Impl == impl && s.Threads == threads {
			return &res.Series[i]
		}
	}
	return nil
}

// workersTimes is how many times as fast two workers are as one.
func (res *result) workersTimes(op, impl string) (float64, bool) {
	one, two := res.find(op, impl, 1), res.find(op, impl, 2)
	if one == nil || two == nil {
		return 0, false
	}
	return quotients(one, two, false).Median, true
}

// copiesTimes is how many times as fast the fastest copy of two goroutines is as
// the fastest of one.
func (res *result) copiesTimes() (float64, bool) {
	one, two := res.fastestCopy(1), res.fastestCopy(2)
	if one == nil || two == nil {
		return 0, false
	}
	return quotients(one, two, false).Median, true
}

// fastestCopy is that of so many goroutines by the clock, or nil.
func (res *result) fastestCopy(threads int) (fastest *series) {
	least := math.Inf(1)
	for i, s := range res.Series {
		if s.Op != opCopy || s.Threads != threads {
			continue
		}
		if ns := quartilesOf(s.Wall).Median; ns < least {
			fastest, least = &res.Series[i], ns
		}
	}
	return fastest
}
