package dropblock

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/reference"
)

// noiseWords are words at which the transform to normal variates changes its ways, and a
// lattice of others.
func noiseWords(lattice int) (words []uint32) {
	for _, at := range []uint32{0, 1 << 23, 1 << 24, 1 << 30, 1 << 31, 3 << 30, 0xb504f333, 1<<32 - 1<<24} {
		for i := range uint32(1 << 10) {
			words = append(words, at+i, at-i)
		}
	}
	for i := range lattice {
		words = append(words, uint32(uint64(i)*(1<<32/uint64(lattice))+uint64(i)))
	}
	return words
}

// TestNormals compares the generic transform with the reference, and the reference with what
// it approximates.
func TestNormals(t *testing.T) {
	for _, w := range noiseWords(1 << 18) {
		r, x, y := reference.Normal(w, w)
		if err := reference.SameFloats([]float32{normalRadius(w), normalX(w), normalY(w)}, []float32{r, x, y}); err != nil {
			t.Fatalf("word %#08x: %v", w, err)
		}
		u := float64(w) + .5
		radius := math.Sqrt(-2 * math.Log(u*0x1p-32))
		if w >= 1<<31 {
			radius = math.Sqrt(-2 * math.Log1p((u-0x1p32)*0x1p-32))
		}
		sine, cosine := math.Sincos(float64(int32(w)) * math.Pi * 0x1p-32)
		if w%2 == 1 {
			cosine = -cosine
		}
		const most = 2.5e-7
		if e := math.Abs(float64(r)/radius - 1); e > most {
			t.Fatalf("word %#08x: the radius is %v, want %v, which is off by %v", w, r, radius, e)
		}
		if e := max(math.Abs(float64(x)-cosine), math.Abs(float64(y)-sine)); e > most {
			t.Fatalf("word %#08x: the point is %v, %v, want %v, %v, which is off by %v", w, x, y, cosine, sine, e)
		}
	}
}

func TestNoiseGather(t *testing.T) {
	for i := range 16 {
		for j := range 4 {
			if got := bits.TrailingZeros64(gather(1 << (4*i + j))); got != 16*j+i {
				t.Errorf("bit %d of word %d is moved to %d", 4*i, j, got)
			}
		}
	}
}

// noiseShape is that of the maps whose noise is tested.
var noiseShape = NCHW(8, 32, 128, 128)

// noiseMap is the noise of a map that is dropped whole.
func noiseMap(t *testing.T, at Position) []float64 {
	layer, err := New(Config{DropProb: 1, Block: Square(1), Seed: 1})
	pass(t, err)
	var m Mask
	layer.SampleAt(&m, noiseShape, at)
	y := make([]float32, noiseShape.Len())
	ApplyNoise(y, y, &m)
	x := make([]float64, len(y))
	for i, v := range y {
		x[i] = float64(v)
	}
	return x
}

// sigmas are how far a statistic may be from what is expected, in standard deviations. The
// tests are deterministic.
const sigmas = 5

