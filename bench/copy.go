package main

// A roofline is a way to copy a slice. What a layer costs is divided by the
// fastest of them, at that size and in that run: Go's own copy alone would
// flatter, since it goes around the caches where that is no gain.
type roofline struct {
	name string
	copy func(dst, src []float32) // of the same length
}

// rooflines returns what this CPU runs, Go's copy first.
func rooflines() []roofline {
	return append([]roofline{{"go", copyGo}}, archRooflines()...)
}

func copyGo(dst, src []float32) { copy(dst, src) }

// A scaleCopy is a loop that multiplies a slice into another: what a layer
// would cost if it had no mask.
type scaleCopy struct {
	name string
	run  func(dst, src []float32, scale float32) // of the same length
}

// scaleCopies returns what this CPU runs, Go's loop last.
func scaleCopies() []scaleCopy {
	return append(archScaleCopies(), scaleCopy{"generic", scaleCopyGo})
}

func scaleCopyGo(dst, src []float32, scale float32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = v * scale
	}
}
