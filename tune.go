package dropblock

// This file has the measured numbers of the library, except those of single kernels, which
// stand with their generators (gen/). Unless stated otherwise: AMD EPYC, family 25, model
// 17 (Zen 4) and family 26, model 2 (Zen 5), two virtual CPUs, November 2026, interleaved
// runs of make bench or of a loop over the kernels.

// tuning holds the costs that decide how a kernel set grows blocks.
type tuning struct {
	// With one seed in stampCells cells or fewer, stamping blocks of up to stampWords/2
	// words is faster than setting seeds and dilating; longStampCells is the same for
	// longer blocks. The break-even was at 80 to 100 cells for AVX2, higher for blocks
	// that take more words than a vector has, at 125 to 200 for AVX-512, and below 64
	// for generic Go.
	stampCells, longStampCells float64
	// paintCost is the time to paint the block of one seed with a brush, in units of the
	// time of one word in one step of growBorder. Scanning 20 words without seeds takes
	// as long. Measured with blocks of 3 to 7 on maps of 7×7 to 224×224; NEON's is from a
	// model (docs/arm64.md).
	paintCost float64
	// near says that dilateNear is faster than the passes that it replaces: by a seventh
	// where measured. AVX2 and NEON have no funnel shift and no assembly of the kernel:
	// with AVX2 the passes were 4 % faster.
	near bool
	// pairs says that growShift is faster with fewer passes, of two shifts by bits each, than
	// with fewer shifts. 7×7 on 56×56 was by a twelfth with AVX2 and AVX-512, and generic Go
	// slower by a ninth (Zen 5, 2026-11-28). With NEON it is slower by a twentieth in a model.
	pairs bool
	// cells says that there is assembly of scaleCells. Cells of 2 to 15 channels took 4 to 20 %
	// less time than with stretch, then scale, on maps in the last-level cache, and as long in
	// place. Those of a multiple of eight took up to a quarter longer in place than with
	// stretchBytes (Zen 5, 2026-11-28).
	cells bool
	// runWords is the least line, in words, whose long blocks growPlane sets run by run.
	// That took some 20 ns a line, and a masked step of AVX-512 .25 ns a word (Zen 5,
	// 2026-11-28, bench full).
	runWords int
}

var tunings = [...]tuning{
	isaGeneric: {stampCells: 50, longStampCells: 50, paintCost: 11, near: true, runWords: 8},
	isaAVX2:    {stampCells: 100, longStampCells: 200, paintCost: 48, pairs: true, cells: true, runWords: 8},
	isaAVX512:  {stampCells: 150, longStampCells: 150, paintCost: 64, near: true, pairs: true, cells: true, runWords: 12},
	isaNEON:    {stampCells: 50, longStampCells: 100, paintCost: 24, runWords: 8},
}

// The runtime cannot preempt assembly, so that a kernel call is bounded, like the
// hashes in Go's standard library, which stop every 64 KiB (go.dev/issue/64417). A call
// takes a few microseconds; the head's is the longest, with some tens for a chunk.
const (
	scaleCallLen  = 1 << 14 // elements, a multiple of 64
	streamCallLen = 1 << 16 // elements; longer, as each call ends with a fence
	noiseCallLen  = 1 << 12 // elements, a multiple of 256, whose noise fits the first-level cache
	noiseAskBytes = 1 << 19 // of a map; one of less, with its output, is in the second-level cache
	innerCallLen  = 1 << 11 // elements, whose scales should stay in the first-level cache
	philoxCallLen = 1 << 12 // blocks
	dilateCallLen = 1 << 13 // words
	quotientCalls = 1 << 5  // words of one bit for each scale
	nearCallLen   = 1 << 11 // words, with many steps each
	countCallLen  = 1 << 13 // words
)

// workerLen is the least number of elements for a worker: 128 Ki float32 take some 10 µs,
// several times the cost of sharing them. It is a variable for the tests.
var workerLen = 1 << 17

const (
	// togetherWords is the approximate size of a together (draw.go), in words of the
	// mask: a quarter of a first-level cache of 32 KiB.
	togetherWords = 1 << 10
	// shiftPiece is the number of words that go through all steps of growShift
	// together. Three buffers of this size fit a first-level cache of 32 KiB.
	shiftPiece = 1 << 10
	// borderPiece is the approximate number of words that go through all steps of
	// growBorder together. With the masks they fit a first-level cache of 32 KiB for the
	// blocks and maps of convolutional networks.
	borderPiece = 1 << 8
	// maxPeriod bounds the words of a mask of growBorder. All masks then take some
	// hundred KiB, in the second-level cache. Planes of a longer period take growPlane.
	maxPeriod = 1 << 12
	// minPlanePeriod is the least period of masks, in words, at which growPlane may take
	// less time than growBorder, as it does for long blocks (512×512, Zen 5).
	minPlanePeriod = 1 << 10
	// partLen is the approximate number of elements of a part when several workers share
	// a call: small, so that a worker that starts late still gets parts, and no worker
	// waits long for the last part of another one.
	partLen = streamCallLen
	// wakeCalls is the number of calls of scaleCallLen elements that alternate cached and
	// non-temporal stores before all stores are non-temporal. After a pause, as in a
	// training step, Zen 5 runs non-temporal stores at half speed for some 50 µs. This
	// saved 5 to 12 % on 6 MiB, and cost 1 % without a pause.
	wakeCalls = 8
)

// bypasses reports whether an output of the given bytes takes non-temporal stores, which
// save reading the destination, if the last-level cache has size bytes: if source and
// destination exceed three quarters of it, or all of it when several goroutines write.
// With a last level of 32 MiB and one goroutine the break-even was at 12 MiB a map; they
// lost 20 % at 10 MiB, and gained 8 % at 16 and a quarter at 25. On Zen 4 two goroutines
// took up to twice as long with them at 12 MiB, and as long at 25.
func bypasses(bytes, size, parts int) bool {
	size /= 2
	if parts == 1 {
		size -= size / 4
	}
	return size > 0 && bytes > size
}
