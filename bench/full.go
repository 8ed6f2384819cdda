package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock"
)

const (
	fullElements  = 1 << 20 // of a map, or one plane if that has more
	fullExchanges = 6
	fullSlice     = 2 * time.Millisecond
)

// fullShapes are maps of odd width around powers of two, and rows.
func fullShapes() (all []dropblock.Shape) {
	for _, h := range []int{63, 65, 95, 127, 129, 255, 257, 511, 513, 1023, 1025} {
		all = append(all, dropblock.NCHW(1, max(1, fullElements/(h*h)), h, h))
	}
	for _, w := range []int{65537, 999999, 1<<20 - 1} {
		all = append(all, dropblock.NCHW(1, max(1, fullElements/w), 1, w))
	}
	return all
}

// nextEven is a map that is wider, and higher if it has columns, by one.
func nextEven(s dropblock.Shape) dropblock.Shape {
	return dropblock.NCHW(1, s.C(), s.H()+min(s.H()-1, 1), s.W()+1)
}

// full measures what one worker's RegionFull takes where it may take more: Sample on an
// odd map ÷ on the next even one, with small and large blocks, and Grow with a block as
// large as the map ÷ with one of 7, from the same seeds, on one map. Arguments are kernel
// sets.
func full(args []string, stdout io.Writer) (err error) {
	kernels := dropblock.KernelSets()
	if len(args) > 0 {
		if kernels, err = parseList(strings.Join(args, ","), dropblock.ParseKernelSet); err != nil {
			return err
		}
	}
	b := new(strings.Builder)
	fmt.Fprintf(b, "%s, %s\n`%s`\n\n", thisHost(), time.Now().UTC().Format(time.DateOnly), strings.Join(append([]string{"go run ./bench full"}, args...), " "))
	fmt.Fprintf(b, "RegionFull, p = %v, one worker: Sample an element on a map of odd width H ÷ on the next even one, by the block; and Grow with\nblock H ÷ block 7 on either map, from the seeds that p draws for block 7 and for block H. Of the least times of %d slices of %v.\n\n",
		dropProb, fullExchanges, fullSlice)
	var table [][]string
	largest, where := 0.0, ""
	for _, k := range kernels {
		layer := func(block int) *dropblock.Layer {
			return mustLayer(dropblock.Config{DropProb: dropProb, Block: dropblock.Square(block), Region: dropblock.RegionFull}, k, 1)
		}
		sample := func(s dropblock.Shape, block int) func() {
			l, m, step := layer(block), new(dropblock.Mask), 0
			return func() {
				step++
				l.Sample(m, s, step)
			}
		}
		grow := func(s dropblock.Shape, block int, seeds []uint64) func() {
			l, m := layer(block), new(dropblock.Mask)
			return func() {
				if err := l.Grow(m, s, seeds); err != nil {
					panic(err) // The seeds are as long as the mask.
				}
			}
		}
		for _, odd := range fullShapes() {
			even, h := nextEven(odd), odd.W()
			row := []string{k.String(), odd.String()}
			add := func(ratio float64, what string, s dropblock.Shape, block int) {
				if row = append(row, figure(ratio)); ratio > largest {
					largest, where = ratio, fmt.Sprintf("%v, %v, %s %d", k, s, what, block)
				}
			}
			for _, block := range []int{3, 7, 31, 64, 65, h / 2, h} {
				if block > h {
					row = append(row, none)
					continue
				}
				ratio := timesRatio(sample(odd, block), sample(even, block))
				add(ratio*float64(even.Len())/float64(odd.Len()), "Sample with block", odd, block)
			}
			for _, s := range []dropblock.Shape{odd, even} {
				for _, block := range []int{7, s.W()} {
					seeds := make([]uint64, (s.Len()+63)/64)
					layer(block).DrawSeeds(seeds, s, dropblock.Position{})
					add(timesRatio(grow(s, s.W(), seeds), grow(s, 7, seeds)), "Grow of the seeds for block", s, block)
				}
			}
			table = append(table, row)
		}
	}
	writeTable(b, 2, []string{"kernels", "map", "Sample, block 3", "7", "31", "64", "65", "H/2", "H", "Grow, seeds of 7", "seeds of H", "even map, seeds of 7", "seeds of H"}, table)
	fmt.Fprintf(b, "\nThe largest is %s: %s.\n", figure(largest), where)
	_, err = io.WriteString(stdout, b.String())
	return err
}

// timesRatio is by CPU time, or by the clock where that is unknown.
func timesRatio(above, below func()) float64 {
	runs := [2]func(){above, below}
	batches, least := [2]int{}, [2]float64{math.Inf(1), math.Inf(1)}
	for i := range 2 * fullExchanges {
		i %= 2
		if batches[i] == 0 {
			batches[i] = runsPerBatch(runs[i])
		}
		cpus, walls := timeBatches(runs[i], batches[i], fullSlice)
		least[i] = min(least[i], cmp.Or(cpus[0], walls[0]))
	}
	return least[0] / least[1]
}
