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
	"slices"
	"sync"
)

// A File is one to write.
type File struct {
	Name  string
	Write func(w io.Writer) error
	To    io.Writer // what Write writes to instead of a file, if not nil: standard output
}

// temporaries are the files that are there under names that are not theirs. Whoever makes,
// renames or removes one holds the lock.
var temporaries struct {
	sync.Mutex
	names []string
}

// Abort removes all temporary files, for a program that is about to end by a signal. It
// waits for renames under way and keeps all further writes from making files.
func Abort() {
	temporaries.Lock()
	for _, name := range temporaries.names {
		os.Remove(name)
	}
}

func forget(name string) {
	temporaries.names = slices.DeleteFunc(temporaries.names, func(n string) bool { return n == name })
}

// Write writes the file with the given name through a temporary file in the
// same folder, which is renamed once all of it is on the disk: whatever fails,
// an error of write or a crash, the file is there as it was or as write wants it.
// A file that exists keeps its permissions. One that may not be written, and
// what is not a regular file, is not replaced; a symbolic link is followed.
func Write(name string, write func(w io.Writer) error) error {
	return WriteAll(File{Name: name, Write: write})
}

// WriteAll is Write for files that belong together: none is renamed before all
// are on the disk and all To is written. Only a rename that fails after another went
// well leaves one without the other.
func WriteAll(files ...File) error {
	type pending struct{ temp, target string }
	var done []pending
	defer func() {
		temporaries.Lock()
		defer temporaries.Unlock()
		for _, p := range done {
			os.Remove(p.temp)
			forget(p.temp)
		}
	}()
	for _, file := range files {
		if file.To != nil {
			continue
		}
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
	for _, file := range files {
		if file.To == nil {
			continue
		}
		if err := buffered(file.To, file.Write); err != nil {
			return fmt.Errorf("%s: %w", file.Name, cause(err))
		}
	}
	temporaries.Lock()
	defer temporaries.Unlock() // before the other deferred call locks
	for len(done) > 0 {
		if err := os.Rename(done[0].temp, done[0].target); err != nil {
			return fmt.Errorf("%s: %w", done[0].target, cause(err))
		}
		forget(done[0].temp)
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
	temporaries.Lock()
	defer temporaries.Unlock()
	for {
		// Not os.CreateTemp, whose files only their owner reads.
		name := fmt.Sprintf("%s.%.40s.%08x.tmp", dir, base, rand.Uint32())
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			temporaries.names = append(temporaries.names, name)
		}
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

func fill(f *os.File, mode fs.FileMode, write func(w io.Writer) error) error {
	err := buffered(f, write)
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

func buffered(to io.Writer, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(to, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
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
