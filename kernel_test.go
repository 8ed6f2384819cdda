package dropblock

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"
)

// eachISA runs a test for every instruction set, those that are not available
// being skipped.
func eachISA(t *testing.T, f func(t *testing.T, k isa)) {
	for i, name := range isaOptions.names {
		k := isa(i)
		if k == isaAuto {
			continue
		}
		t.Run("impl="+name, func(t *testing.T) {
			if !slices.Contains(available, KernelSet{k}) {
				t.Skipf("not among the sets available, %v", available)
			}
			f(t, k)
		})
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
			x.HasAVX512VBMI2 && x.HasAVX512VPOPCNTDQ,
		isaNEON: cpu.ARM64.HasASIMD,
	} {
		if set := (KernelSet{k}); has && !slices.Contains(available, set) {
			t.Errorf("the sets are %v, want %v among them, which this CPU has the features for", available, set)
		}
	}
}
