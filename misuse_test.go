package dropblock_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/dropblock-go/dropblock/internal/sanitize"
	"github.com/stretchr/testify/require"
)

// Every exported method of a nil or zero receiver, and every call with a nil
// argument, panics with what to do, or is in safeOnNil.
func TestNil(t *testing.T) {
	const (
		noLayer  = "dropblock: the Layer is nil or zero, make one with New"
		noMask   = "dropblock: the Mask is nil, want a pointer to one, such as new(dropblock.Mask)"
		noAhead  = "dropblock: the Ahead is nil or zero, make one with Layer.Ahead"
		noBits   = "dropblock: the Bernoulli is nil, make one with NewBernoulli"
		noPhilox = "dropblock: the Philox is nil, make one with NewPhilox"
	)
	safeOnNil := map[string]bool{"String": true, "Stop": true}
	for _, c := range []struct {
		receiver any
		want     string
	}{
		{(*dropblock.Layer)(nil), noLayer},
		{new(dropblock.Layer), noLayer},
		{(*dropblock.Mask)(nil), noMask},
		{(*dropblock.Ahead)(nil), noAhead},
		{new(dropblock.Ahead), noAhead},
		{(*dropblock.Bernoulli)(nil), noBits},
		{(*dropblock.Philox)(nil), noPhilox},
	} {
		v := reflect.ValueOf(c.receiver)
		for i := range v.NumMethod() {
			name := v.Type().Method(i).Name
			method := v.Method(i)
			args := make([]reflect.Value, method.Type().NumIn())
			for j := range args {
				args[j] = reflect.Zero(method.Type().In(j))
			}
			call := func() { method.Call(args) }
			if safeOnNil[name] {
				require.NotPanics(t, call, "%T.%s", c.receiver, name)
			} else {
				require.PanicsWithValue(t, c.want, call, "%T.%s", c.receiver, name)
			}
		}
	}

	layer := newLayer(t, dropblock.Config{DropProb: 0.1, Block: dropblock.Square(3)})
	s := dropblock.NCHW(1, 1, 4, 4)
	x := make([]float32, s.Len())
	for name, call := range map[string]func(){
		"Sample":    func() { layer.Sample(nil, s, 0) },
		"SampleAt":  func() { layer.SampleAt(nil, s, dropblock.Position{}) },
		"Grow":      func() { _ = layer.Grow(nil, s, make([]uint64, 1)) },
		"GrowAt":    func() { _ = layer.GrowAt(nil, s, dropblock.Position{}, make([]uint64, 1)) },
		"Apply":     func() { dropblock.Apply(x, x, nil) },
		"ApplyPart": func() { dropblock.ApplyPart(x, x, nil, 0, 1) },
		"ApplyAdd":  func() { dropblock.ApplyAdd(x, x, nil) },
		"ApplyFill": func() { dropblock.ApplyFill(x, x, x, nil) },
		"ScaleTo":   func() { dropblock.ScaleTo(x, nil) },
		"KeepTo":    func() { dropblock.KeepTo(make([]bool, 16), nil) },
	} {
		require.PanicsWithValue(t, noMask, call, name)
	}
	require.PanicsWithValue(t, noBits, func() { dropblock.KernelSet{}.Bernoulli(make([]uint64, 1), 9, nil, dropblock.Key{}, 0) })
}

// A layer that is overwritten, or copied, is that of its settings: a mask that was
// prepared for what it was before draws like a new one.
func TestLayerOverwritten(t *testing.T) {
	first := dropblock.Config{DropProb: 0.1, Block: dropblock.Square(3), Seed: 1}
	second := dropblock.Config{DropProb: 0.5, Block: dropblock.Rect(2, 4), Seed: 1, Region: dropblock.RegionFull, Norm: dropblock.NormNone}
	s := dropblock.NCHW(2, 3, 16, 16)
	var got, want dropblock.Mask
	layer := newLayer(t, first)
	layer.Sample(&got, s, 5)
	ahead := layer.Ahead()
	ahead.Sample(s, 4)
	*layer = *newLayer(t, second)
	newLayer(t, first).Sample(&want, s, 5)
	requireSame(t, &want, ahead.Sample(s, 5))
	ahead.Stop()
	layer.Sample(&got, s, 5)
	newLayer(t, second).Sample(&want, s, 5)
	requireSame(t, &want, &got)
	require.Equal(t, second, layer.Config())

	twin := *layer
	twin.Sample(&got, s, 6)
	layer.Sample(&want, s, 6)
	requireSame(t, &want, &got)
}

