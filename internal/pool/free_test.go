package pool

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type buffer struct {
	words []uint64
	large bool
}

// TestFree has values outlive collections, but for large ones.
func TestFree(t *testing.T) {
	var made atomic.Int32
	f := Free[buffer]{
		New:  func() *buffer { made.Add(1); return &buffer{words: make([]uint64, 100)} },
		Keep: func(b *buffer) bool { return !b.large },
	}
	collect := func() {
		for range 3 { // a finalizer runs after the second that finds no use
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}
	use := func() {
		b := f.Get()
		require.Len(t, b.words, 100)
		f.Put(b)
	}
	for range 100 {
		use()
		collect()
	}
	// A value may stay where only another CPU finds it, until each has one.
	require.LessOrEqual(t, made.Load(), int32(runtime.GOMAXPROCS(0)+1))

	g := Free[buffer]{New: func() *buffer { made.Add(1); return &buffer{large: true} }, Keep: f.Keep}
	g.Put(g.Get())
	before := made.Load()
	collect()
	collect()
	g.Get()
	require.Equal(t, before+1, made.Load())
}
