package dropblock

import "sync/atomic"

// settings are the state of a layer. All but the cache of plans is immutable.
type settings struct {
	cfg   Config
	isa   isa
	plans planCache
}

// A plan holds what the masks of a layer have in common on maps whose samples have one
// shape. It is immutable and shared.
type plan struct {
	sample  Shape // of one sample
	places  places
	sampler *Bernoulli
	way     growth  // for drawn seeds
	stamps  *stamps // if way is growStamp, else nil
	grower
}

// newPlan makes the plan for maps whose samples have the shape s and are not empty. What
// depends on the geometry alone comes from another layer's plan if it has the same, as
// those of a schedule of drop probabilities have. like may be nil.
func (set *settings) newPlan(s Shape, like *plan) *plan {
	p := &plan{sample: s, sampler: new(Bernoulli)}
	g := set.cfg.geometry(s)
	same := like != nil && like.geometry == g
	if same {
		p.grower, p.places = like.grower, like.places
	} else {
		p.grower.set(g, set.isa)
		p.places = g.places()
	}
	p.sampler.set(set.cfg.gamma(&g))
	density := p.sampler.gamma * float64(p.places.positions) / float64(p.places.sampleBits)
	if p.way = p.growth(set.isa, density, true); p.way == growStamp {
		if same && like.stamps != nil {
			p.stamps = like.stamps
		} else {
			p.stamps = newStamps(&g)
		}
	}
	return p
}

// planCount is how many plans a layer keeps, each of some 10 to 25 KiB, for detectors that
// train on images of ten sizes in turn. A draw whose plan has to be made anew takes about
// a hundred times as long on a small map.
const planCount = 16

// planCache holds the plans that a layer has made last.
type planCache struct {
	plans [planCount]atomic.Pointer[plan]
	next  atomic.Uint32 // the one to replace
}

// plan returns the plan for maps of shape s, which is not empty. like is as newPlan has it.
func (set *settings) plan(s Shape, like *plan) *plan {
	s.n = 1
	c := &set.plans
	for i := range c.plans {
		if p := c.plans[i].Load(); p != nil && p.sample == s {
			return p
		}
	}
	p := set.newPlan(s, like)
	c.plans[(c.next.Add(1)-1)%uint32(len(c.plans))].Store(p)
	return p
}
