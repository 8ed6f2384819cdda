package main

import (
	"strings"
	"testing"
)

// someElements are one with assembly, one without, and one whose scale is of another type.
var someElements = []*element{
	{name: "float32", scale: "float32", amd64: &float32AMD64, neon: &float32NEON},
	{name: "float64", suffix: "Float64", scale: "float64"},
	{name: "BFloat16", suffix: "BFloat16", scale: "float32", family: "Half"},
}

// rows have each kind of column once.
var rows = []*kernel{
	{
		name: "xor", params: "dst, x, y []uint64, w *walk", results: "n int",
		doc:   "sets dst to x ^ y",
		reads: "if w.skipRow == 0 { sanitize.Reads(x[1:]) }", writes: "dst",
		guard: "w.col != 0",
		amd64: func(*amd64) {}, sets: narrow,
	},
	{
		name: "fillStream", params: "dst []E, keep []uint64, v S",
		doc:    "is fill around the caches",
		writes: "dst", guard: "uintptr(dst)%VECTOR == 0", otherwise: "fill",
		elements: someElements,
		amd64:    func(*amd64) {}, sets: wideOnly,
	},
	{
		name: "fill", params: "dst []E, keep []uint64, v S",
		doc:    "sets dst to v",
		writes: "dst", elements: someElements,
		neon: func(*neon) {},
	},
}

// TestDispatch holds what is written for rows.
func TestDispatch(t *testing.T) {
	for i, want := range [][]string{{`
	_ fillKernel[float32, float32] = fillStreamAVX512
	_ xorKernel                    = xorAVX2
`, `
// xor sets dst to x ^ y.
//
//go:noinline
func (k isa) xor(dst, x, y []uint64, w *walk) (n int) {
	if w.skipRow == 0 {
		sanitize.Reads(x[1:])
	}
	sanitize.Writes(dst)
	switch {
	case (k == isaAVX512 || k == isaAVX2) && w.col != 0:
		return xorAVX2(dst, x, y, w)
	default:
		return xorGeneric(dst, x, y, w)
	}
}
`, `
//go:noinline
func (k isa) fillStream(dst unsafe.Pointer, n int, e element, keep []uint64, v float64) {
	switch {
	case k == isaAVX512 && e == elementFloat32 && uintptr(dst)%64 == 0:
		dst, v := unsafe.Slice((*float32)(dst), n), float32(v)
		sanitize.Reads(keep)
		sanitize.Writes(dst)
		fillStreamAVX512(dst, keep, v)
	default:
		k.fill(dst, n, e, keep, v)
	}
}
`}, {`
func (k isa) xor(dst, x, y []uint64, w *walk) (n int) {
	return xorGeneric(dst, x, y, w)
}
`, `
func (k isa) fillStream(dst unsafe.Pointer, n int, e element, keep []uint64, v float64) {
	k.fill(dst, n, e, keep, v)
}
`, `
//go:noinline
func (k isa) fill(dst unsafe.Pointer, n int, e element, keep []uint64, v float64) {
	switch e {
	case elementFloat32:
		dst, v := unsafe.Slice((*float32)(dst), n), float32(v)
		sanitize.Reads(keep)
		sanitize.Writes(dst)
		switch k {
		case isaNEON:
			fillNEON(dst, keep, v)
		default:
			fillGeneric[float32](dst, keep, v)
		}
	case elementFloat64:
		dst := unsafe.Slice((*float64)(dst), n)
		fillGeneric[float64](dst, keep, v)
	default: // elementBFloat16
		dst, v := unsafe.Slice((*BFloat16)(dst), n), float32(v)
		fillHalfGeneric[BFloat16](dst, keep, v)
	}
}
`}, {`
func (k isa) xor(dst, x, y []uint64, w *walk) (n int) {
	return xorGeneric(dst, x, y, w)
}
`}} {
		text, err := buildKinds[i].dispatch(rows)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s lacks%s\n%s", buildKinds[i].file, w, text)
			}
		}
	}
	text, err := signatures(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{
		"xorKernel                         func(dst, x, y []uint64, w *walk) (n int)",
		"fillKernel[E Float, S goFloat] func(dst []E, keep []uint64, v S)",
		"_ fillKernel[float64, float64] = fillGeneric[float64]",
		"_ fillKernel[BFloat16, float32] = fillHalfGeneric[BFloat16]",
	} {
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), strings.Join(strings.Fields(w), " ")) {
			t.Errorf("the signatures lack %s\n%s", w, text)
		}
	}
}
