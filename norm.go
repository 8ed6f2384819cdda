package dropblock

// norms compute the scale of what is kept from the numbers of ones and of all elements of
// a mask, which has elements.
var norms = [...]func(kept, count int) float64{
	NormTensor: func(kept, count int) float64 {
		if kept == 0 {
			return 0
		}
		return float64(count) / float64(kept)
	},
	NormNone: func(_, _ int) float64 { return 1 },
}
