//go:build !((amd64 || arm64) && gc && !purego && !noasm)

package dropblock

func archKernels() []KernelSet { return nil }
