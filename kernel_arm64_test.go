//go:build gc && !purego && !noasm

package dropblock

// assembly tells that this build has kernels in assembly.
const assembly = true
