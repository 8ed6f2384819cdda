package dropblock

import "sync/atomic"

// settings are what a layer is made of. They do not change.
type settings struct {
	cfg   Config
	isa   isa
	plans planCache
}

// A plan is what all masks of a layer have in common whose maps have samples of one
// shape. It does not change and is shared by them.
type plan struct {
	sample  Shape // of one sample
	places  places
	sampler *Bernoulli
	way     growth  // of drawn seeds
	stamps  *stamps // of growStamp, else nil
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

// planCount is how many plans a layer keeps, each of some 10 to 25 KiB, for detectors that
// train on images of ten sizes in turn. A draw whose plan has to be made anew takes about
// a hundred times as long on a small map.
const planCount = 16

// planCache holds the plans that a layer has made last.
type planCache struct {
	plans [planCount]atomic.Pointer[plan]
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
