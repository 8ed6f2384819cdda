package dropblock_test

import (
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/dropblock-go/dropblock"
)

// Training takes three lines: make a layer, draw the mask of the step, apply
// it forward, and once more to the gradient.
func Example() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.1, Block: dropblock.Square(3), Seed: 42})
	if err != nil {
		log.Fatal(err)
	}
	shape := dropblock.NCHW(2, 4, 8, 8)
	x, y := make([]float32, shape.Len()), make([]float32, shape.Len())
	dy, dx := make([]float32, shape.Len()), make([]float32, shape.Len())
	for i := range x {
		x[i], dy[i] = 1, 1
	}

	var mask dropblock.Mask // reused from step to step
	for step := range 3 {
		layer.Sample(&mask, shape, step)
		dropblock.Apply(y, x, &mask)   // forward
		dropblock.Apply(dx, dy, &mask) // backward

		var mean float32
		for _, v := range y {
			mean += v / float32(len(y))
		}
		fmt.Printf("step %d: %d of %d dropped, scale %.4f, mean %.3f\n",
			step, mask.Dropped(), shape.Len(), mask.Scales()[0], mean)
	}
	// Output:
	// step 0: 62 of 512 dropped, scale 1.1378, mean 1.000
	// step 1: 35 of 512 dropped, scale 1.0734, mean 1.000
	// step 2: 27 of 512 dropped, scale 1.0557, mean 1.000
}

func ExampleConfig() {
	// What torchvision.ops.DropBlock2d and timm's drop_block_2d draw.
	torchvision := dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)}
	timm := dropblock.Config{
		DropProb: 0.1, Block: dropblock.Square(7),
		Region: dropblock.RegionFull, Share: dropblock.ShareChannels,
	}
	for _, cfg := range []dropblock.Config{torchvision, timm} {
		layer, err := dropblock.New(cfg)
		if err != nil {
			log.Fatal(err)
		}
		var mask dropblock.Mask
		shape := dropblock.NCHW(32, 256, 14, 14)
		layer.Sample(&mask, shape, 0)
		fmt.Printf("gamma %.5f, mask of %v, %v seeds\n", layer.Gamma(shape, 0), mask.MaskShape(), cfg.Region)
	}

	_, err := dropblock.New(dropblock.Config{DropProb: 10, Block: dropblock.Square(7)})
	fmt.Println(err)
	// Output:
	// gamma 0.00625, mask of NCHW 32x256x14x14, valid seeds
	// gamma 0.00625, mask of NCHW 32x1x14x14, full seeds
	// dropblock: DropProb is 10, want a probability from 0 to 1
}

// Seeds of one's own, here one in the middle and one at the border. With
// RegionFull the block at the border is clipped.
func ExampleLayer_Grow() {
	layer, err := dropblock.New(dropblock.Config{Block: dropblock.Square(3), Region: dropblock.RegionFull})
	if err != nil {
		log.Fatal(err)
	}
	shape := dropblock.NCHW(1, 1, 5, 8)
	seeds := make([]uint64, 1)
	for _, at := range [][2]int{{2, 2}, {4, 7}} {
		i := at[0]*shape.W() + at[1]
		seeds[i/64] |= 1 << (i % 64)
	}
	var mask dropblock.Mask
	if err := layer.Grow(&mask, shape, seeds); err != nil {
		log.Fatal(err)
	}
	for row := range shape.H() {
		for col := range shape.W() {
			i := row*shape.W() + col
			fmt.Print([]string{"#", "."}[mask.Words()[i/64]>>(i%64)&1])
		}
		fmt.Println()
	}
	fmt.Println(mask.Kept(), "of", shape.Len(), "kept")
	// Output:
	// ........
	// .###....
	// .###....
	// .###..##
	// ......##
	// 27 of 40 kept
}

// Two machines draw the halves of a batch of four.
func ExampleLayer_SampleAt() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.2, Block: dropblock.Square(3), Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	var batch, half dropblock.Mask
	layer.SampleAt(&batch, dropblock.NCHW(4, 1, 8, 8), dropblock.Position{Step: 103})
	fmt.Printf("%016x\n", batch.Words()) // a word a sample
	for _, first := range []uint64{0, 2} {
		layer.SampleAt(&half, dropblock.NCHW(2, 1, 8, 8), dropblock.Position{Step: 103, Sample: first})
		fmt.Printf("%016x\n", half.Words())
	}
	// Output:
	// [8f8f8f8fffffffff fff1f1e1e3e1f1f1 ff8f8f8383838fff f8f8f8ff1f1f1fff]
	// [8f8f8f8fffffffff fff1f1e1e3e1f1f1]
	// [ff8f8f8383838fff f8f8f8ff1f1f1fff]
}

