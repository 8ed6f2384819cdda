package main

// A kernel is a row of the table from which the Go around all kernels is generated: stubs,
// types that lock the signatures of all its functions, and the methods that choose between
// functions and report memory accesses to the sanitizers, for amd64, arm64 and builds
// without assembly. The generic Go function, the generator of the assembly, and the test
// are written by hand.
//
// The kernel scale has the generic function scaleGeneric, the assembly scaleAVX2,
// scaleAVX512 and scaleNEON, of one signature, and the method isa.scale.
type kernel struct {
	name string
	// params and results are Go's, with the root package's own types and constants, E for
	// the element, and S for the type of its scale.
	params, results string
	// doc says what it does, the object of the sentence left out that is its name, and
	// needs what holds for the assembly besides: callers see to that.
	doc, needs string

	// writes is the slice that is written. The sanitizers, which do not see what assembly
	// does, are told of it, and that all other slices are read; where that is not so, reads
	// is the Go that tells them.
	writes, reads string

	// guard is a Go condition on the parameters under which there is assembly for the
	// call. VECTOR in it stands for the bytes of the assembly's vectors.
	guard string
	// otherwise is the kernel that runs where no assembly does, with the same
	// parameters. If it is empty, that is the generic function.
	otherwise string

	// amd64 emits the assembly of the sets that sets lists, both if it lists none. AVX-512
	// runs AVX2's where it has none of its own. neon emits NEON's. A method that chooses is
	// not inlined: its prologue is where a goroutine in a loop over kernel calls can be
	// preempted. In a build that has no assembly for a kernel its method is a call of the
	// generic function.
	amd64 func(*amd64)
	sets  []isa
	neon  func(*neon)

	// elements are the types that E stands for. There is one function for each, and one
	// method for all, which takes instead of slices of E their pointers and one length,
	// then the element, and for an S a float64.
	elements []*element
}

