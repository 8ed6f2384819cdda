//go:build gc && !purego && !noasm

package dropblock

import "golang.org/x/sys/cpu"

//go:generate go run ./gen

// featuresNEON are what the kernels need. TestGate holds them against the
// generated kernels' requirements.
var featuresNEON = []feature{{"ASIMD", &cpu.ARM64.HasASIMD}}

// archKernels lists the sets that the CPU runs, best first.
func archKernels() (sets []KernelSet) {
	if haveAll(featuresNEON) {
		sets = append(sets, KernelSet{isaNEON})
	}
	return sets
}
