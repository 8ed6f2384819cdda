package main

import "math"

// A loop goes over a slice into another of the same length.
type loop struct {
	name string
	run  func(dst, src []float32)
}

// rooflines are the ways to copy that this CPU runs, Go's first. What a layer costs
// is divided by the fastest of them, at that size and in that run: Go's own alone
// would flatter, since it goes around the caches where that is no gain.
func rooflines() []loop {
	return append([]loop{{"go", func(dst, src []float32) { copy(dst, src) }}}, archRooflines()...)
}

// addLoops add the words of one slice to the other, named as the kernel set that has the
// same vectors: what ApplyAdd costs is divided by the fastest.
func addLoops() []loop {
	return append(archAddLoops(), loop{"generic", func(dst, src []float32) {
		dst = dst[:len(src)]
		for i, v := range src {
			dst[i] = math.Float32frombits(math.Float32bits(dst[i]) + math.Float32bits(v))
		}
	}})
}

// scaleBy is the factor of the scale-copies.
const scaleBy = 1.1

// scaleCopies multiply one slice into the other, named as the kernel set that has the
// same vectors: what a layer would cost if it had no mask.
func scaleCopies() []loop {
	return append(archScaleCopies(), loop{"generic", func(dst, src []float32) {
		dst = dst[:len(src)]
		for i, v := range src {
			dst[i] = v * scaleBy
		}
	}})
}
