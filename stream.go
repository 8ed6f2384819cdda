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

const (
	// headGroupWords words take eight counters a level: the low halves of
	// the eight blocks make words 0 to 7, the high halves words 8 to 15.
	headGroupWords = 16
	headGroupLen   = 64 * headGroupWords
	// headLevelStride is the distance of the counters of two levels: eight
	// for each of the 64 groups of a chunk.
	headLevelStride = chunkLen / headGroupLen * 8
)

// NewKey derives the key of a layer at a step from the seed of a network.
func NewKey(seed uint64, layer uint32, step uint64) Key {
	k0, k1, _, _ := philox10(layer, uint32(step), uint32(step>>32), streamTag, uint32(seed), uint32(seed>>32))
	return Key{k0, k1}
}

// LayerID makes the number of a layer, [Config].Layer, of its name in the network:
// the 32-bit FNV-1a hash of the bytes of name (Fowler, Noll, Vo), which
// is 2166136261 at first and for each byte is XORed with it and multiplied by
// 16777619, modulo 2³². This is forever, as masks depend on it. Of 100 names two
// agree with a probability of about 10⁻⁶.
func LayerID(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// chunkCounter is the first counter of a domain in a chunk of a sample.
func chunkCounter(domain uint32, chunk int, sample uint64) [4]uint32 {
	return [4]uint32{domain, uint32(chunk), uint32(sample), uint32(sample >> 32)}
}

// Position names the masks of a training step. A sample's mask depends on its
// global index in the step alone, not on how the samples are batched. (The scale
// is that of the batch, see [NormTensor].)
type Position struct {
	_ struct{} // Field names are required: new fields will come.

	// Step is the training step.
	Step uint64
	// Sample is the global index of the batch's first sample: how many samples
	// of the step other machines have before it, such as rank·batch.
	Sample uint64
}
