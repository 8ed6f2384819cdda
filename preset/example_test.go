package preset_test

import (
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/preset"
)

func newLayer(cfg dropblock.Config) *dropblock.Layer {
	layer, err := dropblock.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return layer
}

// constant returns n elements of value v.
func constant(n int, v float32) []float32 { return slices.Repeat([]float32{v}, n) }

// rows draws the first n bits of a mask, with # for what is dropped, in rows of width w.
func rows(m *dropblock.Mask, n, w int) {
	for from := 0; from < n; from += w {
		var row strings.Builder
		for i := from; i < from+w; i++ {
			row.WriteByte("#."[m.Words()[i/64]>>(i%64)&1])
		}
		fmt.Println(row.String())
	}
}

// What timm trains with, on its own layer of the network and from a schedule.
func ExampleTimm() {
	cfg := preset.Timm(0.1, 7)
	cfg.Seed, cfg.Layer = 42, dropblock.LayerID("layer3.0")
	cfg.Ramp = dropblock.Ramp{Steps: 1000}
	layer := newLayer(cfg)

	shape := dropblock.NCHW(32, 256, 14, 14)
	for _, step := range []uint64{0, 500, 1000} {
		fmt.Printf("step %d: gamma %.5f, %.1f %% dropped\n", step, layer.Gamma(shape, step), 100*layer.ExpectedDrop(shape, step))
	}
	// Output:
	// step 0: gamma 0.00000, 0.0 % dropped
	// step 500: gamma 0.00313, 11.1 % dropped
	// step 1000: gamma 0.00625, 20.9 % dropped
}

// The peers at p = 0.1 on a map of 14×14.
func ExampleAll() {
	shape := dropblock.NCHW(32, 256, 14, 14)
	for _, p := range preset.All() {
		layer := newLayer(p.Config(0.1, 7))
		fmt.Printf("%-15s %4.1f %%\n", p.Name, 100*layer.ExpectedDrop(shape, 0))
	}
	// Output:
	// paper            9.3 %
	// torchvision      9.3 %
	// timm            20.9 %
	// tpu              9.3 %
	// miguelvr         7.4 %
	// tutorial         7.4 %
	// mmdetection      9.3 %
	// paddledetection 20.9 %
	// kerascv          9.3 %
	// gluoncv         20.9 %
	// darknet          7.4 %
	// gomlx            7.4 %
	// dropout         10.0 %
	// spatialdropout  10.0 %
	// droppath        10.0 %
}

// The scale is 1/(1−p), whatever was drawn.
func ExampleDropout() {
	layer := newLayer(preset.Dropout(0.2))
	shape := dropblock.NCW(1, 1, 10)
	x, y := constant(shape.Len(), 1), make([]float32, shape.Len())
	var mask dropblock.Mask
	for step := range 3 {
		layer.Sample(&mask, shape, step)
		dropblock.Apply(y, x, &mask)
		fmt.Println(y)
	}
	// Output:
	// [1.25 0 1.25 1.25 1.25 1.25 1.25 0 1.25 1.25]
	// [1.25 0 1.25 1.25 1.25 1.25 1.25 1.25 1.25 1.25]
	// [1.25 1.25 0 1.25 1.25 1.25 1.25 1.25 0 1.25]
}

// Whole channels, in any number of dimensions and either layout.
func ExampleSpatialDropout() {
	layer := newLayer(preset.SpatialDropout(0.5))
	shape := dropblock.NHWC(1, 2, 3, 4) // two rows of three cells of four channels
	x, y := constant(shape.Len(), 1), make([]float32, shape.Len())
	var mask dropblock.Mask
	layer.Sample(&mask, shape, 0)
	dropblock.Apply(y, x, &mask)
	for cell := range slices.Chunk(y, shape.C()) {
		fmt.Println(cell)
	}
	// Output:
	// [2 0 2 2]
	// [2 0 2 2]
	// [2 0 2 2]
	// [2 0 2 2]
	// [2 0 2 2]
	// [2 0 2 2]
}

