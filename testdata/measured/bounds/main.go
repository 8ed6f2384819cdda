// Command bounds makes calls of the library and holds their work to bounds. It exits with
// an error if one of them, or a single call of a kernel, does more.
package main

import (
	"fmt"
	"math/bits"
	"os"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/testdata/measured"
)

func main() {
	for _, k := range dropblock.KernelSets() {
		calls(k)
		growth(k)
	}
}

// fail ends the program: what is not linear in small maps could take hours in large ones.
func fail(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}

func newLayer(cfg dropblock.Config) *dropblock.Layer {
	l, err := dropblock.New(cfg)
	if err != nil {
		panic(err)
	}
	return l
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// n is so many elements, and bits, that one call of a kernel or of the runtime must not
// have them all.
const n = 1 << 21

var (
	floats, floats2   = make([]float32, n), make([]float32, n)
	doubles, doubles2 = make([]float64, n), make([]float64, n)
	halves, halves2   = make([]dropblock.BFloat16, n), make([]dropblock.BFloat16, n)
	bools             = make([]bool, n)
)

// calls makes every call that takes memory of the caller's. measured panics if a part of
// it is not bounded.
func calls(k dropblock.KernelSet) {
	const plane = 1 << 10
	s := dropblock.NCHW(2, n/plane/2, plane/32, 32)
	words, seeds := make([]uint64, n/64), make([]uint64, n/64)
	all := func(m *dropblock.Mask) {
		apply(floats, floats2, m)
		apply(doubles, doubles2, m)
		apply(halves, halves2, m)
		measure("KeepTo", n/8, func() { dropblock.KeepTo(bools, m) })
	}
	var m dropblock.Mask
	m.Identity(s)
	all(&m)
	must(m.SetKeep(s, words))
	all(&m)
	for i := range words {
		words[i] = 1<<64 - 1
	}
	must(m.SetKeep(s, words))
	all(&m)
	for _, cfg := range []dropblock.Config{
		{DropProb: 0, Block: dropblock.Square(3)}, {DropProb: 1, Block: dropblock.Square(1)}, {DropProb: .1, Block: dropblock.Square(7)},
		{DropProb: .3, Block: dropblock.Square(2)}, {DropProb: .1, Block: dropblock.Rect(20, 30)},
		{DropProb: .1, Block: dropblock.Square(7), Share: dropblock.ShareChannels},
		{DropProb: .1, Block: dropblock.Square(7), Region: dropblock.RegionFull}, {DropProb: .0001, Block: dropblock.Square(7), Region: dropblock.RegionFull},
	} {
		cfg.Kernels, cfg.Workers = k, 1
		layer := newLayer(cfg)
		for _, s := range []dropblock.Shape{s, dropblock.NCHW(1, 1, 1<<10, n>>10), dropblock.NCHW(1, 1, 1, n)} {
			layer.Sample(&m, s, 1)
			all(&m)
			measure("DrawSeeds", 1, func() { layer.DrawSeeds(seeds[:len(m.Words())], s, dropblock.Position{Step: 1}) })
			measure("Grow", len(m.Words()), func() { must(layer.Grow(&m, s, seeds[:len(m.Words())])) })
		}
	}

	measure("Scale", n/2, func() { dropblock.Scale(k, floats, floats2, words, 2) })
	measure("Expand", n/2, func() { dropblock.Expand(k, floats, words, 2) })
	measure("ExpandBits", n/8, func() { dropblock.ExpandBits(k, bools, words) })
	measure("Count", n/64, func() { k.Count(words) })
	measure("Dilate", n/64, func() { k.Dilate(words, n, 70, 9) })
	measure("Philox", n/2, func() { k.Philox(make([]uint32, n), dropblock.Key{}, [4]uint32{}) })
	for _, gamma := range []float64{.001, .3, 1} {
		b, err := dropblock.NewBernoulli(gamma)
		must(err)
		measure("Bernoulli", n/64, func() { k.Bernoulli(words, n, b, dropblock.Key{}, 0) })
	}
}

func apply[E dropblock.Float](x, y []E, m *dropblock.Mask) {
	least := n * int(unsafe.Sizeof(*new(E))) / 8 // words
	measure("Apply", least, func() { dropblock.Apply(y, x, m) })
	measure("ApplyPart", least, func() { dropblock.ApplyPart(y, x, m, 0, 1) })
	measure("ApplyPart", least/2, func() { dropblock.ApplyPart(y, x, m, 1, 2) })
	measure("ScaleTo", least, func() { dropblock.ScaleTo(y, m) })
	if m.Gamma() > 0 || m.Dropped() == 0 { // The mask has a key, or needs none.
		measure("ApplyNoise", least, func() { dropblock.ApplyNoise(y, x, m) })
		measure("ApplyNoisePart", least/2, func() { dropblock.ApplyNoisePart(y, x, m, 1, 2) })
	}
	dropblock.Apply(y, y, m)
}

// measure fails if a call is not measured: at least so many words are.
func measure(name string, least int, call func()) {
	measured.Words = 0
	call()
	if measured.Words < least {
		fail("%s: %d words are measured, want at least %d", name, measured.Words, least)
	}
}

// growth holds the work of masks of the full region to what is linear in the map,
// however odd its planes and whatever the block.
func growth(k dropblock.KernelSet) {
	for _, odd := range []int{63, 65, 127, 255, 257, 513, 1001, 1025} {
		for _, block := range []int{3, 7, 64, odd / 2, odd} {
			if block <= odd {
				compare(k, dropblock.NCHW(1, 1, odd, odd), dropblock.NCHW(1, 1, odd+1, odd+1), dropblock.Square(block))
			}
		}
	}
	for _, odd := range []int{1<<10 - 1, 1<<14 + 1, 1<<20 - 1} {
		for _, block := range []int{3, 7, 64, odd / 2, odd} {
			compare(k, dropblock.NCHW(1, 1, 1, odd), dropblock.NCHW(1, 1, 1, odd+1), dropblock.Square(block))
			compare(k, dropblock.NCHW(1, 1, odd, 1), dropblock.NCHW(1, 1, odd+1, 1), dropblock.Square(block))
		}
	}
}

const (
	// mostRatio bounds an odd plane by the next even one.
	mostRatio = 4
	// mostWork bounds the work for a word of the mask and each doubling of the block, and one more.
	mostWork = 10
)

func compare(k dropblock.KernelSet, odd, even dropblock.Shape, block dropblock.Block) {
	_, h, w := block.Size()
	doublings := bits.Len(uint(min(h, odd.H()))) + bits.Len(uint(min(w, odd.W())))
	for _, p := range []float64{1e-4, .1} {
		layer := newLayer(dropblock.Config{DropProb: p, Block: block, Region: dropblock.RegionFull, Kernels: k, Workers: 1})
		a, b := work(layer, odd), work(layer, even)
		if a > mostRatio*b {
			fail("%v, block %v, p %v, impl=%v: %.1f for a word, of %v %.1f", odd, block, p, k, a, even, b)
		}
		if most := float64(mostWork * (1 + doublings)); max(a, b) > most {
			fail("%v and %v, block %v, p %v, impl=%v: %.1f and %.1f for a word, want %.0f at most", odd, even, block, p, k, a, b, most)
		}
	}
}

// work is that of masks for each of their words, drawn and grown from seeds that are denser,
// what is done once for all left out.
func work(layer *dropblock.Layer, s dropblock.Shape) float64 {
	var m dropblock.Mask
	layer.Sample(&m, s, 0)
	seeds := make([]uint64, len(m.Words()))
	for i := range seeds {
		seeds[i] = 1 << (i % 64)
	}
	seeds[len(seeds)-1] = 0
	measured.Work = 0
	// So many masks that they have some seeds where these are few.
	masks := 1 + 1<<12/len(seeds)
	for step := range masks {
		layer.Sample(&m, s, 1+step)
		must(layer.Grow(&m, s, seeds))
	}
	return float64(measured.Work) / float64(masks*len(seeds))
}
