//go:build gc && !purego

package dropblock

import "golang.org/x/sys/cpu"

//go:generate go run ./gen -dir .

var (
	_ philoxKernel       = philoxNEON
	_ headKernel         = headNEON
	_ dilateRowKernel    = dilateRowNEON
	_ dilateStepKernel   = dilateStepNEON
	_ dilateKeepKernel   = dilateKeepNEON
	_ dilateBorderKernel = dilateBorderNEON
	_ scaleKernel        = scaleNEON
	_ expandKernel       = expandNEON
	_ expandBoolKernel   = expandBoolNEON
	_ countKernel        = countNEON
)

// featuresNEON are what the kernels need. TestGate holds them against the
// generated kernels' requirements.
var featuresNEON = []feature{{"ASIMD", &cpu.ARM64.HasASIMD}}

// archKernels lists the sets that the CPU runs, best first.
func archKernels() (sets []KernelSet) {
	if haveAll(featuresNEON) {
		sets = append(sets, KernelSet{isaNEON})
	}
	return sets
}

// philoxStride is how many blocks a kernel set's Philox draws at once.
func (k isa) philoxStride() int {
	if k == isaNEON {
		return 8
	}
	return 1
}

// The methods below choose the kernel. They are not inlined: their prologue is
// the point at which a goroutine in a loop over kernel calls can be stopped,
// and they tell the race and address sanitizers, which do not see assembly,
// what a kernel reads and writes.

//go:noinline
func (k isa) philox(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
	writes(dst)
	if k == isaNEON {
		philoxNEON(dst, ks, ctr)
		return
	}
	philoxGeneric(dst, ks, ctr)
}

//go:noinline
func (k isa) head(dst []uint64, ks *roundKeys, ctr *[4]uint32, h threshold) {
	writes(dst)
	if k == isaNEON {
		headNEON(dst, ks, ctr, h.t, h.k)
		return
	}
	headGeneric(dst, ks, ctr, h.t, h.k)
}

// gaps is generic: a table look-up for each seed is not a vector's work
// without a gather. So are the kernels that follow it.
func (k isa) gaps(positions *[gapCallLen]uint32, drawn []uint32, t *gapTable, w *walk) int {
	return gapsGeneric(positions, drawn, t, w)
}

func (k isa) ones(positions *[gapCallLen]uint32, words []uint64, first uint32) (n, used int) {
	return onesGeneric(positions, words, first)
}

func (k isa) place(bits []uint32, w *walk) { placeGeneric(bits, w) }

func (k isa) seeds(words []uint64, bits []uint32) { seedsGeneric(words, bits) }

func (k isa) stamps(words []uint64, bits []uint32, stamps *stamps, n int) (dropped int) {
	return stampsGeneric(words, bits, stamps, n)
}

//go:noinline
func (k isa) dilateRow(dst, src []uint64, b int) {
	reads(src)
	writes(dst)
	if k == isaNEON {
		dilateRowNEON(dst, src, b)
		return
	}
	dilateRowGeneric(dst, src, b)
}

//go:noinline
func (k isa) dilateStep(dst, src []uint64, shift int) {
	reads(src)
	writes(dst)
	if k == isaNEON {
		dilateStepNEON(dst, src, shift)
		return
	}
	dilateStepGeneric(dst, src, shift)
}

//go:noinline
func (k isa) dilateKeep(dst, src []uint64, shift int) int {
	if shift == 0 {
		reads(src[1:]) // The word before may be another goroutine's.
	} else {
		reads(src)
	}
	writes(dst)
	if k == isaNEON {
		return dilateKeepNEON(dst, src, shift)
	}
	return dilateKeepGeneric(dst, src, shift)
}

//go:noinline
func (k isa) dilateNear(words, shifts []uint64) int {
	reads(words[:1])
	writes(words[1:])
	return dilateNearGeneric(words, shifts)
}

//go:noinline
func (k isa) dilateBorder(dst, src, up, down []uint64, shift int) {
	reads(src)
	reads(up)
	reads(down)
	writes(dst)
	if k == isaNEON {
		dilateBorderNEON(dst, src, up, down, shift)
		return
	}
	dilateBorderGeneric(dst, src, up, down, shift)
}

//go:noinline
func (k isa) scale(dst, src []float32, keep []uint64, scale float32) {
	reads(src)
	reads(keep)
	writes(dst)
	if k == isaNEON {
		scaleNEON(dst, src, keep, scale)
		return
	}
	scaleGeneric(dst, src, keep, scale)
}

// scaleStream is scale: no kernel of arm64 bypasses the caches.
func (k isa) scaleStream(dst, src []float32, keep []uint64, scale float32) {
	k.scale(dst, src, keep, scale)
}

//go:noinline
func (k isa) expand(dst []float32, keep []uint64, scale float32) {
	reads(keep)
	writes(dst)
	if k == isaNEON {
		expandNEON(dst, keep, scale)
		return
	}
	expandGeneric(dst, keep, scale)
}

//go:noinline
func (k isa) expandBool(dst []bool, keep []uint64) {
	reads(keep)
	writes(dst)
	if k == isaNEON {
		expandBoolNEON(dst, keep)
		return
	}
	expandBoolGeneric(dst, keep)
}

//go:noinline
func (k isa) count(words []uint64) int {
	reads(words)
	if k == isaNEON {
		return countNEON(words)
	}
	return countGeneric(words)
}
