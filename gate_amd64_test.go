//go:build gc && !purego && !noasm

package dropblock

import "testing"

func TestGate(t *testing.T) {
	checkGate(t, "kernel_amd64.s", map[string][]feature{"AVX2": featuresAVX2, "AVX512": featuresAVX512},
		// Every amd64 CPU has these; the last one is SFENCE's.
		"CMOV", "SSE2", "MMX+")
}
