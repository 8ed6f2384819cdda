package dropblock

import "github.com/dropblock-go/dropblock/internal/bitstring"

// stamps drop blocks of the valid region as their seeds are drawn, where a block has few
// bits from its first to its last.
type stamps struct {
	table stampTable
	words int // that a block may touch
}

// stampWordsOf is how many words a block may touch whose last bit is span−1 bits behind
// the first one.
func stampWordsOf(span int) int { return bitstring.Words(span-1) + 1 }

// newStamps returns the stamps for the blocks of a geometry, which touch stampWords at
// most.
func newStamps(g *geometry) *stamps {
	s := &stamps{words: stampWordsOf(g.span())}
	w, h, d := &g.axes[0], &g.axes[1], &g.axes[2]
	for bit := range s.table {
		stamp := s.table[bit][:]
		for slice := range d.block {
			for row := range h.block {
				for col := range w.block {
					bitstring.SetRun(stamp, bit+slice*d.stride+row*h.stride+col*w.stride, 1)
				}
			}
		}
		for i := range stamp {
			stamp[i] = ^stamp[i]
		}
	}
	return s
}