// A mask as factors, for a framework that multiplies by itself.
func ExampleScaleTo() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.25, Block: dropblock.Square(1), Seed: 2})
	if err != nil {
		log.Fatal(err)
	}
	var mask dropblock.Mask
	layer.Sample(&mask, dropblock.NCHW(1, 1, 2, 5), 0)
	factors := make([]float32, 10)
	dropblock.ScaleTo(factors, &mask)
	fmt.Printf("%.3v\n", factors)
	// Output:
	// [0 1.11 1.11 1.11 1.11 1.11 1.11 1.11 1.11 1.11]
}

// In inference a layer is left out. Where the code wants a mask all the same,
// the identity costs a copy, and nothing in place.
func ExampleMask_Identity() {
	var mask dropblock.Mask
	mask.Identity(dropblock.NCHW(1, 2, 4, 4))
	fmt.Println(mask.Kept(), mask.Scales()[0])
	// Output:
	// 32 1
}

// Philox is a source for math/rand/v2 that continues where it was stored.
func ExamplePhilox() {
	src := dropblock.NewPhilox(dropblock.Key{42})
	r := rand.New(src)
	fmt.Println(r.IntN(100), r.IntN(100), r.IntN(100))

	state, err := src.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.IntN(100), r.IntN(100))

	var restored dropblock.Philox
	if err := restored.UnmarshalBinary(state); err != nil {
		log.Fatal(err)
	}
	r = rand.New(&restored)
	fmt.Println(r.IntN(100), r.IntN(100))
	// Output:
	// 46 34 32
	// 45 65
	// 45 65
}

func ExampleNewBernoulli() {
	b, err := dropblock.NewBernoulli(0.1)
	if err != nil {
		log.Fatal(err)
	}
	words := make([]uint64, 2)
	ones := dropblock.KernelSet{}.Bernoulli(words, 128, b, dropblock.NewKey(7, 0, 0), 0)
	fmt.Printf("%016x: %d ones\n", words, ones)
	// Output:
	// [0000100c02200000 0400000002000000]: 7 ones
}

// The kernels on their own: grow two cells of an 8×8 plane to blocks of 2×3,
// then write what is left of a feature map, doubled.
func ExampleKernelSet() {
	kernels := dropblock.KernelSets()[0]       // the best
	words := []uint64{1<<(1*8+1) | 1<<(5*8+4)} // first corners at (1, 1) and (5, 4)
	kernels.Dilate(words, 64, 1, 3)            // along rows
	kernels.Dilate(words, 64, 8, 2)            // along columns
	for row := range 8 {
		fmt.Printf("%08b\n", words[0]>>(8*row)&0xff) // column 0 on the right
	}

	keep := []uint64{^words[0]}
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	dropblock.Scale(kernels, x, x, keep, 2)
	fmt.Println(kernels.Count(keep), x)
	// Output:
	// 00000000
	// 00001110
	// 00001110
	// 00000000
	// 00000000
	// 01110000
	// 01110000
	// 00000000
	// 52 [2 4 6 8 10 12 14 16 18 0 0 0 26 28 30 32]
}

// The drop probability rises from 0 over the first steps, as the paper found to work best. A
// run that is resumed needs the step and nothing else.
func ExampleRamp() {
	layer, err := dropblock.New(dropblock.Config{
		DropProb: 0.1, Ramp: dropblock.Ramp{Steps: 1000}, Block: dropblock.Square(7), Gamma: dropblock.GammaExact,
	})
	if err != nil {
		log.Fatal(err)
	}
	shape := dropblock.NCHW(32, 256, 14, 14)
	for _, step := range []uint64{0, 250, 500, 1000, 5000} {
		fmt.Printf("step %4d: %.3f\n", step, layer.ExpectedDrop(shape, step))
	}
	// Output:
	// step    0: 0.000
	// step  250: 0.025
	// step  500: 0.050
	// step 1000: 0.100
	// step 5000: 0.100
}

