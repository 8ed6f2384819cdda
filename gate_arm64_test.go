//go:build gc && !purego && !noasm

package dropblock

import "testing"

func TestGate(t *testing.T) {
	checkGate(t, "kernel_arm64.s", map[string][]feature{"NEON": featuresNEON})
}
