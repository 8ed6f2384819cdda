package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sample is a report with a sweep and peers, as bench writes it.
func sample(t *testing.T) string {
	t.Helper()
	type object = map[string]any
	var sweep []object
	for power := range 4 {
		elements := 196 * 21 << (3 * power)
		sweep = append(sweep, object{
			"setting": fmt.Sprintf("%dx21x14x14-b7", 1<<(3*power)), "elements": elements, "fastest_copy": "vector",
			"series": []object{
				{"op": "copy", "impl": "go", "threads": 1, "wall_ns": []float64{9, 9, 9}},
				{"op": "copy", "impl": "vector", "threads": 1, "wall_ns": []float64{.07, .05, .06}},
				{"op": "forward", "impl": "avx512", "threads": 1, "wall_ns": []float64{.08, .07, .09}},
				{"op": "forward", "impl": "avx512", "threads": 2, "wall_ns": []float64{.04, .03, .05}},
				{"op": "forward", "impl": "generic", "threads": 1, "wall_ns": []float64{.4, .3, .5}},
				{"op": "forward", "impl": "torchvision", "threads": 1, "wall_ns": []float64{25}},
			},
		})
	}
	speedUp := func(peer, op, impl string, times float64) object {
		return object{"peer": peer, "op": op, "impl": impl, "threads": 1, "times": []float64{times / 2, times, 2 * times}}
	}
	report := object{
		"machine":  object{"cpu": "Example CPU", "caches": []string{"L1d 48K", "L1i 32K", "L2 1024K", "L3 32768K"}, "go": "go1.26", "os": "linux", "arch": "amd64"},
		"versions": object{"torch": "1.13"}, "date": "2026-01-02T03:04:05Z", "p": 0.1, "rounds": 51, "peer_every": 5,
		"kernels": []string{"avx512", "generic"}, "sweep_rounds": 15, "sweep": sweep,
		"results": []object{{
			"setting": "32x256x14x14-b7", "elements": 1,
			"speed_ups": []object{
				speedUp("torchvision", "forward", "avx512", 238), speedUp("torchvision", "forward", "generic", 0.5),
				speedUp("opencv-u8", "dilate", "avx512", 20),
			},
		}, {
			"setting": "8x256x56x56-b7/share=channels", "elements": 1,
			"speed_ups": []object{speedUp("tutorial", "forward as tutorial", "avx512", 5)},
		}},
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "machine.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

var pictures = []string{"time-14x14", "speedup-forward", "speedup-dilate"}

func TestPictures(t *testing.T) {
	file := sample(t)
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-svg", file}, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	for _, name := range pictures {
		text, err := os.ReadFile(stem(file) + "-" + name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(text) > 1<<20 || picture.Bounds().Dx() != 760*dpi/72 {
			t.Errorf("%s has %d bytes and is %v", name, len(text), picture.Bounds())
		}
		svg, err := os.ReadFile(stem(file) + "-" + name + ".svg")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range map[string][]string{
			"time-14x14":      {"ns per element", "size of the feature map", "4 MiB", "copy", "torchvision", "2 workers", "L2", "medians of 15"},
			"speedup-forward": {"238×", "0.5×", "32×256×14×14, block 7", "56×56, block 7, shared", "medians of 51", "others in 11"},
			"speedup-dilate":  {"20×", "opencv-u8"},
		}[name] {
			if !strings.Contains(string(svg), want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
		if !strings.Contains(string(svg), "Example CPU") || strings.Contains(string(svg), "NaN") {
			t.Errorf("%s has no caption, or NaN", name)
		}
	}
}

// TestDirectory draws what has no pictures or older ones.
func TestDirectory(t *testing.T) {
	file := sample(t)
	for i, want := range []int{len(pictures), 0, len(pictures)} {
		if i == 2 {
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(file, later, later); err != nil {
				t.Fatal(err)
			}
		}
		var stdout, stderr bytes.Buffer
		if status := run([]string{filepath.Dir(file)}, &stdout, &stderr); status != 0 {
			t.Fatalf("status %d: %s", status, &stderr)
		}
		if got := strings.Count(stdout.String(), ".png\n"); got != want {
			t.Errorf("run %d drew %d pictures, want %d", i, got, want)
		}
	}
}

func TestBad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"text.json": "hello", "other.json": `{"a": 1}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "usage: plot"},
		{[]string{"-x"}, 2, "-x"},
		{[]string{filepath.Join(dir, "none.json")}, 1, "none.json"},
		{[]string{filepath.Join(dir, "text.json")}, 1, "text.json: not a report of bench"},
		{[]string{filepath.Join(dir, "other.json")}, 1, "other.json: not a report of bench"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(c.args, &stdout, &stderr); status != c.status || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%q: status %d, standard error %q", c.args, status, &stderr)
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(lo, hi float64) (s string) {
		for _, tick := range (decades{"×"}).Ticks(lo, hi) {
			if tick.Label != "" {
				s += tick.Label + " "
			}
		}
		return s
	}
	if got := labels(0.5, 30); got != "0.5× 1× 2× 5× 10× 20× " {
		t.Errorf("labels %q", got)
	}
	if got := labels(0.03, 100); got != "0.1× 1× 10× 100× " {
		t.Errorf("labels of many decades %q", got)
	}
	if got := bytesLabel(64 << 20); got != "64 MiB" {
		t.Errorf("64 MiB is %q", got)
	}
	if _, bytes, ok := cacheBytes("L2 1024K"); !ok || bytes != 1<<20 {
		t.Errorf("L2 has %v bytes", bytes)
	}
	if _, _, ok := cacheBytes("L1i 32K"); ok {
		t.Error("the instruction cache is marked")
	}
	if m := median([]float64{3, 1, 2, math.Inf(1)}); m != 2.5 {
		t.Errorf("median %v", m)
	}
}
