package dropblock

import (
	"errors"
	"maps"
	"math"
	"math/bits"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// This file proves that sweeps see faults: a kernel passes because it is right, and not
// because nothing would be found. Each test runs a sweep on generic kernels that have one
// fault each, most of them such as assembly is prone to, and fails if the sweep passes.

// past is the element i of a slice, inside of it or not.
func past[E any](s []E, i int) *E {
	var e E
	return (*E)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), i*int(unsafe.Sizeof(e))))
}

// touch reads an element, inside of a slice or not.
func touch[E any](s []E, i int) {
	touched ^= *(*byte)(unsafe.Pointer(past(s, i)))
}

var touched byte

// mustFail runs a sweep for each faulty kernel. Those that only read too much
// are seen where memory can be protected.
func mustFail[K any](t *testing.T, sweep func(testing.TB, K) error, reads, faults map[string]K) {
	t.Helper()
	_, free, err := guard.Pages(1)
	if err == nil {
		maps.Copy(faults, reads)
		err = free()
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		pass(t, err)
	}
	for fault, kernel := range faults {
		t.Run(fault, func(t *testing.T) {
			if sweep(t, kernel) == nil {
				t.Error("the sweep does not see it")
			}
		})
	}
}

func TestSweepSeesScale(t *testing.T) {
	type kernel = scaleKernel[float32, float32]
	mustFail(t, sweepScale[float32, float32], map[string]kernel{
		"reads src behind": func(dst, src []float32, keep []uint64, scale float32) {
			touch(src, len(src))
			scaleGeneric(dst, src, keep, scale)
		},
		"reads src before": func(dst, src []float32, keep []uint64, scale float32) {
			touch(src, -1)
			scaleGeneric(dst, src, keep, scale)
		},
		"reads a vector of src behind": func(dst, src []float32, keep []uint64, scale float32) {
			if len(src)%8 == 7 {
				touch(src, len(src))
			}
			scaleGeneric(dst, src, keep, scale)
		},
		"reads keep behind": func(dst, src []float32, keep []uint64, scale float32) {
			if len(src)%64 == 0 {
				touch(keep, len(src)/64)
			}
			scaleGeneric(dst, src, keep, scale)
		},
		"reads dst behind": func(dst, src []float32, keep []uint64, scale float32) {
			touch(dst, len(dst))
			scaleGeneric(dst, src, keep, scale)
		},
	}, map[string]kernel{
		"writes behind": func(dst, src []float32, keep []uint64, scale float32) {
			*past(dst, len(dst)) = 0
			scaleGeneric(dst, src, keep, scale)
		},
		"writes before": func(dst, src []float32, keep []uint64, scale float32) {
			*past(dst, -1) = 0
			scaleGeneric(dst, src, keep, scale)
		},
		"writes behind where dst is aligned": func(dst, src []float32, keep []uint64, scale float32) {
			if len(dst) == 449 && uintptr(unsafe.Pointer(unsafe.SliceData(dst)))%64 == 0 {
				*past(dst, len(dst)) = 0
			}
			scaleGeneric(dst, src, keep, scale)
		},
		"leaves out the last element": func(dst, src []float32, keep []uint64, scale float32) {
			scaleGeneric(dst[:max(len(dst)-1, 0)], src[:max(len(src)-1, 0)], keep, scale)
		},
		"writes src": func(dst, src []float32, keep []uint64, scale float32) {
			scaleGeneric(dst, src, keep, scale)
			if len(src) == 320 {
				src[319] = 7
			}
		},
		"writes keep": func(dst, src []float32, keep []uint64, scale float32) {
			scaleGeneric(dst, src, keep, scale)
			if len(keep) > 0 {
				keep[0] ^= 1 << 63
			}
		},
		"multiplies what is dropped": func(dst, src []float32, keep []uint64, scale float32) {
			for i, x := range src {
				dst[i] = x * scale * float32(keep[i/64]>>(i%64)&1)
			}
		},
		"leaves −0 where it drops": func(dst, src []float32, keep []uint64, scale float32) {
			for i, x := range src {
				dst[i] = x * scale
				if keep[i/64]>>(i%64)&1 == 0 {
					dst[i] = float32(math.Copysign(0, float64(x)))
				}
			}
		},
		"flushes denormals": func(dst, src []float32, keep []uint64, scale float32) {
			scaleGeneric(dst, src, keep, scale)
			for i, y := range dst {
				if y != 0 && y > -0x1p-126 && y < 0x1p-126 {
					dst[i] = 0
				}
			}
		},
		"does not scale the last element": func(dst, src []float32, keep []uint64, scale float32) {
			if n := len(src); n > 0 && &dst[0] != &src[0] {
				last := src[n-1]
				scaleGeneric(dst, src, keep, scale)
				if keep[(n-1)/64]>>((n-1)&63)&1 != 0 {
					dst[n-1] = last
				}
				return
			}
			scaleGeneric(dst, src, keep, scale)
		},
		"is wrong in place": func(dst, src []float32, keep []uint64, scale float32) {
			scaleGeneric(dst, src, keep, scale)
			if len(src) > 64 && &dst[0] == &src[0] {
				scaleGeneric(dst[64:], src[64:], keep[1:], scale)
			}
		},
	})
	mustFail(t, sweepScale[float64, float64], nil, map[string]scaleKernel[float64, float64]{
		"multiplies by a float32": func(dst, src []float64, keep []uint64, scale float64) {
			scaleGeneric(dst, src, keep, float64(float32(scale)))
		},
	})
}

