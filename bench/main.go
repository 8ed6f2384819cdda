// Command bench measures what DropBlock costs beside a copy of the same
// feature map and beside other implementations, in one run and interleaved,
// and prints the ratios as Markdown:
//
//	go run ./bench
//	go run ./bench -shapes 32x256x14x14-b7 -kernels avx2 -rounds 301
//	go run ./bench -check -peers all -sweep 11 -o bench/results
//
// Before it measures, it checks that the masks and outputs of all kernel sets
// are bitwise equal, and that the other implementations make the same of the
// same seeds. What the library does is also in Go benchmarks, in this folder.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

type options struct {
	plan
	settings []setting
	sweep    int // rounds
	pythons  []string
	selected []peer
	check    bool
	out      string
}

func run(args []string, stdout, stderr io.Writer) (status int) {
	opt, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 2
	}
	if err := opt.run(args, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*options, error) {
	opt := new(options)
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.IntVar(&opt.rounds, "rounds", 51, "`rounds` to take the median of")
	fs.DurationVar(&opt.slice, "slice", 5*time.Millisecond, "least `time` of each measurement in a round, after as much to warm up")
	shapes := fs.String("shapes", "", "comma-separated `settings` such as 32x256x14x14-b7 or 32x256x14x14-b7/share=channels (default all of the benchmarks')")
	kernels := fs.String("kernels", "", "comma-separated kernel `sets` (default all that this CPU runs)")
	fs.IntVar(&opt.sweep, "sweep", 0, "`rounds` of a sweep over sizes, 0 for none; -shapes does not change its shapes")
	peers := fs.String("peers", "none", "other `implementations` to compare with: none, all, or a comma-separated list")
	fs.IntVar(&opt.peerEvery, "peer-every", 5, "`n`, for the peers to take part in each n-th round")
	python := fs.String("python", "", "Python `interpreter` that has the peers' packages (default python3, or /usr/bin/python3 if that has more of them)")
	fs.BoolVar(&opt.check, "check", false, "exit with status 1 if a target is missed")
	fs.StringVar(&opt.out, "o", "", "write all measurements to a JSON `file`, such as bench/results/machine.json, and the tables to one that ends in .md; in a directory, they are named after CPU and date")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: bench [flags]")
			fs.SetOutput(stderr)
			fs.PrintDefaults()
		}
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: there are only flags", fs.Arg(0))
	}
	if opt.rounds < 1 {
		return nil, fmt.Errorf("-rounds is %d, want 1 or more", opt.rounds)
	}
	if opt.slice <= 0 || opt.slice > time.Minute {
		return nil, fmt.Errorf("-slice is %v, want a time above 0, at most a minute", opt.slice)
	}
	var err error
	opt.settings = settings
	if *shapes != "" {
		if opt.settings, err = parseList(*shapes, parseSetting); err != nil {
			return nil, fmt.Errorf("-shapes: %w", err)
		}
	}
	opt.kernels = dropblock.Kernels()
	if *kernels != "" {
		if opt.kernels, err = parseList(*kernels, dropblock.KernelsByName); err != nil {
			return nil, fmt.Errorf("-kernels: %w", err)
		}
	}
	if opt.sweep < 0 {
		return nil, fmt.Errorf("-sweep is %d, want 0 for none, or 1 or more", opt.sweep)
	}
	if opt.peerEvery < 1 {
		return nil, fmt.Errorf("-peer-every is %d, want 1 or more", opt.peerEvery)
	}
	switch *peers {
	case "none":
	case "all":
		opt.selected = allPeers
	default:
		if opt.selected, err = parseList(*peers, peerByName); err != nil {
			return nil, fmt.Errorf("-peers: %w", err)
		}
	}
	opt.pythons = []string{"python3", "/usr/bin/python3"}
	if *python != "" {
		if _, err := exec.LookPath(*python); err != nil {
			return nil, fmt.Errorf("-python is %q, want a program: %w", *python, err)
		}
		opt.pythons = []string{*python}
	}
	if opt.out != "" {
		if opt.out, err = outputName(opt.out); err != nil {
			return nil, err
		}
	}
	return opt, nil
}

// outputName completes the name of the JSON file.
func outputName(out string) (string, error) {
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		return filepath.Join(out, fmt.Sprintf("%s-%s.json", thisMachine().slug(), time.Now().UTC().Format(time.DateOnly))), nil
	}
	if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() || filepath.Ext(out) != ".json" {
		return "", fmt.Errorf("-o is %q, want a directory, or a file that ends in .json in a directory that exists", out)
	}
	return out, nil
}

