//go:build gc && !purego && !noasm

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

// TestCopyGate takes away each feature that a generated kernel requires: the
// kernel must then not be listed.
func TestCopyGate(t *testing.T) {
	features := map[string]*bool{
		"AVX":     &cpu.X86.HasAVX,
		"AVX2":    &cpu.X86.HasAVX2,
		"AVX512F": &cpu.X86.HasAVX512F,
		"MMX+":    nil, // SFENCE, which every amd64 has
	}
	names := map[string]string{
		"copyVectorAVX2": "vector", "copyVectorAVX512": "vector512",
		"copyStreamAVX2": "stream", "copyStreamAVX512": "stream512",
		"scaleCopyAVX2": "avx2", "scaleCopyAVX512": "avx512",
		"addVectorAVX2": "add avx2", "addVectorAVX512": "add avx512",
	}
	for _, has := range features {
		if has != nil {
			defer func(is bool) { *has = is }(*has)
			*has = true
		}
	}
	listed := func(name string) bool {
		return slices.ContainsFunc(archRooflines(), func(r loop) bool { return r.name == name }) ||
			slices.ContainsFunc(archAddLoops(), func(l loop) bool { return "add "+l.name == name }) ||
			slices.ContainsFunc(archScaleCopies(), func(s loop) bool { return s.name == name })
	}

	asm, err := os.ReadFile("copy_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	kernels := regexp.MustCompile(`(?m)^// func (\w+)\(.*\n// Requires: (.*)$`).FindAllStringSubmatch(string(asm), -1)
	if len(kernels) != len(names) {
		t.Fatalf("%d kernels with requirements, want %d", len(kernels), len(names))
	}
	for _, k := range kernels {
		name := names[k[1]]
		if !listed(name) {
			t.Errorf("%s is not listed as %q with all features there", k[1], name)
		}
		for feature := range strings.SplitSeq(k[2], ", ") {
			has, known := features[feature]
			if !known {
				t.Errorf("%s requires %s, which no gate knows", k[1], feature)
			}
			if has == nil {
				continue
			}
			*has = false
			if listed(name) {
				t.Errorf("%s requires %s and is listed without it", k[1], feature)
			}
			*has = true
		}
	}
}
