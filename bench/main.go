// Command bench measures what DropBlock costs beside a copy of the same
// feature map and beside other implementations, in one run and interleaved,
// and prints the ratios as Markdown:
//
//	go run ./bench
//	go run ./bench -shapes 32x256x14x14-b7 -kernels avx2 -rounds 301
//	go run ./bench -peers all -sweep 11 -o bench/results
//
// With -against it compares this build with another one, of another revision
// perhaps, turn by turn and each in a process of its own:
//
//	go build -o /tmp/before ./bench                # at the other revision
//	go run ./bench -against /tmp/before -check -kernels avx512 -ops apply,forward
//
// Where the linker puts a loop makes up to 5 % of a time, so that scripts/against.sh
// makes several builds of both revisions, with functions in random order.
//
// From the measurements that -o writes it draws pictures and makes a document:
//
//	go run ./bench render bench/results docs/benchmarks.md
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
	"math/rand/v2"
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
	against  []string // builds of the other revision
	ours     []string // builds of this one
	only     []string // ops that are compared with the other build
}

func run(args []string, stdout, stderr io.Writer) (status int) {
	var err error
	switch {
	case len(args) > 0 && args[0] == "serve": // as -against starts it
		err = serve(os.Stdin, stdout)
	case len(args) > 0 && args[0] == "render":
		err = render(args[1:], stdout)
	default:
		var opt *options
		opt, err = parse(args, stderr)
		switch {
		case errors.Is(err, flag.ErrHelp):
			return 0
		case err != nil:
			fmt.Fprintf(stderr, "bench: %v\n", err)
			return 2
		case opt.against != nil:
			err = opt.compare(stdout, stderr)
		default:
			err = opt.run(args, stdout, stderr)
		}
	}
	if err != nil {
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
	fs.IntVar(&opt.passes, "passes", 3, "`passes` through all settings, among which the rounds are shared; more than one keeps the memory of all settings. -against has 9, each with new processes")
	fs.DurationVar(&opt.slice, "slice", 5*time.Millisecond, "least `time` of each measurement in a round, after as much to warm up")
	shapes := fs.String("shapes", "", "comma-separated `settings` such as 32x256x14x14-b7 or 32x256x14x14-b7/share=channels (default all of the benchmarks')")
	kernels := fs.String("kernels", "", "comma-separated kernel `sets` (default all that this CPU runs)")
	fs.IntVar(&opt.sweep, "sweep", 0, "`rounds` of a sweep over sizes, 0 for none; -shapes does not change its shapes")
	peers := fs.String("peers", "none", "other `implementations` to compare with: none, all, or a comma-separated list")
	fs.IntVar(&opt.peerEvery, "peer-every", 5, "`n`, for the peers to take part in each n-th round")
	python := fs.String("python", "", "Python `interpreter` that has the peers' packages (default python3, or /usr/bin/python3 if that has none)")
	fs.BoolVar(&opt.check, "check", false, "with -against, exit with status 1 if something is slower: "+rule)
	fs.StringVar(&opt.out, "o", "", "write all measurements to a JSON `file`, such as bench/results/machine.json; in a directory, it is named after CPU and date")
	against := fs.String("against", "", "comma-separated builds of this `program`, of another revision, to measure this one against instead of copies; each pass takes the next")
	ours := fs.String("ours", "", "comma-separated builds of this `program` to take for -against, in place of the running one")
	ops := fs.String("ops", "", "comma-separated `ops` for -against (default all that both builds have)")
	workers := fs.String("workers", "", "comma-separated `numbers` of workers for -against (default 1,2 with two CPUs or more)")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: bench [flags]\n       bench render FOLDER DOCUMENT.md")
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
	if opt.passes < 1 {
		return nil, fmt.Errorf("-passes is %d, want 1 or more", opt.passes)
	}
	opt.passes = min(opt.passes, opt.rounds)
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
	opt.kernels = dropblock.KernelSets()
	if *kernels != "" {
		if opt.kernels, err = parseList(*kernels, dropblock.ParseKernelSet); err != nil {
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
	if err := opt.parseAgainst(fs, *against, *ours, *shapes, *ops, *workers); err != nil {
		return nil, err
	}
	if opt.out != "" {
		if opt.out, err = outputName(opt.out); err != nil {
			return nil, err
		}
	}
	return opt, nil
}

// parseAgainst parses the flags of -against, and refuses those that do not go with it.
func (opt *options) parseAgainst(fs *flag.FlagSet, against, ours, shapes, ops, workers string) (err error) {
	opt.workers = []int{1}
	if runtime.NumCPU() > 1 {
		opt.workers = []int{1, 2}
	}
	opt.only = slices.Concat(stepOpNames, []string{opDilate, opBernoulli})
	if against == "" {
		if ours != "" || ops != "" || workers != "" || opt.check {
			return errors.New("-ours, -ops, -workers and -check are for -against, which is not there")
		}
		return nil
	}
	if ours == "" {
		if ours, err = os.Executable(); err != nil {
			return err
		}
	}
	opt.against, opt.ours = strings.Split(against, ","), strings.Split(ours, ",")
	for _, program := range slices.Concat(opt.against, opt.ours) {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("-against and -ours want programs: %w", err)
		}
	}
	passes := 9
	fs.Visit(func(f *flag.Flag) {
		if f.Name == "passes" {
			passes = opt.passes
		}
		if slices.Contains([]string{"sweep", "peers", "peer-every", "python", "o"}, f.Name) {
			err = fmt.Errorf("-%s does not go with -against", f.Name)
		}
	})
	if err != nil {
		return err
	}
	opt.passes = min(passes, opt.rounds)
	if shapes == "" {
		opt.settings = slices.Concat(settings, smallSettings)
	}
	if ops != "" {
		all := opt.only
		opt.only = strings.Split(ops, ",")
		for i, op := range opt.only {
			if !slices.Contains(all, op) {
				return fmt.Errorf("-ops: %q is not an op, want some of %v", op, all)
			}
			if slices.Contains(opt.only[:i], op) {
				return fmt.Errorf("-ops: %s is there twice", op)
			}
		}
	}
	if workers != "" {
		if opt.workers, err = parseWorkers(workers); err != nil {
			return fmt.Errorf("-workers: %w", err)
		}
	}
	return nil
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
		Passes:    opt.passes,
		SliceNs:   opt.slice.Nanoseconds(),
		PeerEvery: opt.peerEvery,
	}
	for _, k := range opt.kernels {
		rep.Kernels = append(rep.Kernels, k.String())
	}
	progress := newProgress(stderr, len(opt.settings)*opt.passes)
	if len(opt.selected) > 0 {
		rep.Versions, rep.NotRun = opt.startPeers()
		defer opt.stopPeers()
	}

	results, err := opt.measureAll(opt.settings, false, progress)
	if err != nil {
		return err
	}
	rep.add(&rep.Results, results)
	if opt.sweep > 0 {
		rep.SweepRounds, opt.rounds = opt.sweep, opt.sweep
		sizes := sweepSettings()
		progress.of += len(sizes) * opt.passes
		results, err := opt.measureAll(sizes, true, progress)
		if err != nil {
			return err
		}
		rep.add(&rep.Sweep, results)
	}

	if err := rep.markdown(stdout); err != nil {
		return err
	}
	if opt.out != "" {
		if err := rep.write(opt.out); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "bench: wrote %s\n", opt.out)
	}
	if len(rep.failed) > 0 {
		return fmt.Errorf("peers failed: %s", strings.Join(rep.failed, "; "))
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

// measureAll measures settings, for the tables or for the sweep. It passes through
// all of them several times, so that what disturbs the machine for a while does not
// meet one of them alone.
func (opt *options) measureAll(settings []setting, sweep bool, progress *progress) (results []*result, err error) {
	sessions := make([]*session, len(settings))
	for pass := range opt.passes {
		for i, s := range settings {
			if sessions[i] == nil {
				if sessions[i], err = opt.open(s, sweep); err != nil {
					return nil, err
				}
			}
			opt.pass(sessions[i], opt.rounds*(pass+1)/opt.passes)
			if pass == opt.passes-1 {
				results = append(results, opt.close(sessions[i], sweep))
				sessions[i] = nil
			}
			progress.done(s)
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
	for _, p := range opt.selected {
		if sweep && !slices.Contains(sweepPeers, p.name) || !sweep && !p.runs(s) {
			continue
		}
		err := opt.peers.set(s)
		if err == nil {
			err = opt.peers.check(p, se.workload)
		}
		if err != nil {
			se.failed = append(se.failed, failure{p.name, err})
			continue
		}
		se.peers = append(se.peers, p)
	}
	for _, o := range opt.ops(se.workload, se.peers, sweep) {
		se.turns = append(se.turns, opt.turn(o))
	}
	for _, p := range se.peers {
		for _, threads := range opt.workers {
			if threads == 1 || !sweep {
				se.turns = append(se.turns, opt.peerTurn(p, threads))
			}
		}
	}
	return se, nil
}

// pass measures up to a round.
func (opt *options) pass(s *session, end int) {
	if len(s.peers) > 0 && s.round > 0 { // Another setting was measured since.
		if err := opt.peers.set(s.setting); err != nil {
			s.dropPeers(err)
		}
	}
	opt.measure(s, end)
}

func (opt *options) close(s *session, sweep bool) *result {
	res := summarize(s.setting, s.turns)
	res.failed = append(s.failed, res.failed...)
	if !sweep {
		res.compare(s.peers, opt.kernels)
	}
	return res
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