// A schedule of one's own: a layer for each step, which costs next to nothing, and the same
// mask.
func ExampleLayer_WithDropProb() {
	layer, err := dropblock.New(dropblock.Config{Block: dropblock.Square(5), Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	var mask dropblock.Mask
	shape := dropblock.NHWC(8, 28, 28, 64)
	for epoch := range 3 {
		now, err := layer.WithDropProb(0.05 * float64(epoch)) // steps, cosine, by group …
		if err != nil {
			log.Fatal(err)
		}
		now.Sample(&mask, shape, epoch)
		fmt.Printf("epoch %d: %.1f %% dropped\n", epoch, 100*mask.DropRate())
	}
	// Output:
	// epoch 0: 0.0 % dropped
	// epoch 1: 4.8 % dropped
	// epoch 2: 9.5 % dropped
}

// Machines that each hold a part of a batch draw the masks of the unsplit batch, and scale
// as one if they sum their counts.
func ExampleMask_Rescale() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.1, Block: dropblock.Square(3), Seed: 7})
	if err != nil {
		log.Fatal(err)
	}
	var all dropblock.Mask
	layer.SampleAt(&all, dropblock.NCHW(6, 16, 14, 14), dropblock.Position{Step: 5})

	const world = 3
	var masks [world]dropblock.Mask
	kept, count := 0, 0
	for rank := range masks { // each on its own machine; rank, rank+world, … are its samples
		layer.SampleAt(&masks[rank], dropblock.NCHW(6/world, 16, 14, 14), dropblock.Position{Step: 5, Sample: uint64(rank), Stride: world})
		kept += masks[rank].Kept() // an all-reduce of two integers
		count += masks[rank].Len()
	}
	for rank := range masks {
		masks[rank].Rescale(kept, count)
		fmt.Println(masks[rank].Scales()[0] == all.Scales()[0])
	}
	// Output:
	// true
	// true
	// true
}

// A residual branch is dropped and added in one pass over memory. The gradient of the branch
// is Apply with the same mask.
func ExampleApplyAdd() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.5, Block: dropblock.Square(2), Norm: dropblock.NormNone, Seed: 3})
	if err != nil {
		log.Fatal(err)
	}
	sum := []float32{10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10} // the skip connection
	branch := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	var mask dropblock.Mask
	layer.Sample(&mask, dropblock.NCHW(1, 1, 3, 4), 1)
	dropblock.ApplyAdd(sum, branch, &mask)
	fmt.Println(sum)
	// Output:
	// [10 10 13 14 10 10 17 18 19 20 21 22]
}

// Half-precision maps of another package are slices of 16-bit words, seen as Float16 or
// BFloat16 without a copy.
func ExampleAsBFloat16() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.5, Block: dropblock.Square(1), Seed: 4})
	if err != nil {
		log.Fatal(err)
	}
	words := []uint16{0x3f80, 0x4000, 0x4040, 0x4080} // 1, 2, 3, 4
	var mask dropblock.Mask
	layer.Sample(&mask, dropblock.NCW(1, 1, 4), 0)
	x := dropblock.AsBFloat16(words)
	dropblock.Apply(x, x, &mask)
	for _, v := range x {
		fmt.Print(v.Float32(), " ")
	}
	// Output:
	// 1.3359375 2.671875 0 5.34375
}

// Dropped elements become normal noise in place of zero, the same on every machine.
func ExampleApplyNoise() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.3, Block: dropblock.Square(2), Norm: dropblock.NormNone, Seed: 3})
	if err != nil {
		log.Fatal(err)
	}
	x, y := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, make([]float32, 9)
	var mask dropblock.Mask
	layer.Sample(&mask, dropblock.NCHW(1, 1, 3, 3), 2)
	dropblock.ApplyNoise(y, x, &mask)
	fmt.Printf("%.3f\n", y)
	// Output:
	// [1.000 2.000 3.000 2.280 -0.012 0.160 -0.767 -0.607 -1.539]
}

// A mask that is stored is applied later, or elsewhere, as it would have been: for a
// backward pass in another process, or a bug report.
func ExampleMask_MarshalBinary() {
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)})
	if err != nil {
		log.Fatal(err)
	}
	var mask, read dropblock.Mask
	layer.Sample(&mask, dropblock.NCHW(32, 256, 14, 14), 9)
	data, err := mask.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	if err := read.UnmarshalBinary(data); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(data), "bytes for", mask.Shape().Len(), "elements")
	fmt.Println(read.String() == mask.String())
	// Output:
	// 200834 bytes for 1605632 elements
	// true
}
