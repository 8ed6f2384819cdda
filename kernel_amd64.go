//go:build gc && !purego

package dropblock

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./gen -dir .

var (
	_ philoxKernel       = philoxAVX2
	_ headKernel         = headAVX2
	_ gapsKernel         = gapsAVX2
	_ onesKernel         = onesAVX2
	_ placeKernel        = placeAVX2
	_ seedsKernel        = seedsAVX2
	_ stampsKernel       = stampsAVX2
	_ dilateRowKernel    = dilateRowAVX2
	_ dilateStepKernel   = dilateStepAVX2
	_ dilateKeepKernel   = dilateKeepAVX2
	_ dilateBorderKernel = dilateBorderAVX2
	_ scaleKernel        = scaleAVX2
	_ scaleKernel        = scaleStreamAVX2
	_ expandKernel       = expandAVX2
	_ expandBoolKernel   = expandBoolAVX2
	_ countKernel        = countAVX2

	_ philoxKernel       = philoxAVX512
	_ headKernel         = headAVX512
	_ onesKernel         = onesAVX512
	_ placeKernel        = placeAVX512
	_ stampsKernel       = stampsAVX512
	_ dilateRowKernel    = dilateRowAVX512
	_ dilateStepKernel   = dilateStepAVX512
	_ dilateKeepKernel   = dilateKeepAVX512
	_ dilateBorderKernel = dilateBorderAVX512
	_ dilateNearKernel   = dilateNearAVX512
	_ scaleKernel        = scaleAVX512
	_ scaleKernel        = scaleStreamAVX512
	_ expandKernel       = expandAVX512
	_ expandBoolKernel   = expandBoolAVX512
	_ countKernel        = countAVX512
)

// The features of the sets, every bit by name: bits are independent, x/sys's
// HasAVX512 is F alone, and GODEBUG can turn off any one of them. TestGate holds
// them against the generated kernels' requirements.
var (
	featuresAVX2 = []feature{
		{"AVX", &cpu.X86.HasAVX},
		{"AVX2", &cpu.X86.HasAVX2},
		{"BMI", &cpu.X86.HasBMI1},
		{"BMI2", &cpu.X86.HasBMI2},
		{"POPCNT", &cpu.X86.HasPOPCNT},
	}
	featuresAVX512 = append([]feature{
		{"AVX512F", &cpu.X86.HasAVX512F},
		{"AVX512BW", &cpu.X86.HasAVX512BW},
		{"AVX512DQ", &cpu.X86.HasAVX512DQ},
		{"AVX512VL", &cpu.X86.HasAVX512VL},
		{"AVX512VBMI2", &cpu.X86.HasAVX512VBMI2},
		{"AVX512VPOPCNTDQ", &cpu.X86.HasAVX512VPOPCNTDQ},
	}, featuresAVX2...)
)

// archKernels lists the sets that the CPU runs, best first.
func archKernels() (sets []KernelSet) {
	if haveAll(featuresAVX512) {
		sets = append(sets, KernelSet{isaAVX512})
	}
	if haveAll(featuresAVX2) {
		sets = append(sets, KernelSet{isaAVX2})
	}
	return sets
}

// philoxStride is how many blocks a kernel set's Philox draws at once.
func (k isa) philoxStride() int {
	if k == isaAVX2 || k == isaAVX512 {
		return 8
	}
	return 1
}

// The methods below choose the kernel. They are not inlined: their prologue is
// the point at which a goroutine in a loop over kernel calls can be stopped,
// and they tell the race and address sanitizers, which do not
// see assembly, what a kernel reads and writes.

//go:noinline
func (k isa) philox(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
	writes(dst)
	switch k {
	case isaAVX512:
		philoxAVX512(dst, ks, ctr)
	case isaAVX2:
		philoxAVX2(dst, ks, ctr)
	default:
		philoxGeneric(dst, ks, ctr)
	}
}

//go:noinline
func (k isa) head(dst []uint64, ks *roundKeys, ctr *[4]uint32, h threshold) {
	writes(dst)
	switch k {
	case isaAVX512:
		headAVX512(dst, ks, ctr, h.t, h.k)
	case isaAVX2:
		headAVX2(dst, ks, ctr, h.t, h.k)
	default:
		headGeneric(dst, ks, ctr, h.t, h.k)
	}
}

//go:noinline
func (k isa) gaps(positions *[gapCallLen]uint32, drawn []uint32, t *gapTable, w *walk) int {
	reads(drawn)
	writes(positions[:])
	switch k {
	case isaAVX512, isaAVX2:
		return gapsAVX2(positions, drawn, t, w)
	default:
		return gapsGeneric(positions, drawn, t, w)
	}
}

//go:noinline
func (k isa) ones(positions *[gapCallLen]uint32, words []uint64, first uint32) (n, used int) {
	reads(words)
	writes(positions[:])
	switch k {
	case isaAVX512:
		return onesAVX512(positions, words, first)
	case isaAVX2:
		return onesAVX2(positions, words, first)
	default:
		return onesGeneric(positions, words, first)
	}
}

