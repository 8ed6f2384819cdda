package dropblock

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
)

// TestMain has the garbage collector wait for more than 4 MiB, which would take a third
// of the time, and for less than what a test of a whole sample's bits leaves.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1600)
	debug.SetMemoryLimit(1 << 29)
	m.Run()
}

// A sweep goes through the cases of a kernel, each with its slices in other
// places, and returns an error at the first one in which the kernel differs
// from its reference, writes outside its destination or touches a page outside
// its slices.
func sweep[C any](cases iter.Seq[C], check func(c *C) error) error {
	var c C
	var err error
	fault := guard.Fault(func() {
		for c = range cases {
			if err = check(&c); err != nil {
				return
			}
		}
	})
	if err = errors.Join(err, fault); err != nil {
		return fmt.Errorf("%+v: %w", c, err)
	}
	return nil
}

// eachISA runs a test for every instruction set, those that are not available
// being skipped.
func eachISA(t *testing.T, f func(t *testing.T, k isa)) {
	for i, name := range isaOptions.names {
		k := isa(i)
		if k == isaAuto {
			continue
		}
		t.Run("impl="+name, func(t *testing.T) {
			if !slices.Contains(available, KernelSet{k}) {
				t.Skipf("not among the sets available, %v", available)
			}
			f(t, k)
		})
	}
}

func pass(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An arena has a buffer for each of a kernel's pointers, if possible between
// pages that fault.
type arena [4]*guard.Buffer

// newArena returns buffers for slices of up to size bytes in all layouts.
func newArena(t testing.TB, size int) *arena {
	a := new(arena)
	for i := range a {
		b, free, err := guard.Pages(size + 2*guard.Margin + guard.Align)
		if errors.Is(err, errors.ErrUnsupported) {
			b = guard.Heap(size + guard.Align)
		} else if err != nil {
			t.Fatal(err)
		} else {
			t.Cleanup(func() {
				if err := free(); err != nil {
					t.Error(err)
				}
			})
		}
		a[i] = b
	}
	return a
}

// A layout says where the slices of a case lie: so many bytes from the front
// or from the back of their buffers or, in the middle, after a multiple of 64.
type layout [len(arena{})]spot

type spot struct {
	side side
	skip int
}

type side string

const (
	front  side = "front"
	back   side = "back"
	middle side = "middle"
)

func lay[E any](a *arena, at *layout, i, n int) []E {
	switch s := at[i]; s.side {
	case front:
		return guard.Front[E](a[i], s.skip, n)
	case back:
		return guard.Back[E](a[i], s.skip, n)
	default:
		return guard.Middle[E](a[i], s.skip, n)
	}
}

// middles are the layouts in which the first slice begins at every multiple of
// dst bytes within 64, and the second one at every multiple of src.
func middles(dst, src int) (all []layout) {
	for d := 0; d < 64; d += dst {
		for s := 0; s < 64; s += src {
			other := spot{middle, (d/dst + s/src) % 8 * 8}
			all = append(all, layout{{middle, d}, {middle, s}, other, other})
		}
	}
	return all
}

// edges are the layouts in which slices lie at the ends of their buffers: all
// against one page, skipping 0, 1, … times unit bytes there, and in all other
// ways against both.
func edges(unit [2]int, skips int) (all []layout) {
	sides := []side{front, back}
	for i := range skips {
		for _, s := range sides {
			other := spot{s, 8 * i}
			all = append(all, layout{{s, i * unit[0]}, {s, i * unit[1]}, other, other})
		}
	}
	for mixed := 1; mixed < 7; mixed++ {
		var at layout
		for i := range at {
			at[i].side = sides[mixed>>(i%3)&1]
		}
		all = append(all, at)
	}
	return all
}

// turns picks few of the layouts, others for every n.
func turns(all []layout, n, few int) iter.Seq[layout] {
	return func(yield func(layout) bool) {
		few = min(few, len(all))
		for i := range few {
			if !yield(all[(n*few+i)%len(all)]) {
				return
			}
		}
	}
}

const every = math.MaxInt32 // of the layouts

// brief sweeps leave cases out. The race detector makes them far slower.
func brief() bool { return guard.Race || testing.Short() }

// lengths are all up to limit or, in brief, some.
func lengths(limit int) iter.Seq[int] {
	if brief() {
		return someLengths(limit)
	}
	return func(yield func(int) bool) {
		for n := 0; n <= limit && yield(n); n++ {
		}
	}
}

// someLengths are those up to limit that are short or about whole vectors, and a few more.
func someLengths(limit int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := 0; n <= limit; n++ {
			if (n <= 40 || n%64 <= 1 || n%61 == 0) && !yield(n) {
				return
			}
		}
	}
}

// unchanged returns an error if a source is not what it was.
func unchanged[E any](what string, got, was []E) error {
	if !bytes.Equal(guard.Bytes(got), guard.Bytes(was)) {
		return errors.New(what + " is changed")
	}
	return nil
}

func sameWords[E uint32 | uint64](got, want []E) error {
	if slices.Equal(got, want) {
		return nil
	}
	for i, w := range want {
		if got[i] != w {
			return fmt.Errorf("word %d of %d is %#x, want %#x", i, len(want), got[i], w)
		}
	}
	return nil
}

// mixedWords are words with runs of every kind: sparse, dense, all the same.
func mixedWords(n int, seed uint64) []uint64 {
	r := rand.New(rand.NewPCG(seed, 0))
	words := make([]uint64, n)
	kind := 0
	for i := range words {
		if r.IntN(5) == 0 {
			kind = r.IntN(5)
		}
		switch kind {
		case 0:
			words[i] = 0
		case 1:
			words[i] = ^uint64(0)
		case 2:
			words[i] = 1 << r.IntN(64)
		case 3:
			words[i] = r.Uint64() & r.Uint64() & r.Uint64()
		default:
			words[i] = r.Uint64()
		}
	}
	return words
}
