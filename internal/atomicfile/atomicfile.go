// Package atomicfile writes files whole or not at all.
package atomicfile

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// An output is a file to write.
type output struct {
	path  string
	write func(w io.Writer) error
}

// writeAll writes all files or none: each goes to a temporary file beside its
// place, and they are renamed once all of them are complete. Only a rename
// that fails after another went well leaves one without the other.
func writeAll(outputs []output) (err error) {
	type pending struct{ temp, target string }
	var done []pending
	defer func() {
		for _, p := range done {
			os.Remove(p.temp)
		}
	}()
	for _, o := range outputs {
		target, mode, err := targetOf(o.path)
		if err != nil {
			return err
		}
		f, err := createTemp(target)
		if err != nil {
			return fmt.Errorf("%s: %w", o.path, cause(err))
		}
		done = append(done, pending{f.Name(), target})
		if err := fill(f, mode, o.write); err != nil {
			return fmt.Errorf("%s: %w", o.path, cause(err))
		}
	}
	for len(done) > 0 {
		if err := os.Rename(done[0].temp, done[0].target); err != nil {
			return fmt.Errorf("%s: %w", done[0].target, cause(err))
		}
		done = done[1:]
	}
	return nil
}

// targetOf is the file that a path names, behind symbolic links, and the mode
// of the one that is there. What is not a plain file, a device say, or may not be
// written is not to be replaced.
func targetOf(path string) (target string, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		if _, err := os.Lstat(path); err == nil {
			return "", 0, fmt.Errorf("%s: is a symbolic link to a file that does not exist", path)
		}
		return path, 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("%s: exists and is not a plain file", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return "", 0, fmt.Errorf("%s: exists and may not be written: %w", path, cause(err))
	}
	f.Close()
	target, err = filepath.EvalSymlinks(path)
	return target, info.Mode().Perm(), err
}

func createTemp(target string) (*os.File, error) {
	dir, base := filepath.Split(target)
	for {
		// Not os.CreateTemp, whose files only their owner reads.
		name := fmt.Sprintf("%s.%.40s.%08x.tmp", dir, base, rand.Uint32())
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !os.IsExist(err) {
			return f, err
		}
	}
}

func fill(f *os.File, mode fs.FileMode, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 64<<10)
	err := write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil && mode != 0 {
		err = f.Chmod(mode)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// cause is what went wrong, without the temporary file's name.
func cause(err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}