// A residual block: what is kept of the branch is always scaled by 1/(1−p) and added to
// the skip connection, and where a sample is dropped the branch need not be computed.
func ExampleDropPath() {
	cfg := preset.DropPath(0.2)
	cfg.Seed = 3
	layer := newLayer(cfg)
	shape := dropblock.NCHW(6, 1, 1, 2)
	branch := constant(shape.Len(), 4)
	var mask dropblock.Mask
	for step := range 3 {
		layer.Sample(&mask, shape, step)
		x := constant(shape.Len(), 1) // the skip connection
		dropblock.ApplyAdd(x, branch, &mask)
		fmt.Println(x, mask.Kept()/2, "kept")
	}
	// Output:
	// [6 6 6 6 6 6 6 6 6 6 6 6] 6 kept
	// [1 1 6 6 6 6 6 6 6 6 6 6] 5 kept
	// [6 6 6 6 1 1 1 1 6 6 6 6] 4 kept
}

// wav2vec 2.0 masks spans of 10 time steps in all channels, each step being the first of a
// span with probability 0.065, and puts a learned vector in their place. SpecAugment's time
// masks are the same with zeros. In the valid region spans lie in the sequence, so that
// every run of masked steps is as long as a span, or longer where they overlap.
func Example_spanMasks() {
	layer := newLayer(dropblock.Config{
		DropProb: 0.065, Gamma: dropblock.GammaGiven, Block: dropblock.Square(10),
		Share: dropblock.ShareChannels, Norm: dropblock.NormNone,
	})
	shape := dropblock.NWC(1, 60, 2) // 60 steps of 2 channels
	var mask dropblock.Mask
	for step := range 4 {
		layer.Sample(&mask, shape, step)
		rows(&mask, 60, 60)
	}

	learned := slices.Repeat([]float32{7, 9}, 60)
	x := make([]float32, shape.Len())
	dropblock.ApplyFill(x, x, learned, &mask)
	fmt.Println(x[8:20])

	shortest := 60
	for step := range 1000 {
		layer.Sample(&mask, shape, step)
		run := 0
		for i := range 61 {
			if i < 60 && mask.Words()[0]>>i&1 == 0 {
				run++
			} else if run > 0 {
				shortest, run = min(shortest, run), 0
			}
		}
	}
	fmt.Println("the shortest run of 1000 steps:", shortest)
	// Output:
	// .......##################...................................
	// .##########.........######################################..
	// .........................................###############....
	// ......##########............................................
	// [0 0 0 0 7 9 7 9 7 9 7 9]
	// the shortest run of 1000 steps: 10
}

// SpecAugment's frequency masks: channels that follow each other, at all times. The
// spectrogram is a map of one channel whose rows are the frequencies.
func Example_frequencyMasks() {
	layer := newLayer(dropblock.Config{
		DropProb: 0.1, Gamma: dropblock.GammaGiven, Block: dropblock.Rect(2, 1<<20), // clipped to all columns
		Norm: dropblock.NormNone,
	})
	shape := dropblock.NCHW(1, 1, 12, 24)
	var mask dropblock.Mask
	layer.Sample(&mask, shape, 1)
	rows(&mask, shape.Len(), shape.W())
	// Output:
	// ........................
	// ########################
	// ########################
	// ........................
	// ........................
	// ........................
	// ........................
	// ........................
	// ........................
	// ........................
	// ########################
	// ########################
}

