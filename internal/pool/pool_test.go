package pool

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manyCPUs has tasks shared among goroutines, however few CPUs there are.
func manyCPUs(t *testing.T) {
	procs := runtime.GOMAXPROCS(8)
	t.Cleanup(func() { runtime.GOMAXPROCS(procs) })
}

// requireEnd waits for the workers to end.
func requireEnd(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		return shared.alive == 0 && shared.idle == 0 && len(shared.teams) == 0 && shared.open.Load() == 0
	}, time.Minute, lingerTime)
}

// meeting is a task whose first and last part wait for each other, so that two
// goroutines have to run them: if there is one worker, it runs the last part.
type meeting struct {
	Team
	met         chan struct{} // unbuffered
	first, last func()        // the end of these parts, if not nil
}

func (m *meeting) Part(i, parts int) {
	switch i {
	case 0:
		<-m.met
		if m.first != nil {
			m.first()
		}
	case parts - 1:
		m.met <- struct{}{}
		if m.last != nil {
			m.last()
		}
	}
}

// TestRun has workers take parts while the caller runs one, and end when there are no
// more teams.
func TestRun(t *testing.T) {
	manyCPUs(t)
	for _, parts := range []int{2, 3, 100} {
		for _, workers := range []int{2, 16} {
			m := &meeting{met: make(chan struct{})}
			m.Run(m, parts, workers)
		}
	}
	requireEnd(t)
}

// TestRunPanic has the panic of a part arrive at the caller after the last worker has
// left, and the team and the pool run the next task.
func TestRunPanic(t *testing.T) {
	manyCPUs(t)
	for range 100 {
		var running atomic.Bool
		m := &meeting{met: make(chan struct{})}
		m.first = func() { panic(io.ErrNoProgress) }
		m.last = func() {
			running.Store(true)
			for range 100 {
				runtime.Gosched()
			}
			running.Store(false)
		}
		require.PanicsWithValue(t, io.ErrNoProgress, func() { m.Run(m, 3, 2) })
		require.False(t, running.Load())

		m.first, m.last = nil, m.first
		func() {
			defer func() {
				err, _ := recover().(error)
				require.ErrorIs(t, err, io.ErrNoProgress)
				require.Contains(t, err.Error(), "TestRunPanic", "the worker's stack")
			}()
			m.Run(m, 3, 2)
			t.Error("Run returned")
		}()

		m.last = func() { panic("no error") }
		func() {
			defer func() {
				err, _ := recover().(error)
				require.ErrorContains(t, err, "no error")
				require.NoError(t, errors.Unwrap(err))
			}()
			m.Run(m, 3, 2)
			t.Error("Run returned")
		}()

		m.last = nil
		m.Run(m, 3, 2)
	}
	requireEnd(t)
}

// counting counts how often each part is run.
type counting struct {
	Team
	times [40]atomic.Int32
}

func (c *counting) Part(i, parts int) {
	c.times[i].Add(1)
	if i%3 == 0 {
		runtime.Gosched()
	}
}

// TestTeams has every part run once, whoever wants workers meanwhile, and with none.
func TestTeams(t *testing.T) {
	for _, procs := range []int{1, 8} {
		manyCPUs(t)
		runtime.GOMAXPROCS(procs)
		var callers sync.WaitGroup
		for caller := range 6 {
			callers.Go(func() {
				var c counting
				parts := len(c.times) - caller
				for run := range int32(200) {
					c.Run(&c, parts, 1+caller)
					for i := range c.times {
						if n := c.times[i].Load(); i < parts && n != run+1 || i >= parts && n != 0 {
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

// TestRunAllocs holds Run to no allocation, the few apart that the runtime makes to start
// goroutines and to have them wait. testing.AllocsPerRun would run it on one CPU, alone.
func TestRunAllocs(t *testing.T) {
	manyCPUs(t)
	runtime.GOMAXPROCS(2)
	var c counting
	one := func() { c.Run(&c, len(c.times), 8) }
	for range 100 {
		one()
	}
	const runs = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		one()
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.Mallocs-before.Mallocs, uint64(runs/2), "allocations in %d runs", runs)
}
