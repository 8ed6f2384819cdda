package dropblock

// This file has every number that was measured rather than derived, but for those of
// single kernels, which stand with their generators (gen/). Unless it says otherwise:
// AMD EPYC, family 25, model 17 (Zen 4) and family 26, model 2 (Zen 5), two virtual CPUs,
// November 2026, interleaved runs of make bench or of a loop over the kernels.

// tuning is what decides between ways of growing blocks, for a kernel set.
type tuning struct {
	// stampCells is the number of cells for each seed from which on it costs less to
	// stamp blocks of up to stampWords/2 words than to set seeds and dilate, and
	// longStampCells that for longer blocks. Times were equal at 80 to 100 cells for
	// AVX2, at more where a block takes more words than a vector has, at 125 to 200 for
	// AVX-512, and at less than 64 for generic Go.
	stampCells, longStampCells float64
	// paintCost is how many words go through a step of growBorder in the time that it
	// takes to paint the block of one seed, if that is a brush, which is also that of
	// looking for seeds in 20 words that have none. Measured with blocks of 3 to 7 on
	// maps of 7×7 to 224×224; NEON's is a model's (docs/arm64.md).
	paintCost float64
	// near says that dilateNear costs less than the passes that it stands for, by a
	// seventh where it was measured. AVX2 and NEON have no funnel shift, and no form of
	// the kernel: with AVX2 the passes were 4 % faster.
	near bool
}

var tunings = [...]tuning{
	isaGeneric: {stampCells: 50, longStampCells: 50, paintCost: 11, near: true},
	isaAVX2:    {stampCells: 100, longStampCells: 200, paintCost: 48},
	isaAVX512:  {stampCells: 150, longStampCells: 150, paintCost: 64, near: true},
	isaNEON:    {stampCells: 50, longStampCells: 100, paintCost: 24},
}

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

// workerLen is how many elements each goroutine of a call has at least: 128 Ki float32
// take some 10 µs, several times what it costs to share them. It is a variable for the
// tests.
var workerLen = 1 << 17

const (
	// togetherWords is how many words, about, are made zero or ones and drawn on
	// together, in a first-level cache of 32 KiB. Of samples of several chunks it is a
	// chunk.
	togetherWords = 1 << 10
	// shiftPiece is the number of words that go through all steps of growShift
	// together. Three buffers of it stay in a first-level cache of 32 KiB.
	shiftPiece = 1 << 10
	// borderPiece is the same, about, for growBorder. With the masks they stay in a
	// first-level cache of 32 KiB where blocks and maps are those of convolutional
	// networks.
	borderPiece = 1 << 8
	// maxPeriod is the most words of a mask of growBorder, for its memory: some hundred
	// KiB for all masks, in the second level. Planes of a longer period take growPlane.
	maxPeriod = 1 << 12
	// partLen elements, about, are a part of a call that several workers share: so few
	// that one who comes late takes some too, and none waits long for another one's last
	// part.
	partLen = streamCallLen
	// wakeCalls calls of scaleCallLen elements alternate between stores through the
	// caches and around them, before all go around. After a pause, as in a training
	// step, a CPU of Zen 5 runs non-temporal stores at half speed for some 50 µs. It was
	// 5 to 12 % of 6 MiB that this saved, and 1 % that it cost without a pause.
	wakeCalls = 8
)

// bypasses reports whether an output of so many bytes is stored around the caches, of
// which the last level has size bytes: if source and destination together take more than
// three quarters of it, or all of it where several goroutines write. It then saves
// reading the destination. Where the last level had 32 MiB the times of one goroutine were
// equal at 12 MiB a map; at 10 it would lose 20 %, at 16 it gained 8 % and at 25 a
// quarter. Two took up to twice as long around the caches at 12 MiB, and were equal at
// 25, on a CPU of Zen 4.
func bypasses(bytes, size, parts int) bool {
	size /= 2
	if parts == 1 {
		size -= size / 4
	}
	return size > 0 && bytes > size
}