//go:noinline
func (k isa) place(bits []uint32, w *walk) {
	writes(bits)
	switch {
	case k == isaAVX512 && w[walkInverseCol] != 0:
		placeAVX512(bits, w)
	case k == isaAVX2 && w[walkInverseCol] != 0:
		placeAVX2(bits, w)
	default:
		placeGeneric(bits, w)
	}
}

//go:noinline
func (k isa) seeds(words []uint64, bits []uint32) {
	reads(bits)
	writes(words)
	switch k {
	case isaAVX512, isaAVX2:
		seedsAVX2(words, bits)
	default:
		seedsGeneric(words, bits)
	}
}

//go:noinline
func (k isa) stamps(words []uint64, bits []uint32, stamps *stamps, n int) (dropped int) {
	reads(bits)
	writes(words)
	switch k {
	case isaAVX512:
		return stampsAVX512(words, bits, stamps, n)
	case isaAVX2:
		return stampsAVX2(words, bits, stamps, n)
	default:
		return stampsGeneric(words, bits, stamps, n)
	}
}

//go:noinline
func (k isa) dilateRow(dst, src []uint64, b int) {
	reads(src)
	writes(dst)
	switch k {
	case isaAVX512:
		dilateRowAVX512(dst, src, b)
	case isaAVX2:
		dilateRowAVX2(dst, src, b)
	default:
		dilateRowGeneric(dst, src, b)
	}
}

//go:noinline
func (k isa) dilateStep(dst, src []uint64, shift int) {
	reads(src)
	writes(dst)
	switch k {
	case isaAVX512:
		dilateStepAVX512(dst, src, shift)
	case isaAVX2:
		dilateStepAVX2(dst, src, shift)
	default:
		dilateStepGeneric(dst, src, shift)
	}
}

//go:noinline
func (k isa) dilateKeep(dst, src []uint64, shift int) int {
	if shift == 0 {
		reads(src[1:]) // The word before may be another goroutine's.
	} else {
		reads(src)
	}
	writes(dst)
	switch k {
	case isaAVX512:
		return dilateKeepAVX512(dst, src, shift)
	case isaAVX2:
		return dilateKeepAVX2(dst, src, shift)
	default:
		return dilateKeepGeneric(dst, src, shift)
	}
}

//go:noinline
func (k isa) dilateNear(words, shifts []uint64) int {
	reads(words[:1])
	writes(words[1:])
	if k == isaAVX512 {
		return dilateNearAVX512(words, shifts)
	}
	return dilateNearGeneric(words, shifts)
}

//go:noinline
func (k isa) dilateBorder(dst, src, up, down []uint64, shift int) {
	reads(src)
	reads(up)
	reads(down)
	writes(dst)
	switch k {
	case isaAVX512:
		dilateBorderAVX512(dst, src, up, down, shift)
	case isaAVX2:
		dilateBorderAVX2(dst, src, up, down, shift)
	default:
		dilateBorderGeneric(dst, src, up, down, shift)
	}
}

//go:noinline
func (k isa) scale(dst, src []float32, keep []uint64, scale float32) {
	reads(src)
	reads(keep)
	writes(dst)
	switch k {
	case isaAVX512:
		scaleAVX512(dst, src, keep, scale)
	case isaAVX2:
		scaleAVX2(dst, src, keep, scale)
	default:
		scaleGeneric(dst, src, keep, scale)
	}
}

// scaleStream is scale with stores that bypass the caches, where the kernel set
// and the alignment of dst allow them.
//
//go:noinline
func (k isa) scaleStream(dst, src []float32, keep []uint64, scale float32) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(dst)))
	reads(src)
	reads(keep)
	writes(dst)
	switch {
	case k == isaAVX512 && at%64 == 0:
		scaleStreamAVX512(dst, src, keep, scale)
	case k == isaAVX2 && at%32 == 0:
		scaleStreamAVX2(dst, src, keep, scale)
	default:
		k.scale(dst, src, keep, scale)
	}
}

//go:noinline
func (k isa) expand(dst []float32, keep []uint64, scale float32) {
	reads(keep)
	writes(dst)
	switch k {
	case isaAVX512:
		expandAVX512(dst, keep, scale)
	case isaAVX2:
		expandAVX2(dst, keep, scale)
	default:
		expandGeneric(dst, keep, scale)
	}
}

//go:noinline
func (k isa) expandBool(dst []bool, keep []uint64) {
	reads(keep)
	writes(dst)
	switch k {
	case isaAVX512:
		expandBoolAVX512(dst, keep)
	case isaAVX2:
		expandBoolAVX2(dst, keep)
	default:
		expandBoolGeneric(dst, keep)
	}
}

//go:noinline
func (k isa) count(words []uint64) int {
	reads(words)
	switch k {
	case isaAVX512:
		return countAVX512(words)
	case isaAVX2:
		return countAVX2(words)
	default:
		return countGeneric(words)
	}
}
