package reference

import "math/bits"

// share is how many of the 2³² words an entry of a gap table stands for.
const share = 1 << 22

// A GapTable draws gaps with one random word each (docs/stream.md, section 9).
type GapTable [1024]struct{ Threshold, Alias uint32 }

// Gap returns the gap that a word draws.
func (gaps *GapTable) Gap(word uint32) uint32 {
	entry := word / share
	if word%share < gaps[entry].Threshold {
		return entry
	}
	return gaps[entry].Alias
}

// NewGapTable builds the table for the probability delta/2⁶⁴ of a seed
// (docs/stream.md, section 9, alias table): the poor, who have less than their
// share, are filled up in ascending order from the rich, in ascending order,
// and a rich one that becomes poor is filled up at once.
func NewGapTable(delta uint64) *GapTable {
	weight := GapWeights(delta)
	gaps := new(GapTable)
	poor, rich := make([]uint32, 0, 1024), make([]uint32, 0, 1024)
	for g := range uint32(1024) {
		gaps[g].Alias = g
		if weight[g] < share {
			poor = append(poor, g)
		} else {
			rich = append(rich, g)
		}
	}
	for _, g := range poor {
		for {
			donor := rich[0]
			gaps[g].Threshold = uint32(weight[g])
			gaps[g].Alias = donor
			weight[donor] -= share - weight[g]
			if weight[donor] >= share {
				break
			}
			g, rich = donor, rich[1:]
		}
	}
	return gaps
}

// GapWeights returns how many of the 2³² words draw each gap (docs/stream.md,
// section 9, gap weights).
func GapWeights(delta uint64) (weight [1024]uint64) {
	// rounded is A of section 9, the words that draw a gap of at least g.
	q := -delta // 2⁶⁴ − Δ
	rounded := [1024]uint64{0: 1 << 32}
	for g, tail := 1, q; g < 1024; g++ {
		rounded[g] = tail>>32 + tail>>31&1
		tail, _ = bits.Mul64(tail, q)
	}
	for g := range 1023 {
		weight[g] = rounded[g] - rounded[g+1]
	}
	weight[1023] = rounded[1023]
	return weight
}
