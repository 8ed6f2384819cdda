//go:build !((amd64 || arm64) && gc && !purego)

package dropblock

func archKernels() []KernelSet { return nil }

// philoxStride is how many blocks a kernel set's Philox draws at once.
func (k isa) philoxStride() int { return 1 }

func (k isa) philox(dst []uint32, ks *roundKeys, ctr *[4]uint32) { philoxGeneric(dst, ks, ctr) }

func (k isa) head(dst []uint64, ks *roundKeys, ctr *[4]uint32, h threshold) {
	headGeneric(dst, ks, ctr, h.t, h.k)
}

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

func (k isa) dilateRow(dst, src []uint64, b int) { dilateRowGeneric(dst, src, b) }

func (k isa) dilateStep(dst, src []uint64, shift int) { dilateStepGeneric(dst, src, shift) }

func (k isa) dilateNear(words, shifts []uint64) int { return dilateNearGeneric(words, shifts) }

func (k isa) dilateBorder(dst, src, up, down []uint64, shift int) {
	dilateBorderGeneric(dst, src, up, down, shift)
}

func (k isa) dilateKeep(dst, src []uint64, shift int) int { return dilateKeepGeneric(dst, src, shift) }

func (k isa) scale(dst, src []float32, keep []uint64, scale float32) {
	scaleGeneric(dst, src, keep, scale)
}

func (k isa) scaleStream(dst, src []float32, keep []uint64, scale float32) {
	scaleGeneric(dst, src, keep, scale)
}

func (k isa) expand(dst []float32, keep []uint64, scale float32) { expandGeneric(dst, keep, scale) }

func (k isa) expandBool(dst []bool, keep []uint64) { expandBoolGeneric(dst, keep) }

func (k isa) count(words []uint64) int { return countGeneric(words) }