// Cutout: one square in every picture, around any cell, and clipped at the border. Random
// erasing fills it: with ApplyFill by given values, as here, or by ApplyNoise, for which
// GrowAt takes the position that the noise is drawn at.
func Example_cutout() {
	layer := newLayer(dropblock.Config{
		Block: dropblock.Square(5), Region: dropblock.RegionFull,
		Share: dropblock.ShareChannels, Norm: dropblock.NormNone,
	})
	shape := dropblock.NCHW(2, 3, 8, 16) // two pictures in three colours
	at := dropblock.Position{Step: 1}
	r := rand.New(dropblock.NewPhilox(dropblock.NewKey(1, 0, at.Step)))

	cells := shape.H() * shape.W()
	seeds := make([]uint64, (shape.N()*cells+63)/64)
	for picture := range shape.N() {
		i := picture*cells + r.IntN(cells)
		seeds[i/64] |= 1 << (i % 64)
	}
	var mask dropblock.Mask
	if err := layer.GrowAt(&mask, shape, at, seeds); err != nil {
		log.Fatal(err)
	}
	rows(&mask, shape.N()*cells, shape.W())

	x, mean := constant(shape.Len(), 1), constant(shape.Len(), 0.5)
	dropblock.ApplyFill(x, x, mean, &mask)
	fmt.Println(mask.Dropped(), "cells, element", slices.Index(x, 0.5), "is the first")
	// Output:
	// ................
	// ..#####.........
	// ..#####.........
	// ..#####.........
	// ..#####.........
	// ..#####.........
	// ................
	// ................
	// ................
	// ................
	// ....#####.......
	// ....#####.......
	// ....#####.......
	// ....#####.......
	// ....#####.......
	// ................
	// 50 cells, element 18 is the first
}

// Targeted DropBlock: of the seeds that the layer draws, those are taken where the
// activation is above the mean of the map.
func Example_targeted() {
	cfg := preset.TorchVision(0.6, 3)
	cfg.Seed = 1
	layer := newLayer(cfg)
	shape := dropblock.NCHW(1, 1, 8, 16)
	x := make([]float32, shape.Len())
	for i := range x {
		x[i] = float32(i % shape.W()) // rises to the right
	}
	const mean = 7.5

	at := dropblock.Position{Step: 5}
	seeds, strong := make([]uint64, 2), make([]bool, len(x))
	drawn := layer.DrawSeeds(seeds, shape, at)
	for i, v := range x {
		strong[i] = v > mean
	}
	words := make([]uint64, 2)
	dropblock.PackBits(words, strong)
	for i := range seeds {
		seeds[i] &= words[i]
	}
	var mask dropblock.Mask
	if err := layer.GrowAt(&mask, shape, at, seeds); err != nil {
		log.Fatal(err)
	}
	fmt.Println(drawn, "seeds drawn,", mask.SeedCount(), "taken")
	rows(&mask, shape.Len(), shape.W())
	// Output:
	// 9 seeds drawn, 4 taken
	// ........###.....
	// ........###.....
	// ........###.....
	// ..........######
	// ..........######
	// .........#######
	// .........###....
	// .........###....
}

// Activation checkpointing: the backward pass draws the mask again from the position of the
// step, instead of keeping it. It may do so on another machine, kernel set or thread count.
func Example_checkpointing() {
	cfg := preset.Paper(0.1, 3)
	cfg.Seed, cfg.Layer = 42, dropblock.LayerID("layer4.1")
	layer := newLayer(cfg)
	shape := dropblock.NCHW(2, 8, 8, 8)
	at := dropblock.Position{Step: 1000, Sample: 64} // this machine has samples 64 and 65
	x, y := constant(shape.Len(), 1), make([]float32, shape.Len())

	var mask dropblock.Mask
	layer.SampleAt(&mask, shape, at)
	dropblock.Apply(y, x, &mask)
	forward := slices.Clone(mask.Words())

	layer.SampleAt(&mask, shape, dropblock.Position{Step: 1001}) // the memory serves another step

	layer.SampleAt(&mask, shape, at)
	dy, dx := constant(shape.Len(), 1), make([]float32, shape.Len())
	dropblock.Apply(dx, dy, &mask)
	fmt.Println(slices.Equal(forward, mask.Words()), slices.Equal(y, dx))
	// Output:
	// true true
}
