// Command dropblock applies DropBlock to files: feature maps in .npy, pictures in
// .png and .jpg. See dropblock help.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

func main() {
	cleanUpOnSignals()
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// A verb is a subcommand.
type verb struct {
	name  string
	args  string
	brief string
	notes string
	extra []flagSpec // beside the common flags
	bare  bool       // takes none of the common flags but -json
	run   func(o *options, args []string) error
}

// verbs is a function because help, which the verbs call, prints them.
func verbs() []verb {
	return []verb{
		{
			name: "apply", args: "IN OUT", run: apply,
			brief: "put a feature map .npy, or a picture .png or .jpg, through DropBlock",
			notes: applyNotes,
		},
		{
			name: "dilate", args: "SEEDS MASK", run: dilate,
			brief: "grow the seeds of a .npy, 0 or 1, to a keep mask .npy of uint8",
			notes: dilateNotes,
		},
		{
			name: "show", args: "OUT.png", run: show,
			brief: "draw the paper's figure: valid region, seeds, blocks",
			notes: showNotes,
			extra: []flagSpec{sizeFlag},
		},
		{
			name: "presets", args: "", run: presets, bare: true,
			brief: "list the rules of other implementations for -preset, and their flags",
		},
		{
			name: "info", args: "", run: info, bare: true,
			brief: "tell the CPU, the kernels to choose from, the one chosen and why",
		},
	}
}

func findVerb(name string) (verb, error) {
	var names []string
	for _, v := range verbs() {
		if v.name == name {
			return v, nil
		}
		names = append(names, v.name)
	}
	return verb{}, usagef("%s is not a command; want %s", name, orList(append(names, "help")))
}

// usageError is an error of the command line. Its exit status is 2.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// errHelp asks for the help of a verb.
var errHelp = errors.New("help")

// run runs the command and returns the exit status.
func run(args []string, std streams) int {
	name := "dropblock"
	err := func() error {
		if len(args) == 0 {
			return usagef("want a command; see dropblock help")
		}
		switch args[0] {
		case "help", "-h", "-help", "--help":
			return help(args[1:], std.stdout)
		}
		v, err := findVerb(args[0])
		if err != nil {
			return err
		}
		name += " " + v.name
		o, rest, err := v.parse(args[1:])
		if err == errHelp {
			return help(args[:1], std.stdout)
		}
		if err != nil {
			return err
		}
		o.streams = std
		return v.run(o, rest)
	}()
	if err == nil {
		return 0
	}
	fmt.Fprintf(std.stderr, "%s: %s\n", name, oneLine(err.Error()))
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// oneLine quotes line breaks, which file names may have.
func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(s)
}

// orList joins words: "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
