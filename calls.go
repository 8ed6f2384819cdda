package dropblock

// The runtime cannot preempt assembly, so one call of a kernel has a bounded
// amount of work, like the hashes in Go's standard library, which stop every
// 64 KiB (go.dev/issue/64417). Each is a few microseconds; the head's call is the
// longest, bounded by a chunk of positions and its levels to some tens.
const (
	scaleCallLen  = 1 << 14 // elements, whole words of bits
	streamCallLen = 1 << 16 // elements, as each call waits for its stores
	philoxCallLen = 1 << 12 // blocks
	dilateCallLen = 1 << 13 // words
	nearCallLen   = 1 << 11 // words, of many steps each
	countCallLen  = 1 << 13 // words
)
