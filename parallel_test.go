package dropblock

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
	"github.com/dropblock-go/dropblock/internal/sanitize"
	"github.com/stretchr/testify/require"
)

type parallelCase struct {
	shape        Shape
	cfg          Config
	draws, grows bool // by several goroutines
}

// parallelCases are samples that begin with a word and samples that do not, one
// sample alone, blocks that are stamped, dilated over long halos and painted, a
// dense head, and shared masks.
var parallelCases = []parallelCase{
	{NCHW(16, 64, 14, 14), Config{DropProb: .1, Block: Square(7)}, true, false},
	{NCHW(131, 31, 13, 11), Config{DropProb: .05, Block: Square(5)}, true, false},
	{NCHW(512, 1, 8, 8), Config{DropProb: .05, Block: Square(3)}, true, false},
	{NCHW(256, 1, 8, 16), Config{DropProb: .05, Block: Square(3)}, true, false},
	{NCHW(1024, 1, 6, 5), Config{DropProb: .05, Block: Square(4)}, true, false},
	{NCHW(64, 3, 40, 40), Config{DropProb: .05, Block: Square(9)}, true, false},
	{NCHW(16, 192, 7, 7), Config{DropProb: .2, Block: Square(3)}, true, true},
	{NCHW(131, 47, 13, 11), Config{DropProb: .3, Block: Square(2)}, true, true},
	{NCHW(1, 17, 97, 101), Config{DropProb: .1, Block: Square(7)}, true, true},
	{NCHW(2, 3, 301, 303), Config{DropProb: .1, Block: Rect(20, 3)}, true, true},
	{NCHW(3, 64, 28, 28), Config{DropProb: .1, Block: Square(1)}, true, true},
	{NCHW(3, 64, 28, 28), Config{DropProb: .5, Block: Square(1)}, true, true},
	{NCHW(8, 24, 28, 28), Config{DropProb: .1, Block: Square(5), Region: RegionFull}, true, true},
	{NCHW(160, 64, 14, 14), Config{DropProb: .1, Block: Square(7), Share: ShareChannels}, true, false},
	{NCHW(4, 3, 190, 190), Config{DropProb: .1, Block: Square(7), Share: ShareChannels}, true, true},
	// Samples of several chunks.
	{NCHW(2, 60, 40, 40), Config{DropProb: .1, Block: Square(7)}, true, false},
	{NCHW(1, 45, 60, 61), Config{DropProb: .3, Block: Square(2)}, true, true},
	{NCHW(2, 7, 99, 101), Config{DropProb: .1, Block: Square(1)}, true, true},
	{NCHW(1, 32, 64, 64), Config{DropProb: .5, Block: Square(1)}, true, true},
	{NCHW(16, 64, 14, 14), Config{DropProb: 1, Block: Square(1)}, true, true},
	{NCHW(16, 64, 14, 14), Config{DropProb: 0, Block: Square(1)}, false, false},
}

// manyWorkers has small shapes shared among goroutines, however few CPUs there are.
func manyWorkers(t *testing.T) {
	size, procs := workerLen, runtime.GOMAXPROCS(8)
	workerLen = 1 << 10
	t.Cleanup(func() {
		workerLen = size
		runtime.GOMAXPROCS(procs)
	})
}

// TestApplyNothing has the identity, in place, not shared among workers.
func TestApplyNothing(t *testing.T) {
	manyWorkers(t)
	var m Mask
	m.Identity(NCHW(8, 16, 32, 32))
	x, y := make([]float32, m.size), make([]float32, m.size)
	shared := 0
	before := jobs
	defer func() { jobs = before }()
	jobs = &pool.Free[job]{New: func() *job { shared++; return before.New() }, Keep: before.Keep}
	Apply(x, x, &m)
	require.Zero(t, shared)
	Apply(y, x, &m)
	require.Equal(t, 1, shared)
}

// TestBubble has a call in a bubble of testing/synctest leave nothing there that serves
// calls outside, for which the bubble would wait.
func TestBubble(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // A call uses one worker beside the caller.
	layer, err := New(Config{DropProb: .1, Block: Square(7)})
	require.NoError(t, err)
	s := NCHW(8, 64, 56, 56)
	var m Mask
	layer.Sample(&m, s, 0)
	x := make([]float32, s.Len())
	const limit = 5 * time.Second
	var stop atomic.Bool
	var outside, running sync.WaitGroup
	starts := make(chan struct{})
	for range 4 { // so many that a worker always finds a call to serve
		running.Add(1)
		outside.Go(func() {
			x := make([]float32, s.Len())
			<-starts
			Apply(x, x, &m)
			running.Done()
			for begin := time.Now(); !stop.Load() && time.Since(begin) < limit; {
				Apply(x, x, &m)
			}
		})
	}
	begin := time.Now()
	synctest.Test(t, func(t *testing.T) {
		Apply(x, x, &m)
		close(starts)
		running.Wait()
		synctest.Wait()
	})
	took := time.Since(begin)
	stop.Store(true)
	outside.Wait()
	require.Less(t, took, limit)
}

