package dropblock

import (
	"fmt"
	"testing"

	"github.com/dropblock-go/dropblock/fuzz"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// TestKernelStamps holds the stamps to the blocks, cell by cell, of the seeds
// that bernoulliGaps draws with the same words: every number of words that a
// block may touch, calls that stop at the end and calls that go on.
func TestKernelStamps(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) {
		buf, drawnBuf := guard.Heap(1<<20), guard.Heap(4*gapCallLen+guard.Align)
		turn := 0
		for _, s := range []Shape{
			NCHW(1, 1, 7, 7), NCHW(1, 40, 7, 7), NCHW(1, 9, 14, 14), NCHW(1, 3, 28, 28), NCHW(1, 2, 9, 70),
			NCHW(1, 2, 40, 128), NCHW(1, 3, 1, 333), NCHW(1, 5, 100, 40),
		} {
			for _, block := range []Block{Square(2), Square(3), Square(7), Rect(1, 7), Rect(7, 1), Rect(2, 130), Rect(3, 90)} {
				for _, gamma := range []float64{.0005, .002, .01, .2} {
					turn++
					cfg := Config{Block: block}
					g := cfg.geometry(s)
					if err := checkStamps(k, &g, gamma, turn, buf, drawnBuf); err != nil {
						t.Fatalf("shape %v, block %v, gamma %v: %v", s, block, gamma, err)
					}
				}
			}
		}
	})
}

func checkStamps(k isa, g *geometry, gamma float64, turn int, buf, drawnBuf *guard.Buffer) error {
	b, err := NewBernoulli(gamma)
	if err != nil {
		return err
	}
	buildGaps(&b.gaps, fixed64(gamma))
	span := (g.bh-1)*g.w + g.bw
	if span > 64*stampWords-63 {
		return nil
	}
	n := (63 + span + 63) / 64
	var st stamps
	for bit := range 64 {
		for row := range g.bh {
			setRun(st[bit][:], bit+row*g.w, g.bw)
		}
	}

	base := turn * 41 % 200
	grid := g.grid()
	seeds := make([]uint64, wordsLen(base+grid.sampleBits))
	first, word := grid.walk(base, 0)
	words := guard.Middle[uint64](buf, 8*(turn%8), len(seeds)-word+stampWords-1)
	clear(words)
	drawn := guard.Middle[uint32](drawnBuf, 4*(turn%16), 32)
	seedWalk, stampWalk := first, first
	counter := [4]uint32{0, uint32(turn)}
	for seedWalk[walkNext] < seedWalk[walkEnd] {
		copy(drawn, fuzz.PhiloxWords(len(drawn)/4, counter, sweepKey))
		counter[0] += uint32(len(drawn) / 4)
		bernoulliGapsGeneric(seeds[word:], drawn, &b.gaps, &seedWalk)
		k.bernoulliStamps(words, drawn, &b.gaps, &stampWalk, &st, n)
	}
	if seedWalk[walkSeeds] != stampWalk[walkSeeds] {
		return fmt.Errorf("%d seeds, want %d", stampWalk[walkSeeds], seedWalk[walkSeeds])
	}

	want := make([]uint64, len(words))
	for bit := range 64 * len(seeds) {
		if seeds[bit/64]>>(bit%64)&1 == 0 {
			continue
		}
		for row := range g.bh {
			for col := range g.bw {
				cell := bit + row*g.w + col - 64*word
				want[cell/64] |= 1 << (cell % 64)
			}
		}
	}
	if err := sameWords(words, want); err != nil {
		return err
	}
	return guard.Check(buf, words)
}
