package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// What other processes use of the CPUs while we measure: with some of it, two
// workers do not have two CPUs. It is known on Linux only, which tells the time
// of CPUs and processes in ticks.
const tick = 10 * time.Millisecond // USER_HZ is 100 on all of Go's architectures

// others is what others used of the CPUs while they were watched.
type others struct {
	ticks   int // which are a little below 0 at times, as they are differences
	watched time.Duration
	unknown bool
}

// cpus is how many CPUs others had on average, or nil.
func (o *others) cpus() *float64 {
	if o.unknown || o.watched < 10*tick {
		return nil
	}
	cpus := digits(max(float64(o.ticks)*float64(tick)/float64(o.watched), 0))
	return &cpus
}

// watch begins to watch; the function that it returns ends it.
func (o *others) watch(p *plan) (end func()) {
	pids := []int{os.Getpid()}
	if p.peers != nil {
		pids = append(pids, p.peers.pid())
	}
	start := time.Now()
	before, ok := othersTicks(pids)
	return func() {
		after, still := othersTicks(pids)
		o.watched += time.Since(start)
		o.ticks += after - before
		o.unknown = o.unknown || !ok || !still
	}
}

// othersTicks are those of all CPUs but what the processes had of them, if the
// system tells.
func othersTicks(pids []int) (ticks int, ok bool) {
	all, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	line, _, _ := strings.Cut(string(all), "\n")
	f := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	if len(f) < 9 || f[0] != "cpu" {
		return 0, false
	}
	ticks = sum(f[1:4]) + sum(f[6:9])
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return 0, false
		}
		// The name, which may have blanks, ends with the last parenthesis.
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(f) < 13 {
			return 0, false
		}
		ticks -= sum(f[11:13]) // utime stime
	}
	return ticks, true
}

func sum(numbers []string) (sum int) {
	for _, s := range numbers {
		n, _ := strconv.Atoi(s)
		sum += n
	}
	return sum
}