// checkNormal returns an error if numbers do not look as if they were of N(0,1).
func checkNormal(x []float64) error {
	n := float64(len(x))
	var sum [5]float64
	for _, v := range x {
		p := 1.0
		for k := range sum {
			sum[k] += p
			p *= v
		}
	}
	// A power's variance is that of v^k: the moments of N(0,1) are 1, 0, 1, 0, 3, 0, 15, 0, 105.
	for k, want := range []struct{ mean, variance float64 }{{1, 0}, {0, 1}, {1, 2}, {0, 15}, {3, 96}} {
		if off := math.Abs(sum[k]/n - want.mean); off > sigmas*math.Sqrt(want.variance/n) {
			return fmt.Errorf("moment %d is %v, want %v", k, sum[k]/n, want.mean)
		}
	}
	for _, beyond := range []float64{3, 4, 5} {
		count := 0.0
		for _, v := range x {
			if math.Abs(v) > beyond {
				count++
			}
		}
		want := n * math.Erfc(beyond/math.Sqrt2)
		if math.Abs(count-want) > sigmas*math.Sqrt(want) {
			return fmt.Errorf("%v of %v numbers are beyond %v, want %.1f", count, n, beyond, want)
		}
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	far := 0.0
	for i, v := range sorted { // Kolmogorov and Smirnov's statistic
		p := math.Erfc(-v/math.Sqrt2) / 2
		far = max(far, p-float64(i)/n, float64(i+1)/n-p)
	}
	if far*math.Sqrt(n) > 2.5 { // a probability of 1e-5
		return fmt.Errorf("the distribution function is off by %v/√n", far*math.Sqrt(n))
	}
	return nil
}

// checkIndependent returns an error if pairs, or their squares, correlate.
func checkIndependent(x, y []float64) error {
	var linear, squares float64
	for i, v := range x[:len(y)] {
		linear += v * y[i]
		squares += (v*v - 1) * (y[i]*y[i] - 1) / 2
	}
	for name, sum := range map[string]float64{"numbers": linear, "squares": squares} {
		if r := sum / float64(len(y)); math.Abs(r) > sigmas/math.Sqrt(float64(len(y))) {
			return fmt.Errorf("%s correlate by %v", name, r)
		}
	}
	return nil
}

func checkNoise(x, otherStep []float64) error {
	if err := checkNormal(x); err != nil {
		return err
	}
	sample := len(x) / noiseShape.N()
	for _, lag := range []int{1, 2, 3, 4, 8, 128, 128 * 128, sample} {
		if err := checkIndependent(x, x[lag:]); err != nil {
			return fmt.Errorf("%d elements apart: %w", lag, err)
		}
	}
	if err := checkIndependent(x, otherStep); err != nil {
		return fmt.Errorf("of two steps: %w", err)
	}
	return nil
}

// TestNoiseDistribution holds noise to N(0,1), and its elements, samples and steps to
// independence, and sees that faulty noise does not pass.
func TestNoiseDistribution(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	x, other := noiseMap(t, Position{Step: 1}), noiseMap(t, Position{Step: 2})
	pass(t, checkNoise(x, other))
	pass(t, checkNormal(other))
	for name, fault := range map[string]func(i int) float64{
		"a variance of 1.004":            func(i int) float64 { return 1.002 * x[i] },
		"a mean of .003":                 func(i int) float64 { return x[i] + .003 },
		"no tails":                       func(i int) float64 { return min(max(x[i], -4), 4) },
		"long tails":                     func(i int) float64 { return x[i] * (1 + .002*x[i]*x[i]) / 1.006 },
		"a gap about 0":                  func(i int) float64 { return x[i] + math.Copysign(.002, x[i]) },
		"quads twice":                    func(i int) float64 { return x[i&^4] },
		"pairs of one radius, no angles": func(i int) float64 { return math.Copysign(x[i&^2], x[i]) },
		"samples alike":                  func(i int) float64 { return x[i%(len(x)/noiseShape.N())] },
		"steps alike":                    func(i int) float64 { return other[i] },
	} {
		y := make([]float64, len(x))
		for i := range y {
			y[i] = fault(i)
		}
		if checkNoise(y, other) == nil {
			t.Errorf("%s: it passes", name)
		}
	}
}

// Noise of a sample is that of its global index, whatever batch it is in and whatever is
// dropped beside it.
func TestNoiseOfShards(t *testing.T) {
	s := NCHW(6, 5, 7, 9) // samples of 315 elements begin anywhere in a word
	for _, share := range []Share{ShareNone, ShareChannels, ShareBatch, ShareAll} {
		layer, err := New(Config{DropProb: .4, Block: Square(3), Share: share, Norm: NormNone, Seed: 3})
		pass(t, err)
		var m Mask
		layer.SampleAt(&m, s, Position{Step: 4, Sample: 1<<32 - 3})
		want, x := make([]float32, s.Len()), make([]float32, s.Len())
		ApplyNoise(want, x, &m)
		for rank := range 2 {
			half := NCHW(3, 5, 7, 9)
			layer.SampleAt(&m, half, Position{Step: 4, Sample: 1<<32 - 3 + uint64(rank), Stride: 2})
			y := make([]float32, half.Len())
			ApplyNoise(y, x[:len(y)], &m)
			for i := range 3 {
				from := (rank + 2*i) * 315
				if err := reference.SameFloats(y[315*i:][:315], want[from:][:315]); err != nil {
					t.Fatalf("%v, rank %d, sample %d: %v", share, rank, i, err)
				}
			}
		}
	}
}

// A map from noiseAskBytes on has the same noise as in place, where kernels ask for no lines,
// with every set; its samples are of an odd length.
func TestNoiseOfLargeMaps(t *testing.T) {
	s := NCHW(3, 1, 211, 219)
	x := make([]float32, s.Len())
	if bytes := 4 * len(x); bytes < noiseAskBytes {
		t.Fatalf("a map of %d bytes, want %d or more", bytes, noiseAskBytes)
	}
	for i := range x {
		x[i] = float32(i + 1)
	}
	var want []float32
	eachISA(t, func(t *testing.T, k isa) {
		layer, err := New(Config{DropProb: .2, Block: Square(5), Seed: 3, Kernels: KernelSet{k}})
		pass(t, err)
		var m Mask
		layer.Sample(&m, s, 4)
		y, inPlace := make([]float32, len(x)), slices.Clone(x)
		ApplyNoise(y, x, &m)
		ApplyNoise(inPlace, inPlace, &m)
		pass(t, reference.SameFloats(y, inPlace))
		if want == nil {
			want = y
		}
		pass(t, reference.SameFloats(y, want))
	})
}

func TestNoiseNeedsKey(t *testing.T) {
	s := NCHW(1, 2, 8, 8)
	x, y := make([]float32, s.Len()), make([]float32, s.Len())
	refused := func(m *Mask) (message any) {
		defer func() { message = recover() }()
		ApplyNoise(y, x, m)
		return nil
	}
	var m Mask
	pass(t, m.SetKeep(s, []uint64{1<<64 - 1, 1<<64 - 2}))
	x[0] = 1
	const want = "dropblock: ApplyNoise: the mask has no key to draw noise with: Sample, SampleAt or GrowAt gives it one"
	if got := refused(&m); got != want || y[0] != 0 {
		t.Errorf("a mask of SetKeep: panic %v, dst[0] %v, want %q and 0", got, y[0], want)
	}
	m.Identity(s)
	if got := refused(&m); got != nil || y[0] != 1 {
		t.Errorf("nothing dropped: panic %v, dst[0] %v, want none and 1", got, y[0])
	}
}
