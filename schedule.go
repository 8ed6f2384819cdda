package dropblock

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Ramp raises the drop probability linearly with the step, as the paper found to work
// better than a constant one: it is From at step 0 and [Config].DropProb from step Steps
// on. It is a function of the step alone, so that a run that is resumed, or shared by
// several machines, needs no state for it. The zero Ramp leaves the probability constant.
type Ramp struct {
	From  float64 // the drop probability at step 0, in [0, 1]
	Steps uint64
}

// String returns "0.05:2000" for a ramp from 0.05 that takes 2000 steps, or "" for the
// zero Ramp.
func (r Ramp) String() string {
	if r == (Ramp{}) {
		return ""
	}
	return strconv.FormatFloat(r.From, 'g', -1, 64) + ":" + strconv.FormatUint(r.Steps, 10)
}

// MarshalText implements encoding.TextMarshaler: the text of [Ramp.String], or an error
// for a ramp that [New] refuses.
func (r Ramp) MarshalText() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("dropblock: %w", err)
	}
	return []byte(r.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (r *Ramp) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Ramp{}
		return nil
	}
	from, steps, _ := strings.Cut(string(text), ":")
	f, err := strconv.ParseFloat(from, 64)
	n, errSteps := strconv.ParseUint(steps, 10, 64)
	ramp := Ramp{f, n}
	if errors.Join(err, errSteps, ramp.check()) != nil {
		return fmt.Errorf("dropblock: Ramp is %q, want a drop probability from 0 to 1 and a number of steps, 0:2000", text)
	}
	*r = ramp
	return nil
}

func (r *Ramp) check() error {
	switch {
	case !isProbability(r.From):
		return fmt.Errorf("Ramp.From is %v, want a probability from 0 to 1", r.From)
	case r.From != 0 && r.Steps == 0:
		return fmt.Errorf("Ramp.Steps is 0, want 1 or more to rise from %v", r.From)
	}
	return nil
}

func isProbability(p float64) bool { return p >= 0 && p <= 1 }

// schedule is the drop probability as a function of the step.
type schedule struct {
	ramp Ramp
	to   float64 // from step ramp.Steps on
}

// at returns the drop probability at a step. Every operation is rounded: arm64, and
// amd64 with GOAMD64=v3, would fuse product and sum. Roundings may lead past 0 and 1 where
// Steps is above 2⁵³.
func (s *schedule) at(step uint64) float64 {
	if step >= s.ramp.Steps {
		return s.to
	}
	rise := float64(float64(s.to-s.ramp.From) * float64(step))
	return min(max(s.ramp.From+float64(rise/float64(s.ramp.Steps)), 0), 1)
}

// TPUGroup returns the drop probability of a group of residual blocks of a network that
// drops with p in its last one, the fourth: p/4^(4−group), as in tensorflow/tpu's
// resnet_model.py. It panics if group is not from 1 to 4.
func TPUGroup(p float64, group int) float64 {
	if group < 1 || group > 4 {
		panic(fmt.Sprintf("dropblock: TPUGroup: group is %d, want 1 to 4", group))
	}
	return math.Ldexp(p, 2*(group-4))
}
