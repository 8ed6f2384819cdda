package dropblock

// StreamVersion is the version of the mapping from keys to masks, which
// docs/stream.md defines. A release that changes a bit of any mask changes the
// version.
const StreamVersion = 1

const (
	chunkBits = 16
	// chunkLen is how many positions of a sample share one range of counters.
	// Chunks are independent, so that goroutines can share a sample.
	chunkLen = 1 << chunkBits

	// The two uses of random words in a chunk differ in the top bit of
	// counter word 0.
	domainHead = 0 << 31
	domainGaps = 1 << 31

	// domainNoise is counter word 1 of the noise that fills dropped elements, where the
	// other domains have the number of a chunk, which is below 1<<15.
	domainNoise = 1 << 31

	// streamTag is counter word 3 of the key derivation: "DBv1".
	streamTag = 0x44427631
)

const (
	// headGroupWords is the number of words that eight counters make at a level: the
	// low halves of the eight blocks are words 0 to 7, the high halves words 8 to 15.
	headGroupWords = 16
	headGroupLen   = 64 * headGroupWords
	// headLevelStride is the distance of the counters of two levels: eight
	// for each of the 64 groups of a chunk.
	headLevelStride = chunkLen / headGroupLen * 8
)

// NewKey returns the key of a layer at a step of a network with the given seed:
// the one that [Layer.SampleAt] draws with (docs/stream.md, section 3).
func NewKey(seed uint64, layer uint32, step uint64) Key {
	k0, k1, _, _ := philox10(layer, uint32(step), uint32(step>>32), streamTag, uint32(seed), uint32(seed>>32))
	return Key{k0, k1}
}

// LayerID derives the number of a layer, [Config].Layer, from its name in the
// network: it is the 32-bit FNV-1a hash of the bytes of name (Fowler, Noll, Vo).
// This will not change, as masks depend on it. Two of 100 names collide with a
// probability of about 10⁻⁶.
func LayerID(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// stride returns the distance of the samples' indices.
func (at *Position) stride() uint64 { return max(at.Stride, 1) }

// chunkCounter returns the first counter of a domain in a chunk of a sample.
func chunkCounter(domain uint32, chunk int, sample uint64) [4]uint32 {
	return [4]uint32{domain, uint32(chunk), uint32(sample), uint32(sample >> 32)}
}

// Position is a training step and the global indices of a batch's samples: sample i of a
// call is Sample + i·Stride, modulo 2⁶⁴. The mask of a sample depends on its own global
// index and not on the batch that it is in; one that samples share ([ShareBatch]) depends
// on neither. (The scale of [NormTensor] is that of the batch, see [Mask.Rescale].)
type Position struct {
	_ struct{} // Field names are required: new fields will come.

	// Step is the training step.
	Step uint64
	// Sample is the global index of the batch's first sample: the number of
	// samples of the step before it, such as rank·batch on several machines.
	Sample uint64
	// Stride is the distance of the samples' indices, 0 stands for 1. Machines that take
	// samples in turn have their rank as Sample and their number as Stride.
	Stride uint64
}
