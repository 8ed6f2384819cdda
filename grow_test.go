package dropblock

import (
	"fmt"
	"testing"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// growWays are the plans for a full region, whichever would be chosen.
func (sc *scratch) growWays(p *plan, k isa, seeds []uint64, planes, workers int, check func(way growth, words []uint64, kept int)) {
	b := newBorder(&p.geometry)
	forced := p.grower
	forced.border, forced.planes = b, newPlaneSteps(&p.geometry, tunings[k].runWords)
	for _, way := range []growth{growBorder, growPlane, growPaint} {
		if way == growBorder && b == nil {
			continue
		}
		buf := stale(1 + len(seeds) + spareWords)[:1+len(seeds)]
		buf[0] = 0
		kept := sc.growSeeds(&forced, k, way, buf, seeds, planes, workers)
		check(way, buf[1:], kept)
	}
}

// TestGrowFull holds all ways to grow clipped blocks to painting them, on planes that are
// a part of what goes through the steps together and larger than that, for a last one that
// is not whole, and for several workers.
func TestGrowFull(t *testing.T) {
	manyWorkers(t)
	eachISA(t, func(t *testing.T, k isa) {
		for i, s := range []Shape{
			NCHW(1, 1, 1, 9), NCHW(3, 1, 9, 1), NCHW(2, 9, 7, 7), NCHW(3, 211, 7, 7), NCHW(2, 67, 14, 14), NCHW(1, 50, 8, 8),
			NCHW(2, 5, 13, 11), NCHW(1, 3, 31, 70), NCHW(2, 70, 17, 23), NCHW(1, 5, 64, 64), NCHW(1, 2, 3, 300), NCHW(1, 2, 130, 66),
			NCHW(1, 3, 65, 65), NCHW(1, 1, 1, 70000), NCHW(3, 2, 1, 5001), NCHW(1, 3, 5001, 1), NCHW(2, 1, 131, 129),
			NCDHW(2, 3, 5, 7, 9), NCDHW(1, 2, 9, 31, 33), NDHWC(2, 5, 7, 9, 3), NDHWC(1, 9, 5, 17, 33), NHWC(2, 14, 14, 5), NHWC(2, 65, 65, 3), NWC(3, 101, 7),
		} {
			for turn, block := range []Block{Square(2), Square(3), Square(4), Square(5), Square(7), Rect(1, 6), Rect(9, 1), Rect(8, 3), Rect(16, 65), Square(70), Square(300), Cuboid(3, 1, 64)} {
				for _, even := range []Even{EvenBefore, EvenAfter} {
					if guard.Race && (i+turn+int(even))%4 > 0 {
						continue
					}
					cfg := Config{Block: block, Even: even, Region: RegionFull}
					set := settings{cfg: cfg, isa: k}
					p := set.newPlan(s, nil)
					g := &p.geometry
					if !g.full { // a block of one cell
						continue
					}
					n := s.Len()
					seeds := mixedWords(bitstring.Words(n), uint64(i))
					seeds[len(seeds)-1] &= bitstring.Low(n - 64*(len(seeds)-1))
					if i%2 == 0 {
						for j := range seeds {
							seeds[j] &= 1<<(j%64) | 1<<(j*7%64)
							if j%3 > 0 {
								seeds[j] = 0
							}
						}
					}
					want := make([]uint64, len(seeds)+spareWords)
					(&painter{locator: g.locator()}).paint(want, seeds)
					want = want[:len(seeds)]
					kept := k.keepCalls(want, append([]uint64{0}, want...), 0)
					for _, workers := range []int{1, 5} {
						sc := newScratch()
						for range 2 { // the second time with buffers that were used
							sc.growWays(p, k, seeds, s.n*g.planes, workers, func(way growth, got []uint64, n int) {
								name := fmt.Sprintf("%v, block %v, %v, way %d, %d workers", s, block, even, way, workers)
								if err := sameWords(got, want); err != nil {
									t.Fatalf("%s: %v", name, err)
								}
								if n != kept {
									t.Fatalf("%s: kept is %d, want %d", name, n, kept)
								}
							})
						}
					}
				}
			}
		}
	})
}

// TestGrowth has few seeds painted, small planes take masked steps, and planes of a long
// period go one by one.
func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		h, w    int
		block   Block
		density float64
		want    growth
	}{
		{14, 14, Square(7), .01, growBorder}, {14, 14, Square(7), 0, growPaint},
		{1001, 1001, Square(7), .1, growPlane}, {1001, 1001, Square(7), 1e-5, growPaint}, {1001, 1001, Square(1001), 1e-3, growPlane},
	} {
		set := settings{cfg: Config{Block: c.block, Region: RegionFull, DropProb: .1}, isa: isaGeneric}
		p := set.newPlan(NCHW(1, 1, c.h, c.w), nil)
		if got := p.growth(isaGeneric, c.density, false); got != c.want {
			t.Errorf("%dx%d, block %v, density %v: %v, want %v", c.h, c.w, c.block, c.density, got, c.want)
		}
	}
}

