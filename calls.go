package dropblock

import "github.com/dropblock-go/dropblock/internal/bitstring"

// These methods cut work of any length into kernel calls of bounded length (tune.go).

func (k isa) rowCalls(dst, src []uint64, b int) {
	for from := 0; from < len(dst); from += dilateCallLen {
		to := min(from+dilateCallLen, len(dst))
		k.dilateRow(dst[from:to], src[from:to+1], b)
	}
}

func (k isa) stepCalls(dst, src []uint64, a, b int) {
	for from := 0; from < len(dst); from += dilateCallLen {
		to := min(from+dilateCallLen, len(dst))
		k.dilateStep(dst[from:to], src[from:to+dilateLead(b)], a, b)
	}
}

func (k isa) keepCalls(dst, src []uint64, a, b int) (kept int) {
	for from := 0; from < len(dst); from += dilateCallLen {
		to := min(from+dilateCallLen, len(dst))
		kept += k.dilateKeep(dst[from:to], src[from:to+dilateLead(b)], a, b)
	}
	return kept
}

func (k isa) countCalls(words []uint64) (n int) {
	for len(words) > 0 {
		call := words[:min(len(words), countCallLen)]
		n += k.count(call)
		words = words[len(call):]
	}
	return n
}

// scaleSpan sets dst to src·scale where keep, bit i for element i, is 1, and to +0
// elsewhere, by one kernel call. stream asks for non-temporal stores where the set has
// them. dst may be src.
func (k isa) scaleSpan(dst, src span, keep []uint64, scale float64, stream bool) {
	if stream {
		k.scaleStream(dst.at, src.at, dst.n, dst.element, keep, scale)
	} else {
		k.scale(dst.at, src.at, dst.n, dst.element, keep, scale)
	}
}

// scaleCellsSpan is scaleSpan with words of which each bit is for as many elements as there
// are lanes.
func (k isa) scaleCellsSpan(dst, src span, words []uint64, lanes []stretchLanes, scale float64, stream bool) {
	if stream {
		k.scaleCellsStream(dst.at, src.at, dst.n, dst.element, words, lanes, scale)
	} else {
		k.scaleCells(dst.at, src.at, dst.n, dst.element, words, lanes, scale)
	}
}

// scaleRunsSpan is scaleSpan with a scale for each run of elements, left of which are of the
// first one.
func (k isa) scaleRunsSpan(dst, src span, keep []uint64, scales []float64, run, left int, stream bool) {
	if stream {
		k.scaleRunsStream(dst.at, src.at, dst.n, dst.element, keep, scales, run, left)
	} else {
		k.scaleRuns(dst.at, src.at, dst.n, dst.element, keep, scales, run, left)
	}
}

// addSpan adds src·scale to dst where keep is 1, by one kernel call. dst may be src.
func (k isa) addSpan(dst, src span, keep []uint64, scale float64) {
	k.add(dst.at, src.at, dst.n, dst.element, keep, scale)
}

// fillSpan sets dst to src·scale where keep is 1 and to fill elsewhere, by one kernel call.
// stream asks for non-temporal stores where the set has them. dst may be src or fill.
func (k isa) fillSpan(dst, src, fill span, keep []uint64, scale float64, stream bool) {
	if stream {
		k.fillStream(dst.at, src.at, fill.at, dst.n, dst.element, keep, scale)
	} else {
		k.fill(dst.at, src.at, fill.at, dst.n, dst.element, keep, scale)
	}
}

// expandSpan sets dst to scale, or bytes to 1, where keep is 1 and to 0 elsewhere, by one
// kernel call.
func (k isa) expandSpan(dst span, keep []uint64, scale float64) {
	if dst.element == elementByte {
		k.expandBool(dst.bools(), keep)
	} else {
		k.expand(dst.at, dst.n, dst.element, keep, scale)
	}
}

// dilateInPlace sets words to words | words<<shift, going from the end to the beginning.
func (k isa) dilateInPlace(words []uint64, shift int) {
	var buf [256]uint64
	lead := dilateLead(shift)
	for to := len(words); to > lead; {
		from := max(to-len(buf), lead)
		out := buf[:to-from]
		k.dilateStep(out, words[from-lead:to], shift, shift)
		copy(words[from:to], out)
		to = from
	}
	// The first word is shifted into this one; the words before it stay as they are.
	words[lead-1] |= words[0] << (shift & 63)
}

// dilateTo sets dst to src | src<<shift, which is as long and longer than the lead.
func (k isa) dilateTo(dst, src []uint64, shift int) {
	lead := dilateLead(shift)
	bitstring.Copy(dst[:lead], src[:lead])
	dst[lead-1] |= src[0] << (shift & 63)
	k.stepCalls(dst[lead:], src, shift, shift)
}
