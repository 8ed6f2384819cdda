//go:build !((amd64 || arm64) && gc && !purego && !noasm)

package dropblock

var gates []gate // no set in assembly
