package dropblock

import "github.com/dropblock-go/dropblock/internal/bitstring"

// stamps drop blocks of the valid region while their seeds are drawn, if a block spans few
// words.
type stamps struct {
	table stampTable
	words int // the most that a block touches
}

// stampWordsOf returns the most words that a block of span bits touches.
func stampWordsOf(span int) int { return bitstring.Words(span-1) + 1 }

// newStamps returns the stamps for the blocks of a geometry, which touch at most
// stampWords words.
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
