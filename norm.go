package dropblock

// norms says which norms scale by count/kept. A new one is a row, and a case of scale if
// its scale is not a quotient of counts.
var norms = [...]struct{ counted bool }{
	NormTensor: {counted: true},
	NormNone:   {},
}

// scale returns the factor of kept elements. count is above 0.
func (n Norm) scale(kept, count int) float64 {
	switch {
	case !norms[n].counted:
		return 1
	case kept == 0:
		return 0
	}
	return float64(count) / float64(kept)
}