var kernels = []*kernel{
	{
		name: "philox", params: "dst []uint32, ks *roundKeys, ctr *[4]uint32",
		doc:    "fills dst with the words of Philox4x32-10 blocks, from a counter on",
		needs:  "a multiple of 32 words",
		writes: "dst",
		amd64:  philox, neon: philoxNEON,
	},
	{
		name: "head", params: "dst []uint64, ks *roundKeys, ctr *[4]uint32, t uint32, levels int",
		doc:    "draws bits of probability t/2^levels, in whole groups of words",
		writes: "dst",
		amd64:  head, neon: headNEON,
	},
	// A table look-up for each seed is no work for vectors without a gather, and NEON has
	// none: there are no NEON kernels from here to stamps.
	{
		name: "gaps", params: "positions *[gapCallLen]uint32, drawn []uint32, t *gapTable, w *walk", results: "n int",
		doc:    "walks on by the gaps that drawn words stand for, and lists where that is",
		needs:  "a multiple of eight drawn words",
		writes: "positions[:]",
		amd64:  gaps, sets: narrow,
	},
	{
		name: "ones", params: "positions *[gapCallLen]uint32, words []uint64, first uint32", results: "n, used int",
		doc:    "lists the positions of ones",
		writes: "positions[:]",
		amd64:  ones,
	},
	{
		name: "place", params: "bits []uint32, w *walk",
		doc:    "maps positions to bits, in place",
		needs:  "a walk with inverses",
		writes: "bits",
		guard:  "w.inverseCol != 0",
		amd64:  place,
	},
	{
		name: "seeds", params: "words []uint64, bits []uint32",
		doc:    "sets bits",
		writes: "words",
		amd64:  seeds, sets: narrow,
	},
	{
		name: "stamps", params: "words []uint64, firsts []uint32, stamps *stampTable, n int", results: "dropped int",
		doc:    "drops blocks of n words and counts the ones that were there",
		writes: "words",
		amd64:  stamps,
	},
	{
		name: "dilateRow", params: "dst, src []uint64, b int",
		doc:    "sets each bit to the OR of the b bits up to it",
		writes: "dst",
		amd64:  dilateRow, neon: dilateRowNEON,
	},
	{
		name: "dilateStep", params: "dst, src []uint64, a, b int",
		doc:    "sets dst to src | src<<a | src<<b",
		writes: "dst",
		amd64:  dilateStep, neon: dilateStepNEON,
	},
	{
		name: "dilateKeep", params: "dst, src []uint64, a, b int", results: "kept int",
		doc: "sets dst to the complement of src | src<<a | src<<b and counts its ones",
		// Without a shift nothing comes in from the word before, which may be another
		// goroutine's.
		reads:  "if b == 0 { sanitize.Reads(src[1:]) } else { sanitize.Reads(src) }",
		writes: "dst",
		amd64:  dilateKeep, neon: dilateKeepNEON,
	},
	{
		name: "dilateNear", params: "words, shifts []uint64", results: "kept int",
		doc:    "takes all steps of a small block on a small map",
		reads:  "sanitize.Reads(words[:1])",
		writes: "words[1:]",
		amd64:  dilateNear, sets: wideOnly,
	},
	{
		name: "dilateBorder", params: "dst, src, up, down []uint64, shift int",
		doc:    "sets dst to src | src<<shift & up | src>>shift & down",
		writes: "dst",
		amd64:  dilateBorder, neon: dilateBorderNEON,
	},
	{
		name: "stretch", params: "dst, src []uint64, lanes []stretchLanes",
		doc:    "repeats every bit as often as there are lanes",
		writes: "dst",
		amd64:  stretch, neon: stretchNEON,
	},
	{
		name: "stretchBytes", params: "dst, src []uint64, lanes []stretchLanes, to, from *byte",
		doc:    "repeats every bit eight times as often as there are lanes",
		needs:  "a multiple of eight words of dst",
		writes: "dst",
		amd64:  stretchBytes, neon: stretchBytesNEON,
	},
	{
		name: "scale", params: "dst, src []E, keep []uint64, scale S",
		doc:      "sets dst to src·scale where keep is 1 and to +0 elsewhere",
		writes:   "dst",
		elements: elements,
		amd64:    scale, neon: scaleNEON,
	},
	{
		name: "scaleStream", params: "dst, src []E, keep []uint64, scale S",
		doc:       "is scale with stores that bypass the caches",
		needs:     "dst at a multiple of the bytes of a vector",
		writes:    "dst",
		guard:     "uintptr(dst)%VECTOR == 0",
		otherwise: "scale",
		elements:  elements,
		amd64:     scaleStream,
	},
	{
		name: "scaleCells", params: "dst, src []E, words []uint64, lanes []stretchLanes, scale S",
		doc:      "is scale with bits of words, each of them for as many elements as there are lanes",
		writes:   "dst",
		elements: elements,
		amd64:    scaleCells,
	},
	{
		name: "scaleCellsStream", params: "dst, src []E, words []uint64, lanes []stretchLanes, scale S",
		doc:       "is scaleCells with stores that bypass the caches",
		needs:     "dst at a multiple of the bytes of a vector",
		writes:    "dst",
		guard:     "uintptr(dst)%VECTOR == 0",
		otherwise: "scaleCells",
		elements:  elements,
		amd64:     scaleCellsStream,
	},
	{
		name: "scaleRuns", params: "dst, src []E, keep []uint64, scales []float64, run, left int",
		doc:      "is scale with a scale for each run of elements",
		needs:    "runs of 32 elements or more, a multiple of 64 elements, and two more scales than runs",
		writes:   "dst",
		guard:    "run >= 32 && n%64 == 0",
		elements: elements,
		amd64:    scaleRuns,
	},
	{
		name: "scaleRunsStream", params: "dst, src []E, keep []uint64, scales []float64, run, left int",
		doc:       "is scaleRuns with stores that bypass the caches",
		needs:     "dst at a multiple of the bytes of a vector",
		writes:    "dst",
		guard:     "uintptr(dst)%VECTOR == 0 && run >= 32 && n%64 == 0",
		otherwise: "scaleRuns",
		elements:  elements,
		amd64:     scaleRunsStream,
	},
	{
		name: "scaleEach", params: "dst, src []E, keep []uint64, factors []S",
		doc:      "is scale with a scale for each element",
		needs:    "a multiple of 64 elements",
		writes:   "dst",
		guard:    "n%64 == 0",
		elements: elements,
		amd64:    scaleEach,
	},
	{
		name: "add", params: "dst, src []E, keep []uint64, scale S",
		doc:      "adds src·scale to dst where keep is 1",
		writes:   "dst",
		elements: elements,
		amd64:    add, neon: addNEON,
	},
	{
		name: "fill", params: "dst, src, fill []E, keep []uint64, scale S",
		doc:      "sets dst to src·scale where keep is 1 and to fill elsewhere",
		writes:   "dst",
		elements: elements,
		amd64:    fill, neon: fillNEON,
	},
	{
		name: "fillStream", params: "dst, src, fill []E, keep []uint64, scale S",
		doc:       "is fill with stores that bypass the caches",
		needs:     "dst at a multiple of the bytes of a vector",
		writes:    "dst",
		guard:     "uintptr(dst)%VECTOR == 0",
		otherwise: "fill",
		elements:  elements,
		amd64:     fillStream,
	},
	{
		name: "expand", params: "dst []E, keep []uint64, scale S",
		doc:      "sets dst to scale where keep is 1 and to +0 elsewhere",
		writes:   "dst",
		elements: elements,
		amd64:    expand, neon: expandNEON,
	},
	{
		name: "noise", params: "dst []E, quads []uint32, ks *roundKeys, ctr *[4]uint32, to, from *byte, lines int",
		doc:      "draws normal variates to quads of elements",
		needs:    "a multiple of noiseStride quads",
		writes:   "dst",
		elements: elements,
		amd64:    noise, neon: noiseNEON,
	},
	{
		name: "expandBool", params: "dst []bool, keep []uint64",
		doc:    "sets dst to the bits of keep",
		writes: "dst",
		amd64:  expandBool, neon: expandBoolNEON,
	},
	{
		name: "quotients", params: "dst []float64, words []uint64, n int, table *[64]float64",
		doc:    "divides n by the numbers of ones of runs of n bits, with a table if there are 57 or fewer",
		needs:  "a word behind those of the bits",
		writes: "dst",
		amd64:  quotients,
	},
	{
		name: "count", params: "words []uint64", results: "n int",
		doc:   "counts ones",
		amd64: count, neon: countNEON,
	},
}

// benchKernels are the copies that bench/ measures everything else against.
var benchKernels = []*kernel{
	{
		name: "copyVector", params: "dst, src []float32",
		doc:   "copies src to dst, which has the same length",
		amd64: copyVector,
	},
	{
		name: "scaleCopy", params: "dst, src []float32, scale float32",
		doc:   "writes src times scale to dst, which has the same length",
		amd64: scaleCopy,
	},
	{
		name: "addVector", params: "dst, src []float32",
		doc:   "adds the words of src to those of dst, which has the same length",
		amd64: addVector,
	},
	{
		name: "copyStream", params: "dst, src []float32",
		doc:   "copies src to dst, which has the same length, with stores that bypass the caches",
		amd64: copyStream,
	},
}

// cacheKernels are what internal/cpucache asks the CPU with.
var cacheKernels = []*kernel{
	{
		name: "cpuid", params: "leaf, subleaf uint32", results: "eax, ebx, ecx, edx uint32",
		doc:   "executes the CPUID instruction",
		amd64: cpuid, sets: []isa{anyCPU},
	},
}