func TestSweepSeesHalves(t *testing.T) {
	mustFail(t, sweepScale[Float16, float32], map[string]scaleKernel[Float16, float32]{
		"reads a doubleword at the end": func(dst, src []Float16, keep []uint64, scale float32) {
			if len(src)%2 == 1 {
				touch(src, len(src))
			}
			scaleHalfGeneric(dst, src, keep, scale)
		},
	}, map[string]scaleKernel[Float16, float32]{
		"writes a doubleword at the end": func(dst, src []Float16, keep []uint64, scale float32) {
			scaleHalfGeneric(dst, src, keep, scale)
			if len(dst)%2 == 1 {
				*past(dst, len(dst)) = 0
			}
		},
		"multiplies by a half": func(dst, src []Float16, keep []uint64, scale float32) {
			scaleHalfGeneric(dst, src, keep, NewFloat16(scale).Float32())
		},
		"flushes subnormal numbers": func(dst, src []Float16, keep []uint64, scale float32) {
			scaleHalfGeneric(dst, src, keep, scale)
			for i, y := range dst {
				if y&0x7c00 == 0 {
					dst[i] = y & 0x8000
				}
			}
		},
	})
	mustFail(t, sweepScale[BFloat16, float32], nil, map[string]scaleKernel[BFloat16, float32]{
		"cuts off": func(dst, src []BFloat16, keep []uint64, scale float32) {
			for i, x := range src {
				dst[i] = BFloat16(math.Float32bits(x.Float32()*scale)>>16) & -BFloat16(keep[i/64]>>(i%64)&1)
			}
		},
		"rounds a NaN up to −0": func(dst, src []BFloat16, keep []uint64, scale float32) {
			scaleHalfGeneric(dst, src, keep, scale)
			for i, y := range dst {
				if y&0x7f80 == 0x7f80 && y&0x7f != 0 {
					dst[i] = 0x8000
				}
			}
		},
	})
}

func TestSweepSeesAdd(t *testing.T) {
	type kernel = addKernel[float32, float32]
	mustFail(t, sweepAdd[float32, float32], map[string]kernel{
		"reads src behind": func(dst, src []float32, keep []uint64, scale float32) {
			touch(src, len(src))
			addGeneric(dst, src, keep, scale)
		},
	}, map[string]kernel{
		"writes behind": func(dst, src []float32, keep []uint64, scale float32) {
			addGeneric(dst, src, keep, scale)
			*past(dst, len(dst)) = 0
		},
		"rounds once": func(dst, src []float32, keep []uint64, scale float32) {
			for i, x := range src {
				if keep[i/64]>>(i%64)&1 != 0 {
					dst[i] = float32(math.FMA(float64(x), float64(scale), float64(dst[i])))
				}
			}
		},
		"adds +0 where it drops": func(dst, src []float32, keep []uint64, scale float32) {
			for i, x := range src {
				p := float32(0)
				if keep[i/64]>>(i%64)&1 != 0 {
					p = float32(x * scale)
				}
				dst[i] += p
			}
		},
	})
	mustFail(t, sweepAdd[Float16, float32], nil, map[string]addKernel[Float16, float32]{
		"rounds the product to a half": func(dst, src []Float16, keep []uint64, scale float32) {
			for i, x := range src {
				if keep[i/64]>>(i%64)&1 != 0 {
					dst[i] = NewFloat16(dst[i].Float32() + NewFloat16(x.Float32()*scale).Float32())
				}
			}
		},
		"makes a dropped NaN quiet": func(dst, src []Float16, keep []uint64, scale float32) {
			addHalfGeneric(dst, src, keep, scale)
			for i, y := range dst {
				dst[i] = NewFloat16(y.Float32())
			}
		},
	})
}

