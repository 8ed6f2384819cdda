package dropblock

// StreamVersion is the version of the mapping from keys to masks, which
// docs/stream.md defines. A release that changes a bit of any mask changes the
// version.
const StreamVersion = 1

const (
	chunkBits = 16
	// chunkLen is how many positions of a sample share one range of counters,
	// so that goroutines can share a sample.
	chunkLen = 1 << chunkBits

	// The two uses of random words in a chunk differ in the top bit of
	// counter word 0.
	domainHead = 0 << 31
	domainGaps = 1 << 31

	// streamTag is counter word 3 of the key derivation: "DBv1".
	streamTag = 0x44427631
)

// Key keys the random words of one layer at one step.
type Key [2]uint32

// NewKey derives the key of a layer at a step from the seed of a network.
func NewKey(seed uint64, layer uint32, step uint64) Key {
	k0, k1, _, _ := philox10(layer, uint32(step), uint32(step>>32), streamTag, uint32(seed), uint32(seed>>32))
	return Key{k0, k1}
}

// chunkCounter is the first counter of a domain in a chunk of a sample.
func chunkCounter(domain uint32, chunk int, sample uint64) [4]uint32 {
	return [4]uint32{domain, uint32(chunk), uint32(sample), uint32(sample >> 32)}
}
