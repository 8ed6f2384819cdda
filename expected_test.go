package dropblock

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// ratedMap is a map and a block, in the full region one that may be larger.
type ratedMap struct {
	size, block [axes]int // W, H, D
	even        Even
	full        bool
}

func (m *ratedMap) config() (Config, Shape) {
	cfg := Config{Block: Cuboid(m.block[2], m.block[1], m.block[0]), Even: m.even}
	if m.full {
		cfg.Region, cfg.Clip = RegionFull, ClipNone
	}
	return cfg, NCDHW(1, 1, m.size[2], m.size[1], m.size[0])
}

func (m *ratedMap) geometry() geometry {
	cfg, s := m.config()
	return cfg.geometry(s)
}

func (m *ratedMap) params(rule GammaRule, p float64) *reference.Params {
	cfg, s := m.config()
	cfg.Gamma, cfg.DropProb = rule, p
	return ReferenceParams(cfg, s, Position{})
}

// ratedMaps have one to three axes of up to so many cells, of up to a fifth of them if there
// are three, both regions, and in the full one blocks larger than the map.
func ratedMaps(r *rand.Rand, n, cells int) (all []ratedMap) {
	for i := range n {
		m := ratedMap{size: [axes]int{1, 1, 1}, block: [axes]int{1, 1, 1}, even: Even(r.IntN(2)), full: i%2 == 1}
		for axis := range 1 + i/2%3 {
			size := 1 + r.IntN([]int{cells, cells, cells / 5}[i/2%3])
			m.size[axis], m.block[axis] = size, 1+r.IntN(size)
			if m.full {
				m.block[axis] = 1 + r.IntN(2*size+2)
			}
		}
		r.Shuffle(axes, func(i, j int) { // which axes the map lacks
			m.size[i], m.size[j] = m.size[j], m.size[i]
			m.block[i], m.block[j] = m.block[j], m.block[i]
		})
		all = append(all, m)
	}
	return all
}

// The numbers of positions that cover the cells, one by one.
func TestCoverage(t *testing.T) {
	for size := 1; size <= 20; size++ {
		for block := 1; block <= 2*size+2; block++ {
			for _, even := range []Even{EvenBefore, EvenAfter} {
				for _, full := range []bool{false, true} {
					if !full && block > size {
						continue
					}
					m := ratedMap{size: [axes]int{size, 1, 1}, block: [axes]int{block, 1, 1}, even: even, full: full}
					g := m.geometry()
					cells := make(map[int]int)
					total, squares := 0., 0.
					for x := range size {
						k := 0
						for seed := range size {
							first := seed - even.before(block)
							fits := first >= 0 && first+block <= size
							if first <= x && x < first+block && (full || fits) {
								k++
							}
						}
						cells[k]++
						total += float64(k)
						squares += float64(k * k)
					}
					c := g.axes[0].coverage(g.full)
					at := fmt.Sprintf("size %d, block %d, %v, full %v: %+v", size, block, even, full, c)
					sum := 0
					for k := min(c.first, c.last); k <= c.most; k++ {
						require.Equal(t, cells[k], c.cells(k), "%s, %d positions", at, k)
						sum += c.cells(k)
					}
					require.Equal(t, size, sum, at)
					mean, square := c.moments()
					require.InEpsilon(t, total/float64(size), mean, 1e-14, at)
					require.InEpsilon(t, squares/float64(size), square, 1e-14, at)
				}
			}
		}
	}
}

// Products are rounded down, and carry.
func TestUint128(t *testing.T) {
	r := rand.New(&Philox{key: Key{14, 5}})
	big128 := func(a uint128) *big.Int {
		x := new(big.Int).Lsh(bigUint(a.hi), 64)
		return x.Or(x, bigUint(a.lo))
	}
	word := func() uint64 { return [...]uint64{0, 1, 1 << 63, math.MaxUint64, r.Uint64(), r.Uint64()}[r.IntN(6)] }
	for range 5000 {
		a, b, n := uint128{word(), word()}, uint128{word(), word()}, r.IntN(math.MaxInt32)
		want := new(big.Int).Mul(big128(a), big128(b))
		require.Zero(t, want.Rsh(want, 128).Cmp(big128(a.times(b))), "%x times %x", a, b)
		want.Rsh(big128(a), 32)
		require.Zero(t, want.Cmp(big128(a.term())), "%x", a)
		require.Zero(t, want.Mul(want, big.NewInt(int64(n))).Cmp(big128(a.term().many(n))), "%x times %d", a, n)
		require.Equal(t, big128(a).Cmp(big128(b)) < 0, a.less(b), "%x, %x", a, b)
		require.Equal(t, a, a.minus(b).plus(b), "%x, %x", a, b)

		// The first 64 bits, rounded once.
		want = big128(a)
		shift := uint(max(want.BitLen()-64, 0))
		nearest, _ := new(big.Float).SetInt(want.Lsh(want.Rsh(want, shift), shift)).Float64()
		require.Equal(t, nearest, a.float64(), "%x", a)
	}
}

