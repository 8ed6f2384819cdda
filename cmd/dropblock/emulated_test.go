package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// emulated is the command built for arm64, under QEMU.
type emulated struct{ qemu, binary string }

func arm64Command(t *testing.T) emulated {
	t.Helper()
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// A cached result is void once a file has changed that the test has read.
	sources, err := filepath.Glob("../../*_arm64.*")
	require.NoError(t, err)
	for _, name := range sources {
		read(t, name)
	}
	binary := filepath.Join(t.TempDir(), "dropblock")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return emulated{qemu, binary}
}

func (e emulated) run(t *testing.T, report any, args ...string) {
	t.Helper()
	cmd := exec.Command(e.qemu, append([]string{e.binary}, args...)...)
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1") // QEMU 7.2 loses the signals.
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", strings.Join(args, " "), &stderr)
	require.NoError(t, json.Unmarshal(out, report))
}

// TestARM64 has the command for arm64 write the same bytes as this one.
func TestARM64(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds for arm64, whatever this build is")
	}
	arm64 := arm64Command(t)

	var m infoReport
	arm64.run(t, &m, "info", "-json")
	require.Equal(t, []string{"neon", "generic"}, m.Kernels)
	require.Equal(t, "neon", m.Kernel)
	require.Equal(t, "linux/arm64", m.Platform)
	require.Contains(t, m.Features, "asimd")

	workdir(t)
	writeMap(t, "large.npy", 3, 5, 61, 67)
	writeMap(t, "large4.npy", 3, 61, 67, 4)
	for name, descr := range map[string]string{"half.npy": "<f2", "words.npy": ">u2"} {
		file := npyFile("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (5, 61, 67), }", 2*5*61*67)
		for i := range 2 * 5 * 61 * 67 {
			file[len(file)-1-i] = byte(i * 61 % 97) // no NaN, whose payload may differ
		}
		require.NoError(t, os.WriteFile(name, file, 0o644))
	}
	for _, args := range []string{
		"apply map.npy out.npy",
		"apply large.npy out.npy",
		"apply -p 0.3 -block 5x2 -even after -seed 9 -layer 3 -step 7 -sample-offset 11 large.npy out.npy",
		"apply -p 0.2 -block 4 -region full large.npy out.npy",
		"apply -p 0.5 -block 1 large.npy out.npy",
		"apply -p 0.9 -block 3 -gamma simple -norm none -share channels large.npy out.npy",
		"apply -p 0.2 -block 3 photo.png out.png",
		"apply -p 0.25 -gamma exact -norm plane large.npy out.npy",
		"apply -p 0.3 -ramp 0.1:9 -step 4 -layout nhwc -block 0.5 -norm expected -share all large4.npy out.npy",
		"apply -layout ncdhw -p 0.3 -block 2x3x4 -clip square -share batch -norm sample large.npy out.npy",
		"apply -p 0.3 -fill noise -norm none -sample-offset 3 large.npy out.npy",
		"apply -p 0.3 -fill noise -share channels half.npy out.npy",
		"apply -preset miguelvr -p 0.3 half.npy out.npy",
		"apply -p 0.3 -dtype bfloat16 words.npy out.npy",
		"dilate -block 3 seeds.npy out.npy",
		"dilate -block 6x5 -even after -region full seeds.npy out.npy",
		"show -p 0.2 -size 40x30 out.png",
	} {
		fields := strings.Fields(args)
		rest, out := fields[1:], fields[len(fields)-1]
		want := succeed(t, fields[0], slices.Concat([]string{"-mask", "mask.npy"}, rest)...)
		wantOut, wantMask := read(t, out), read(t, "mask.npy")
		for _, kernel := range []string{"neon", "generic"} {
			t.Run(args+"/impl="+kernel, func(t *testing.T) {
				require.NoError(t, os.Remove(out))
				require.NoError(t, os.Remove("mask.npy"))
				var got report
				arm64.run(t, &got, slices.Concat([]string{fields[0], "-json", "-kernel", kernel, "-mask", "mask.npy"}, rest)...)
				require.Equal(t, kernel, got.Kernel)
				got.Kernel, got.Seconds = want.Kernel, want.Seconds
				require.Equal(t, want, got)
				if fields[0] != "show" { // The edges of its letters are rasterized in float32, with fused products or without.
					require.True(t, slices.Equal(wantOut, read(t, out)), out)
				}
				require.True(t, slices.Equal(wantMask, read(t, "mask.npy")), "mask.npy")
			})
		}
	}
}
