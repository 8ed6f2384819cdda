// Command plot draws what bench has measured: the time per element over the
// size of the feature map, and how many times as fast as others the library is.
//
//	go run ./bench/plot bench/results
//	go run ./bench/plot -svg FILE.json
//
// The pictures go beside the file. Of a directory it takes the files whose
// pictures are missing or older.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) (status int) {
	flags := flag.NewFlagSet("plot", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	svg := flags.Bool("svg", false, "write SVG beside PNG")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) || err == nil && flags.NArg() == 0 {
		fmt.Fprintln(stderr, "usage: plot [flags] FILE.json|DIRECTORY ...")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return map[bool]int{true: 0, false: 2}[err != nil]
	} else if err != nil {
		fmt.Fprintf(stderr, "plot: %v\n", err)
		return 2
	}
	formats := []string{".png"}
	if *svg {
		formats = append(formats, ".svg")
	}
	for _, arg := range flags.Args() {
		files, err := inputs(arg)
		for _, file := range files {
			if err == nil {
				err = plotFile(file, formats, stdout)
			}
		}
		if err != nil {
			fmt.Fprintf(stderr, "plot: %v\n", err)
			return 1
		}
	}
	return 0
}

// inputs are the files to draw.
func inputs(arg string) (files []string, err error) {
	info, err := os.Stat(arg)
	if err != nil || !info.IsDir() {
		return []string{arg}, err
	}
	all, err := filepath.Glob(filepath.Join(arg, "*.json"))
	for _, file := range all {
		pictures, _ := filepath.Glob(stem(file) + "-*.png")
		if len(pictures) == 0 || older(pictures, file) {
			files = append(files, file)
		}
	}
	return files, err
}

func stem(file string) string { return strings.TrimSuffix(file, ".json") }

// older reports whether one of the pictures was written before the file.
func older(pictures []string, file string) bool {
	modified := func(name string) (t fs.FileInfo) { t, _ = os.Stat(name); return t }
	of := modified(file)
	for _, name := range pictures {
		if p := modified(name); p == nil || of == nil || p.ModTime().Before(of.ModTime()) {
			return true
		}
	}
	return false
}

// plotFile writes all pictures of a report.
func plotFile(file string, formats []string, stdout io.Writer) error {
	r, err := read(file)
	if err != nil {
		return err
	}
	pictures, err := r.pictures()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(pictures) == 0 {
		fmt.Fprintf(stdout, "%s has neither a sweep nor peers: nothing to draw\n", file)
	}
	for _, p := range pictures {
		for _, format := range formats {
			name := stem(file) + "-" + p.name + format
			if err := p.write(name); err != nil {
				return err
			}
			fmt.Fprintln(stdout, name)
		}
	}
	return nil
}
