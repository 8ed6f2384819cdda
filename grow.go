package dropblock

// growth is a way from seeds to the blocks that they drop.
type growth uint8

const (
	// growStamp drops the blocks of the valid region as their seeds are drawn
	// (grow_stamp.go).
	growStamp growth = iota
	// growNear takes all steps of a small block on a small map of the valid region at
	// once (grow_shift.go).
	growNear
	// growShift doubles blocks of the valid region by shifts, step after step
	// (grow_shift.go).
	growShift
	// growBorder takes seeds of the full region through masked shifts in both
	// directions, on planes whose masks fit the caches (grow_border.go).
	growBorder
	// growPlane does it plane by plane on other planes (grow_plane.go).
	growPlane
	// growPaint sets the blocks of the full region one by one (grow_paint.go).
	growPaint
)

// A grower is how blocks grow on maps of a geometry. It does not change once it is set.
type grower struct {
	geometry geometry
	dilation *dilation   // of the valid region
	border   *border     // of the full region, or nil
	planes   *planeSteps // likewise, where border is nil
	painter  *painter    // of the full region
}

func (w *grower) set(g geometry) {
	*w = grower{geometry: g, dilation: trivial}
	if !g.full {
		w.dilation = newDilation(&w.geometry)
		return
	}
	w.painter = newPainter(&w.geometry)
	if w.border = newBorder(&w.geometry); w.border == nil {
		w.planes = newPlaneSteps(&w.geometry)
	}
}

// spareWords stand behind those of a mask, for blocks that are set by whole words.
const spareWords = max(stampWords, brushWords)

// growth chooses the way for so many seeds a bit of the mask. drawn says that they are
// still to be drawn.
func (w *grower) growth(k isa, density float64, drawn bool) growth {
	t := &tunings[k]
	if !w.geometry.full {
		if drawn && w.geometry.stampable(t, density) {
			return growStamp
		}
		if t.near && w.dilation.isNear() {
			return growNear
		}
		return growShift
	}
	var steps float64
	way := growPlane
	if w.border != nil {
		steps, way = float64(len(w.border.steps)), growBorder
	} else {
		steps = w.planes.cost()
	}
	if steps < t.paintCost*(64*density*w.painter.cost()+1./20) {
		return way
	}
	return growPaint
}

// stampable reports whether stamps cost less than to set seeds and dilate.
func (g *geometry) stampable(t *tuning, density float64) bool {
	span := g.span()
	if span == 1 {
		return false
	}
	switch touched := stampWordsOf(span); {
	case touched <= stampWords/2:
		return density*t.stampCells <= 1
	case touched <= stampWords:
		return density*t.longStampCells <= 1
	}
	return false
}