// wordsOf is a slice of so many words, whatever memory there is. It must not be read.
func wordsOf(n int) []uint64 {
	s := struct {
		at       *uint64
		len, cap int
	}{new(uint64), n, n}
	return *(*[]uint64)(unsafe.Pointer(&s))
}

// A call that panics as there is not so much memory leaves the mask as it was, what calls
// share as well, and what comes next is drawn as ever.
func TestRecovered(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("any number of bits that Check takes fits the memory")
	}
	s, endless := dropblock.NCHW(2, 3, 8, 8), dropblock.NCHW(math.MaxInt>>7, 1, 4, 4)
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		for _, cfg := range []dropblock.Config{
			{DropProb: 0.3, Block: dropblock.Square(3), Kernels: kernels},
			{DropProb: 0.3, Block: dropblock.Square(3), Kernels: kernels, Region: dropblock.RegionFull},
			{DropProb: 0.3, Block: dropblock.Square(1), Kernels: kernels, Share: dropblock.ShareChannels},
		} {
			layer := newLayer(t, cfg)
			requireDrawn := func(m *dropblock.Mask, step int, name string) {
				t.Helper()
				var want dropblock.Mask
				newLayer(t, cfg).Sample(&want, s, step)
				require.Equal(t, want.String(), m.String(), name)
				requireSame(t, &want, m)
			}
			calls := map[string]func(m *dropblock.Mask){
				"Sample":    func(m *dropblock.Mask) { layer.Sample(m, endless, 1) },
				"SampleAt":  func(m *dropblock.Mask) { layer.SampleAt(m, endless, dropblock.Position{Sample: 9}) },
				"Identity":  func(m *dropblock.Mask) { m.Identity(endless) },
				"SetKeep":   func(m *dropblock.Mask) { _ = m.SetKeep(endless, wordsOf((endless.Len()+63)/64)) },
				"DrawSeeds": func(m *dropblock.Mask) { layer.DrawSeeds(m.Words(), endless, dropblock.Position{}) },
			}
			if cfg.Region == dropblock.RegionFull { // else seeds are read first
				calls["Grow"] = func(m *dropblock.Mask) { _ = layer.Grow(m, endless, wordsOf((endless.Len()+63)/64)) }
			}
			for name, call := range calls {
				var m dropblock.Mask
				require.Panics(t, func() { call(&m) }, name)
				require.Equal(t, new(dropblock.Mask), &m, name)
				layer.Sample(&m, s, 1)
				require.Panics(t, func() { call(&m) }, name)
				requireDrawn(&m, 1, name)
				layer.Sample(&m, s, 2)
				requireDrawn(&m, 2, name)
			}

			ahead := layer.Ahead()
			given := ahead.Sample(s, 1)
			require.Panics(t, func() { ahead.Sample(endless, 2) })
			requireDrawn(given, 1, "given out before")
			for step := 2; step < 5; step++ {
				requireDrawn(ahead.Sample(s, step), step, "Ahead")
			}
			ahead.Stop()
		}
	})
}

// A map without elements may have more samples than there is memory for scales: it has one.
func TestEndlessEmpty(t *testing.T) {
	s := dropblock.NCHW(math.MaxInt, 0, 8, 8)
	for _, norm := range []dropblock.Norm{dropblock.NormSample, dropblock.NormPlane, dropblock.NormTensor, dropblock.NormExpected} {
		layer := newLayer(t, dropblock.Config{DropProb: 1, Block: dropblock.Square(3), Norm: norm})
		var m, copied dropblock.Mask
		layer.Sample(&m, s, 1)
		require.Equal(t, []float64{1}, m.Scales(), norm)
		require.NoError(t, layer.Grow(&m, s, nil))
		require.Equal(t, []float64{1}, m.Scales(), norm)
		b, err := m.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, copied.UnmarshalBinary(b))
		require.Equal(t, []float64{1}, copied.Scales(), norm)
	}
}

// ways are configurations of all ways to draw and grow on maps of 2×3×40×41 elements.
func ways() (all []dropblock.Config) {
	for _, region := range []dropblock.Region{dropblock.RegionValid, dropblock.RegionFull} {
		for _, p := range []float64{0.001, 0.1, 0.6} {
			for _, block := range []dropblock.Block{dropblock.Square(1), dropblock.Square(2), dropblock.Square(7), dropblock.Rect(20, 30)} {
				all = append(all, dropblock.Config{DropProb: p, Block: block, Region: region, Workers: 1})
			}
		}
	}
	return all
}