// TestStamp holds the table to the blocks, row by row.
func TestStamp(t *testing.T) {
	for _, s := range []Shape{NCHW(1, 1, 7, 7), NCHW(1, 9, 14, 14), NCHW(1, 1, 9, 70), NCHW(1, 1, 40, 128), NCHW(1, 3, 1, 333)} {
		for _, block := range []Block{Square(2), Square(3), Square(7), Rect(1, 7), Rect(7, 1), Rect(2, 130), Rect(3, 90)} {
			cfg := Config{Block: block}
			g := cfg.geometry(s)
			span := (g.axes[1].block-1)*s.w + g.axes[0].block
			stampable := g.stampable(&tunings[isaGeneric], 1e-9)
			if want := span > 1 && span <= 64*stampWords-63; stampable != want {
				t.Fatalf("shape %v, block %v: stampable %v, want %v", s, block, stampable, want)
			}
			if !stampable {
				continue
			}
			st := newStamps(&g)
			for bit := range st.table {
				for cell := range 64 * stampWords {
					i := cell - bit
					keep := i < 0 || i/s.w >= g.axes[1].block || i%s.w >= g.axes[0].block
					if got := st.table[bit][cell/64]>>(cell%64)&1 != 0; got != keep {
						t.Fatalf("shape %v, block %v: stamp %d keeps cell %d: %v, want %v", s, block, bit, cell, got, keep)
					}
					if !keep && cell >= 64*st.words {
						t.Fatalf("shape %v, block %v: stamp %d has more than %d words", s, block, bit, st.words)
					}
				}
			}
		}
	}
}

// TestDilatePlans holds the steps of blocks on maps of all widths around a word's
// to the reference, whichever kernels take them.
func TestDilatePlans(t *testing.T) {
	const n = 9
	eachISA(t, func(t *testing.T, k isa) {
		sc := newScratch()
		for w := 1; w <= 130; w++ {
			for _, block := range []Block{Rect(1, 1), Rect(2, 1), Rect(3, 1), Rect(5, 1), Rect(9, 1), Rect(1, 2), Rect(1, 9), Rect(1, 64),
				Rect(1, 65), Square(2), Square(3), Square(5), Square(7), Rect(2, 33), Rect(2, 64), Rect(64, 1), Rect(65, 1)} {
				seeds := make([]uint64, n)
				for bit := uint64(w) % 7; bit < 64*n; bit += 5 + bit*bit%61 { // few, so that something is left
					seeds[bit/64] |= 1 << (bit % 64)
				}
				bits := reference.Bits(seeds, 64*n)
				want := reference.Complement(reference.Dilate(reference.Dilate(bits, 1, block.w), w, block.h))

				words := append([]uint64{0}, seeds...)
				plan := newDilation(&geometry{axes: [axes]axis{{stride: 1, block: block.w}, {stride: w, block: block.h}}})
				kept := sc.shift.run(&sc.team, k, plan, tunings[k].near && plan.isNear(), words, 1)
				if err := sameWords(words[1:], reference.Words(want)); err != nil || kept != reference.Count(want) {
					t.Fatalf("width %d, block %v: %v, kept %d, want %d", w, block, err, kept, reference.Count(want))
				}
			}
		}
	})
}
