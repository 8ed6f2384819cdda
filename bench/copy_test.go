package main

import (
	"math"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
)

// patterns are float32 of every kind, NaN with payloads among them: a copy
// keeps them as they are.
func patterns(n int, salt uint32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = math.Float32frombits((uint32(i) + salt) * 0x9E3779B1)
	}
	return x
}

// loops returns all loops, and what each makes of a slice where the other one is dst.
func loops() (all []loop, want []func(src, dst []float32) []float32) {
	for _, r := range rooflines() {
		all = append(all, r)
		want = append(want, func(src, _ []float32) []float32 { return slices.Clone(src) })
	}
	for _, r := range addLoops() {
		all = append(all, loop{"add/" + r.name, r.run})
		want = append(want, func(src, dst []float32) []float32 {
			sum := slices.Clone(src)
			for i := range sum {
				sum[i] = math.Float32frombits(math.Float32bits(sum[i]) + math.Float32bits(dst[i]))
			}
			return sum
		})
	}
	for _, s := range scaleCopies() {
		all = append(all, loop{"scale/" + s.name, s.run})
		want = append(want, func(src, _ []float32) []float32 {
			scaled := slices.Clone(src)
			for i := range scaled {
				scaled[i] *= scaleBy
			}
			return scaled
		})
	}
	return all, want
}

// differ returns the first element that is not bitwise equal, or −1.
func differ(x, y []float32) int {
	for i, v := range x {
		if math.Float32bits(v) != math.Float32bits(y[i]) {
			return i
		}
	}
	return -1
}

// TestCopies copies every length from 0 to 1024 to and from different offsets
// and looks at everything around the destination.
func TestCopies(t *testing.T) {
	const maxLen, margin = 1024, 32
	src := patterns(maxLen+16, 1)
	canary := patterns(maxLen+2*margin, 1<<20)
	dst := placed(len(canary), 0)
	all, wants := loops()
	for i, l := range all {
		want := wants[i]
		t.Run(l.name, func(t *testing.T) {
			for n := range maxLen + 1 {
				for to := margin; to < margin+16; to++ { // the 64 bytes of an aligned vector
					from := (n + 5*to) % 16
					copy(dst, canary)
					made := want(src[from:][:n], canary[to:][:n])
					l.run(dst[to:][:n], src[from:][:n])
					for _, part := range []struct{ got, want []float32 }{
						{dst[:to], canary[:to]},
						{dst[to:][:n], made},
						{dst[to+n:], canary[to+n:]},
					} {
						if i := differ(part.got, part.want); i >= 0 {
							t.Fatalf("%d elements to offset %d from %d: wrong near element %d", n, to, from, i)
						}
					}
				}
			}
		})
	}
}

// TestCopyGuard copies every length from 0 to 1024 between pages that cannot
// be touched: against the end of the memory, and against its beginning.
func TestCopyGuard(t *testing.T) {
	const maxLen = 1024 // the elements of the smallest page
	var buffers [2]*guard.Buffer
	for i := range buffers {
		b, free, err := guard.Pages(4 * maxLen)
		if err != nil {
			t.Skip(err)
		}
		defer free()
		buffers[i] = b
	}
	from := patterns(maxLen, 1)
	lay := []func(b *guard.Buffer, skip, n int) []float32{guard.Front[float32], guard.Back[float32]}
	all, wants := loops()
	for i, l := range all {
		want := wants[i]
		t.Run(l.name, func(t *testing.T) {
			for n := range maxLen + 1 {
				for i := range 4 {
					src, dst := lay[i/2](buffers[0], 0, n), lay[i%2](buffers[1], 0, n)
					copy(src, from)
					made := want(from[:n], slices.Clone(dst))
					if err := guard.Fault(func() { l.run(dst, src) }); err != nil {
						t.Fatalf("%d elements: %v", n, err)
					}
					if i := differ(dst, made); i >= 0 {
						t.Fatalf("%d elements: wrong at element %d", n, i)
					}
					if err := guard.Check(buffers[1], dst); err != nil {
						t.Fatalf("%d elements: %v", n, err)
					}
				}
			}
		})
	}
}