// The collector frees what has a mask in it and a finalizer: nothing that a mask holds points
// back to it, and nothing that is shared does.
func TestMaskFreed(t *testing.T) {
	s := dropblock.NCHW(2, 3, 40, 41)
	x := make([]float32, s.Len())
	type owner struct{ mask dropblock.Mask }
	var freed sync.WaitGroup
	own := func(fill func(m *dropblock.Mask)) {
		o := new(owner)
		freed.Add(1)
		runtime.SetFinalizer(o, func(*owner) { freed.Done() })
		fill(&o.mask)
		dropblock.Apply(x, x, &o.mask)
	}
	own(func(m *dropblock.Mask) { m.Identity(s) })
	for _, cfg := range ways() {
		layer := newLayer(t, cfg)
		own(func(m *dropblock.Mask) { layer.Sample(m, s, 1) })
	}
	done := make(chan struct{})
	go func() {
		freed.Wait()
		close(done)
	}()
	for range 200 {
		runtime.GC()
		select {
		case <-done:
			return
		case <-time.After(10 * time.Millisecond): // for the goroutine that runs finalizers
		}
	}
	t.Fatal("masks are not freed")
}

// Beside its words a mask holds less than 1 KiB, and they are its only allocation: tables
// and scratch are shared. A network keeps a mask for each layer until the backward pass.
func TestMaskMemory(t *testing.T) {
	if sanitize.Enabled {
		t.Skip("the sanitizers' hooks make buffers escape")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))  // which have a list for each
	s := dropblock.NCHW(2, 3, 40, 41)
	x := make([]float32, s.Len())
	var masks [50]dropblock.Mask
	for _, cfg := range ways() {
		layer := newLayer(t, cfg)
		var first dropblock.Mask
		step := func(m *dropblock.Mask) {
			layer.Sample(m, s, 1)
			dropblock.Apply(x, x, m)
		}
		for range 3 {
			step(&first)
		}
		clear(masks[:])
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range masks {
			step(&masks[i])
		}
		runtime.ReadMemStats(&after)
		const n = uint64(len(masks))
		require.Less(t, after.Mallocs-before.Mallocs, n+n/2, "%+v: allocations of %d masks", cfg, n)
		words := uint64(8 * len(first.Words()))
		require.Less(t, (after.TotalAlloc-before.TotalAlloc)/n+uint64(unsafe.Sizeof(first)), words+1024, "%+v: bytes of a mask, of which %d are its words", cfg, words)
	}
}

func TestNegativeZero(t *testing.T) {
	layer := newLayer(t, dropblock.Config{DropProb: math.Copysign(0, -1), Block: dropblock.Square(3)})
	s := dropblock.NCHW(1, 1, 8, 8)
	var m dropblock.Mask
	layer.Sample(&m, s, 0)
	require.Equal(t, 64, m.Kept())
	for name, v := range map[string]float64{"Config": layer.Config().DropProb, "Layer.Gamma": layer.Gamma(s, 0), "Mask.Gamma": m.Gamma()} {
		require.Zero(t, v)
		require.False(t, math.Signbit(v), name)
	}
}

func TestSetKeep(t *testing.T) {
	perKernels(t, func(t *testing.T, kernels dropblock.KernelSet) {
		layer := newLayer(t, dropblock.Config{DropProb: 0.4, Block: dropblock.Square(2), Share: dropblock.ShareChannels, Kernels: kernels})
		s := dropblock.NCHW(2, 3, 5, 7) // 210 elements, 4 words
		var m dropblock.Mask
		layer.Sample(&m, s, 1) // of which nothing stays
		words := []uint64{0x0123456789abcdef, 0, math.MaxUint64, math.MaxUint64}
		require.NoError(t, m.SetKeep(s, words))
		require.Equal(t, []uint64{0x0123456789abcdef, 0, math.MaxUint64, 1<<18 - 1}, m.Words())
		require.Equal(t, 32+64+18, m.Kept())
		require.Equal(t, 210-m.Kept(), m.Dropped())
		require.Equal(t, 210, m.Len())
		require.Equal(t, float64(m.Dropped())/210, m.DropRate())
		require.Equal(t, []float64{1}, m.Scales())
		require.Equal(t, s, m.MaskShape())
		require.Zero(t, m.SeedCount())
		require.Zero(t, m.Gamma())
		words[0] = 0
		require.Equal(t, uint64(0x0123456789abcdef), m.Words()[0], "a copy")
		requireOutputs(t, &m, 3)

		require.NoError(t, m.SetKeep(s, m.Words()), "the mask's own words")
		require.Equal(t, uint64(0x0123456789abcdef), m.Words()[0])

		// Refused, the mask stays.
		for _, n := range []int{0, 3, 5} {
			require.EqualError(t, m.SetKeep(s, make([]uint64, n)),
				fmt.Sprintf("dropblock: words has %d words, want 4 for the 210 elements of a mask of NCHW 2x3x5x7", n))
		}
		require.EqualError(t, m.SetKeep(dropblock.NCHW(1, -1, 1, 1), nil), "dropblock: shape NCHW 1x-1x1x1: C is -1, want 0 or more")
		require.Equal(t, 32+64+18, m.Kept())
		requireOutputs(t, &m, 4)

		require.NoError(t, m.SetKeep(dropblock.NCHW(1, 0, 5, 5), nil))
		require.Zero(t, m.Len())
		require.Zero(t, m.DropRate())
		require.Equal(t, []float64{1}, m.Scales())
		layer.Sample(&m, s, 1) // and a layer draws again
		require.Equal(t, dropblock.NCHW(2, 1, 5, 7), m.MaskShape())
	})
}

