package pool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func manyWorkers(t *testing.T) {
	size, procs := workerLen, runtime.GOMAXPROCS(8)
	workerLen = 1 << 10
	t.Cleanup(func() {
		workerLen = size
		runtime.GOMAXPROCS(procs)
	})
}

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
