//go:build !((amd64 || arm64) && gc && !purego && !noasm)

package dropblock

func archKernels() []KernelSet { return nil }

// philoxStride is how many blocks a kernel set's Philox draws at once.
func (k isa) philoxStride() int { return 1 }
