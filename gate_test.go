//go:build gc && !purego && !noasm && (amd64 || arm64)

package dropblock

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var requires = regexp.MustCompile(`(?m)^// func (\w+)\(.*\n// Requires: (.*)$`)

// checkGate holds the features that a set's gate asks for, by the suffix of its
// kernels, against those that the generator found them to need.
func checkGate(t *testing.T, file string, gates map[string][]feature, baseline ...string) {
	asm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for suffix, gate := range gates {
		kernels := 0
		for _, m := range requires.FindAllStringSubmatch(string(asm), -1) {
			if !strings.HasSuffix(m[1], suffix) {
				continue
			}
			kernels++
			for _, name := range strings.Split(m[2], ", ") {
				asked := slices.ContainsFunc(gate, func(f feature) bool { return f.name == name })
				if !asked && !slices.Contains(baseline, name) {
					t.Errorf("%s needs %s, which the gate of its set does not ask for", m[1], name)
				}
			}
		}
		if kernels < 9 {
			t.Errorf("%s has %d kernels that end in %s, want all of the set", file, kernels, suffix)
		}
	}
}
