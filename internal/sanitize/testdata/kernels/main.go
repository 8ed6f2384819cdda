// Command kernels runs kernels, with the fault that its argument names or none, on memory
// that a sanitizer watches: the race detector Go's, the others C's.
package main

// #include <stdlib.h>
import "C"

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/dropblock-go/dropblock"
)

const n = 64 * 16 * 16

// floats are C's, not written yet.
func floats(n int) []float32 {
	return unsafe.Slice((*float32)(C.malloc(C.size_t(4*n))), n)
}

func main() {
	layer, err := dropblock.New(dropblock.Config{DropProb: .1, Block: dropblock.Square(3), Workers: 1})
	if err != nil {
		panic(err)
	}
	var m dropblock.Mask
	layer.Sample(&m, dropblock.NCHW(1, 64, 16, 16), 0)
	src, dst := floats(n), floats(n)
	for i := range src {
		src[i] = float32(i)
	}

	switch os.Args[1] {
	case "none":
		dropblock.Apply(dst, src, &m)
	case "race":
		dst = make([]float32, n)
		var g sync.WaitGroup
		for range 2 {
			g.Go(func() { dropblock.Apply(dst, src, &m) })
		}
		g.Wait()
	case "read behind": // the end of what C has allocated
		short := unsafe.Slice((*float32)(C.malloc(4*n-64)), n)
		dropblock.Apply(dst, short, &m)
	case "write behind":
		short := unsafe.Slice((*float32)(C.malloc(4*n-64)), n)
		dropblock.Apply(short, src, &m)
	case "uninitialized":
		dropblock.Apply(dst, floats(n), &m)
	default:
		panic(os.Args[1])
	}
	// The memory sanitizer checks what a branch depends on: assembly wrote it.
	kept := 0
	for _, v := range dst {
		if v != 0 {
			kept++
		}
	}
	fmt.Println(kept > 0)
}
