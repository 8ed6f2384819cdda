package dropblock

import "math"

// growth is a method of growing seeds to blocks.
type growth uint8

const (
	// growStamp drops the blocks of the valid region while their seeds are drawn
	// (grow_stamp.go).
	growStamp growth = iota
	// growNear does all steps of a small block on a small map of the valid region in one
	// pass (grow_shift.go).
	growNear
	// growShift doubles blocks of the valid region by shifts, one pass for each step
	// (grow_shift.go).
	growShift
	// growBorder grows seeds of the full region by masked shifts in both directions. The
	// masks have to fit the caches (grow_border.go).
	growBorder
	// growPlane grows seeds of the full region plane by plane, for planes that are too
	// large for growBorder (grow_plane.go).
	growPlane
	// growPaint sets the blocks of the full region one by one (grow_paint.go).
	growPaint
)

// A grower holds the plans for growing blocks on maps of a geometry. It is immutable once
// it is set.
type grower struct {
	geometry geometry
	dilation *dilation   // for the valid region, else trivial
	border   *border     // for the full region, nil if the masks are too large
	planes   *planeSteps // for the full region, nil if border is always faster
	painter  *painter    // for the full region
}

func (g *grower) set(geo geometry, k isa) {
	*g = grower{geometry: geo, dilation: trivial}
	if !geo.full {
		g.dilation = newDilation(&g.geometry, tunings[k].pairs)
		return
	}
	g.painter = newPainter(&g.geometry)
	g.border = newBorder(&g.geometry)
	if g.border == nil || g.border.period > minPlanePeriod {
		g.planes = newPlaneSteps(&g.geometry, tunings[k].runWords)
	}
}

// spareWords is the number of words behind a mask that stamps and brushes may touch.
const spareWords = max(stampWords, brushWords)

// growth chooses the method for a density of seeds in bits of the mask. drawn says that
// they are still to be drawn.
func (g *grower) growth(k isa, density float64, drawn bool) growth {
	t := &tunings[k]
	if !g.geometry.full {
		if drawn && g.geometry.stampable(t, density) {
			return growStamp
		}
		if t.near && g.dilation.isNear() {
			return growNear
		}
		return growShift
	}
	steps, way := math.Inf(1), growBorder
	if g.border != nil {
		steps = float64(len(g.border.steps))
	}
	if g.planes != nil && g.planes.cost() < steps {
		steps, way = g.planes.cost(), growPlane
	}
	if steps < t.paintCost*(64*density*g.painter.cost()+1./20) {
		return way
	}
	return growPaint
}

// stampable reports whether stamping is faster than setting seeds and dilating.
func (g *geometry) stampable(t *tuning, density float64) bool {
	span := g.span()
	switch touched := stampWordsOf(span); {
	case span == 1 || touched > stampWords:
		return false
	case touched > stampWords/2:
		return density*t.longStampCells <= 1
	}
	return density*t.stampCells <= 1
}
