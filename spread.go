package dropblock

import (
	"sync/atomic"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// spread maps bits of a mask to elements of the feature map. The mask is outer runs of
// run bits; each run covers times stretches of the map, one behind the other, and each
// bit covers each consecutive elements of a stretch. So the map has outer·times·run·each
// elements and the mask outer·run bits. outer or each is 1.
type spread struct{ outer, times, run, each int }

// spread returns the spread of masks on maps of shape s.
func (cfg *Config) spread(s Shape) spread {
	cells := s.D() * s.H() * s.w
	last := s.layout.channelsLast()
	switch {
	case cfg.Share == ShareChannels && last:
		return spread{1, 1, s.n * cells, s.c}
	case cfg.Share == ShareChannels:
		return spread{s.n, s.c, cells, 1}
	case cfg.Share == ShareAll && last:
		return spread{1, s.n, cells, s.c}
	case cfg.Share == ShareAll:
		return spread{1, s.n * s.c, cells, 1}
	case cfg.Share == ShareBatch:
		return spread{1, s.n, s.c * cells, 1}
	}
	return spread{1, 1, s.Len(), 1}
}

// plain reports whether bits and elements have the same numbers.
func (s *spread) plain() bool { return s.times == 1 && s.each == 1 }

// stretchCells sets the bits of dst, and as many more as make whole cache lines, to those of
// the words of a mask of which each bit covers so many elements. to and from are the elements
// that they are for.
func (k isa) stretchCells(dst, words []uint64, each int, to, from unsafe.Pointer) {
	if each%8 == 0 {
		k.stretchBytes(dst[:bitstring.Lines(len(dst))], words, lanesOf(each/8), (*byte)(to), (*byte)(from))
	} else {
		k.stretch(dst, words, lanesOf(each))
	}
}

// stretchable reports whether stretch or stretchBytes makes the bits of cells of so many
// elements. Those of other cells are set run by run (bitstring.Stretch).
func stretchable(each int) bool { return each <= maxLanes || each%8 == 0 && each/8 <= maxLanes }

// lanesOf returns the lanes that repeat bits, or bytes, so many times.
func lanesOf(times int) []stretchLanes {
	if lanes := allLanes[times].Load(); lanes != nil {
		return *lanes
	}
	lanes := make([]stretchLanes, times)
	for i := range lanes {
		for j := range 64 {
			from := (64*i + j) / times
			lanes[i].at[j], lanes[i].bit[j] = uint8(from/8), 1<<(from%8)
		}
	}
	allLanes[times].Store(&lanes)
	return lanes
}

// allLanes are made at first use.
var allLanes [maxLanes + 1]atomic.Pointer[[]stretchLanes]
