package pool

import (
	"runtime"
	"sync"
)

// Free is a free list of values that are costly to make, safe for concurrent use. It is a
// [sync.Pool], which takes no lock, whose values survive garbage collections: the
// collector empties such a pool, and programs that allocate between two steps of training
// would allocate in each step. A finalizer puts a value back that was dropped.
type Free[T any] struct {
	// New makes a value.
	New func() *T
	// Keep reports whether a value that the collector has dropped is put back: not one
	// that holds much memory.
	Keep func(*T) bool

	values sync.Pool
}

// Get returns a value that was put back, or a new one.
func (f *Free[T]) Get() *T {
	if v := f.values.Get(); v != nil {
		return v.(*T)
	}
	v := f.New()
	runtime.SetFinalizer(v, f.revive)
	return v
}

// Put puts a value back, which must not be used any more.
func (f *Free[T]) Put(v *T) { f.values.Put(v) }

func (f *Free[T]) revive(v *T) {
	if f.Keep(v) {
		runtime.SetFinalizer(v, f.revive)
		f.values.Put(v)
	}
}
