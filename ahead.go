package dropblock

import "fmt"

// Ahead draws the masks of a layer one step ahead, on a goroutine of its own,
// while the network computes: a mask does not depend on the feature map, so that
// only Apply remains on the critical path. The masks are those of
// [Layer.SampleAt], bit for bit.
//
// An Ahead is for one goroutine and one layer, whose Ramp it follows: the mask that it
// draws is that of the layer's own probability at the next step, so that a schedule by
// [Layer.WithDropProb] gains nothing from it. Make one with [Layer.Ahead].
type Ahead struct {
	layer Layer
	masks [2]Mask
	now   int // index of the mask returned last

	shape   Shape // of the mask being drawn, as is the position
	at      Position
	drawing bool
	drawn   chan struct{}
	draw    func()
}

// Ahead returns an Ahead for the layer. It draws nothing before the first call of
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
// draw the one of the same shape at the next step. It blocks while the mask is
// still being drawn; after a call with another shape or step it draws the mask
// itself. The mask is valid until the next call. It panics like [Layer.Sample].
func (a *Ahead) Sample(s Shape, step int) *Mask {
	if step < 0 {
		panic(fmt.Sprintf("dropblock: Sample: step is %d, want 0 or more", step))
	}
	return a.SampleAt(s, Position{Step: uint64(step)})
}

// SampleAt is Sample at a position; the mask drawn ahead is the one of the same
// sample index at the next step. It panics like [Layer.SampleAt].
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

// Stop waits until nothing is being drawn. The mask returned last stays valid, and
// Sample may be called again. An Ahead that is no longer used needs no Stop: its
// goroutine ends with the mask.
func (a *Ahead) Stop() {
	if a != nil && a.drawing {
		<-a.drawn
		a.drawing = false
	}
}
