package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock"
)

// RegionFull has blocks that its borders cut, and rows that no word holds. fullSizes are
// widths of maps around powers of two, fullRows lengths of rows.
var (
	fullSizes = []int{63, 65, 95, 127, 129, 255, 257, 511, 513, 1023, 1025}
	fullRows  = []int{65537, 999999, 1<<20 - 1}
)

const (
	fullElements  = 1 << 20 // of a map, or one plane if that has more
	fullExchanges = 6
	fullSlice     = 2 * time.Millisecond
)

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
	fmt.Fprintf(stdout, "%s, %s\n`%s`\n\n", thisHost(), time.Now().UTC().Format(time.DateOnly), strings.Join(append([]string{"go run ./bench full"}, args...), " "))
	fmt.Fprintf(stdout, "RegionFull, p = %v, one worker: Sample an element on a map of odd width H ÷ on the next even one, by the block; and Grow with\nblock H ÷ block 7 on one map, from the seeds that p draws for block 7 and for block H. Of the least times of %d slices of %v.\n\n",
		dropProb, fullExchanges, fullSlice)
	var table [][]string
	largest, where := 0.0, ""
	for _, k := range kernels {
		for _, h := range slices.Concat(fullSizes, fullRows) {
			odd, even := fullShape(h), fullShape(h+1)
			cells := []string{k.String(), odd.String()}
			add := func(ratio float64, format string, args ...any) {
				cells = append(cells, figure(ratio))
				if ratio > largest {
					largest, where = ratio, fmt.Sprintf("%v, %v, ", k, odd)+fmt.Sprintf(format, args...)
				}
			}
			for _, b := range []int{3, 7, 31, 64, 65, h / 2, h} {
				if b > h {
					cells = append(cells, none)
					continue
				}
				times := leastTimes(sampleFull(k, odd, b), sampleFull(k, even, b))
				add(times[0]/times[1]*float64(even.Len())/float64(odd.Len()), "Sample with block %d", b)
			}
			for _, s := range []dropblock.Shape{odd, even} {
				for _, b := range []int{7, s.W()} {
					seeds := make([]uint64, (s.Len()+63)/64)
					fullLayer(k, b).DrawSeeds(seeds, s, dropblock.Position{})
					times := leastTimes(growFull(k, s, s.W(), seeds), growFull(k, s, 7, seeds))
					add(times[0]/times[1], "Grow on %v of the seeds for block %d", s, b)
				}
			}
			table = append(table, cells)
		}
	}
	b := new(strings.Builder)
	writeTable(b, 2, []string{"kernels", "map", "Sample, block 3", "7", "31", "64", "65", "H/2", "H", "Grow, seeds of 7", "seeds of H", "even map, seeds of 7", "seeds of H"}, table)
	fmt.Fprintf(b, "\nThe largest is %s: %s.\n", figure(largest), where)
	_, err = io.WriteString(stdout, b.String())
	return err
}

// fullShape is of square planes, or of rows.
func fullShape(w int) dropblock.Shape {
	if w > slices.Max(fullSizes)+1 {
		return dropblock.NCHW(1, max(1, fullElements/w), 1, w)
	}
	return dropblock.NCHW(1, max(1, fullElements/(w*w)), w, w)
}

func fullLayer(k dropblock.KernelSet, block int) *dropblock.Layer {
	return mustLayer(dropblock.Config{DropProb: dropProb, Block: dropblock.Square(block), Region: dropblock.RegionFull}, k, 1)
}

func sampleFull(k dropblock.KernelSet, s dropblock.Shape, block int) func() {
	l, m, step := fullLayer(k, block), new(dropblock.Mask), 0
	return func() {
		step++
		l.Sample(m, s, step)
	}
}

func growFull(k dropblock.KernelSet, s dropblock.Shape, block int, seeds []uint64) func() {
	l, m := fullLayer(k, block), new(dropblock.Mask)
	return func() {
		if err := l.Grow(m, s, seeds); err != nil {
			panic(err) // The seeds are as long as the mask.
		}
	}
}

// leastTimes are nanoseconds of CPU time, or by the clock where it is unknown.
func leastTimes(runs ...func()) []float64 {
	batches, least := make([]int, len(runs)), make([]float64, len(runs))
	for i, run := range runs {
		batches[i], least[i] = runsPerBatch(run), math.Inf(1)
	}
	for range fullExchanges {
		for i, run := range runs {
			cpus, walls := timeBatches(run, batches[i], fullSlice)
			least[i] = min(least[i], cmp.Or(cpus[0], walls[0]))
		}
	}
	return least
}
