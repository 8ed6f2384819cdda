//go:build !((amd64 || arm64) && gc && !purego && !noasm)

package dropblock

// assembly tells that this build has kernels in assembly.
const assembly = false
