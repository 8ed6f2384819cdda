package dropblock

import (
	"fmt"
	"math/bits"
	"slices"
	"unsafe"
)

// isa is an instruction set that kernels are written for.
type isa uint8

const (
	isaAuto isa = iota // the zero KernelSet: the best available
	isaGeneric
	isaAVX2
	isaAVX512
	isaNEON
)

var isaNames = []string{"auto", "generic", "avx2", "avx512", "neon"}

// KernelSet is a set of kernels for one instruction set. All of them compute
// the same bits. The zero value stands for the best set that this CPU runs.
type KernelSet struct{ isa isa }

// Kernels returns the sets that this CPU runs, best first. The last one is
// generic Go.
func Kernels() []KernelSet { return slices.Clone(available) }

// KernelsByName returns the set with the name that [KernelSet.String] gives,
// or an error if this CPU does not run it. "auto" is the best set.
func KernelsByName(name string) (KernelSet, error) {
	if name == "auto" {
		return available[0], nil
	}
	for _, k := range available {
		if k.String() == name {
			return k, nil
		}
	}
	return KernelSet{}, fmt.Errorf("dropblock: kernel set %q is not available here, want auto or one of %v", name, available)
}

// A feature is a bit that the kernels of a set need, under the name that the
// generators give it.
type feature struct {
	name string
	has  *bool
}

// haveAll reports whether the CPU and the operating system have all features.
func haveAll(features []feature) bool {
	for _, f := range features {
		if !*f.has {
			return false
		}
	}
	return true
}

// available is set by the architecture's file.
var available = append(archKernels(), KernelSet{isaGeneric})

func (k KernelSet) resolve() isa {
	if k.isa == isaAuto {
		return available[0].isa
	}
	return k.isa
}

// stampFrom is from how many cells a seed on it costs less to stamp blocks of so
// many words than to set seeds and dilate. Where it was measured the times were
// equal at 80 to 100 cells for AVX2, at more where a block takes more words than a
// vector has, at 125 to 200 for AVX-512, and at less than 64 for generic Go.
func (k isa) stampFrom(words int) float64 {
	long := words > stampWords/2
	switch {
	case k == isaGeneric:
		return 50
	case k == isaNEON && !long:
		return 50
	case k == isaAVX512:
		return 150
	case k == isaAVX2 && long:
		return 200
	default:
		return 100
	}
}

// borderSteps is how many words go through a step of a border in the time that it takes
// to paint a seed, which is also that of going over 20 words that have none. Measured
// with blocks of 3 to 7 on maps of 7×7 to 224×224; NEON's is a model's (docs/arm64.md).
func (k isa) borderSteps() float64 {
	switch k {
	case isaAVX512:
		return 64
	case isaAVX2:
		return 48
	case isaNEON:
		return 24
	default:
		return 11
	}
}

// nearWins reports whether dilateNear costs less than the passes that it stands
// for, which it did by a seventh where it was measured. AVX2 and NEON have no
// funnel shift, and no form of it.
func (k isa) nearWins() bool { return k == isaAVX512 || k == isaGeneric }

// String returns the name of the set: auto, generic, avx2, avx512 or neon.
func (k KernelSet) String() string { return isaNames[k.isa] }

// Philox fills dst with the words of Philox4x32-10 blocks, from the block with
// the given counter on. It panics, without writing anything, if the length of
// dst is not a multiple of 4.
func (k KernelSet) Philox(dst []uint32, key Key, counter [4]uint32) {
	if len(dst)%4 != 0 {
		panic("dropblock: Philox: the length of dst is not a multiple of 4")
	}
	isa := k.resolve()
	var ks roundKeys
	expandKey(&ks, key[0], key[1])
	stride := isa.philoxStride()
	for len(dst) > 0 {
		// Kernels count in word 0 alone: stop where it overflows.
		blocks := min(len(dst)/4, philoxCallLen)
		if left := 1<<32 - uint64(counter[0]); uint64(blocks) > left {
			blocks = int(left)
		}
		if whole := blocks / stride * stride; whole > 0 {
			blocks = whole
			isa.philox(dst[:4*blocks], &ks, &counter)
		} else {
			philoxGeneric(dst[:4*blocks], &ks, &counter)
		}
		dst = dst[4*blocks:]
		advance(&counter, uint32(blocks))
	}
}

// advance adds n to the counter.
func advance(c *[4]uint32, n uint32) {
	var carry uint32
	c[0], carry = bits.Add32(c[0], n, 0)
	for i := 1; i < 4; i++ {
		c[i], carry = bits.Add32(c[i], 0, carry)
	}
}

// Scale sets dst to src·scale where keep, bit i for element i, is 1, and to +0
// elsewhere. dst may be the same slice as src. It panics, without writing
// anything, if the lengths of dst and src differ, keep is shorter than their
// bits, or dst and src overlap in part.
func (k KernelSet) Scale(dst, src []float32, keep []uint64, scale float32) {
	if len(dst) != len(src) {
		panic("dropblock: Scale: dst and src have different lengths")
	}
	keep = wordsFor("Scale", "keep", keep, len(dst))
	if partialOverlap(dst, src) {
		panic("dropblock: Scale: dst and src overlap in part")
	}
	isa := k.resolve()
	for from := 0; from < len(dst); from += scaleCallLen {
		to := min(from+scaleCallLen, len(dst))
		isa.scale(unsafe.Pointer(&dst[from]), unsafe.Pointer(&src[from]), to-from, elementFloat32, keep[from/64:], float64(scale))
	}
}

// Expand sets dst to scale where keep is 1 and to +0 elsewhere. It panics,
// without writing anything, if keep is shorter than the bits of dst.
func (k KernelSet) Expand(dst []float32, keep []uint64, scale float32) {
	keep = wordsFor("Expand", "keep", keep, len(dst))
	isa := k.resolve()
	for from := 0; from < len(dst); from += scaleCallLen {
		to := min(from+scaleCallLen, len(dst))
		isa.expand(unsafe.Pointer(&dst[from]), to-from, elementFloat32, keep[from/64:], float64(scale))
	}
}

// ExpandBool sets dst to the bits of keep. It panics, without writing
// anything, if keep is shorter than the bits of dst.
func (k KernelSet) ExpandBool(dst []bool, keep []uint64) {
	keep = wordsFor("ExpandBool", "keep", keep, len(dst))
	isa := k.resolve()
	for len(dst) > 0 {
		call := dst[:min(len(dst), scaleCallLen)]
		isa.expandBool(call, keep)
		dst, keep = dst[len(call):], keep[wordsLen(len(call)):]
	}
}

// Count returns the number of ones in words.
func (k KernelSet) Count(words []uint64) (n int) {
	isa := k.resolve()
	for len(words) > 0 {
		call := words[:min(len(words), countCallLen)]
		n += isa.count(call)
		words = words[len(call):]
	}
	return n
}
