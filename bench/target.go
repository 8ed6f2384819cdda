package main

import (
	"fmt"
	"math"

	"github.com/dropblock-go/dropblock"
)

const mib = 1 << 20

// A target is a limit for an op of a kernel set: the highest ratio to the
// fastest copy, or the lowest speed-up against a peer or one worker.
type target struct {
	op, impl string
	base     string // opCopy, oneWorker, or the name of a peer
	limit    float64
}

const oneWorker = "one worker"

func (t target) met(v float64) bool {
	if t.base == opCopy {
		return v <= t.limit
	}
	return v >= t.limit
}

// relation is how a value stands to the limit.
func (t target) relation(v float64) string {
	switch met := t.met(v); {
	case met && t.base == opCopy:
		return "≤"
	case met:
		return "≥"
	case t.base == opCopy:
		return ">"
	}
	return "<"
}

// freeCPUs is how much of the CPUs others may have had for two workers to be
// judged: a twentieth of the second one's time changes the figure by as much.
const freeCPUs = 0.05

// targets are those of a setting on a machine whose last-level cache has so
// many bytes. They are for feature maps from 3 to 16 MiB, which stay in the
// cache, and for those that do not, source and destination together; there a
// copy may go around the caches.
func (s setting) targets(lastLevel int) (all []target) {
	bytes := 4 * s.shape.Len()
	const (
		cached = iota
		between
		large
	)
	var size int
	switch {
	case bytes < 3*mib:
		return nil
	case 2*bytes > lastLevel:
		size = large
	case bytes <= 16*mib:
		size = cached
	default:
		size = between
	}
	add := func(impl, base string, limit float64, ops ...string) {
		for _, op := range ops {
			all = append(all, target{op, impl, base, limit})
		}
	}

	if s.share == dropblock.ShareChannels {
		if size == cached {
			add("avx512", opCopy, 1.03, opForward)
		}
		if s.block == 7 {
			add("avx512", "tutorial", 5, opForward+" as tutorial")
		}
		return all
	}

	if size == cached {
		add("avx512", opCopy, 1.03, opApply, opBackward)
		add("avx512", opCopy, 0.58, opInPlace)
		if limit := map[int]float64{7: 1.15, 5: 1.20, 3: 1.28, 1: 1.50}[s.block]; limit > 0 {
			add("avx512", opCopy, limit, opForward)
		}
		add("avx512", oneWorker, 1.8, opApply, opForward)
		add("avx2", opCopy, 1.06, opApply, opBackward)
	}
	if size == large {
		add("avx512", opCopy, 1.03, opApply, opBackward)
		if s.block == 7 {
			add("avx512", opCopy, 1.10, opForward)
		}
	}
	if s.block == 7 {
		add("avx512", opCopy, 0.70, opForwardInPlace)
	}
	avx2 := map[int]float64{7: 1.35, 5: 1.40, 3: 1.60}[s.block]
	if s.block == 7 && size == cached {
		avx2 = 1.22
	}
	if avx2 > 0 {
		add("avx2", opCopy, avx2, opForward)
		add("generic", opCopy, 8, opForward)
		add("generic", "torchvision", 20, opForward)
	}
	if s.block == 1 {
		add("avx512", "dropout", 40, opForward)
	}
	if limit := map[[2]int]float64{{14, 7}: 200, {224, 7}: 200, {7, 7}: 150, {7, 3}: 75}[[2]int{s.shape.H(), s.block}]; limit > 0 {
		add("avx512", "torchvision", limit, opForward)
	}
	return all
}

// A verdict is a target that was measured.
type verdict struct {
	target
	value float64
}

func (v verdict) String() string {
	return fmt.Sprintf("%s of %s, ÷ %s: %s %s %.4g", title(v.op), v.impl, v.base, figure(v.value), v.relation(v.value), v.limit)
}

func (v verdict) missed() bool { return !v.met(v.value) }

// judge holds a result against the targets.
func (r *report) judge(res *result) (all []verdict) {
	for _, t := range res.setting.targets(r.Machine.lastLevel()) {
		if v, ok := res.value(t); ok {
			all = append(all, verdict{t, v})
		}
	}
	return all
}

// value is what a target judges, if it was measured.
func (res *result) value(t target) (float64, bool) {
	switch t.base {
	case opCopy:
		if s := res.find(t.op, t.impl, 1); s != nil {
			return s.Ratio.Median, true
		}
	case oneWorker:
		// Two workers cannot gain what two copying goroutines do not, the memory being
		// what limits them.
		if copies, ok := res.copiesTimes(); ok && copies < t.limit {
			return 0, false
		}
		if res.Others != nil && *res.Others < freeCPUs {
			return res.workersTimes(t.op, t.impl)
		}
	default:
		for _, s := range res.SpeedUps {
			if s.Peer == t.base && s.Op == t.op && s.Impl == t.impl && s.Threads == 1 {
				return s.Times.Median, true
			}
		}
	}
	return 0, false
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

// check returns an error that names the targets missed, or that there were
// none.
func (r *report) check() error {
	var missed []string
	total := 0
	for _, res := range r.Results {
		for _, v := range r.judge(res) {
			total++
			if v.missed() {
				missed = append(missed, fmt.Sprintf("%s: %v", res.Setting, v))
			}
		}
	}
	switch {
	case total == 0:
		return fmt.Errorf("no target is set for these shapes and kernels: they are for 3 MiB or more")
	case len(missed) > 0:
		text := ""
		for _, m := range missed {
			text += "\n\t" + m
		}
		return fmt.Errorf("%d of %d targets missed:%s", len(missed), total, text)
	}
	return nil
}
