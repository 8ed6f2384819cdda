package main

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/dropblock-go/dropblock"
)

// plan is how measurements are made.
type plan struct {
	rounds  int
	slice   time.Duration
	kernels []dropblock.KernelSet
}

// A series is what the rounds measured of one op.
type series struct {
	Op   string `json:"op"`
	Impl string `json:"impl"`

	NsPerElement quartiles `json:"ns_per_element"`
	// Ratio is to the fastest copy in the same round.
	Ratio  quartiles `json:"ratio"`
	Rounds []float64 `json:"rounds_ns_per_element"`
}

// A result is what was measured of one setting.
type result struct {
	Setting  string   `json:"setting"`
	Elements int      `json:"elements"`
	Copy     string   `json:"fastest_copy"` // by the median over the rounds
	Series   []series `json:"series"`

	setting setting
}

type quartiles struct {
	Q1     float64 `json:"q1"`
	Median float64 `json:"median"`
	Q3     float64 `json:"q3"`
}

// measure runs the ops in turn, round after round, on the calling goroutine.
// A change in the machine's speed then meets all of them, and a ratio within a
// round is not touched by it.
func (p *plan) measure(s setting) (*result, error) {
	// One P: a call that shares its work among goroutines finds no other.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	w := newWorkload(s)
	if err := w.verify(p.kernels); err != nil {
		return nil, err
	}
	ops := w.copies()
	for _, k := range p.kernels {
		ops = append(ops, w.stepOps(k)...)
	}
	runs := make([]int, len(ops))
	rounds := make([][]float64, len(ops))
	for i, o := range ops {
		runs[i] = runsPerBatch(o.run)
		rounds[i] = make([]float64, p.rounds)
	}
	batches := make([]float64, 0, p.slice/minBatch+minBatches)
	rng := rand.New(rand.NewPCG(3, 4))
	runtime.GC() // None is due in the rounds, which allocate next to nothing.
	for r := range p.rounds {
		// None always follows the same one, in the caches that this leaves.
		for _, i := range rng.Perm(len(ops)) {
			ns := p.round(ops[i].run, runs[i], batches)
			rounds[i][r] = math.Round(ns/float64(runs[i])/float64(w.n)*1e6) / 1e6
		}
	}
	return summarize(w, ops, rounds), nil
}

const (
	// minBatch is several hundred times what reading the clock takes.
	minBatch = 100 * time.Microsecond
	// minBatches is the least number whose median leaves an outlier out.
	minBatches = 3
)

// runsPerBatch returns how many runs take minBatch together.
func runsPerBatch(run func()) int {
	run()
	for n := 1; ; n *= 2 {
		if timed(run, n) >= minBatch {
			return n
		}
	}
}

// round returns the nanoseconds of a batch of n runs: the median of the
// batches in a slice of time. As long a slice goes before, in which the caches
// become the op's own: the last level takes several passes.
func (p *plan) round(run func(), n int, batches []float64) float64 {
	for start := now(); now()-start < p.slice; {
		run()
	}
	for start := now(); len(batches) < minBatches || now()-start < p.slice && len(batches) < cap(batches); {
		batches = append(batches, float64(timed(run, n)))
	}
	slices.Sort(batches)
	return batches[len(batches)/2]
}

func timed(run func(), n int) time.Duration {
	start := now()
	for range n {
		run()
	}
	return now() - start
}

func summarize(w *workload, ops []op, rounds [][]float64) *result {
	res := &result{Setting: w.setting.String(), Elements: w.n, setting: w.setting}
	fastest := -1
	for i, o := range ops {
		q := quartilesOf(rounds[i])
		res.Series = append(res.Series, series{Op: o.name, Impl: o.impl, NsPerElement: q, Rounds: rounds[i]})
		if o.name == opCopy && (fastest < 0 || q.Median < res.Series[fastest].NsPerElement.Median) {
			fastest = i
		}
	}
	res.Copy = ops[fastest].impl
	for i := range ops {
		ratios := slices.Clone(rounds[i])
		for r := range ratios {
			ratios[r] /= rounds[fastest][r]
		}
		res.Series[i].Ratio = quartilesOf(ratios)
	}
	return res
}

func quartilesOf(v []float64) quartiles {
	v = slices.Sorted(slices.Values(v))
	at := func(q float64) float64 {
		pos := q * float64(len(v)-1)
		i := int(pos)
		j := min(i+1, len(v)-1)
		return v[i] + (pos-float64(i))*(v[j]-v[i])
	}
	return quartiles{at(0.25), at(0.5), at(0.75)}
}

// find returns the series of an op, which is there.
func (res *result) find(op, impl string) *series {
	i := slices.IndexFunc(res.Series, func(s series) bool { return s.Op == op && s.Impl == impl })
	return &res.Series[i]
}
