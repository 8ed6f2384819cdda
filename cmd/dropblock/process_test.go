//go:build unix

package main

import (
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// peakBytes is the largest resident set of a process that has ended.
func peakBytes(p *os.ProcessState) int64 {
	peak := p.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS == "linux" {
		return int64(peak) << 10
	}
	return int64(peak)
}

// A named pipe is refused, not waited for, whether it is read or written.
func TestNamedPipe(t *testing.T) {
	workdir(t)
	require.NoError(t, syscall.Mkfifo("pipe.npy", 0o644))
	require.NoError(t, syscall.Mkfifo("pipe.png", 0o644))
	require.NoError(t, os.Symlink("pipe.npy", "linked.npy"))
	require.NoError(t, os.Symlink(os.DevNull, "device.npy"))
	for args, want := range map[string]string{
		"apply pipe.npy out.npy":               "pipe.npy: is a named pipe; want a regular file, or - for standard input",
		"apply linked.npy out.npy":             "linked.npy: is a named pipe; want",
		"apply device.npy out.npy":             "device.npy: is a device; want",
		"apply folder.npy out.npy":             "folder.npy: is a directory; want",
		"apply pipe.png out.png":               "pipe.png: is a named pipe; want",
		"dilate pipe.npy out.npy":              "pipe.npy: is a named pipe; want",
		"apply map.npy pipe.npy":               "pipe.npy: exists and is not a plain file",
		"apply map.npy linked.npy":             "linked.npy: exists and is not a plain file",
		"apply -mask pipe.npy map.npy out.npy": "pipe.npy: exists and is not a plain file",
		"show pipe.png":                        "pipe.png: exists and is not a plain file",
	} {
		fail(t, 1, want, strings.Fields(args)...)
	}
	succeed(t, "apply", "link.npy", "out.npy")
}

// A signal that ends the command leaves no temporary file, and ends it as it would have.
func TestSignals(t *testing.T) {
	workdir(t)
	before := tree(t, ".")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		// Standard output is a pipe that nobody reads: the mask's temporary file is there, and
		// the output waits.
		writeMap(t, "large.npy", 1<<20)
		cmd := start(t, "apply", "-layout", "ncw", "-mask", "mask.npy", "large.npy", "-")
		_, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		temporary := func() bool {
			for name := range tree(t, ".") {
				if strings.HasSuffix(name, ".tmp") {
					return true
				}
			}
			return false
		}
		require.Eventually(t, temporary, 20*time.Second, time.Millisecond)
		require.NoError(t, cmd.Process.Signal(sig))
		require.Error(t, cmd.Wait())
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		require.True(t, status.Signaled(), "%v", cmd.ProcessState)
		require.Equal(t, sig, status.Signal())
		require.NoError(t, os.Remove("large.npy"))
		require.Equal(t, before, tree(t, "."), sig)
	}
}

// A reader of standard output that ends early is an error, which leaves no file.
func TestClosedPipe(t *testing.T) {
	workdir(t)
	before := tree(t, ".")
	cmd := start(t, "apply", "-mask", "mask.npy", "map.npy", "-")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = w, &stderr
	require.Error(t, cmd.Run())
	require.NoError(t, w.Close())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Equal(t, "dropblock apply: standard output: broken pipe\n", stderr.String())
	require.Equal(t, before, tree(t, "."))
}

// An array that is written and read on a machine takes little more memory than its file.
func TestMemory(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("it writes files of 100 MB, and reads the peak from Linux")
	}
	const n, h, w = 400, 250, 256
	for _, c := range []struct {
		name  string
		descr string
		size  int
		flags string
		pipe  bool
		most  float64 // times the file
	}{
		{"C order", "<f4", 4, "", false, 1.3},
		{"C order, pipe", "<f4", 4, "", true, 1.5},
		{"other order of bytes", ">f4", 4, "-region full -share none", false, 1.3},
		{"Fortran order", "<f4f", 4, "-region full", false, 1.3},
		{"Fortran order, pipe", "<f4f", 4, "", true, 2.2},
		{"time", "<f4", 4, "-time", false, 2.2},
		{"float16, Fortran order, pipe", ">f2f", 2, "", true, 2.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			rows := h * 4 / c.size
			descr, fortran := strings.CutSuffix(c.descr, "f")
			order := map[bool]string{false: "False", true: "True"}[fortran]
			dict := "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + strings.ReplaceAll(join([]int{n, rows, w}), "x", ", ") + "), }"
			f, err := os.Create("in.npy")
			require.NoError(t, err)
			_, err = f.Write(npyFile(dict, 0))
			require.NoError(t, err)
			block := make([]byte, rows*w*c.size) // of a sample
			for i := range block {
				block[i] = byte(i % 63)
			}
			for range n {
				_, err = f.Write(block)
				require.NoError(t, err)
			}
			require.NoError(t, f.Close())
			size := float64(n * len(block))

			args := append([]string{"apply", "in.npy", "out.npy"}, strings.Fields(c.flags)...)
			if c.pipe {
				args[1], args[2] = "-", "-"
			}
			cmd := start(t, args...)
			if c.pipe {
				f, err := os.Open("in.npy")
				require.NoError(t, err)
				defer f.Close()
				cmd.Stdin = struct{ io.Reader }{f} // through a pipe
				cmd.Stdout = io.Discard
			}
			require.NoError(t, cmd.Run())
			ratio := float64(peakBytes(cmd.ProcessState)) / size
			t.Logf("%.2f times the file", ratio)
			require.Less(t, ratio, c.most)
		})
	}
}
