package dropblock

import "testing"

// TestBorder holds the steps of clipped blocks to painting them, whichever would be chosen,
// on planes that are a part of a chunk and larger than one, for a last chunk that is not
// whole, and for several workers.
func TestBorder(t *testing.T) {
	manyWorkers(t)
	eachISA(t, func(t *testing.T, k isa) {
		var b border
		var task borderTask
		for i, s := range []Shape{
			NCHW(1, 1, 1, 9), NCHW(3, 1, 9, 1), NCHW(2, 9, 7, 7), NCHW(3, 211, 7, 7), NCHW(2, 67, 14, 14), NCHW(1, 50, 8, 8),
			NCHW(2, 5, 13, 11), NCHW(1, 3, 31, 70), NCHW(2, 70, 17, 23), NCHW(1, 5, 64, 64), NCHW(1, 2, 3, 300), NCHW(1, 2, 130, 66),
		} {
			for _, block := range []Block{Square(2), Square(3), Square(4), Square(5), Square(7), Rect(1, 6), Rect(9, 1), Rect(8, 3), Rect(16, 65), Square(300)} {
				for _, even := range []Even{EvenBefore, EvenAfter} {
					cfg := Config{Block: block, Even: even, Region: RegionFull}
					g := cfg.geometry(s)
					if !g.full { // a block of one cell
						continue
					}
					if b.set(&g); len(b.steps) == 0 {
						t.Fatalf("%v, block %v: no steps", s, block)
					}
					n := s.Len()
					seeds := mixedWords(wordsLen(n), uint64(i))
					seeds[len(seeds)-1] &= ones(n - 64*(len(seeds)-1))
					if i%2 == 0 {
						for j := range seeds {
							seeds[j] &= 1<<(j%64) | 1<<(j*7%64)
						}
					}
					want := make([]uint64, len(seeds)+paintWords)
					g.paint(want, seeds)
					want = want[:len(seeds)]
					kept := k.keepCalls(want, append([]uint64{0}, want...), 0)
					for _, workers := range []int{1, 5} {
						got := make([]uint64, len(seeds))
						if n := task.run(k, &b, got, seeds, workers); n != kept {
							t.Fatalf("%v, block %v, %v, %d workers: kept is %d, want %d", s, block, even, workers, n, kept)
						}
						if err := sameWords(got, want); err != nil {
							t.Fatalf("%v, block %v, %v, %d workers: %v", s, block, even, workers, err)
						}
					}
				}
			}
		}
	})
}

// TestBorderWins has seeds that are few painted, and planes with too large a period.
func TestBorderWins(t *testing.T) {
	for _, c := range []struct {
		h, w, seeds, words int
		want               bool
	}{
		{14, 14, 10000, 25088, true}, {14, 14, 0, 1 << 20, false}, {1001, 1001, 1 << 20, 1 << 20, false},
	} {
		cfg := Config{Block: Square(7), Region: RegionFull}
		g := cfg.geometry(NCHW(1, 1, c.h, c.w))
		var b border
		b.set(&g)
		if got := b.wins(isaGeneric, c.seeds, c.words); got != c.want {
			t.Errorf("%dx%d, %d seeds, %d words: %v, want %v", c.h, c.w, c.seeds, c.words, got, c.want)
		}
	}
}
