package dropblock

import (
	"math"
	"testing"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/reference"
)

func TestNoiseQuick(t *testing.T) {
	var ks roundKeys
	expandKey(&ks, sweepKey[0], sweepKey[1])
	dst := make([]float32, 1<<16)
	var quads []uint32
	for i := 0; i < len(dst); i += 4 {
		quads = append(quads, uint32(i/4))
	}
	ctr := [4]uint32{77, 1 << 31, 5, 6}
	for _, k := range available {
		clear(dst)
		k.isa.noise(unsafe.Pointer(&dst[0]), len(dst), elementFloat32, quads, &ks, &ctr)
		for i, x := range dst {
			want := reference.Noise(sweepKey, 6<<32+5, 4*77+i)
			if math.Float32bits(x) != math.Float32bits(want) {
				w := Philox4x32([4]uint32{uint32(77 + i/4), 1 << 31, 5, 6}, sweepKey)
				t.Errorf("%v %d %v %v %08x", k, i, x, want, w)
				if i > 20000 {
					t.FailNow()
				}
			}
		}
	}
	worst, worstR, worstC, worstS := 0.0, 0.0, 0.0, 0.0
	check := func(a uint32) {
		got := float64(normalRadius(a))
		var want float64
		if a < 1<<31 {
			want = math.Sqrt(-2 * math.Log((float64(a)+.5)*0x1p-32))
		} else {
			want = math.Sqrt(-2 * math.Log1p(-(float64(^a)+.5)*0x1p-32))
		}
		worst = max(worst, math.Abs(got-want))
		worstR = max(worstR, math.Abs(got/want-1))
		th := math.Pi / 2 * float64(int32(a<<1|1)) * 0x1p-31
		s, c := math.Sincos(th)
		if a>>31 != 0 {
			c = -c
		}
		worstC = max(worstC, math.Abs(float64(normalX(a))-c))
		worstS = max(worstS, math.Abs(float64(normalY(a))/s-1))
	}
	for a := uint64(0); a < 1<<32; a += 4093 {
		check(uint32(a))
	}
	for a := uint32(0); a < 1<<18; a++ {
		check(a)
		check(^a)
		check(3<<30 + a)
		check(3<<30 - a)
		check(1<<30 - a)
		check(1<<30 + a)
		check(1<<31 - a)
		check(1<<31 + a)
	}
	t.Log(worst, worstR, worstC, worstS)
}

func BenchmarkNoise(b *testing.B) {
	var ks roundKeys
	dst := make([]float32, 4096)
	var quads []uint32
	for i := 0; i < len(dst); i += 8 {
		quads = append(quads, uint32(i/4))
	}
	ctr := [4]uint32{77, 1 << 31, 5, 6}
	for _, k := range available {
		b.Run(k.String(), func(b *testing.B) {
			for range b.N {
				k.isa.noise(unsafe.Pointer(&dst[0]), len(dst), elementFloat32, quads, &ks, &ctr)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(quads)), "ns/quad")
		})
	}
}

func BenchmarkPhilox512(b *testing.B) {
	var ks roundKeys
	dst := make([]uint32, 2048)
	ctr := [4]uint32{77, 1 << 31, 5, 6}
	x, y := make([]float32, 32*256*196), make([]float32, 32*256*196)
	for _, k := range available {
		b.Run(k.String(), func(b *testing.B) {
			for range b.N {
				k.isa.philox(dst, &ks, &ctr)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*512), "ns/quad")
		})
	}
	b.Run("copy", func(b *testing.B) {
		for range b.N {
			copy(x, y)
		}
	})
}