func TestSweepSeesFill(t *testing.T) {
	type kernel = fillKernel[float32, float32]
	mustFail(t, sweepFill[float32, float32], map[string]kernel{
		"reads fill behind": func(dst, src, fill []float32, keep []uint64, scale float32) {
			touch(fill, len(fill))
			fillGeneric(dst, src, fill, keep, scale)
		},
	}, map[string]kernel{
		"scales fill": func(dst, src, fill []float32, keep []uint64, scale float32) {
			fillGeneric(dst, src, fill, keep, scale)
			for i := range dst {
				if keep[i/64]>>(i%64)&1 == 0 {
					dst[i] *= scale
				}
			}
		},
		"scales src before it reads fill": func(dst, src, fill []float32, keep []uint64, scale float32) {
			scaleGeneric(dst, src, keep, scale)
			for i, v := range fill {
				if keep[i/64]>>(i%64)&1 == 0 {
					dst[i] = v
				}
			}
		},
		"writes fill": func(dst, src, fill []float32, keep []uint64, scale float32) {
			fillGeneric(dst, src, fill, keep, scale)
			if len(fill) > 7 {
				fill[7]++
			}
		},
	})
}

func TestSweepSeesExpand(t *testing.T) {
	mustFail(t, sweepExpand[float32, float32], map[string]expandKernel[float32, float32]{
		"reads keep behind": func(dst []float32, keep []uint64, scale float32) {
			touch(keep, bitstring.Words(len(dst)))
			expandGeneric(dst, keep, scale)
		},
	}, map[string]expandKernel[float32, float32]{
		"writes behind": func(dst []float32, keep []uint64, scale float32) {
			*past(dst, len(dst)) = 0
			expandGeneric(dst, keep, scale)
		},
		"writes +0 for a scale of −0": func(dst []float32, keep []uint64, scale float32) {
			expandGeneric(dst, keep, scale+0)
		},
	})
}

func TestSweepSeesExpandBool(t *testing.T) {
	mustFail(t, sweepExpandBool, map[string]expandBoolKernel{
		"reads keep by vectors": func(dst []bool, keep []uint64) {
			touch(keep, (len(keep)+3)/4*4-1)
			expandBoolGeneric(dst, keep)
		},
	}, map[string]expandBoolKernel{
		"writes a byte behind": func(dst []bool, keep []uint64) {
			*past(dst, len(dst)) = true
			expandBoolGeneric(dst, keep)
		},
		"writes 0xff for true": func(dst []bool, keep []uint64) {
			expandBoolGeneric(dst, keep)
			for i, b := range guard.Bytes(dst) {
				guard.Bytes(dst)[i] = -b
			}
		},
		"reverses the bits of a byte": func(dst []bool, keep []uint64) {
			for i := range dst {
				dst[i] = bits.Reverse8(uint8(keep[i/64]>>(i%64&^7)))>>(i%8)&1 == 1
			}
		},
	})
}

func TestSweepSeesDilateRow(t *testing.T) {
	mustFail(t, sweepDilateRow, map[string]dilateRowKernel{
		"reads src before": func(dst, src []uint64, b int) {
			touch(src, -1)
			dilateRowGeneric(dst, src, b)
		},
		"reads src behind": func(dst, src []uint64, b int) {
			touch(src, len(dst)+1)
			dilateRowGeneric(dst, src, b)
		},
	}, map[string]dilateRowKernel{
		"does not look at the lead": func(dst, src []uint64, b int) {
			dilateRowGeneric(dst, append([]uint64{0}, src[1:]...), b)
		},
		"is a cell short for 64": func(dst, src []uint64, b int) {
			dilateRowGeneric(dst, src, min(b, 63))
		},
		"writes a word behind": func(dst, src []uint64, b int) {
			dilateRowGeneric(dst, src, b)
			*past(dst, len(dst)) = 0
		},
	})
}

func TestSweepSeesDilateStep(t *testing.T) {
	mustFail(t, sweepDilateStep, map[string]dilateStepKernel{
		"reads src before": func(dst, src []uint64, a, b int) {
			if b%64 == 63 {
				touch(src, -1)
			}
			dilateStepGeneric(dst, src, a, b)
		},
		"reads src behind": func(dst, src []uint64, a, b int) {
			touch(src, len(src))
			dilateStepGeneric(dst, src, a, b)
		},
	}, map[string]dilateStepKernel{
		"brings in a word for whole words": func(dst, src []uint64, a, b int) {
			dilateStepGeneric(dst, src, a, b)
			if b%64 == 0 {
				for i := range dst {
					dst[i] |= src[i]
				}
			}
		},
		"takes the nearer shift for the farther": func(dst, src []uint64, a, b int) {
			dilateStepGeneric(dst, src[dilateLead(b)-dilateLead(a):], a, a)
		},
		"takes the farther shift for the nearer": func(dst, src []uint64, a, b int) { dilateStepGeneric(dst, src, b, b) },
		"writes src": func(dst, src []uint64, a, b int) {
			dilateStepGeneric(dst, src, a, b)
			src[len(src)-1]++
		},
	})
}

