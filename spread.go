package dropblock

// spread says which elements of a feature map a bit of its mask rules: the map is outer
// times this: so many times the same run bits of the mask, each of which rules each
// elements that follow each other.
type spread struct{ outer, times, run, each int }

// spread is that of masks for maps of shape s.
func (cfg *Config) spread(s Shape) spread {
	last := s.layout.channelsLast()
	switch {
	case cfg.Share == ShareChannels && last:
		return spread{1, 1, s.n * s.D() * s.H() * s.W(), s.c}
	case cfg.Share == ShareChannels:
		return spread{s.n, s.c, s.D() * s.H() * s.W(), 1}
	}
	return spread{1, 1, s.Len(), 1}
}

// plain reports whether bits and elements have the same numbers.
func (s *spread) plain() bool { return s.times == 1 && s.each == 1 }
