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

// newPlan makes the plan for maps whose samples have the shape s and are not empty.
func (set *settings) newPlan(s Shape) *plan {
	p := &plan{sample: s}
	p.grower.set(set.cfg.geometry(s))
	g := &p.geometry
	p.places = g.places()
	gamma := set.cfg.gamma(g)
	p.sampler = new(Bernoulli)
	p.sampler.set(gamma)
	p.way = p.growth(set.isa, gamma*float64(p.places.positions)/float64(p.places.sampleBits), true)
	if p.way == growStamp {
		p.stamps = newStamps(g)
	}
	return p
}

// planCache holds the plans that a layer made last.
type planCache struct {
	plans [4]atomic.Pointer[plan]
	next  atomic.Uint32 // the one to replace
}

// plan returns the plan for maps of shape s, which is not empty.
func (set *settings) plan(s Shape) *plan {
	s.n = 1
	c := &set.plans
	for i := range c.plans {
		if p := c.plans[i].Load(); p != nil && p.sample == s {
			return p
		}
	}
	p := set.newPlan(s)
	c.plans[(c.next.Add(1)-1)%uint32(len(c.plans))].Store(p)
	return p
}