func TestSweepSeesDilateNear(t *testing.T) {
	mustFail(t, sweepDilateNear, map[string]dilateNearKernel{
		"reads the word before": func(words, shifts []uint64) int {
			touch(words, -1)
			return dilateNearGeneric(words, shifts)
		},
	}, map[string]dilateNearKernel{
		"goes from the beginning": func(words, shifts []uint64) (kept int) {
			for i := range words[1:] {
				kept += dilateNearGeneric(words[i:i+2], shifts)
			}
			return kept
		},
		"leaves a shift out": func(words, shifts []uint64) int {
			return dilateNearGeneric(words, shifts[:min(len(shifts), 4)])
		},
		"writes the first word": func(words, shifts []uint64) int {
			kept := dilateNearGeneric(words, shifts)
			words[0] &^= 1
			return kept
		},
		"counts the first word": func(words, shifts []uint64) int {
			return dilateNearGeneric(words, shifts) + 4
		},
	})
}

func TestSweepSeesDilateBorder(t *testing.T) {
	mustFail(t, sweepDilateBorder, map[string]dilateBorderKernel{
		"reads src behind": func(dst, src, up, down []uint64, shift int) {
			touch(src, len(src))
			dilateBorderGeneric(dst, src, up, down, shift)
		},
		"reads a mask behind": func(dst, src, up, down []uint64, shift int) {
			touch(down, (len(down)+1)/2*2-1)
			dilateBorderGeneric(dst, src, up, down, shift)
		},
	}, map[string]dilateBorderKernel{
		"takes one mask for the other": func(dst, src, up, down []uint64, shift int) {
			dilateBorderGeneric(dst, src, down, up, shift)
		},
		"brings in a word for whole words": func(dst, src, up, down []uint64, shift int) {
			dilateBorderGeneric(dst, src, up, down, shift)
			if shift%64 == 0 {
				for i := range dst {
					dst[i] |= src[i] & up[i]
				}
			}
		},
		"does not look at the last word": func(dst, src, up, down []uint64, shift int) {
			dilateBorderGeneric(dst, append(src[:len(src)-1:len(src)-1], 0), up, down, shift)
		},
	})
}

func TestSweepSeesDilateKeep(t *testing.T) {
	mustFail(t, sweepDilateKeep, map[string]dilateKeepKernel{
		"reads src behind": func(dst, src []uint64, a, b int) int {
			touch(src, len(src))
			return dilateKeepGeneric(dst, src, a, b)
		},
	}, map[string]dilateKeepKernel{
		"counts behind the last word": func(dst, src []uint64, a, b int) int {
			return dilateKeepGeneric(dst, src, a, b) + len(dst)%2*64
		},
		"counts bytes modulo 256": func(dst, src []uint64, a, b int) int {
			kept := dilateKeepGeneric(dst, src, a, b)
			if len(dst) > 400 && kept > 255*64 {
				kept -= 256
			}
			return kept
		},
		"does not take the complement of the last word": func(dst, src []uint64, a, b int) int {
			kept := dilateKeepGeneric(dst, src, a, b)
			if n := len(dst); n > 4 {
				dst[n-1] = ^dst[n-1]
			}
			return kept
		},
		"takes the farther shift for the nearer": func(dst, src []uint64, a, b int) int { return dilateKeepGeneric(dst, src, b, b) },
		"is wrong in place": func(dst, src []uint64, a, b int) int {
			kept := dilateKeepGeneric(dst, src, a, b)
			if len(dst) > 9 && &dst[0] == &src[1] {
				dst[9] = ^dst[9]
			}
			return kept
		},
	})
}

