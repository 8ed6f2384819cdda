package dropblock

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dropblock-go/dropblock/internal/sanitize"
)

type parallelCase struct {
	shape          Shape
	cfg            Config
	draws, dilates bool // by several goroutines
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

// meeting is a task whose first part lasts until the last one has begun.
type meeting struct {
	team
	met chan struct{}
}

func (m *meeting) part(i, of int) {
	switch i {
	case 0:
		<-m.met
	case of - 1:
		close(m.met)
	}
}

// TestHelpers has helpers take parts while the caller is at one, and end when there
// is nothing left to help with.
func TestHelpers(t *testing.T) {
	manyWorkers(t)
	for _, of := range []int{2, 3, 100} {
		for _, workers := range []int{2, 16} {
			m := &meeting{met: make(chan struct{})}
			m.run(m, of, workers)
		}
	}
	require.Eventually(t, func() bool {
		crew.mu.Lock()
		defer crew.mu.Unlock()
		return crew.alive == 0 && crew.idle == 0 && len(crew.teams) == 0 && crew.open.Load() == 0
	}, time.Minute, lingerTime)
}

// TestHelpersBubble has helpers end where the clock stands still as long as they run.
func TestHelpersBubble(t *testing.T) {
	manyWorkers(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 20 {
			synctest.Test(t, func(t *testing.T) {
				var c counting
				c.run(&c, len(c.times), 4)
			})
			var c counting
			c.run(&c, len(c.times), 4)
		}
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("a helper has not ended")
	}
}

// TestApplyNothing has the identity, in place, call no helpers.
func TestApplyNothing(t *testing.T) {
	manyWorkers(t)
	var m Mask
	m.Identity(NCHW(8, 16, 32, 32))
	x := make([]float32, m.size)
	crew.mu.Lock()
	defer crew.mu.Unlock()
	applied := make(chan struct{})
	go func() {
		defer close(applied)
		Apply(x, x, &m)
	}()
	select {
	case <-applied:
	case <-time.After(10 * time.Second):
		t.Fatal("Apply waits to call helpers")
	}
}

// counting counts how often each part is run.
type counting struct {
	team
	times [40]atomic.Int32
}

func (c *counting) part(i, of int) {
	c.times[i].Add(1)
	if i%3 == 0 {
		runtime.Gosched()
	}
}

// TestTeams has every part run once, whoever calls helpers meanwhile, and with none.
func TestTeams(t *testing.T) {
	for _, procs := range []int{1, 8} {
		manyWorkers(t)
		runtime.GOMAXPROCS(procs)
		var callers sync.WaitGroup
		for caller := range 6 {
			callers.Go(func() {
				var c counting
				of := len(c.times) - caller
				for run := range int32(200) {
					c.run(&c, of, 1+caller)
					for i := range c.times {
						if n := c.times[i].Load(); i < of && n != run+1 || i >= of && n != 0 {
							t.Errorf("caller %d, run %d: part %d was run %d times", caller, run, i, n)
							return
						}
					}
				}
			})
		}
		callers.Wait()
	}
}

// TestWorkers holds masks and outputs of many workers to those of one.
func TestWorkers(t *testing.T) {
	manyWorkers(t)
	for _, c := range parallelCases {
		for _, kernels := range Kernels() {
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
					for step := range 3 { // the second and third reuse what the first made
						layer.Sample(&m, c.shape, step)
					}
					if workers == 1 {
						layer.Sample(&wantMask, c.shape, 2)
						Apply(want, x, &wantMask)
						wantMask.KeepTo(wantBools)
						continue
					}
					require.Equal(t, c.draws, len(m.drawTask.drawings) > 0, "drawn by several goroutines")
					require.Equal(t, c.dilates, len(m.keepTask.parts) > 1 || len(m.borders.parts) > 1, "dilated by several goroutines")
					require.Equal(t, wantMask.Words(), m.Words(), workers)
					require.Equal(t, wantMask.Kept(), m.Kept(), workers)
					require.Equal(t, wantMask.Seeds(), m.Seeds(), workers)
					Apply(got, x, &m)
					require.True(t, slices.Equal(want, got), workers)
					m.KeepTo(gotBools)
					require.True(t, slices.Equal(wantBools, gotBools), workers)

					// The parts write every element once.
					inPlace, times := slices.Clone(x), make([]int, n)
					for part := range workers {
						for i := range got {
							got[i] = -1e9
						}
						ApplyPart(got, x, &m, part, workers)
						for i, v := range got {
							if v != -1e9 {
								times[i]++
								require.Equal(t, want[i], v)
							}
						}
						ApplyPart(inPlace, inPlace, &m, part, workers)
					}
					require.Equal(t, slices.Repeat([]int{1}, n), times)
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
		for _, kernels := range Kernels() {
			c.cfg.Kernels, c.cfg.Workers = kernels, 1
			layer, err := New(c.cfg)
			require.NoError(t, err)
			var m Mask
			layer.Sample(&m, c.shape, 0)
			d, g := &m.drawing, &m.grid
			if d.Bernoulli == nil { // nothing is drawn
				continue
			}
			n := wordsLen(m.bits.N * g.sampleBits)
			want := stale(n + spareWords)
			var whole drawTask
			seeds, dropped := whole.run(d, want, g, m.bits.N, 7, 1)
			pieces := m.bits.N * g.chunks
			for _, of := range []int{2, 3, 4, 5, 7, 8, 16, 33, 70, pieces} {
				if of > min(pieces, 99) {
					continue
				}
				for _, back := range []bool{false, true} {
					got := stale(n + spareWords)
					before := slices.Clone(got)
					var parts drawTask
					d.dropped = 0
					parts.prepare(d, got, g, pieces, 7, of)
					for i := range of {
						if back {
							i = of - 1 - i
						}
						parts.part(i, of)
						from, _ := g.begin(share(pieces, 1, i, of))
						to, _ := g.begin(share(pieces, 1, i+1, of))
						if i == of-1 {
							to = len(got)
						}
						require.True(t, slices.Equal(before[:from], got[:from]) && slices.Equal(before[to:], got[to:]),
							"%v %v: part %d of %d writes to others' words", c.shape, kernels, i, of)
						copy(before[from:to], got[from:to])
					}
					gotSeeds, gotDropped := parts.join(of)
					require.True(t, slices.Equal(want[:n], got[:n]), "%v %v, %d parts, %v", c.shape, kernels, of, back)
					require.Equal(t, [2]int{seeds, dropped}, [2]int{gotSeeds, gotDropped})
				}
			}
		}
	}
}

// TestShare holds the parts of any number to be all of it, in order.
func TestShare(t *testing.T) {
	for _, n := range []int{0, 1, 6, 63, 64, 65, 1000, 1<<31 - 1} {
		for _, unit := range []int{1, 7, 64, 1 << 14} {
			for _, of := range []int{1, 2, 3, 64, 1<<31 - 1} {
				require.Zero(t, share(n, unit, 0, of))
				require.Equal(t, n, share(n, unit, of, of))
				for _, i := range []int{0, of / 3, of / 2, of - 1} {
					from, to := share(n, unit, i, of), share(n, unit, i+1, of)
					require.LessOrEqual(t, from, to)
					require.True(t, from%unit == 0 || from == n)
				}
			}
		}
	}
}

// TestWorkersAllocs holds calls with several workers to no allocation.
func TestWorkersAllocs(t *testing.T) {
	if sanitize.Enabled {
		t.Skip("the sanitizers' hooks make buffers escape")
	}
	manyWorkers(t)
	for _, c := range parallelCases {
		c.cfg.Workers = 3
		layer, err := New(c.cfg)
		require.NoError(t, err)
		var m Mask
		x := make([]float32, c.shape.Len())
		step := 0
		one := func() {
			layer.Sample(&m, c.shape, step)
			Apply(x, x, &m)
			step++
		}
		for range 20 { // what goroutines the runtime keeps for reuse
			one()
		}
		require.Zero(t, testing.AllocsPerRun(20, one), "%v %+v", c.shape, c.cfg)
	}
}

func TestApplyPartPanics(t *testing.T) {
	layer, err := New(Config{DropProb: .1, Block: Square(1)})
	require.NoError(t, err)
	var m Mask
	layer.Sample(&m, NCHW(1, 1, 4, 4), 0)
	x, y := make([]float32, 16), make([]float32, 16)
	for _, p := range [][2]int{{-1, 2}, {2, 2}, {0, 0}, {1, -1}} {
		require.PanicsWithValue(t, "dropblock: ApplyPart: part is not from 0 to of-1",
			func() { ApplyPart(y, x, &m, p[0], p[1]) })
	}
	require.Panics(t, func() { ApplyPart(y[1:], x, &m, 0, 1) })
	require.Panics(t, func() { ApplyPart(y, x, new(Mask), 0, 1) })
	require.Equal(t, make([]float32, 16), y)
	_, err = New(Config{Block: Square(1), Workers: -1})
	require.ErrorContains(t, err, "Workers is -1")
}
