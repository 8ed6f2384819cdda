package dropblock

import "sync/atomic"

// settings are the state of a layer, and of those that WithDropProb makes of it. All but
// the cache of plans is immutable.
type settings struct {
	cfg   Config
	isa   isa
	plans planCache
}

// A plan holds what the masks of a layer have in common on maps whose samples have one
// shape. It is shared, and immutable but for the stamps, which are made when first needed.
type plan struct {
	sample Shape // of one sample
	places places
	grower
	stamps atomic.Pointer[stamps]
	rate   rate // of the drop probability that the layer has or rises to
}

// A rate holds what the masks of a plan with one drop probability have in common.
type rate struct {
	prob    float64
	sampler *Bernoulli
	way     growth  // for drawn seeds
	stamps  *stamps // if way is growStamp, else nil
	scale   float64 // of NormExpected, else 0
}

// newPlan makes the plan for maps whose samples have the shape s and are not empty. What
// depends on the geometry alone comes from another layer's plan if it has the same. like
// may be nil.
func (set *settings) newPlan(s Shape, like *plan) *plan {
	p := &plan{sample: s}
	if g := set.cfg.geometry(s); like != nil && like.geometry == g {
		p.grower, p.places = like.grower, like.places
		p.stamps.Store(like.stamps.Load())
	} else {
		p.grower.set(g, set.isa)
		p.places = g.places()
	}
	p.rate = set.rate(p, set.cfg.DropProb, new(Bernoulli))
	return p
}

// rate makes the rate of a drop probability, with a sampler that it sets.
func (set *settings) rate(p *plan, prob float64, sampler *Bernoulli) rate {
	sampler.set(set.cfg.gamma(prob, &p.geometry))
	r := rate{prob: prob, sampler: sampler}
	density := sampler.gamma * float64(p.places.positions) / float64(p.places.sampleBits)
	if r.way = p.growth(set.isa, density, true); r.way == growStamp {
		r.stamps = p.stamps.Load()
		if r.stamps == nil {
			r.stamps = newStamps(&p.geometry)
			p.stamps.Store(r.stamps)
		}
	}
	if set.cfg.Norm == NormExpected {
		if drop := p.geometry.expectedDrop(sampler.gamma); drop < 1 {
			r.scale = 1 / (1 - drop)
		}
	}
	return r
}

// rateAt returns the plan's rate of a drop probability, or one with the given sampler, which
// it sets.
func (p *plan) rateAt(set *settings, prob float64, sampler *Bernoulli) rate {
	if prob == p.rate.prob {
		return p.rate
	}
	return set.rate(p, prob, sampler)
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
