package pool

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBubbled(t *testing.T) {
	require.False(t, bubbled())
	synctest.Test(t, func(t *testing.T) {
		require.True(t, bubbled())
		time.Sleep(100 * 365 * 24 * time.Hour)
		require.True(t, bubbled())
		go func() { require.True(t, bubbled()) }()
	})
	require.False(t, bubbled())
}

// clocked counts the parts whose clock is not the caller's.
type clocked struct {
	Team
	bubble  bool
	strange atomic.Int32
}

func (c *clocked) Part(i, parts int) {
	if c.bubble != (time.Now().Year() < 2005) {
		c.strange.Add(1)
	}
}

// TestBubbles has calls inside bubbles and outside of them run their own parts alone.
// A worker that belonged to a bubble and served calls outside would keep it from its
// end, as Test and Wait wait for all goroutines of a bubble.
func TestBubbles(t *testing.T) {
	manyCPUs(t)
	const limit = 10 * time.Second
	var stop atomic.Bool
	outside := new(clocked)
	running, ended := make(chan struct{}), make(chan struct{})
	start := func() {
		defer close(ended)
		for i, begin := 0, time.Now(); !stop.Load() && time.Since(begin) < limit; i++ {
			if outside.Run(outside, 40, 8); i == 0 {
				close(running)
			}
		}
	}
	starts := make(chan struct{})
	go func() { <-starts; start() }()
	begin := time.Now()
	for i := range 20 {
		synctest.Test(t, func(t *testing.T) {
			inside := &clocked{bubble: true}
			for range 10 {
				inside.Run(inside, 40, 8)
			}
			if i == 0 { // The first bubble comes before any worker outside.
				close(starts)
				<-running
			}
			synctest.Wait()
			require.Zero(t, inside.strange.Load(), "parts of a bubble were run outside")
		})
	}
	require.Less(t, time.Since(begin), limit, "bubbles waited for calls outside")
	stop.Store(true)
	<-ended
	require.Zero(t, outside.strange.Load(), "parts were run in a bubble")
}
