// Command bench measures what DropBlock costs beside a copy of the same
// feature map, in one run and interleaved, on one thread, and prints the
// ratios as Markdown:
//
//	go run ./bench
//	go run ./bench -shapes 32x256x14x14-b7 -kernels avx2 -rounds 301
//	go run ./bench -check -o bench/results/machine.json
//
// Before it measures, it checks that the masks and outputs of all kernel sets
// are bitwise equal. The same things are also Go benchmarks, in this folder.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	fs.BoolVar(&opt.check, "check", false, "exit with status 1 if a target is missed")
	fs.StringVar(&opt.out, "o", "", "write all measurements to a JSON `file`, such as bench/results/machine.json")
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
	if opt.out != "" {
		if dir, err := os.Stat(filepath.Dir(opt.out)); err != nil || !dir.IsDir() {
			return nil, fmt.Errorf("-o is %q, want a file in a directory that exists", opt.out)
		}
	}
	return opt, nil
}

func (opt *options) run(args []string, stdout, stderr io.Writer) error {
	rep := &report{
		Machine: thisMachine(),
		Date:    time.Now().UTC().Truncate(time.Second),
		Command: strings.Join(slices.Concat([]string{"go run ./bench"}, args), " "),
		Clock:   clockName,
		P:       dropProb,
		Rounds:  opt.rounds,
		SliceNs: opt.slice.Nanoseconds(),
	}
	rep.Load[0] = loadAverage()
	for _, k := range opt.kernels {
		rep.kernels = append(rep.kernels, k.String())
	}
	for i, s := range opt.settings {
		start := time.Now()
		fmt.Fprintf(stderr, "bench: %d/%d %v ...", i+1, len(opt.settings), s)
		res, err := opt.measure(s)
		if err != nil {
			fmt.Fprintln(stderr)
			return err
		}
		fmt.Fprintf(stderr, " %.1fs\n", time.Since(start).Seconds())
		rep.Results = append(rep.Results, res)
	}
	rep.Load[1] = loadAverage()
	if err := rep.markdown(stdout); err != nil {
		return err
	}
	if opt.out != "" {
		if err := rep.write(opt.out); err != nil {
			return err
		}
	}
	if opt.check {
		return rep.check()
	}
	return nil
}
