//go:build !(amd64 && gc && !purego && !noasm)

package cpucache

// LastLevel returns 0: this build has no way to read the size.
func LastLevel() int { return 0 }