func TestSweepSeesScaleRuns(t *testing.T) {
	type kernel = scaleRunsKernel[float32, float32]
	mustFail(t, sweepScaleRuns[float32, float32], map[string]kernel{
		"reads scales behind": func(dst, src []float32, keep []uint64, scales []float64, run, left int) {
			touch(scales, len(scales))
			scaleRunsGeneric(dst, src, keep, scales, run, left)
		},
		"reads src behind": func(dst, src []float32, keep []uint64, scales []float64, run, left int) {
			touch(src, len(src))
			scaleRunsGeneric(dst, src, keep, scales, run, left)
		},
	}, map[string]kernel{
		"has one run in a word": func(dst, src []float32, keep []uint64, scales []float64, run, left int) {
			for at := 0; at < len(src); at += 64 {
				to := min(at+64, len(src))
				scale := scales[max(at-left+run, 0)/run]
				scaleGeneric(dst[at:to], src[at:to], keep[at/64:], float32(scale))
			}
		},
		"has two runs in a word": func(dst, src []float32, keep []uint64, scales []float64, run, left int) {
			for at := 0; at < len(src); at += 64 {
				to, first := min(at+64, len(src)), max(at-left+run, 0)/run
				scaleRunsGeneric(dst[at:to], src[at:to], keep[at/64:], scales[first:], 64, left+first*run-at)
			}
		},
		"ends runs an element late": func(dst, src []float32, keep []uint64, scales []float64, run, left int) {
			if left+1 < len(dst) {
				left++
			}
			scaleRunsGeneric(dst, src, keep, scales, run, left)
		},
		"leaves −0 where it drops": func(dst, src []float32, keep []uint64, scales []float64, run, left int) {
			scaleRunsGeneric(dst, src, keep, scales, run, left)
			for i := range dst {
				if keep[i/64]>>(i%64)&1 == 0 {
					dst[i] = float32(math.Copysign(0, -1))
				}
			}
		},
	})
}

func TestSweepSeesScaleCells(t *testing.T) {
	type kernel = scaleCellsKernel[float32, float32]
	mustFail(t, sweepScaleCells[float32, float32], map[string]kernel{
		"reads words behind": func(dst, src []float32, words []uint64, lanes []stretchLanes, scale float32) {
			touch(words, len(words))
			scaleCellsGeneric(dst, src, words, lanes, scale)
		},
		"reads lanes behind": func(dst, src []float32, words []uint64, lanes []stretchLanes, scale float32) {
			touch(lanes, len(lanes))
			scaleCellsGeneric(dst, src, words, lanes, scale)
		},
	}, map[string]kernel{
		"goes on to the next word a lane late": func(dst, src []float32, words []uint64, lanes []stretchLanes, scale float32) {
			scaleCellsGeneric(dst, src, words, lanes, scale)
			if at := 64 * len(lanes); at+64 <= len(dst) {
				scaleCellsGeneric(dst[at:at+64], src[at:at+64], words, lanes, scale)
			}
		},
		"has the first lanes in the last elements": func(dst, src []float32, words []uint64, lanes []stretchLanes, scale float32) {
			scaleCellsGeneric(dst, src, words, lanes, scale)
			at := len(dst) &^ 63
			scaleCellsGeneric(dst[at:], src[at:], words[max(len(words)-1, 0):], lanes, scale)
		},
		"writes behind": func(dst, src []float32, words []uint64, lanes []stretchLanes, scale float32) {
			scaleCellsGeneric(dst, src, words, lanes, scale)
			*past(dst, len(dst)) = 0
		},
	})
}

func TestSweepSeesScaleEach(t *testing.T) {
	type kernel = scaleEachKernel[float32, float32]
	mustFail(t, sweepScaleEach[float32, float32], map[string]kernel{
		"reads factors behind": func(dst, src []float32, keep []uint64, factors []float32) {
			touch(factors, len(factors))
			scaleEachGeneric(dst, src, keep, factors)
		},
		"reads keep behind": func(dst, src []float32, keep []uint64, factors []float32) {
			if len(src)%64 == 0 {
				touch(keep, len(keep))
			}
			scaleEachGeneric(dst, src, keep, factors)
		},
	}, map[string]kernel{
		"takes the factors of even elements for all": func(dst, src []float32, keep []uint64, factors []float32) {
			moved := make([]float32, len(factors))
			for i := range moved {
				moved[i] = factors[i&^1]
			}
			scaleEachGeneric(dst, src, keep, moved)
		},
		"begins the factors anew with each word": func(dst, src []float32, keep []uint64, factors []float32) {
			for at := 0; at < len(src); at += 64 {
				to := min(at+64, len(src))
				scaleEachGeneric(dst[at:to], src[at:to], keep[at/64:], factors)
			}
		},
		"writes behind": func(dst, src []float32, keep []uint64, factors []float32) {
			scaleEachGeneric(dst, src, keep, factors)
			*past(dst, len(dst)) = 0
		},
	})
}

func TestSweepSeesQuotients(t *testing.T) {
	mustFail(t, sweepQuotients, map[string]quotientsKernel{
		"reads words behind": func(dst []float64, words []uint64, n int, table *[64]float64) {
			touch(words, len(words))
			quotientsGeneric(dst, words, n, table)
		},
	}, map[string]quotientsKernel{
		"has 57 bits of a run": func(dst []float64, words []uint64, n int, table *[64]float64) {
			for i := range dst {
				quotientsGeneric(dst[i:i+1], append(cut(words, i*n), 0), min(n, 57), table)
			}
		},
		"counts a bit of the next run": func(dst []float64, words []uint64, n int, table *[64]float64) {
			for i := range dst {
				quotientsGeneric(dst[i:i+1], append(cut(words, i*n), 0), n+1, table)
			}
		},
		"writes behind": func(dst []float64, words []uint64, n int, table *[64]float64) {
			quotientsGeneric(dst, words, n, table)
			*past(dst, len(dst)) = 0
		},
	})
}