// oneScratch has the calls of a test, one after the other, use one scratch. A sync.Pool may
// lose what was put: to a collection, to the processor that ran the goroutine before, and by
// chance with the race detector.
func oneScratch(t *testing.T) *scratch {
	sc := newScratch()
	before := scratches
	scratches = &pool.Free[scratch]{New: func() *scratch {
		runtime.SetFinalizer(sc, nil) // Get sets it again.
		return sc
	}, Keep: before.Keep}
	t.Cleanup(func() { scratches = before })
	return sc
}

// TestWorkers holds masks and outputs of many workers to those of one.
func TestWorkers(t *testing.T) {
	manyWorkers(t)
	for _, c := range parallelCases {
		for _, kernels := range KernelSets() {
			t.Run(fmt.Sprintf("%v-p%v-b%v-%v-%v/impl=%v", c.shape, c.cfg.DropProb, c.cfg.Block, c.cfg.Region, c.cfg.Share, kernels), func(t *testing.T) {
				cfg := c.cfg
				cfg.Kernels = kernels
				n := c.shape.Len()
				x := make([]float32, n)
				for i := range x {
					x[i] = float32(i%8191) - 4095.5
				}
				var wantMask Mask
				want, got := make([]float32, n), make([]float32, n)
				wantBools, gotBools := make([]bool, n), make([]bool, n)
				for _, workers := range []int{1, 2, 3, 16} {
					cfg.Workers = workers
					layer, err := New(cfg)
					require.NoError(t, err)
					var m Mask
					sc := oneScratch(t)
					for step := range 3 { // the second and third reuse what the first made
						layer.Sample(&m, c.shape, step)
					}
					if workers == 1 {
						layer.Sample(&wantMask, c.shape, 2)
						Apply(want, x, &wantMask)
						KeepTo(wantBools, &wantMask)
						continue
					}
					require.Equal(t, c.draws, len(sc.draw.others) > 0, "drawn by several goroutines")
					require.Equal(t, c.grows, len(sc.shift.parts) > 1 || len(sc.border.parts) > 1, "grown by several goroutines")
					pass(t, sameWords(m.Words(), wantMask.Words()))
					require.Equal(t, wantMask.Kept(), m.Kept(), workers)
					require.Equal(t, wantMask.SeedCount(), m.SeedCount(), workers)
					Apply(got, x, &m)
					require.True(t, slices.Equal(want, got), workers)
					KeepTo(gotBools, &m)
					require.True(t, slices.Equal(wantBools, gotBools), workers)

					// The parts write every element once.
					inPlace, times := slices.Clone(x), make([]int, n)
					for part := range workers {
						for i := range got {
							got[i] = -1e9
						}
						ApplyPart(got, x, &m, part, workers)
						for i, v := range got {
							if v == -1e9 {
								continue
							}
							if times[i]++; v != want[i] {
								t.Fatalf("part %d of %d: element %d is %v, want %v", part, workers, i, v, want[i])
							}
						}
						ApplyPart(inPlace, inPlace, &m, part, workers)
					}
					require.False(t, slices.ContainsFunc(times, func(n int) bool { return n != 1 }), workers)
					require.True(t, slices.Equal(want, inPlace), workers)
				}
			})
		}
	}
}

// stale makes words that hold what has to be overwritten.
func stale(n int) []uint64 {
	words := make([]uint64, n)
	for i := range words {
		words[i] = 0x5555555555555555 << (i % 2)
	}
	return words
}

