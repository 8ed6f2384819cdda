package fuzz

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
)

// TestMain has the garbage collector wait for more than 4 MiB, which would take
// a third of the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1600)
	m.Run()
}

// An input is what a fuzz target makes of its arguments. Its check computes
// with every kernel set and returns an error where one differs from the
// reference.
type input interface{ check() error }

func fuzzed(t *testing.T, in input) {
	t.Helper()
	if err := in.check(); err != nil {
		t.Fatalf("%v\n%+v", err, in)
	}
}

// kernelSets are those to hold to the references.
var kernelSets = dropblock.KernelSets()

func eachSet(check func(set dropblock.KernelSet) error) error {
	for _, set := range kernelSets {
		if err := check(set); err != nil {
			return fmt.Errorf("impl=%v: %w", set, err)
		}
	}
	return nil
}

var (
	execs = flag.Int("fuzz.n", 2000, "inputs that TestRandom draws for each target")
	seed  = flag.Uint64("fuzz.seed", 1, "seed of TestRandom's inputs")
)

// TestRandom draws inputs for the fuzz targets from a generator: native fuzzing
// finds paths, this makes numbers.
func TestRandom(t *testing.T) {
	for _, target := range []struct {
		name string
		draw func(r *rand.Rand) input
	}{
		{"Philox", randomPhilox},
		{"Bernoulli", randomBernoulli},
		{"Dilate", randomDilate},
		{"Scale", randomScale},
		{"Expand", randomExpand},
		{"Count", randomCount},
		{"Grow", randomGrow},
		{"Forward", randomForward},
		{"MaskBytes", randomMaskBytes},
	} {
		t.Run(target.name, func(t *testing.T) {
			start := time.Now()
			var next atomic.Int64
			var workers sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				workers.Go(func() {
					for !t.Failed() {
						i := next.Add(1) - 1
						if i >= int64(*execs) {
							return
						}
						in := target.draw(rand.New(rand.NewPCG(*seed, uint64(i))))
						if err := recovered(in); err != nil {
							t.Errorf("input %d of -fuzz.seed %d: %v\n%+v", i, *seed, err, in)
						}
					}
				})
			}
			workers.Wait()
			t.Logf("%d inputs, %d kernel sets, %.0f inputs/s", *execs, len(kernelSets),
				float64(*execs)/time.Since(start).Seconds())
		})
	}
}

// recovered is the input's check with a panic as an error, so that the input is
// reported.
func recovered(in input) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return in.check()
}

// sameKeep compares bytes, those of booleans too, of which only 0 and 1 are valid.
func sameKeep(got []uint8, want []bool) error {
	w := guard.Bytes(want)
	if bytes.Equal(got, w) {
		return nil
	}
	for i := range w {
		if got[i] != w[i] {
			return fmt.Errorf("byte %d of %d is %#02x, want %#02x", i, len(w), got[i], w[i])
		}
	}
	return nil
}

func same[E comparable](what string, got, want E) error {
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}

// wordsOf makes n words of the bytes, over and over.
func wordsOf(data []byte, n int) []uint64 {
	words := make([]uint64, n)
	if len(data) == 0 {
		return words
	}
	at := 0
	for i := range words {
		for shift := 0; shift < 64; shift += 8 {
			words[i] |= uint64(data[at]) << shift
			at = (at + 1) % len(data)
		}
	}
	return words
}

// randomWords are words of random density: runs of equal words are as likely
// as mixed ones.
func randomWords(r *rand.Rand, n int) []uint64 {
	words := make([]uint64, n)
	kind := r.IntN(5)
	for i := range words {
		switch k := kind; {
		case k == 0 || k == 4 && r.IntN(3) == 0:
		case k == 1 || k == 4 && r.IntN(2) == 0:
			words[i] = math.MaxUint64
		case k == 2:
			words[i] = r.Uint64() & r.Uint64() & r.Uint64() & r.Uint64()
		default:
			words[i] = r.Uint64()
		}
	}
	return words
}

func bytesOf[E any](s []E) []byte { return bytes.Clone(guard.Bytes(s)) }

// randomLen is below limit and mostly small.
func randomLen(r *rand.Rand, limit int) int { return r.IntN(1 + r.IntN(limit)) }