func (opt *options) run(args []string, stdout, stderr io.Writer) error {
	rep := &report{
		Machine:   thisMachine(),
		Date:      time.Now().UTC().Truncate(time.Second),
		Command:   strings.Join(slices.Concat([]string{"go run ./bench"}, args), " "),
		P:         dropProb,
		Rounds:    opt.rounds,
		SliceNs:   opt.slice.Nanoseconds(),
		PeerEvery: opt.peerEvery,
	}
	for _, k := range opt.kernels {
		rep.Kernels = append(rep.Kernels, k.String())
	}
	opt.workers = []int{1}
	if runtime.NumCPU() > 1 {
		opt.workers = []int{1, 2}
	}
	progress := newProgress(stderr, len(opt.settings))
	if len(opt.selected) > 0 {
		progress.say("starting the peers ...")
		rep.Versions, rep.NotRun = opt.startPeers()
		defer opt.stopPeers()
	}

	for _, s := range opt.settings {
		res, err := opt.one(s, false, progress)
		if err != nil {
			return err
		}
		rep.add(&rep.Results, res)
	}
	if opt.sweep > 0 {
		rep.SweepRounds, opt.rounds = opt.sweep, opt.sweep
		sizes := sweepSettings()
		progress.more(len(sizes))
		for _, s := range sizes {
			res, err := opt.one(s, true, progress)
			if err != nil {
				return err
			}
			rep.add(&rep.Sweep, res)
		}
	}
	progress.end()

	if err := rep.markdown(stdout); err != nil {
		return err
	}
	if opt.out != "" {
		if err := rep.write(opt.out); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "bench: wrote %s and .md\n", opt.out)
	}
	if len(rep.failed) > 0 {
		return fmt.Errorf("peers failed: %s", strings.Join(rep.failed, "; "))
	}
	if opt.check {
		return rep.check()
	}
	return nil
}

// startPeers starts the process of the peers and tells the versions, and why
// those that were selected do not run.
func (opt *options) startPeers() (versions map[string]string, notRun []string) {
	var err error
	if opt.peers, err = startPeers(opt.pythons, answerTimeout); err != nil {
		reason := strings.ReplaceAll(err.Error(), "\n", "; ")
		for _, p := range opt.selected {
			notRun = append(notRun, fmt.Sprintf("%v: %s", p, reason))
		}
		opt.selected = nil
		return nil, notRun
	}
	var there []peer
	for _, p := range opt.selected {
		if slices.Contains(opt.peers.Peers, p.name) {
			there = append(there, p)
		} else {
			notRun = append(notRun, fmt.Sprintf("%v: %s", p, opt.peers.Missing[p.name]))
		}
	}
	opt.selected = there
	return opt.peers.Versions, notRun
}

func (opt *options) stopPeers() {
	if opt.peers != nil {
		opt.peers.stop()
	}
}

// one measures a setting, for the tables or for the sweep.
func (opt *options) one(s setting, sweep bool, progress *progress) (*result, error) {
	progress.begin(s.String())
	defer progress.done()
	w := newWorkload(s)
	if err := w.verify(opt.kernels, opt.workers); err != nil {
		return nil, err
	}
	var peers []peer
	var failed []failure
	for _, p := range opt.selected {
		if sweep && !slices.Contains(sweepPeers, p.name) || !sweep && !p.runs(s) {
			continue
		}
		progress.say("checking " + p.name)
		err := opt.peers.set(s)
		if err == nil {
			err = opt.peers.check(p, w)
		}
		if err != nil {
			failed = append(failed, failure{p.name, err})
			continue
		}
		peers = append(peers, p)
	}

	var turns []turn
	for _, o := range opt.ops(w, peers, sweep) {
		turns = append(turns, opt.turn(o))
	}
	for _, p := range peers {
		for _, threads := range opt.workers {
			if threads == 1 || !sweep {
				turns = append(turns, opt.peerTurn(p, threads))
			}
		}
	}
	res := opt.measure(w, turns, func(round int) {
		progress.say(fmt.Sprintf("round %d/%d", round+1, opt.rounds))
	})
	res.failed = append(failed, res.failed...)
	if !sweep {
		res.compare(peers, opt.kernels)
	}
	return res, nil
}

// ops are what is measured of this process.
func (opt *options) ops(w *workload, peers []peer, sweep bool) []op {
	ops := w.copies()
	if sweep {
		for i, k := range opt.kernels {
			for _, workers := range opt.workers {
				if workers == 1 || i == 0 {
					ops = append(ops, w.forwardOp(opForward, w.config(), k, workers))
				}
			}
		}
		return ops
	}
	ops = append(ops, w.scaleCopies()...)
	if slices.Contains(opt.workers, 2) {
		ops = append(ops, w.sharedCopies()...)
	}
	for _, k := range opt.kernels {
		for _, workers := range opt.workers {
			ops = append(ops, w.stepOps(k, workers)...)
		}
		rivals := map[string]bool{opForward: true}
		for _, p := range peers {
			name := p.rival(w.setting)
			if rivals[name] {
				continue
			}
			rivals[name] = true
			for _, workers := range opt.workers {
				switch {
				case !p.dilates:
					ops = append(ops, w.forwardOp(name, p.config(w.setting), k, workers))
				case workers == 1:
					ops = append(ops, w.dilateOp(k))
				}
			}
		}
	}
	return ops
}
