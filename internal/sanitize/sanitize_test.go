package sanitize

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Each sanitizer has a program of kernels built with it, which it has to pass without
// a fault, and in which it has to see those of its kind. Without Reads and Writes the
// memory sanitizer reports the program without a fault, and no sanitizer sees any.
func TestSanitizers(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the library for each sanitizer")
	}
	for _, s := range []struct {
		name      string
		compilers []string
		faults    map[string]string // and what is said of them
	}{
		{"race", []string{""}, map[string]string{"race": "WARNING: DATA RACE"}},
		{"asan", []string{"", "clang", "clang-14"}, map[string]string{
			"read behind":  "in github.com/dropblock-go/dropblock/internal/sanitize.Reads",
			"write behind": "in github.com/dropblock-go/dropblock/internal/sanitize.Writes",
		}},
		{"msan", []string{"clang", "clang-14"}, map[string]string{"uninitialized": "use-of-uninitialized-value"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			program := build(t, s.name, s.compilers)
			if out, err := exec.Command(program, "none").CombinedOutput(); err != nil || string(out) != "true\n" {
				t.Errorf("without a fault: %v\n%s", err, out)
			}
			for fault, want := range s.faults {
				out, err := exec.Command(program, fault).CombinedOutput()
				if exit := new(exec.ExitError); !errors.As(err, &exit) || !strings.Contains(string(out), want) {
					t.Errorf("%s: %v, want a report with %q\n%s", fault, err, want, out)
				}
			}
		})
	}
}

// build builds the program with the first C compiler that can, which it finds out with an
// empty one, and skips the test if there is none.
func build(t *testing.T, sanitizer string, compilers []string) string {
	t.Helper()
	dir := t.TempDir()
	run := func(compiler, source string) (string, []byte, error) {
		out := filepath.Join(dir, "program")
		cmd := exec.Command("go", "build", "-"+sanitizer, "-o", out, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
		if compiler != "" {
			cmd.Env = append(cmd.Env, "CC="+compiler)
		}
		text, err := cmd.CombinedOutput()
		return out, text, err
	}
	empty := filepath.Join(dir, "empty.go")
	err := os.WriteFile(empty, []byte("package main\n\nimport \"C\"\n\nfunc main() {}\n"), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	var said []byte
	for _, compiler := range compilers {
		var program string
		if program, said, err = run(compiler, empty); err == nil {
			err = exec.Command(program).Run()
		}
		if err != nil {
			continue
		}
		program, said, err := run(compiler, "./testdata/kernels")
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return program
	}
	if os.Getenv("CI") == "true" && sanitizer != "msan" { // which needs clang
		t.Fatalf("-%s does not build: %v\n%s", sanitizer, err, said)
	}
	t.Skipf("-%s does not build on this %s/%s: %v\n%s", sanitizer, runtime.GOOS, runtime.GOARCH, err, said)
	return ""
}
