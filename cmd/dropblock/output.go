package main

import (
	"os"
	"path/filepath"
	"strings"
)

// checkMask refuses a -mask that would overwrite another file of the command.
func (o *options) checkMask(files ...namedPath) error {
	if o.mask == "" {
		return nil
	}
	if kindOf(o.mask) != kindNpy {
		return usagef("-mask %s: want a name that ends in .npy", o.mask)
	}
	for _, f := range files {
		if samePath(o.mask, f.path) {
			return usagef("-mask %s is %s; want another file", o.mask, f.name)
		}
	}
	return nil
}

// A namedPath is a file and what the usage calls it.
type namedPath struct{ name, path string }

func samePath(a, b string) bool {
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
	if dir == "" {
		dir = "."
	}
	if d, err := filepath.EvalSymlinks(dir); err == nil {
		dir = d
	}
	if d, err := filepath.Abs(dir); err == nil {
		dir = d
	}
	return filepath.Join(dir, base)
}

// A kind is the format of a file, by its name.
type kind int

const (
	kindOther kind = iota
	kindNpy
	kindPNG
	kindJPEG
)

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
