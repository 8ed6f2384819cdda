package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

func mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(name)
	require.NoError(t, err)
	return info.Mode()
}

// folder is the content of the regular files in the current folder, and the
// kind of what else is there.
func folder(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	all := map[string]string{}
	for _, e := range entries {
		all[e.Name()] = e.Type().String()
		if e.Type().IsRegular() {
			all[e.Name()] = read(t, e.Name())
		}
	}
	return all
}

func TestWrite(t *testing.T) {
	t.Chdir(t.TempDir())
	long := strings.Repeat("n", 251) + ".txt"
	for _, name := range []string{"new", long} {
		require.NoError(t, Write(name, text("one")))
		require.Equal(t, "one", read(t, name))
	}
	require.NoError(t, os.WriteFile("other", nil, 0o666))
	require.Equal(t, mode(t, "other"), mode(t, "new"))
	require.Len(t, folder(t), 3)
}

func TestReplace(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, perm := range []fs.FileMode{0o640, 0o777, 0o200} {
		require.NoError(t, os.WriteFile("old", []byte("old"), 0o666))
		require.NoError(t, os.Chmod("old", perm))
		require.NoError(t, Write("old", text("new")))
		require.Equal(t, perm, mode(t, "old"))
		require.NoError(t, os.Chmod("old", 0o666))
		require.Equal(t, "new", read(t, "old"))
	}
	require.NoError(t, os.Symlink("old", "link"))
	require.NoError(t, Write("link", text("newer")))
	require.Equal(t, map[string]string{"old": "newer", "link": fs.ModeSymlink.String()}, folder(t))
}

func TestRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("folder", 0o777))
	require.NoError(t, os.Symlink(os.DevNull, "device"))
	require.NoError(t, os.Symlink("nowhere", "dangling"))
	require.NoError(t, os.WriteFile("read-only", []byte("old"), 0o444))
	never := func(io.Writer) error { panic("written") }
	for name, want := range map[string]string{
		"folder":       "folder: exists and is not a plain file",
		"device":       "device: exists and is not a plain file",
		"dangling":     "dangling: is a symbolic link to a file that does not exist",
		"nowhere/file": "nowhere/file: no such file or directory",
		"read-only":    "read-only: exists and may not be written: permission denied",
	} {
		if f, err := os.OpenFile(name, os.O_WRONLY, 0); name == "read-only" && err == nil { // The superuser may.
			require.NoError(t, f.Close())
			continue
		}
		before := folder(t)
		require.EqualError(t, Write(name, never), want)
		require.Equal(t, before, folder(t))
	}
	require.Equal(t, fs.ModeDevice, mode(t, os.DevNull)&fs.ModeDevice)
}

// Whatever fails while files are written, none is there, old ones are as they
// were, and no temporary file is left.
func TestNoneOrAll(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("old", []byte("old"), 0o666))
	full := errors.New("no space")
	bad := func(w io.Writer) error {
		_, err := w.Write(make([]byte, 1<<20))
		return errors.Join(err, full)
	}
	before := folder(t)
	err := WriteAll(File{Name: "a", Write: text("new")}, File{Name: "old", Write: text("new")}, File{Name: "b", Write: bad})
	require.EqualError(t, err, "b: no space")
	require.ErrorIs(t, err, full)
	require.Equal(t, before, folder(t))
	require.Panics(t, func() { _ = Write("old", func(io.Writer) error { panic("bug") }) })
	require.Equal(t, before, folder(t))
	require.NoError(t, WriteAll(File{Name: "a", Write: text("new")}, File{Name: "old", Write: text("new")}))
	require.Equal(t, map[string]string{"a": "new", "old": "new"}, folder(t))
}

// What goes elsewhere is written when the files are complete, which are then renamed, if
// it could be written.
func TestTo(t *testing.T) {
	t.Chdir(t.TempDir())
	full := errors.New("no space")
	out := File{Name: "standard output", Write: text("out")}
	a := File{Name: "a", Write: text("new")}
	out.To = writerFunc(func([]byte) (int, error) { return 0, full })
	err := WriteAll(out, a)
	require.EqualError(t, err, "standard output: no space")
	require.Empty(t, folder(t))
	var b strings.Builder
	out.To = writerFunc(func(p []byte) (int, error) {
		require.Len(t, folder(t), 1)
		require.NotContains(t, folder(t), "a")
		return b.Write(p)
	})
	require.NoError(t, WriteAll(out, a))
	require.Equal(t, "out", b.String())
	require.Equal(t, map[string]string{"a": "new"}, folder(t))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// After Abort there is no temporary file, and there will be none.
func TestAbort(t *testing.T) {
	t.Chdir(t.TempDir())
	started, aborted, ended := make(chan bool), make(chan bool), make(chan error)
	go func() {
		ended <- WriteAll(File{Name: "a", Write: text("new")}, File{Name: "b", Write: func(io.Writer) error {
			started <- true
			<-aborted
			return nil
		}})
	}()
	<-started
	require.Len(t, folder(t), 2)
	Abort()
	require.Empty(t, folder(t))
	close(aborted)
	select {
	case err := <-ended:
		t.Fatal("WriteAll went on: ", err)
	case <-time.After(50 * time.Millisecond):
	}
	require.Empty(t, temporaries.names[2:])
	temporaries.names = nil
	temporaries.Unlock() // A program would end.
	require.Error(t, <-ended)
	require.Empty(t, folder(t))
}