// cut returns the words of the bits from one on.
func cut(words []uint64, at int) []uint64 {
	words = append([]uint64(nil), words...)
	bitstring.ShiftDown(words, at)
	return words
}

func TestSweepSeesStretch(t *testing.T) {
	type kernel = stretchKernel
	mustFail(t, sweepStretch, map[string]kernel{
		"reads src behind": func(dst, src []uint64, lanes []stretchLanes) {
			touch(src, len(src))
			stretchGeneric(dst, src, lanes)
		},
		"reads lanes behind": func(dst, src []uint64, lanes []stretchLanes) {
			touch(lanes, len(lanes))
			stretchGeneric(dst, src, lanes)
		},
	}, map[string]kernel{
		"begins a cell with each word": func(dst, src []uint64, lanes []stretchLanes) {
			for i := range dst {
				stretchGeneric(dst[i:i+1], []uint64{src[i/len(lanes)] >> (i % len(lanes) * 64 / len(lanes))}, lanes)
			}
		},
		"writes a word behind": func(dst, src []uint64, lanes []stretchLanes) {
			stretchGeneric(dst, src, lanes)
			*past(dst, len(dst)) = 0
		},
	})
	mustFail(t, sweepStretchBytes, nil, map[string]stretchBytesKernel{
		"begins anew with eight words": func(dst, src []uint64, lanes []stretchLanes, to, from *byte) {
			for i := 0; i < len(dst); i += 8 {
				stretchBytesGeneric(dst[i:i+8], src[i/8/len(lanes):], lanes, to, from)
			}
		},
		"leaves out the last words": func(dst, src []uint64, lanes []stretchLanes, to, from *byte) {
			stretchBytesGeneric(dst[:max(len(dst)-8, 0)], src, lanes, to, from)
		},
	})
}

func TestSweepSeesCount(t *testing.T) {
	mustFail(t, sweepCount, map[string]countKernel{
		"reads by vectors": func(words []uint64) int {
			touch(words, (len(words)+3)/4*4-1)
			return countGeneric(words)
		},
	}, map[string]countKernel{
		"overflows a byte": func(words []uint64) int {
			n := 0
			for ; len(words) > 0; words = words[min(len(words), 32):] {
				// All ones in 32 words make 256 in each byte of a sum.
				n += countGeneric(words[:min(len(words), 32)]) % (8 * 256)
			}
			return n
		},
		"leaves out a word": func(words []uint64) int {
			return countGeneric(words[:max(len(words)-1, 0)])
		},
	})
}

func TestSweepSeesPhilox(t *testing.T) {
	stride := func(t testing.TB, kernel philoxKernel) error { return sweepPhilox(t, kernel, 1) }
	mustFail(t, stride, map[string]philoxKernel{
		"reads the keys of an eleventh round": func(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
			touch(ks[:], len(ks))
			philoxGeneric(dst, ks, ctr)
		},
		"reads a vector of the counter": func(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
			touch(ctr[:], 4)
			philoxGeneric(dst, ks, ctr)
		},
	}, map[string]philoxKernel{
		"advances the counter": func(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
			philoxGeneric(dst, ks, ctr)
			ctr[0] += uint32(len(dst) / 4)
		},
		"forgets the last key": func(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
			short := *ks
			short[9] = short[8]
			philoxGeneric(dst, &short, ctr)
		},
		"writes a block behind": func(dst []uint32, ks *roundKeys, ctr *[4]uint32) {
			philoxGeneric(dst, ks, ctr)
			*past(dst, len(dst)+3) = 0
		},
	})
}

