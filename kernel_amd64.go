//go:build gc && !purego

package dropblock

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./gen -dir .

var (
	_ philoxKernel        = philoxAVX2
	_ bernoulliHeadKernel = bernoulliHeadAVX2
	_ bernoulliGapsKernel = bernoulliGapsAVX2
	_ dilateRowKernel     = dilateRowAVX2
	_ dilateStepKernel    = dilateStepAVX2
	_ dilateKeepKernel    = dilateKeepAVX2
	_ scaleKernel         = scaleAVX2
	_ scaleKernel         = scaleStreamAVX2
	_ expandKernel        = expandAVX2
	_ expandBoolKernel    = expandBoolAVX2
	_ countKernel         = countAVX2
)

// archKernels lists the sets whose every feature bit the CPU and the operating
// system have. TestGate holds the bits against the generated kernels'
// requirements.
func archKernels() (sets []KernelSet) {
	if cpu.X86.HasAVX && cpu.X86.HasAVX2 && cpu.X86.HasBMI2 {
		sets = append(sets, KernelSet{isaAVX2})
	}
	return sets
}

// philoxStride is how many blocks a kernel set's Philox draws at once.
func (k isa) philoxStride() int {
	if k == isaAVX2 {
		return 8
	}
	return 1
}

// The methods below choose the kernel. They are not inlined: their prologue is
// the point at which a goroutine in a loop over kernel calls can be stopped,
// and their callers have told the race and address sanitizers, which do not
// see assembly, what a kernel reads and writes.

//go:noinline
func (k isa) philox(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
	writes(dst)
	if k == isaAVX2 {
		philoxAVX2(dst, ks, ctr)
		return
	}
	philoxGeneric(dst, ks, ctr)
}

//go:noinline
func (k isa) bernoulliHead(dst []uint64, ks *roundKeys, ctr *[4]uint32, h threshold) {
	writes(dst)
	if k == isaAVX2 {
		bernoulliHeadAVX2(dst, ks, ctr, h.t, h.k)
		return
	}
	bernoulliHeadGeneric(dst, ks, ctr, h.t, h.k)
}

//go:noinline
func (k isa) bernoulliGaps(words []uint64, drawn []uint32, t *gapTable, w *walk) {
	reads(drawn)
	writes(words)
	if k == isaAVX2 {
		bernoulliGapsAVX2(words, drawn, t, w)
		return
	}
	bernoulliGapsGeneric(words, drawn, t, w)
}

//go:noinline
func (k isa) dilateRow(dst, src []uint64, b int) {
	reads(src)
	writes(dst)
	if k == isaAVX2 {
		dilateRowAVX2(dst, src, b)
		return
	}
	dilateRowGeneric(dst, src, b)
}

//go:noinline
func (k isa) dilateStep(dst, src []uint64, shift int) {
	reads(src)
	writes(dst)
	if k == isaAVX2 {
		dilateStepAVX2(dst, src, shift)
		return
	}
	dilateStepGeneric(dst, src, shift)
}

//go:noinline
func (k isa) dilateKeep(dst, src []uint64, shift int) int {
	reads(src)
	writes(dst)
	if k == isaAVX2 {
		return dilateKeepAVX2(dst, src, shift)
	}
	return dilateKeepGeneric(dst, src, shift)
}

//go:noinline
func (k isa) scale(dst, src []float32, keep []uint64, scale float32) {
	reads(src)
	reads(keep)
	writes(dst)
	if k == isaAVX2 {
		scaleAVX2(dst, src, keep, scale)
		return
	}
	scaleGeneric(dst, src, keep, scale)
}

// scaleStream is scale with stores that bypass the caches, where the kernel set
// and the alignment of dst allow them.
//
//go:noinline
func (k isa) scaleStream(dst, src []float32, keep []uint64, scale float32) {
	if k != isaAVX2 || uintptr(unsafe.Pointer(unsafe.SliceData(dst)))%32 != 0 {
		k.scale(dst, src, keep, scale)
		return
	}
	reads(src)
	reads(keep)
	writes(dst)
	scaleStreamAVX2(dst, src, keep, scale)
}

//go:noinline
func (k isa) expand(dst []float32, keep []uint64, scale float32) {
	reads(keep)
	writes(dst)
	if k == isaAVX2 {
		expandAVX2(dst, keep, scale)
		return
	}
	expandGeneric(dst, keep, scale)
}

//go:noinline
func (k isa) expandBool(dst []bool, keep []uint64) {
	reads(keep)
	writes(dst)
	if k == isaAVX2 {
		expandBoolAVX2(dst, keep)
		return
	}
	expandBoolGeneric(dst, keep)
}

//go:noinline
func (k isa) count(words []uint64) int {
	reads(words)
	if k == isaAVX2 {
		return countAVX2(words)
	}
	return countGeneric(words)
}
