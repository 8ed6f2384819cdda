package dropblock

// Ahead draws the masks of a layer one step ahead, on a goroutine of its own,
// while the network computes: a mask does not depend on the feature map, so that
// nothing but Apply is left to wait for. The masks are those of
// [Layer.SampleAt], bit for bit.
//
// An Ahead is used by one goroutine and belongs to its layer: a schedule of drop
// probabilities makes a new one with each. Make one with [Layer.Ahead].
type Ahead struct {
	layer Layer
	masks [2]Mask
	now   int // of masks, the one given out last

	shape   Shape // what the other mask is drawn for
	at      Position
	drawing bool
	drawn   chan struct{}
	draw    func()
}

// Ahead returns an Ahead for the layer. It draws nothing before its first
// Sample.
func (l *Layer) Ahead() *Ahead {
	l.must()
	a := &Ahead{layer: *l, drawn: make(chan struct{}, 1)}
	a.draw = func() {
		a.layer.SampleAt(&a.masks[1-a.now], a.shape, a.at)
		a.drawn <- struct{}{}
	}
	return a
}

// Sample returns the mask of a feature map of shape s at a step, and begins to
// draw that of the same shape at the next step. It waits only if the mask is
// still being drawn, or draws it at once if another shape or step was expected.
// The mask is valid until the next call, which draws over it. It panics like
// [Layer.Sample].
func (a *Ahead) Sample(s Shape, step int) *Mask {
	if step < 0 {
		panic("dropblock: Sample: step is negative")
	}
	return a.SampleAt(s, Position{Step: uint64(step)})
}

// SampleAt is Sample at a position; the next one is that of the same sample at
// the next step. It panics like [Layer.SampleAt].
func (a *Ahead) SampleAt(s Shape, at Position) *Mask {
	if a == nil || a.layer.settings == nil {
		panic("dropblock: the Ahead is nil or zero, make one with Layer.Ahead")
	}
	s.mustCheck()
	expected := a.drawing && a.shape == s && a.at == at
	a.Stop()
	a.now = 1 - a.now
	m := &a.masks[a.now]
	if !expected {
		a.layer.SampleAt(m, s, at)
	}
	at.Step++
	a.shape, a.at, a.drawing = s, at, true
	go a.draw()
	return m
}

// Stop waits until nothing is being drawn. The mask given out last stays valid,
// and a later Sample goes on. An Ahead that is no longer used needs no Stop: what it
// draws ends by itself.
func (a *Ahead) Stop() {
	if a != nil && a.drawing {
		<-a.drawn
		a.drawing = false
	}
}