// requireRate compares to the bound that expectedDrop states, which is of the rate: four
// roundings of it, and 2⁻⁹⁰ for those of the integers.
func requireRate(t *testing.T, want, got float64, at string) {
	t.Helper()
	if math.Abs(got-want) > want*0x1p-51+0x1p-90 {
		t.Fatalf("%s: a rate of %v, want %v", at, got, want)
	}
}

func TestExpectedDrop(t *testing.T) {
	r := rand.New(&Philox{key: Key{14, 1}})
	gammas := []float64{
		0, math.SmallestNonzeroFloat64, 1e-300, 0x1p-129, 0x1p-128, 0x1p-97, 0x1p-64, 1e-18, 1e-9, 0x1p-53, 1e-4, .0063,
		.1, .25, .5, 1 - 1e-9, 1 - 0x1p-53, 1,
	}
	for _, m := range ratedMaps(r, 150, 60) {
		g := m.geometry()
		for _, gamma := range append(gammas, r.Float64(), math.Exp(-30*r.Float64())) {
			requireRate(t, m.params(GammaGiven, gamma).ExpectedDrop(), g.expectedDrop(gamma), fmt.Sprintf("%+v, gamma %v", m, gamma))
		}
	}
}

// The rate never falls where γ rises, not by a bit: neighbours, and those a bit farther away.
func TestExpectedDropRises(t *testing.T) {
	r := rand.New(&Philox{key: Key{14, 4}})
	for _, m := range ratedMaps(r, 60, 60) {
		g := m.geometry()
		for range 20 {
			gamma := math.Exp(-10 * r.Float64())
			last := 0.0
			for step := range 40 {
				rate := g.expectedDrop(gamma)
				require.GreaterOrEqual(t, rate, last, "%+v, gamma %v", m, gamma)
				last = rate
				gamma = min(math.Float64frombits(math.Float64bits(gamma)+1<<(step/4)), 1)
			}
		}
	}
}

// γ is the least float64 that reaches p: the reference's, which has no rounding. That of the
// integers would tell if p or 1−p were some 2⁻⁴⁰.
func TestExactGamma(t *testing.T) {
	r := rand.New(&Philox{key: Key{14, 2}})
	for i, m := range ratedMaps(r, 60, 25) {
		g := m.geometry()
		for _, p := range []float64{1e-9, .1, .5, 1 - 1e-9, r.Float64(), math.Exp(-20 * r.Float64())}[i%4:] {
			at := fmt.Sprintf("%+v, p %v", m, p)
			gamma := g.exactGamma(p)
			require.Equal(t, m.params(GammaExact, p).Gamma(), gamma, at)
			requireRate(t, p, g.expectedDrop(gamma), at)
		}
		require.Zero(t, g.exactGamma(0))
		require.EqualValues(t, 1, g.exactGamma(1))
	}
}

// What defines γ, for p of any size.
func TestExactGammaLeast(t *testing.T) {
	r := rand.New(&Philox{key: Key{14, 3}})
	for _, m := range ratedMaps(r, 300, 60) {
		g := m.geometry()
		all := g.coverages()
		for _, p := range []float64{
			math.SmallestNonzeroFloat64, 1e-300, 0x1p-97, 0x1p-96, 1e-20, 1e-13, .999, 1 - 1e-12, 1 - 0x1p-53,
			r.Float64(), 1 - math.Exp(-36*r.Float64()), math.Exp(-70 * r.Float64()),
		} {
			at := fmt.Sprintf("%+v, p %v", m, p)
			gamma := g.exactGamma(p)
			want := fixed128(p).term().many(all.cells())
			if gamma < 1 {
				require.False(t, all.dropSum(gamma).less(want), at)
			}
			if gamma > 0 {
				require.True(t, all.dropSum(math.Nextafter(gamma, 0)).less(want), at)
			}
			require.InDelta(t, p, g.expectedDrop(gamma), 0x1p-52, at)
		}
	}
}

// plainSum is the sum over the cells of an axis of stay^k, by the formula of a geometric
// series, with so many bits that those which 1 − stay^k cancels do not matter.
func plainSum(c *coverage, stay *big.Float) *big.Float {
	top := plainPower(stay, c.most)
	sum := wide(int64(c.cells(c.most)))
	sum.Mul(sum, top)
	drop := wide(1)
	drop.Sub(drop, stay)
	for _, end := range []int{c.first, c.last} {
		side := plainPower(stay, end)
		side.Sub(side, top)
		sum.Add(sum, side.Quo(side, drop))
	}
	return sum
}

