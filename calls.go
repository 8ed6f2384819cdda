package dropblock

// The runtime cannot preempt assembly, so one call of a kernel has a bounded
// amount of work, like the hashes in Go's standard library, which stop every
// 64 KiB (go.dev/issue/64417). Each is a few microseconds.
const (
	scaleCallLen  = 1 << 14 // elements, whole words of bits
	philoxCallLen = 1 << 12 // blocks
	dilateCallLen = 1 << 13 // words
	countCallLen  = 1 << 13 // words
)
