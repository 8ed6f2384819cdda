// Command model predicts what the hot loops of the NEON kernels take on arm64
// cores, from the machine code and LLVM's scheduling models of the cores, and
// prints the prediction as Markdown:
//
//	go run ./bench/model
//	go run ./bench/model -check
//	go run ./bench/model -cpus neoverse-n1
//
// It is a model's prediction: everything is in the first-level cache, every
// branch is guessed, and the model may be wrong. It needs no arm64 machine, but
// llvm-mca and llvm-objdump of LLVM 19, Debian's package llvm-19.
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
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// cores are those whose models are of the core itself. LLVM 19 lends others,
// cortex-a76 and apple-m1 among them, the model of a different one.
var cores = []string{"neoverse-n1", "neoverse-v1", "neoverse-n2", "neoverse-v2"}

type options struct {
	dir   string
	cpus  []string
	check bool
}

func run(args []string, stdout, stderr io.Writer) (status int) {
	opt, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "model: %v\n", err)
		return 2
	}
	if err := opt.run(args, stdout); err != nil {
		fmt.Fprintf(stderr, "model: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*options, error) {
	opt := new(options)
	fs := flag.NewFlagSet("model", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&opt.dir, "dir", ".", "root `folder` of the module")
	cpus := fs.String("cpus", strings.Join(cores, ","), "comma-separated `cores`")
	fs.BoolVar(&opt.check, "check", false, "exit with status 1 if a figure is above its limit")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: model [flags]")
			fs.SetOutput(stderr)
			fs.PrintDefaults()
		}
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: there are only flags", fs.Arg(0))
	}
	for cpu := range strings.SplitSeq(*cpus, ",") {
		if !slices.Contains(cores, cpu) {
			return nil, fmt.Errorf("-cpus: %q has no model of its own in LLVM 19, want some of %s", cpu, strings.Join(cores, ","))
		}
		opt.cpus = append(opt.cpus, cpu)
	}
	return opt, nil
}

func (opt *options) run(args []string, stdout io.Writer) error {
	llvm, err := findLLVM()
	if err != nil {
		return err
	}
	source, err := os.ReadFile(filepath.Join(opt.dir, "kernel_arm64.s"))
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "model")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	binary := filepath.Join(tmp, "kernels")
	if err := build(opt.dir, binary); err != nil {
		return err
	}
	loops, err := llvm.loops(binary, string(source))
	if err != nil {
		return err
	}
	turns := map[string]map[string]turn{}
	for _, cpu := range opt.cpus {
		turns[cpu] = map[string]turn{}
		for _, k := range kernels {
			if turns[cpu][k.name], err = llvm.predict(cpu, loops[k.name]); err != nil {
				return fmt.Errorf("%s on %s: %w", k.name, cpu, err)
			}
		}
	}
	rows := tabulate(opt.cpus, turns)
	command := strings.Join(append([]string{"go run ./bench/model"}, args...), " ")
	if err := markdown(stdout, llvm.version, command, time.Now().UTC(), rows); err != nil {
		return err
	}
	if opt.check {
		return check(rows)
	}
	return nil
}