// TestDrawParts holds parts that are drawn in both orders to the batch drawn at once:
// none may write to another one's words.
func TestDrawParts(t *testing.T) {
	cases := slices.Clone(parallelCases)
	for _, p := range []float64{.1, .5} { // of samples shorter than what a stamp touches, or than a word
		for _, s := range []Shape{NCHW(40, 1, 6, 5), NCHW(70, 1, 1, 1), NCHW(99, 1, 3, 3)} {
			cases = append(cases, parallelCase{shape: s, cfg: Config{DropProb: p, Block: Square(2)}})
		}
	}
	for _, c := range cases {
		for _, kernels := range KernelSets() {
			c.cfg.Kernels, c.cfg.Workers = kernels, 1
			layer, err := New(c.cfg)
			require.NoError(t, err)
			p := layer.plan(c.shape, nil)
			if p.rate.sampler.gamma == 0 { // nothing is drawn
				continue
			}
			samples := layer.cfg.maskShape(c.shape).n
			key := NewKey(1, 2, 3)
			n := bitstring.Words(samples * p.places.sampleBits)
			want := stale(n + spareWords)
			sc := newScratch()
			sc.draw.first.begin(&p.places, &p.rate, layer.isa, key, 7, 1)
			seeds, dropped := sc.drawSeeds(want, samples, 1)
			chunks := samples * p.places.chunks
			for _, parts := range []int{2, 3, 4, 5, 7, 8, 16, 33, 70, chunks} {
				if parts > min(chunks, 99) {
					continue
				}
				for _, back := range []bool{false, true} {
					got := stale(n + spareWords)
					before := slices.Clone(got)
					task := &newScratch().draw
					task.first.begin(&p.places, &p.rate, layer.isa, key, 7, 1)
					task.begin(got, chunks, parts)
					for i := range parts {
						if back {
							i = parts - 1 - i
						}
						task.Part(i, parts)
						from, _ := p.places.begin(pool.Share(chunks, 1, i, parts))
						to, _ := p.places.begin(pool.Share(chunks, 1, i+1, parts))
						if i == parts-1 {
							to = len(got)
						}
						require.True(t, slices.Equal(before[:from], got[:from]) && slices.Equal(before[to:], got[to:]),
							"%v %v: part %d of %d writes to others' words", c.shape, kernels, i, parts)
						copy(before[from:to], got[from:to])
					}
					gotSeeds, gotDropped := task.end(parts)
					require.True(t, slices.Equal(want[:n], got[:n]), "%v %v, %d parts, %v", c.shape, kernels, parts, back)
					require.Equal(t, [2]int{seeds, dropped}, [2]int{gotSeeds, gotDropped})
				}
			}
		}
	}
}

// TestWorkersAllocs holds calls with several workers to no allocation, apart from the
// few that the runtime makes to start goroutines and to have them wait: after some calls
// most do without any. How many it takes is left to chance, as each CPU keeps scratch of
// its own. testing.AllocsPerRun would run them on one CPU, and so with one worker.
func TestWorkersAllocs(t *testing.T) {
	if sanitize.Enabled {
		t.Skip("the sanitizers' hooks make buffers escape")
	}
	manyWorkers(t)
	runtime.GOMAXPROCS(3)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
	for _, c := range parallelCases {
		layer, err := New(c.cfg)
		require.NoError(t, err)
		oneScratch(t)
		var m Mask
		x := make([]float32, c.shape.Len())
		step := 0
		const runs, tries = 20, 50
		allocs := func() uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range runs {
				layer.Sample(&m, c.shape, step)
				Apply(x, x, &m)
				step++
			}
			runtime.ReadMemStats(&after)
			return after.Mallocs - before.Mallocs
		}
		least := allocs()
		for try := 1; try < tries && least >= runs/2; try++ {
			least = min(least, allocs())
		}
		require.Less(t, least, uint64(runs/2), "%v %+v: allocations of %d calls", c.shape, c.cfg, runs)
	}
}

func TestApplyPartPanics(t *testing.T) {
	layer, err := New(Config{DropProb: .1, Block: Square(1)})
	require.NoError(t, err)
	var m Mask
	layer.Sample(&m, NCHW(1, 1, 4, 4), 0)
	x, y := make([]float32, 16), make([]float32, 16)
	for _, p := range [][2]int{{-1, 2}, {2, 2}, {0, 0}, {1, -1}} {
		require.PanicsWithValue(t, fmt.Sprintf("dropblock: ApplyPart: part is %d of %d, want 0 or more and less than the parts", p[0], p[1]),
			func() { ApplyPart(y, x, &m, p[0], p[1]) })
	}
	require.Panics(t, func() { ApplyPart(y[1:], x, &m, 0, 1) })
	require.Panics(t, func() { ApplyPart(y, x, new(Mask), 0, 1) })
	require.Equal(t, make([]float32, 16), y)
	_, err = New(Config{Block: Square(1), Workers: -1})
	require.ErrorContains(t, err, "Workers is -1")
}
