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
// And it compares what RegionFull costs on maps of odd and of even width, and with
// large and with small blocks:
//
//	go run ./bench full
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
	rounds   int
	sweep    int // rounds
	slice    time.Duration
	settings []setting
	kernels  []dropblock.KernelSet
	workers  []int // the numbers that are compared
	out      string

	peers   []peer
	process *peerProcess

	against []string // builds of the other revision
	ours    []string // builds of this one
	ops     []string // that are compared with the other revision
	check   bool
}

// passes go through all settings, and share the rounds.
const passes = 3

func run(args []string, stdout, stderr io.Writer) (status int) {
	var err error
	switch verb := append(args, "")[0]; verb {
	case "serve": // as -against starts it
		err = serve(os.Stdin, stdout)
	case "render":
		err = render(args[1:], stdout)
	case "full":
		err = full(args[1:], stdout)
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

const usage = `usage: bench [flags]
       bench full [kernel sets]
       bench render FOLDER DOCUMENT.md
`

func parse(args []string, stderr io.Writer) (*options, error) {
	opt := &options{settings: slices.Concat(settings, otherSettings), kernels: dropblock.KernelSets(), workers: []int{1, 2}[:min(2, runtime.NumCPU())], ops: layerOpNames}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.IntVar(&opt.rounds, "rounds", 51, "`rounds` to take the median of, shared among passes through all settings")
	fs.DurationVar(&opt.slice, "slice", 5*time.Millisecond, "least CPU `time` of each measurement in a round, after as much to warm up")
	fs.IntVar(&opt.sweep, "sweep", 0, "`rounds` of a sweep over sizes, 0 for none; -shapes does not change its shapes")
	fs.BoolVar(&opt.check, "check", false, "with -against, exit with status 1 if something is slower: "+rule)
	fs.Func("shapes", "comma-separated `settings` such as 32x256x14x14-b7 or 32x256x14x14-b7/share=channels (default all of the benchmarks')", list(&opt.settings, parseSetting))
	fs.Func("kernels", "comma-separated kernel `sets` (default all that this CPU runs)", list(&opt.kernels, dropblock.ParseKernelSet))
	fs.Func("peers", "other `implementations` to compare with: all, or a comma-separated list (default none)", func(text string) error {
		if opt.peers = allPeers; text == "all" {
			return nil
		}
		return list(&opt.peers, peerByName)(text)
	})
	fs.Func("o", "write all measurements to a JSON `file`, such as bench/results/machine.json; in a directory, it is named after CPU and date", opt.setOutput)
	fs.Func("against", "comma-separated builds of this `program`, of another revision, to measure this one against instead of copies; each pass takes the next", list(&opt.against, exec.LookPath))
	fs.Func("ours", "comma-separated builds of this `program` to take for -against, in place of the running one", list(&opt.ours, exec.LookPath))
	fs.Func("ops", "comma-separated `ops` for -against (default all that both builds have)", list(&opt.ops, func(op string) (string, error) {
		if !slices.Contains(layerOpNames, op) {
			return "", fmt.Errorf("%q is not an op, want some of %v", op, layerOpNames)
		}
		return op, nil
	}))
	fs.Func("workers", "comma-separated `numbers` of workers for -against (default 1,2 with two CPUs or more)", list(&opt.workers, parseWorkers))
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, usage)
			fs.SetOutput(stderr)
			fs.PrintDefaults()
		}
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: there are only flags", fs.Arg(0))
	}
	if opt.rounds < 1 || opt.sweep < 0 || opt.slice <= 0 || opt.slice > time.Minute {
		return nil, fmt.Errorf("-rounds %d -sweep %d -slice %v: want 1 or more, 0 or more, and a time above 0, at most a minute", opt.rounds, opt.sweep, opt.slice)
	}
	return opt, opt.finish(fs)
}

// list parses a flag's comma-separated names.
func list[T any](all *[]T, parse func(string) (T, error)) func(string) error {
	return func(text string) (err error) {
		*all, err = parseList(text, parse)
		return err
	}
}

// finish refuses flags that do not go together, and has the defaults of -against.
func (opt *options) finish(fs *flag.FlagSet) (err error) {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for _, name := range []string{"ours", "ops", "workers", "check"} {
		if given[name] && !given["against"] {
			return fmt.Errorf("-%s is for -against, which is not there", name)
		}
	}
	for _, name := range []string{"sweep", "peers", "o"} {
		if given[name] && given["against"] {
			return fmt.Errorf("-%s does not go with -against", name)
		}
	}
	if given["against"] && !given["shapes"] {
		opt.settings = slices.Concat(settings, smallSettings)
	}
	if given["against"] && !given["ours"] {
		exe, err := os.Executable()
		opt.ours = []string{exe}
		return err
	}
	return nil
}

// setOutput completes the name of the JSON file.
func (opt *options) setOutput(out string) error {
	opt.out = out
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		opt.out = filepath.Join(out, fmt.Sprintf("%s-%s.json", thisHost().slug(), time.Now().UTC().Format(time.DateOnly)))
	} else if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() || filepath.Ext(out) != ".json" {
		return errors.New("want a directory, or a file that ends in .json in a directory that exists")
	}
	return nil
}

func (opt *options) run(args []string, stdout, stderr io.Writer) (err error) {
	rep := &report{
		Machine:     thisHost(),
		Date:        time.Now().UTC().Truncate(time.Second),
		Command:     strings.Join(append([]string{"go run ./bench"}, args...), " "),
		P:           dropProb,
		Rounds:      opt.rounds,
		Passes:      min(passes, opt.rounds),
		SliceNs:     opt.slice.Nanoseconds(),
		PeerEvery:   peerEvery,
		Kernels:     names(opt.kernels, dropblock.KernelSet.String),
		SweepRounds: opt.sweep,
	}
	if len(opt.peers) > 0 {
		opt.startPeers(rep)
		defer opt.process.stop()
	}
	sizes := sweepSettings()
	done := newProgress(stderr, len(opt.settings)*min(passes, opt.rounds)+len(sizes)*min(passes, opt.sweep))
	if rep.Results, err = opt.measure(rep, opt.settings, opt.rounds, false, done); err != nil {
		return err
	}
	if rep.Sweep, err = opt.measure(rep, sizes, opt.sweep, true, done); err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, rep.markdown()); err != nil {
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

// startPeers starts the process of the peers, keeps those that it has, and tells the
// report why others do not run.
func (opt *options) startPeers(rep *report) {
	var err error
	if opt.process, err = startPeers(answerTimeout); err == nil {
		rep.Versions = opt.process.Versions
	}
	opt.peers = slices.DeleteFunc(slices.Clone(opt.peers), func(p peer) bool {
		if err == nil && slices.Contains(opt.process.Peers, p.name) {
			return false
		}
		why := fmt.Sprint(err)
		if err == nil {
			why = opt.process.Missing[p.name]
		}
		rep.NotRun = append(rep.NotRun, fmt.Sprintf("%v: %s", p, strings.ReplaceAll(why, "\n", "; ")))
		return true
	})
}
