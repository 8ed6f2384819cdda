// Package atomicfile writes files whole or not at all.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A File is one to write.
type File struct {
	Name  string
	Write func(w io.Writer) error
}

// Write writes the file with the given name through a temporary file in the
// same folder, which is renamed once all of it is on the disk: whatever fails,
// an error of write or a crash, the file is there as it was or as write wants it.
// A file that exists keeps its permissions. One that may not be written, and
// what is not a regular file, is not replaced; a symbolic link is followed.
func Write(name string, write func(w io.Writer) error) error {
	return WriteAll(File{name, write})
}

// WriteAll is Write for files that belong together: none is renamed before all
// are on the disk. Only a rename that fails after another went well leaves one
// without the other.
func WriteAll(files ...File) error {
	type pending struct{ temp, target string }
	var done []pending
	defer func() {
		for _, p := range done {
			os.Remove(p.temp)
		}
	}()
	for _, file := range files {
		target, mode, err := targetOf(file.Name)
		if err != nil {
			return err
		}
		f, err := createTemp(target)
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name, cause(err))
		}
		done = append(done, pending{f.Name(), target})
		if err := fill(f, mode, file.Write); err != nil {
			return fmt.Errorf("%s: %w", file.Name, cause(err))
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
// of the one that is there, or 0.
func targetOf(path string) (target string, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
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
		if !errors.Is(err, fs.ErrExist) {
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
	if err == nil {
		err = f.Sync()
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
