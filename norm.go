package dropblock

// norms say what the scale of what is kept is counted over. A new one is a row, and a
// case of scale if it is not a quotient of counts.
var norms = [...]struct{ counted bool }{
	NormTensor: {counted: true},
	NormNone:   {},
}

// scale is the scale of what is kept: count/kept, or 0 if nothing is, where counts
// matter, and else 1. count is above 0.
func (n Norm) scale(kept, count int) float64 {
	switch {
	case !norms[n].counted:
		return 1
	case kept == 0:
		return 0
	}
	return float64(count) / float64(kept)
}
