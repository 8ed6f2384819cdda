package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock"
)

// protocol begins the first line of a serving process; the name of its build
// follows. Whatever changes the meaning of a request changes the number.
const protocol = "dropblock-bench 1"

// serve makes measurements for another process, which compares builds. It answers
// one request at a time until its input ends:
//
//	open SETTING WORKERS  ok TASK ...  lays out memory anew; WORKERS are as in 1,2
//	digest                ok SHA256    of masks and outputs of the open setting
//	runs TASK             ok N         runs that make a batch which clocks can time
//	time TASK N SLICE     ok CPU WALL  least nanoseconds of a run in batches of N; CPU is 0 where it is unknown
//
// or error TEXT. A task is OP/KERNELS/WORKERS, as in forward/avx2/1; SLICE is as in
// 5ms, of CPU time where it is known.
func serve(in io.Reader, out io.Writer) error {
	fmt.Fprintln(out, protocol, buildName())
	var s server
	requests := bufio.NewScanner(in)
	for requests.Scan() {
		answer, err := s.answer(strings.Fields(requests.Text()))
		if err != nil {
			answer = "error " + strings.ReplaceAll(err.Error(), "\n", " ")
		} else {
			answer = "ok " + answer
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return requests.Err()
}

// revision is set by -ldflags=-X where builds are not stamped with it.
var revision string

// buildName tells builds apart: the revision, or of a changed or unknown one the
// program's hash too.
func buildName() string {
	if revision != "" {
		return "revision " + revision
	}
	name, changed := "unknown revision", true
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				name = "revision " + s.Value[:min(12, len(s.Value))]
			case "vcs.modified":
				changed = s.Value == "true"
			}
		}
	}
	if !changed {
		return name
	}
	exe, err := os.Executable()
	if err != nil {
		return name + ", changed"
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		return name + ", changed"
	}
	return fmt.Sprintf("%s, changed, program %.6x", name, sha256.Sum256(program))
}

// A server is what serve keeps between requests.
type server struct {
	w    *workload
	runs map[string]func() // of tasks
	pad  [][]uint64        // moves what is allocated next
}

func (s *server) answer(request []string) (string, error) {
	verb := ""
	if len(request) > 0 {
		verb = request[0]
	}
	var run func()
	if len(request) > 1 {
		run = s.runs[request[1]]
	}
	switch {
	case verb == "open" && len(request) == 3:
		return s.open(request[1], request[2])
	case verb == "digest" && len(request) == 1 && s.w != nil:
		return s.w.digest(), nil
	case verb == "runs" && len(request) == 2 && run != nil:
		return strconv.Itoa(runsPerBatch(run)), nil
	case verb == "time" && len(request) == 4 && run != nil:
		n, err := strconv.Atoi(request[2])
		if err != nil || n < 1 {
			return "", fmt.Errorf("%q runs, want 1 or more", request[2])
		}
		slice, err := time.ParseDuration(request[3])
		if err != nil {
			return "", err
		}
		t := fastest(run, n, slice)
		return fmt.Sprintf("%.2f %.2f", float64(t.cpu)/float64(n), float64(t.wall)/float64(n)), nil
	}
	return "", fmt.Errorf("no such request: %q", strings.Join(request, " "))
}

func (s *server) open(name, workerList string) (tasks string, err error) {
	set, err := parseSetting(name)
	if err != nil {
		return "", err
	}
	workers, err := parseWorkers(workerList)
	if err != nil {
		return "", err
	}
	// A time depends on the physical pages of a map and on where in a page the words
	// of a small mask lie, up to 5 %: the old pages are given back, and the words
	// begin elsewhere.
	s.w, s.runs, s.pad = nil, map[string]func(){}, nil
	debug.FreeOSMemory()
	if words := (set.shape.Len() + 63) / 64; words <= page/8 {
		for range rand.IntN(page / 8) {
			s.pad = append(s.pad, make([]uint64, words))
		}
	}
	s.w = newWorkload(set)
	var names []string
	for _, k := range dropblock.KernelSets() {
		ops := []op{s.w.dilateOp(k), s.w.bernoulliOp(k)}
		for _, n := range workers {
			ops = append(ops, s.w.stepOps(k, n)...)
		}
		for _, o := range ops {
			if name := (task{o.name, o.impl, o.workers}).String(); slices.Contains(workers, o.workers) {
				s.runs[name] = o.run
				names = append(names, name)
			}
		}
	}
	runtime.GC() // None is due while it measures, which allocates next to nothing.
	return strings.Join(names, " "), nil
}

// fastest returns the least times of batches of n runs in a slice of time, after as
// long a slice in which the caches become the op's own. Other processes make a batch
// slower and none faster, so that the least one is what builds can be compared by
// on a machine that is not idle; there the slices are of CPU time, too.
func fastest(run func(), n int, slice time.Duration) (least timing) {
	clock := func() func() time.Duration {
		start, cpu := time.Now(), cpuTime()
		return func() time.Duration {
			if hasCPUClock {
				return cpuTime() - cpu
			}
			return time.Since(start)
		}
	}
	for since := clock(); ; {
		if timed(run, n); since() >= slice {
			break
		}
	}
	least = timing{math.MaxInt64, math.MaxInt64}
	since := clock()
	for {
		t := timed(run, n)
		least.cpu, least.wall = min(least.cpu, t.cpu), min(least.wall, t.wall)
		if since() >= slice {
			return least
		}
	}
}

// digest is the same for builds whose masks and outputs are.
func (w *workload) digest() string {
	h := sha256.New()
	layer := w.mustLayer(dropblock.KernelSets()[0], 1)
	var m dropblock.Mask
	for step := range 3 {
		layer.Sample(&m, w.shape, step)
		dropblock.Apply(w.y, w.x, &m)
		binary.Write(h, binary.LittleEndian, m.Words())
		binary.Write(h, binary.LittleEndian, w.y)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func parseWorkers(list string) (all []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number of workers, want 1 or more", word)
		}
		if slices.Contains(all, n) {
			return nil, fmt.Errorf("%d is there twice", n)
		}
		all = append(all, n)
	}
	return all, nil
}

// A task is what is timed of a setting.
type task struct {
	op, kernels string
	workers     int
}

func (t task) String() string { return fmt.Sprintf("%s/%s/%d", t.op, t.kernels, t.workers) }

func parseTask(name string) (t task, err error) {
	f := strings.Split(name, "/")
	if len(f) == 3 {
		t.op, t.kernels = f[0], f[1]
		t.workers, err = strconv.Atoi(f[2])
	}
	if err != nil || t.workers < 1 {
		return t, fmt.Errorf("%q is not of the form forward/avx2/1", name)
	}
	return t, nil
}
