package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// sample is a report with a sweep and peers, as bench writes it.
func sample(t *testing.T) string {
	t.Helper()
	type object = map[string]any
	var sweep []object
	for power := range 4 {
		sweep = append(sweep, object{
			"setting": fmt.Sprintf("%dx21x14x14-b7", 1<<(3*power)),
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
	report := object{
		"machine":  object{"cpu": "Example CPU", "caches": []string{"L1d 48K", "L1i 32K", "L2 1024K", "L3 32768K"}, "go": "go1.26", "os": "linux", "arch": "amd64"},
		"versions": object{"torch": "1.13"}, "date": "2026-01-02T03:04:05Z", "p": 0.1, "rounds": 51, "peer_every": 5,
		"kernels": []string{"avx512", "generic"}, "sweep_rounds": 15, "sweep": sweep,
		"results": []object{{
			"setting": "32x256x14x14-b7",
			"series": []object{
				{"op": "copy", "impl": "go", "threads": 1, "wall_ns": []float64{1, 2, 4}},
				{"op": "forward", "impl": "avx512", "threads": 1, "wall_ns": []float64{1, 2.25, 5}},
			},
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

// TestRender draws the pictures of a folder and writes its document.
func TestRender(t *testing.T) {
	file := sample(t)
	stem := strings.TrimSuffix(file, ".json")
	document := filepath.Join(filepath.Dir(file), "docs.md")
	if err := os.WriteFile(stem+"-notes.md", []byte("A remark.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"render", filepath.Dir(file), document}, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Benchmarks\n", "\n## Example CPU, 2026-01-02\n", "\n| 32x256x14x14-b7 | avx512 | 6.1 | – | – | – | 1.12 | – |", "\nA remark.\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the document does not say %q:\n%s", want, text)
		}
	}
	r, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := r.pictures()
	if err != nil || len(pictures) != 1 {
		t.Fatalf("%d pictures, %v, want 1", len(pictures), err)
	}
	for _, p := range pictures {
		name := "machine-" + p.name + ".png"
		if !strings.Contains(string(text), "("+name+")") || !strings.Contains(stdout.String(), name+"\n") {
			t.Errorf("%s is not in the document, or was not said", name)
		}
		file, err := os.ReadFile(stem + "-" + p.name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(file) > 1<<17 || picture.Bounds().Dx() != 760*dpi/72 {
			t.Errorf("%s has %d bytes and is %v", name, len(file), picture.Bounds())
		}
		var svg bytes.Buffer
		c := vgsvg.New(width, height)
		p.draw(draw.New(c))
		if _, err := c.WriteTo(&svg); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"Example CPU", "ns per element", "size of the feature map", "4 MiB", "copy", "torchvision", "2 workers", "L2", "medians of 15", "others in 3",
		} {
			if !strings.Contains(svg.String(), want) {
				t.Errorf("%s does not say %q", p.name, want)
			}
		}
		if strings.Contains(svg.String(), "NaN") {
			t.Errorf("%s has NaN", p.name)
		}
	}
}

// TestResults compares the committed document with what the committed reports make.
func TestResults(t *testing.T) {
	want, _, err := documentOf("results", "../bench/results")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../docs/benchmarks.md"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/benchmarks.md is not what render writes (%v): make it anew", err)
	}
}

func TestRenderBad(t *testing.T) {
	for text, want := range map[string]string{
		"hello": "not a report of bench", `{"a": 1}`: "not a report of bench", "": "no *.json",
		`{"machine": {"cpu": "c"}, "kernels": ["k"], "results": [{"setting": "7x7"}]}`: "is not of the form",
	} {
		dir := t.TempDir()
		if text != "" {
			if err := os.WriteFile(filepath.Join(dir, "x.json"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var stdout, stderr bytes.Buffer
		if status := run([]string{"render", dir, filepath.Join(dir, "x.md")}, &stdout, &stderr); status != 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("of %q: status %d, standard error %q, want %q", text, status, &stderr, want)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"render"}, &stdout, &stderr); status != 1 || !strings.Contains(stderr.String(), "usage: bench render") {
		t.Errorf("without arguments: status %d, standard error %q", status, &stderr)
	}
}

func TestTicks(t *testing.T) {
	var labels []string
	for _, tick := range (bytesTicks{}).Ticks(1<<15, 1<<22) {
		labels = append(labels, tick.Label)
	}
	if got := strings.Join(labels, ","); got != ",64 KiB,,256 KiB,,1 MiB,,4 MiB" {
		t.Errorf("labels %q", got)
	}
	if bytes := cacheBytes("1024K"); bytes != 1<<20 {
		t.Errorf("L2 has %v bytes", bytes)
	}
}