func TestSweepSeesNoise(t *testing.T) {
	type kernel = noiseFunc[float32]
	mustFail(t, sweepNoise[float32], map[string]kernel{
		"reads a number behind": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			touch(quads, len(quads))
			noiseGeneric(dst, quads, ks, ctr, nil, nil, 0)
		},
		"reads a vector of the counter": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			touch(ctr[:], 4)
			noiseGeneric(dst, quads, ks, ctr, nil, nil, 0)
		},
	}, map[string]kernel{
		"takes the list for one without gaps": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			for i := range quads {
				noiseGeneric(dst, []uint32{uint32(i)}, ks, ctr, nil, nil, 0)
			}
		},
		"counts from 0": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			noiseGeneric(dst, quads, ks, &[4]uint32{0, ctr[1], ctr[2], ctr[3]}, nil, nil, 0)
		},
		"leaves the last quads out": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			noiseGeneric(dst, quads[:len(quads)/32*32], ks, ctr, nil, nil, 0)
		},
		"exchanges the elements of a quad": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			noiseGeneric(dst, quads, ks, ctr, nil, nil, 0)
			for i := 0; i < len(dst); i += 4 {
				dst[i+1], dst[i+2] = dst[i+2], dst[i+1]
			}
		},
		"writes behind": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			noiseGeneric(dst, quads, ks, ctr, nil, nil, 0)
			*past(dst, len(dst)) = 0
		},
		"advances the counter": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			noiseGeneric(dst, quads, ks, ctr, nil, nil, 0)
			ctr[0]++
		},
		"fuses": func(dst []float32, quads []uint32, ks *roundKeys, ctr *[4]uint32) {
			noiseGeneric(dst, quads, ks, ctr, nil, nil, 0)
			for _, i := range quads { // the last operation of a cosine's polynomial
				w := philoxBlock(ks, [4]uint32{ctr[0] + i, ctr[1], ctr[2], ctr[3]})
				y := float32(int32(w[1])) * 0x1p-31
				z := y * y
				p := float32(normalCos0*z) + normalCos1
				p = float32(p*z) + normalCos2
				p = float32(p*z) + normalCos3
				p = float32(math.FMA(float64(p), float64(z), normalCos4))
				dst[4*i] = normalRadius(w[0]) * math.Float32frombits(math.Float32bits(p)^w[1]<<31)
			}
		},
	})
}

func TestSweepSeesHead(t *testing.T) {
	mustFail(t, sweepHead, nil, map[string]headKernel{
		"takes the levels the other way round": func(dst []uint64, ks *roundKeys, ctr *[4]uint32, t uint32, levels int) {
			headGeneric(dst, ks, ctr, bits.Reverse32(t)>>(32-levels), levels)
		},
		"has one group for all": func(dst []uint64, ks *roundKeys, ctr *[4]uint32, t uint32, levels int) {
			for ; len(dst) > 0; dst = dst[headGroupWords:] {
				headGeneric(dst[:headGroupWords], ks, ctr, t, levels)
			}
		},
		"writes a word behind": func(dst []uint64, ks *roundKeys, ctr *[4]uint32, t uint32, levels int) {
			headGeneric(dst, ks, ctr, t, levels)
			*past(dst, len(dst)) = 0
		},
	})
}

func TestSweepSeesGaps(t *testing.T) {
	type gaps = gapsKernel
	mustFail(t, sweepGaps, map[string]gaps{
		"reads drawn behind": func(positions *[gapCallLen]uint32, drawn []uint32, table *gapTable, w *walk) int {
			touch(drawn, len(drawn))
			return gapsGeneric(positions, drawn, table, w)
		},
		"reads the table behind": func(positions *[gapCallLen]uint32, drawn []uint32, table *gapTable, w *walk) int {
			touch(table[:], gapLen)
			return gapsGeneric(positions, drawn, table, w)
		},
	}, map[string]gaps{
		"takes equal thresholds for below": func(positions *[gapCallLen]uint32, drawn []uint32, table *gapTable, w *walk) int {
			moved := *table
			for i := range moved {
				moved[i] += 1 << gapBits
			}
			return gapsGeneric(positions, drawn, &moved, w)
		},
		"takes an escape for a seed": func(positions *[gapCallLen]uint32, drawn []uint32, table *gapTable, w *walk) int {
			next := w.next
			n := gapsGeneric(positions, drawn, table, w)
			if at := next + gapEscape; n > 0 && positions[0] > at {
				positions[0] = at
			}
			return n
		},
		"counts a seed behind the end": func(positions *[gapCallLen]uint32, drawn []uint32, table *gapTable, w *walk) int {
			n := gapsGeneric(positions, drawn, table, w)
			if w.next > w.end && n < gapCallLen {
				n++
			}
			return n
		},
		"writes a vector behind": func(positions *[gapCallLen]uint32, drawn []uint32, table *gapTable, w *walk) int {
			n := gapsGeneric(positions, drawn, table, w)
			if len(drawn) == gapCallLen {
				*past(positions[:], gapCallLen+7) = 0
			}
			return n
		},
	})
}