func TestUnfilled(t *testing.T) {
	var m dropblock.Mask
	require.Nil(t, m.Words())
	require.Nil(t, m.Scales())
	require.Zero(t, m.Shape())
	require.Zero(t, m.MaskShape())
	require.Zero(t, m.Len()+m.Kept()+m.Dropped()+m.SeedCount())
	require.Zero(t, m.DropRate())
}

// BlockOn and ValidOn are what blocks and seeds are drawn as: with gamma 1 every
// valid cell has a seed, and no other one.
func TestBlockOnValidOn(t *testing.T) {
	for _, block := range []dropblock.Block{dropblock.Square(1), dropblock.Square(4), dropblock.Rect(3, 2), dropblock.Rect(2, 100), dropblock.Square(100)} {
		for _, even := range []dropblock.Even{dropblock.EvenBefore, dropblock.EvenAfter} {
			for _, region := range []dropblock.Region{dropblock.RegionValid, dropblock.RegionFull} {
				s := dropblock.NCHW(1, 2, 9, 7)
				layer := newLayer(t, dropblock.Config{DropProb: 1, Block: block, Even: even, Region: region})
				_, bh, bw := block.Size()
				require.Equal(t, dropblock.Rect(min(bh, 9), min(bw, 7)), layer.BlockOn(s))
				first, last := layer.ValidOn(s)
				if region == dropblock.RegionFull {
					require.Equal(t, dropblock.Cell{}, first)
					require.Equal(t, dropblock.Cell{H: 8, W: 6}, last)
				}
				for i := range s.Len() {
					row, col := i/7%9, i%7
					seeds := make([]bool, s.Len())
					seeds[i] = true
					var m dropblock.Mask
					valid := row >= first.H && row <= last.H && col >= first.W && col <= last.W
					require.Equal(t, valid, layer.Grow(&m, s, reference.Words(seeds)) == nil, "%v %v %v: %d, %d", block, even, region, row, col)
				}
			}
		}
	}
	layer := newLayer(t, dropblock.Config{Block: dropblock.Square(3)})
	empty := dropblock.NCHW(1, 1, 0, 5)
	require.Equal(t, dropblock.Rect(0, 3), layer.BlockOn(empty))
	first, last := layer.ValidOn(empty)
	require.Equal(t, dropblock.Cell{}, first)
	require.Equal(t, dropblock.Cell{D: -1, H: -1, W: -1}, last)
	bad := dropblock.NCHW(1, 1, -1, 5)
	require.PanicsWithValue(t, bad.Check().Error(), func() { layer.BlockOn(bad) })
	require.PanicsWithValue(t, bad.Check().Error(), func() { layer.ValidOn(bad) })
}

// The numbers are pinned: masks depend on them.
func TestLayerID(t *testing.T) {
	for name, want := range map[string]uint32{
		"": 0x811c9dc5, "a": 0xe40c292c, "foobar": 0xbf9cf968, "layer3.5.dropblock2": 0xc9d2cedc, "Größe": 0x48b3427a,
	} {
		h := fnv.New32a()
		h.Write([]byte(name))
		require.Equal(t, h.Sum32(), dropblock.LayerID(name))
		require.Equal(t, want, dropblock.LayerID(name), "%q is %#x", name, dropblock.LayerID(name))
	}
}
