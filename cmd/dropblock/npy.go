package main

import (
	"fmt"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/npy"
)

// readNpy reads seeds or, with floats, a feature map, which has to be one of
// float32.
func readNpy(path string, floats bool) (a *npy.Array, s dropblock.Shape, err error) {
	a, err = npy.ReadFile(path, func(h *npy.Header) error {
		if floats && h.Dtype.Name != "float32" {
			state := ""
			if h.IsFloat() {
				state = ", which is not supported"
			}
			return fmt.Errorf("has dtype %s%s; want float32", h.Type(), state)
		}
		if n := len(h.Shape); n < 2 || n > 4 {
			state := ""
			if n == 5 {
				state = ", which is not supported"
			}
			return fmt.Errorf("has %d dimensions%s; want 2 to 4: (H,W), (C,H,W) or (N,C,H,W)", n, state)
		}
		s = shapeOf(h.Shape)
		return libraryError(s.Check())
	})
	return a, s, err
}

// shapeOf returns the shape of a map with these dimensions; missing axes are 1.
func shapeOf(dims []int) dropblock.Shape {
	d := append([]int{1, 1, 1, 1}[:4-len(dims)], dims...)
	return dropblock.NCHW(d[0], d[1], d[2], d[3])
}

// join is "2x3x4".
func join(dims []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(dims), "[]"), " ", "x")
}

// libraryError removes the library's name from an error: the line on standard error
// begins with it.
func libraryError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "dropblock: "))
}
