package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dropblock-go/dropblock/internal/atomicfile"
	"github.com/dropblock-go/dropblock/internal/npy"
)

// streams are standard input, output and error.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// std is the path of standard input or output.
const std = "-"

// A kind is the format of a file.
type kind int

const (
	kindOther kind = iota
	kindNpy
	kindPNG
	kindJPEG
)

// kindOf is the kind of a file by its name.
func kindOf(path string) kind {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy":
		return kindNpy
	case ".png":
		return kindPNG
	case ".jpg", ".jpeg":
		return kindJPEG
	}
	return kindOther
}

// kindOfData is the kind of a file by its first bytes.
func kindOfData(start []byte) kind {
	for magic, k := range map[string]kind{"\x93NUMPY": kindNpy, "\x89PNG": kindPNG, "\xFF\xD8": kindJPEG} {
		if strings.HasPrefix(string(start), magic) {
			return k
		}
	}
	return kindOther
}

// An input is a file that is read, or standard input.
type input struct {
	io.Reader
	name string // for errors
	size int64  // what there is to read, or −1 if it is not known
	kind kind
	file *os.File
}

// open opens a file, which has to be a regular one or a link to one: a pipe would wait for
// a writer.
func (o *options) open(path string) (*input, error) {
	if path == std {
		in := &input{name: "standard input", size: -1}
		if f, ok := o.stdin.(*os.File); ok {
			in.size = npy.Size(f)
		}
		r := bufio.NewReader(o.stdin)
		start, err := r.Peek(6)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		in.Reader, in.kind = r, kindOfData(start)
		return in, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		var perr *fs.PathError
		if errors.As(err, &perr) {
			err = fmt.Errorf("%s: %w", path, perr.Err)
		}
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is %s; want a regular file, or - for standard input", path, kindOfFile(info.Mode()))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &input{f, path, npy.Size(f), kindOf(path), f}, nil
}

func (in *input) close() {
	if in.file != nil {
		in.file.Close()
	}
}

func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// output is a file to write, or standard output.
func (o *options) output(path string, write func(w io.Writer) error) atomicfile.File {
	if path == std {
		return atomicfile.File{Name: "standard output", Write: write, To: o.stdout}
	}
	return atomicfile.File{Name: path, Write: write}
}

// A namedPath is a file and what the usage calls it.
type namedPath struct{ name, path string }

// checkMask refuses a -mask that would overwrite another file of the command.
func (o *options) checkMask(files ...namedPath) error {
	if o.mask == "" {
		return nil
	}
	if o.mask != std && kindOf(o.mask) != kindNpy {
		return usagef("-mask %s: want a name that ends in .npy, or - for standard output", o.mask)
	}
	for _, f := range files {
		if f.path == std && f.name != "OUT" && f.name != "MASK" { // It is read, not written.
			continue
		}
		if samePath(o.mask, f.path) {
			return usagef("-mask %s is %s; want another file", o.mask, f.name)
		}
	}
	return nil
}

func samePath(a, b string) bool {
	if a == std || b == std {
		return a == b
	}
	if canonical(a) == canonical(b) {
		return true
	}
	ai, aerr := os.Stat(a)
	bi, berr := os.Stat(b)
	return aerr == nil && berr == nil && os.SameFile(ai, bi)
}

// canonical returns the canonical path of a file in a directory. The directory has to
// exist, the file has not.
func canonical(path string) string {
	dir, base := filepath.Split(path)
	dir = cmp.Or(dir, ".")
	if d, err := filepath.EvalSymlinks(dir); err == nil {
		dir = d
	}
	if d, err := filepath.Abs(dir); err == nil {
		dir = d
	}
	return filepath.Join(dir, base)
}
