// Command model predicts what the hot loops of the NEON kernels take on arm64
// cores, from the machine code and LLVM's scheduling models of the cores, and
// prints the prediction as Markdown:
//
//	go run ./bench/model
//	go run ./bench/model -check
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
	"strings"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], ".", os.Stdout, os.Stderr))
}

// cores are those whose models are of the core itself. LLVM 19 lends others,
// cortex-a76 and apple-m1 among them, the model of a different one.
var cores = []string{"neoverse-n1", "neoverse-v1", "neoverse-n2", "neoverse-v2"}

// run prints the table; root is the folder of the module.
func run(args []string, root string, stdout, stderr io.Writer) (status int) {
	fs := flag.NewFlagSet("model", flag.ContinueOnError)
	fs.SetOutput(stderr)
	limits := fs.Bool("check", false, "exit with status 1 if a figure is above its limit")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(stderr, "model: unexpected argument %q: there are only flags\n", fs.Arg(0))
		return 2
	}
	rows, version, err := predict(root)
	if err == nil {
		command := strings.Join(append([]string{"go run ./bench/model"}, args...), " ")
		err = markdown(stdout, version, command, time.Now().UTC(), rows)
	}
	if err == nil && *limits {
		err = check(rows)
	}
	if err != nil {
		fmt.Fprintf(stderr, "model: %v\n", err)
		return 1
	}
	return 0
}

// predict builds for arm64 and runs every kernel's loop through the models.
func predict(root string) (rows []row, version string, err error) {
	llvm, err := findLLVM()
	if err != nil {
		return nil, "", err
	}
	source, err := os.ReadFile(filepath.Join(root, "kernel_arm64.s"))
	if err != nil {
		return nil, "", err
	}
	tmp, err := os.MkdirTemp("", "model")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(tmp)
	binary := filepath.Join(tmp, "kernels")
	if err := build(root, binary); err != nil {
		return nil, "", err
	}
	loops, err := llvm.loops(binary, string(source))
	if err != nil {
		return nil, "", err
	}
	turns := map[string]map[string]turn{}
	for _, cpu := range cores {
		turns[cpu] = map[string]turn{}
		for _, k := range kernels {
			if turns[cpu][k.name], err = llvm.predict(cpu, loops[k.name]); err != nil {
				return nil, "", fmt.Errorf("%s on %s: %w", k.name, cpu, err)
			}
		}
	}
	return tabulate(turns), llvm.version, nil
}
