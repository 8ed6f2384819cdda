package dropblock

// spread maps bits of a mask to elements of the feature map. The mask is outer runs of
// run bits; each run covers times stretches of the map, one behind the other, and each
// bit covers each consecutive elements of a stretch. So the map has outer·times·run·each
// elements and the mask outer·run bits.
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
