package dropblock

import (
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

// assembly tells that this build has kernels in assembly.
var assembly = len(gates) > 0

var requires = regexp.MustCompile(`(?m)^// func (\w+)\(.*\n// Requires: (.*)$`)

// baseline are features that every CPU of an architecture has, under the names that the
// generators give them. The last one is SFENCE's.
var baseline = map[string][]string{"amd64": {"CMOV", "SSE2", "MMX+"}}

// TestGate holds the features that a set's gate asks for against those that the
// generator found its kernels to need.
func TestGate(t *testing.T) {
	if !assembly {
		t.Skip("this build has no assembly")
	}
	file := "kernel_" + runtime.GOARCH + ".s"
	asm, err := os.ReadFile(file)
	pass(t, err)
	for _, gate := range gates {
		suffix := strings.ToUpper(isaOptions.name(uint8(gate.isa)))
		kernels := 0
		for _, m := range requires.FindAllStringSubmatch(string(asm), -1) {
			if !strings.HasSuffix(m[1], suffix) {
				continue
			}
			kernels++
			for _, name := range strings.Split(m[2], ", ") {
				asked := slices.ContainsFunc(gate.features, func(f feature) bool { return f.name == name })
				if !asked && !slices.Contains(baseline[runtime.GOARCH], name) {
					t.Errorf("%s needs %s, which the gate of its set does not ask for", m[1], name)
				}
			}
		}
		if kernels < 9 {
			t.Errorf("%s has %d kernels that end in %s, want all of the set", file, kernels, suffix)
		}
	}
}

// TestKernelSetsPresent fails where a set would be skipped silently: in CI, on
// a CPU that has what the set needs.
func TestKernelSetsPresent(t *testing.T) {
	if last := available[len(available)-1]; last.isa != isaGeneric {
		t.Errorf("the last set is %v, want generic", last)
	}
	if !assembly && len(available) != 1 {
		t.Errorf("the sets are %v in a build without assembly, want generic alone", available)
	}
	if !assembly || os.Getenv("CI") != "true" {
		return
	}
	x := &cpu.X86
	for k, has := range map[isa]bool{
		isaAVX2: x.HasAVX2,
		isaAVX512: x.HasAVX2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL &&
			x.HasAVX512VBMI && x.HasAVX512VBMI2 && x.HasAVX512VPOPCNTDQ,
		isaNEON: cpu.ARM64.HasASIMD,
	} {
		if set := (KernelSet{k}); has && !slices.Contains(available, set) {
			t.Errorf("the sets are %v, want %v among them, which this CPU has the features for", available, set)
		}
	}
}
