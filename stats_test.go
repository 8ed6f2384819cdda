//go:build !race

// All on one goroutine, and more memory accesses than the race detector is
// worth here.

package dropblock

import (
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

// Statistics of drawn seeds against independent bits of probability γ. Keys
// are fixed, so that a verdict is the same on every run and CPU.
//
// Every statistic is a score: a sum of centred bits, or of products of two,
// divided by its standard deviation, which is known because γ is. Scores are
// close to standard normal, a count behind them being 50 or more on average
// nearly everywhere. A trial makes about 2100 of them in families.
const (
	// maxScore bounds |z| of each: 4·10⁻⁸ two-sided, 4·10⁻⁴ for the ten
	// thousand of all trials.
	maxScore = 5.5
	// maxSpread bounds (Σz²−m)/√2m over the m scores of a family, which is
	// a χ² of m degrees of freedom brought to mean 0 and variance 1.
	maxSpread = 5
)

// A stream is what a batch of seeds is keyed by.
type stream struct {
	seed   uint64
	layer  uint32
	step   uint64
	sample uint64
}

// A trial draws batches of seeds at the valid cells of a shape. A batch has a
// zero word behind its bits.
type trial struct {
	shape    Shape
	valid    []uint64
	gamma    float64
	chunkLag int // bits from a chunk of a sample to the next one, 0 if not the same for all positions
	draw     func(at stream) []uint64
}

// layerTrial draws with the layers of a configuration with an odd block.
func layerTrial(t *testing.T, cfg Config, s Shape) *trial {
	layer, err := New(cfg)
	require.NoError(t, err)
	tr := &trial{shape: s, valid: validCells(s, cfg.Block), gamma: layer.Gamma(s, 0)}
	positions := (s.H() - cfg.Block.h + 1) * (s.W() - cfg.Block.w + 1) // of a plane
	switch {
	case s.C()*positions <= chunkLen: // there is no next chunk
	case cfg.Block == Square(1):
		tr.chunkLag = chunkLen
	case chunkLen%positions == 0:
		tr.chunkLag = chunkLen / positions * s.H() * s.W()
	}
	tr.draw = func(at stream) []uint64 {
		cfg.Seed, cfg.Layer = at.seed, at.layer
		layer, err := New(cfg)
		require.NoError(t, err)
		words := make([]uint64, bitstring.Words(s.Len())+1)
		layer.DrawSeeds(words[:len(words)-1], s, Position{Step: at.step, Sample: at.sample})
		return words
	}
	return tr
}

// validCells are the centres of the whole blocks of a shape, the block odd.
func validCells(s Shape, b Block) []uint64 {
	words := make([]uint64, bitstring.Words(s.Len())+1)
	for i := range s.Len() {
		row, col := i/s.W()%s.H(), i%s.W()
		if row >= b.h/2 && row < s.H()-b.h/2 && col >= b.w/2 && col < s.W()-b.w/2 {
			words[i>>6] |= 1 << (i & 63)
		}
	}
	return words
}

// scores are those of each family.
type scores map[string][]float64

func (s scores) add(family string, z float64) { s[family] = append(s[family], z) }

// worst returns the largest |z| and spread, and their families.
func (s scores) worst() (score, spread float64, where string) {
	var at [2]string
	for _, family := range slices.Sorted(maps.Keys(s)) {
		var sum float64
		for _, z := range s[family] {
			sum += z * z
			if math.Abs(z) > score {
				score, at[0] = math.Abs(z), family
			}
		}
		m := float64(len(s[family]))
		if d := math.Abs(sum-m) / math.Sqrt(2*m); d > spread {
			spread, at[1] = d, family
		}
	}
	return score, spread, fmt.Sprintf("largest score %.2f (%s), largest spread %.2f (%s)", score, at[0], spread, at[1])
}

// run draws a batch, and its neighbours in every number that keys one, and
// scores counts and pairs.
func (tr *trial) run() scores {
	const reach = 8
	s := make(scores)
	base := stream{seed: 20181, layer: 3, step: 1000, sample: 1 << 20}
	x := tr.draw(base)

	tr.counts(s, x)

	down, across := min(reach, tr.shape.H()-1), min(reach, tr.shape.W()-1)
	lags := func(visit func(lag int)) {
		for dy := -down; dy <= down; dy++ {
			for dx := -across; dx <= across; dx++ {
				visit(dy*tr.shape.W() + dx)
			}
		}
	}
	plane := tr.shape.H() * tr.shape.W()
	lags(func(lag int) {
		if lag > 0 {
			s.add("lags in a plane", tr.pairs(x, x, lag))
		}
		s.add("next plane", tr.pairs(x, x, plane+lag))
		s.add("next sample", tr.pairs(x, x, tr.shape.C()*plane+lag))
		if tr.chunkLag > 0 {
			s.add("next chunk", tr.pairs(x, x, tr.chunkLag+lag))
		}
	})

	neighbours := map[string]stream{
		"next layer":       {base.seed, base.layer + 1, base.step, base.sample},
		"next step":        {base.seed, base.layer, base.step + 1, base.sample},
		"next seed":        {base.seed + 1, base.layer, base.step, base.sample},
		"high bit of seed": {base.seed ^ 1<<63, base.layer, base.step, base.sample},
	}
	for family, at := range neighbours {
		y := tr.draw(at)
		lags(func(lag int) { s.add(family, tr.pairs(x, y, lag)) })
	}
	return s
}

// counts scores the number of seeds: of all, of each sample, at each bit of a
// word and at each cell of a plane.
func (tr *trial) counts(s scores, x []uint64) {
	plane := tr.shape.H() * tr.shape.W()
	groups := []struct {
		family string
		n      int
		of     func(bit int) int
	}{
		{"all", 1, func(bit int) int { return 0 }},
		{"sample", tr.shape.N(), func(bit int) int { return bit / (tr.shape.C() * plane) }},
		{"bit of a word", 64, func(bit int) int { return bit % 64 }},
		{"cell of a plane", plane, func(bit int) int { return bit % plane }},
	}
	for _, g := range groups {
		seeds, valid := make([]int, g.n), make([]int, g.n)
		eachOne(x, func(bit int) { seeds[g.of(bit)]++ })
		eachOne(tr.valid, func(bit int) { valid[g.of(bit)]++ })
		for i, n := range valid {
			if n > 0 {
				mean := float64(n) * tr.gamma
				s.add(g.family, (float64(seeds[i])-mean)/math.Sqrt(mean*(1-tr.gamma)))
			}
		}
	}
}

func eachOne(words []uint64, visit func(bit int)) {
	for i, w := range words {
		for ; w != 0; w &= w - 1 {
			visit(i*64 + bits.TrailingZeros64(w))
		}
	}
}

// pairs is the score of Σ (x_i−γ)(y_{i+lag}−γ) over the pairs of cells that
// are both valid. The products of different pairs are uncorrelated, also where
// pairs have a cell in common.
func (tr *trial) pairs(x, y []uint64, lag int) float64 {
	xv, yv := tr.valid, tr.valid
	if lag < 0 {
		x, y, lag = y, x, -lag
	}
	word, shift := lag/64, lag%64
	y, yv = y[word:], yv[word:]
	var both, ofX, ofY, n int
	for i := range len(y) - 1 {
		ys := y[i]>>shift | y[i+1]<<1<<(63-shift)
		vs := yv[i]>>shift | yv[i+1]<<1<<(63-shift)
		both += bits.OnesCount64(x[i] & ys)
		ofX += bits.OnesCount64(x[i] & vs)
		ofY += bits.OnesCount64(xv[i] & ys)
		n += bits.OnesCount64(xv[i] & vs)
	}
	g := tr.gamma
	sum := float64(both) - g*float64(ofX+ofY) + g*g*float64(n)
	return sum / (g * (1 - g) * math.Sqrt(float64(n)))
}

func TestStatistics(t *testing.T) {
	for _, c := range []struct {
		p     float64
		block int
		shape Shape
	}{
		{0.1, 7, NCHW(16, 2048, 14, 14)}, // γ = 0.0063
		{0.1, 3, NCHW(16, 512, 28, 28)},  // γ = 0.0129
		{0.1, 1, NCHW(16, 1024, 14, 14)}, // a residual behind a head
		{0.3, 1, NCHW(16, 1024, 14, 14)},
		{0.5, 1, NCHW(16, 1024, 14, 14)}, // a head alone
	} {
		t.Run(fmt.Sprintf("p=%v,b=%d", c.p, c.block), func(t *testing.T) {
			tr := layerTrial(t, Config{DropProb: c.p, Block: Square(c.block)}, c.shape)
			s := tr.run()
			score, spread, where := s.worst()
			t.Log(where)
			if score > maxScore || spread > maxSpread {
				t.Errorf("want scores below %v and spreads below %v", maxScore, maxSpread)
			}
		})
	}
}

// The statistics see what is not random enough: fewer rounds of Philox, from
// the same counters and keys, and seeds that have something to do with those
// of the plane before.
func TestStatisticsPower(t *testing.T) {
	shape := NCHW(4, 512, 14, 14)
	half := layerTrial(t, Config{DropProb: 0.5, Block: Square(1)}, shape)
	draw := half.draw

	reduced := func(rounds int) func(at stream) []uint64 {
		return func(at stream) []uint64 {
			words := make([]uint64, bitstring.Words(shape.Len())+1)
			sample := shape.Len() / shape.N()
			key := NewKey(at.seed, at.layer, at.step)
			for n := range shape.N() {
				for from := 0; from < sample; from += chunkLen {
					ctr := chunkCounter(domainHead, from/chunkLen, at.sample+uint64(n))
					for i, one := range reference.HeadBits(rounds, min(sample-from, chunkLen), 0, key, ctr) {
						if bit := n*sample + from + i; one {
							words[bit>>6] |= 1 << (bit & 63)
						}
					}
				}
			}
			return words
		}
	}
	at := stream{seed: 1, layer: 2, step: 3, sample: 4}
	require.True(t, slices.Equal(draw(at), reduced(reference.Rounds)(at)), "10 rounds are not the layer's seeds")

	for _, rounds := range []int{2, 4, 5} {
		t.Run(fmt.Sprintf("rounds=%d", rounds), func(t *testing.T) {
			half.draw = reduced(rounds)
			score, spread, where := half.run().worst()
			t.Log(where)
			if score < 2*maxScore || spread < 2*maxSpread {
				t.Errorf("passes, or nearly so")
			}
		})
	}

	t.Run("echo", func(t *testing.T) {
		// A seed in 64 has another one at its place in the next plane.
		sparse := layerTrial(t, Config{DropProb: 0.1, Block: Square(7)}, NCHW(16, 2048, 14, 14))
		draw := sparse.draw
		sparse.draw = func(at stream) []uint64 {
			x := draw(at)
			var echo []int
			eachOne(x, func(bit int) {
				if next := bit + 14*14; bit/64%64 == 0 && next < sparse.shape.Len() {
					echo = append(echo, next)
				}
			})
			for _, bit := range echo {
				x[bit>>6] |= 1 << (bit & 63)
			}
			return x
		}
		score, spread, where := sparse.run().worst()
		t.Log(where)
		if score < 2*maxScore || spread < 2*maxSpread {
			t.Errorf("passes, or nearly so")
		}
	})
}
