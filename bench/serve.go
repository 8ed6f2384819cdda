package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
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

// revision is set by -ldflags=-X, as a workspace's builds are not stamped with it.
var revision string

// buildName tells builds apart: the revision, or of an unknown one the program's hash.
func buildName() string {
	if revision != "" {
		return "revision " + revision
	}
	exe, err := os.Executable()
	if err != nil {
		return "unknown revision"
	}
	program, _ := os.ReadFile(exe)
	return fmt.Sprintf("program %.6x", sha256.Sum256(program))
}

// A server is what serve keeps between requests.
type server struct {
	w    *workload
	runs map[string]func() // of tasks
	pad  [][]uint64        // moves what is allocated next
}

func (s *server) answer(request []string) (string, error) {
	f := append(slices.Clone(request), "", "", "", "")[:4] // as far as it has them
	run := s.runs[f[1]]
	switch n := len(request); {
	case f[0] == "open" && n == 3:
		return s.open(f[1], f[2])
	case f[0] == "digest" && n == 1 && s.w != nil:
		return s.w.digest(dropblock.KernelSet{}, 1), nil
	case f[0] == "runs" && n == 2 && run != nil:
		return strconv.Itoa(runsPerBatch(run)), nil
	case f[0] == "time" && n == 4 && run != nil:
		n, err := strconv.Atoi(f[2])
		if err != nil || n < 1 {
			return "", fmt.Errorf("%q runs, want 1 or more", f[2])
		}
		slice, err := time.ParseDuration(f[3])
		if err != nil {
			return "", err
		}
		cpu, wall := timeBatches(run, n, slice)
		return fmt.Sprintf("%.2f %.2f", cpu[0], wall[0]), nil
	}
	return "", fmt.Errorf("no such request: %q", strings.Join(request, " "))
}

func (s *server) open(name, workerList string) (tasks string, err error) {
	set, err := parseSetting(name)
	if err != nil {
		return "", err
	}
	workers, err := parseList(workerList, parseWorkers)
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
		for _, n := range workers {
			for _, o := range s.w.layerOps(k, n) {
				s.runs[o.String()] = o.run
				names = append(names, o.String())
			}
		}
	}
	runtime.GC() // None is due while it measures, which allocates next to nothing.
	return strings.Join(names, " "), nil
}

// digest is the same for kernel sets, numbers of workers and builds whose masks and
// outputs are.
func (w *workload) digest(k dropblock.KernelSet, workers int) string {
	h := sha256.New()
	layer := mustLayer(w.config(), k, workers)
	var m dropblock.Mask
	for step := range 3 {
		layer.Sample(&m, w.shape, step)
		w.apply(&m)
		binary.Write(h, binary.LittleEndian, m.Words())
		h.Write(memory(w.y))
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func parseWorkers(word string) (int, error) {
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of workers, want 1 or more", word)
	}
	return n, nil
}

// parseTask is the inverse of String.
func parseTask(name string) (t task, err error) {
	f := strings.Split(name, "/")
	if len(f) == 3 {
		t.Op, t.Impl = f[0], f[1]
		t.Threads, err = strconv.Atoi(f[2])
	}
	if err != nil || t.Threads < 1 {
		return t, fmt.Errorf("%q is not of the form forward/avx2/1", name)
	}
	return t, nil
}
