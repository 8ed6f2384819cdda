//go:build gc && !purego && !noasm

package dropblock

import "golang.org/x/sys/cpu"

//go:generate go run ./gen

// featuresNEON are what the kernels need. TestGate holds them against the
// generated kernels' requirements.
var featuresNEON = []feature{{"ASIMD", &cpu.ARM64.HasASIMD}}

// gates are those of the sets that this build has, best first.
var gates = []gate{{isaNEON, featuresNEON}}