func TestSweepSeesOnes(t *testing.T) {
	mustFail(t, sweepOnes, map[string]onesKernel{
		"reads words behind": func(positions *[gapCallLen]uint32, words []uint64, first uint32) (int, int) {
			touch(words, len(words))
			return onesGeneric(positions, words, first)
		},
	}, map[string]onesKernel{
		"takes 32 ones of a word": func(positions *[gapCallLen]uint32, words []uint64, first uint32) (int, int) {
			n, used := onesGeneric(positions, words, first)
			if used == 1 && n > 32 {
				positions[32] = 0
			}
			return n, used
		},
		"takes a word too many": func(positions *[gapCallLen]uint32, words []uint64, first uint32) (int, int) {
			n, used := onesGeneric(positions, words, first)
			if n == gapCallLen && used < len(words) {
				used++
			}
			return n, used
		},
		"writes behind the positions": func(positions *[gapCallLen]uint32, words []uint64, first uint32) (int, int) {
			n, used := onesGeneric(positions, words, first)
			if n == gapCallLen {
				*past(positions[:], gapCallLen+15) = 0
			}
			return n, used
		},
	})
}

func TestSweepSeesPlace(t *testing.T) {
	mustFail(t, sweepPlace, map[string]placeKernel{
		"reads bits behind": func(bits []uint32, w *walk) {
			touch(bits, (len(bits)+7)/8*8-1)
			placeGeneric(bits, w)
		},
	}, map[string]placeKernel{
		"forgets the row that a chunk begins in": func(bits []uint32, w *walk) {
			v := *w
			v.row = 0
			placeGeneric(bits, &v)
		},
		"forgets the last bit": func(bits []uint32, w *walk) { placeGeneric(bits[:max(len(bits)-1, 0)], w) },
		"writes behind": func(bits []uint32, w *walk) {
			placeGeneric(bits, w)
			*past(bits, len(bits)) = 0
		},
	})
	byInverses := func(half float32) placeKernel {
		return func(bits []uint32, w *walk) {
			perCol, perRow := math.Float32frombits(w.inverseCol), math.Float32frombits(w.inverseRow)
			for i, p := range bits {
				rows := uint32((float32(w.col+p) + half) * perCol)
				planes := uint32((float32(w.row+rows) + half) * perRow)
				bits[i] = w.bit + p + rows*w.skipRow + planes*w.skipPlane
			}
		}
	}
	mustFail(t, sweepDivide, nil, map[string]placeKernel{
		"divides without the half": byInverses(0),
		"divides by far too many":  byInverses(0.5),
	})
}

func TestSweepSeesSeeds(t *testing.T) {
	mustFail(t, sweepSeeds, map[string]seedsKernel{
		"reads bits behind": func(words []uint64, bits []uint32) {
			touch(bits, len(bits))
			seedsGeneric(words, bits)
		},
	}, map[string]seedsKernel{
		"forgets what stood in a word": func(words []uint64, bits []uint32) {
			for _, bit := range bits {
				words[bit/64] = 0
			}
			seedsGeneric(words, bits)
		},
		"writes behind the last word": func(words []uint64, bits []uint32) {
			seedsGeneric(words, bits)
			*past(words, len(words)) = 0
		},
	})
}

func TestSweepSeesStamps(t *testing.T) {
	mustFail(t, sweepStamps, map[string]stampsKernel{
		"reads bits behind": func(words []uint64, bits []uint32, stamps *stampTable, n int) int {
			touch(bits, len(bits))
			return stampsGeneric(words, bits, stamps, n)
		},
		"reads more words than it has room for": func(words []uint64, bits []uint32, stamps *stampTable, n int) int {
			if len(bits) > 0 {
				touch(words, int(bits[len(bits)-1]/64)+stampRoom(n))
			}
			return stampsGeneric(words, bits, stamps, n)
		},
	}, map[string]stampsKernel{
		"is a word short": func(words []uint64, bits []uint32, stamps *stampTable, n int) int {
			return stampsGeneric(words, bits, stamps, n-1)
		},
		"counts what was dropped before": func(words []uint64, bits []uint32, stamps *stampTable, n int) (dropped int) {
			stampsGeneric(words, bits, stamps, n)
			for _, bit := range bits {
				for _, v := range stamps[bit&63][:n] {
					dropped += 64 - countGeneric([]uint64{v})
				}
			}
			return dropped
		},
		"forgets earlier blocks": func(words []uint64, bits []uint32, stamps *stampTable, n int) int {
			if len(bits) > 0 {
				words[bits[0]/64] = ^uint64(0)
			}
			return stampsGeneric(words, bits, stamps, n)
		},
		"writes more words than it has room for": func(words []uint64, bits []uint32, stamps *stampTable, n int) int {
			dropped := stampsGeneric(words, bits, stamps, n)
			if len(bits) > 0 {
				*past(words, int(bits[len(bits)-1]/64)+stampRoom(n)) = 0
			}
			return dropped
		},
	})
}