func wide(x int64) *big.Float { return new(big.Float).SetPrec(300).SetInt64(x) }

func plainPower(x *big.Float, k int) *big.Float {
	power, square := wide(1), wide(0).Set(x)
	for ; k > 0; k /= 2 {
		if k%2 == 1 {
			power.Mul(power, square)
		}
		if square.Mul(square, square).MantExp(nil) < -1000 {
			square = wide(0) // big.Float would add numbers of 2⁻²³¹ bit by bit
		}
	}
	return power
}

// Maps of up to 2³¹−1 cells, of which as many positions have blocks that cover them.
func TestExpectedDropLarge(t *testing.T) {
	const most = maxSample
	for _, m := range []ratedMap{
		{size: [axes]int{most, 1, 1}, block: [axes]int{1 << 20, 1, 1}},
		{size: [axes]int{most, 1, 1}, block: [axes]int{1 << 20, 1, 1}, full: true},
		{size: [axes]int{1, most, 1}, block: [axes]int{1, 1 << 30, 1}},
		{size: [axes]int{1, 1, most}, block: [axes]int{1, 1, most - 1}, full: true},
		{size: [axes]int{most, 1, 1}, block: [axes]int{math.MaxInt, 1, 1}, full: true},
		{size: [axes]int{2048, 2048, 1}, block: [axes]int{200, 200, 1}},
		{size: [axes]int{2048, 2048, 1}, block: [axes]int{200, 200, 1}, full: true, even: EvenAfter},
		{size: [axes]int{1100, 1, 1000}, block: [axes]int{800, 1, 2100}, full: true},
		{size: [axes]int{50, 40, 60}, block: [axes]int{20, 30, 130}, full: true},
	} {
		g := m.geometry()
		all := g.coverages()
		covered := float64(all[0].most) * float64(all[1].most) * float64(all[2].most)
		for _, gamma := range []float64{1e-18, .1 / covered, 1 / covered, 30 / covered, .3, 1 - 0x1p-53} {
			at := fmt.Sprintf("%+v, gamma %v", m, gamma)
			stay := wide(1)
			stay.Sub(stay, wide(0).SetFloat64(gamma))
			kept := wide(0)
			for i := min(all[0].first, all[0].last); i <= all[0].most; i++ {
				for j := min(all[1].first, all[1].last); j <= all[1].most; j++ {
					row := plainSum(&all[2], plainPower(stay, i*j))
					kept.Add(kept, row.Mul(row, wide(int64(all[0].cells(i)*all[1].cells(j)))))
				}
			}
			want, _ := kept.Sub(wide(1), kept.Quo(kept, wide(int64(all.cells())))).Float64()
			requireRate(t, want, g.expectedDrop(gamma), at)
			if want < 1 {
				solved := g.exactGamma(want)
				requireRate(t, want, g.expectedDrop(solved), at)
				if want > 1e-9 && want < .99 {
					require.InEpsilon(t, gamma, solved, 1e-13, at)
				}
			}
		}
	}
}

// A plane of nearly 2³¹ cells and blocks that overlap as much as possible: 23,170 rows.
func TestExpectedDropLargest(t *testing.T) {
	m := ratedMap{size: [axes]int{46340, 46340, 1}, block: [axes]int{23170, 23170, 1}}
	g := m.geometry()
	gamma := g.exactGamma(.1)
	requireRate(t, .1, g.expectedDrop(gamma), "46340x46340")
	// Half of the cells of an axis are covered by 1 to 23,170 positions, and so are the others.
	all := g.coverages()
	mean, _ := all.moments()
	require.Less(t, .1, mean*gamma)
	require.Greater(t, .13, mean*gamma)
}

// The rate of the paper's γ at p = 0.5, and the γ of a rate of 0.25. TestDropRates has more.
func TestExactGammaPaper(t *testing.T) {
	cfg := Config{Block: Square(7)}
	g := cfg.geometry(NCHW(1, 1, 14, 14))
	require.Equal(t, "0.358", fmt.Sprintf("%.3f", g.expectedDrop(cfg.gamma(.5, &g))))
	require.Equal(t, "0.0194", fmt.Sprintf("%.4f", g.exactGamma(.25)))
}

func TestExactGammaAllocs(t *testing.T) {
	cfg := Config{Block: Square(7), Region: RegionFull}
	g := cfg.geometry(NCHW(1, 1, 14, 17))
	p := 0.
	require.Zero(t, testing.AllocsPerRun(20, func() { p = g.expectedDrop(g.exactGamma(p + .03)) }))
}
