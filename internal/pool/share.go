package pool

import "runtime"

// Workers returns the number of goroutines for n elements: as many as have each elements or
// more, at least 1 and at most GOMAXPROCS and, unless it is 0, most.
func Workers(most, n, each int) int {
	if n < 2*each || most == 1 { // saves small maps the latency of the division
		return 1
	}
	workers := n / each
	if most > 0 {
		workers = min(workers, most)
	}
	return min(workers, runtime.GOMAXPROCS(0))
}

// Share returns where part i of n elements begins and part i-1 ends. Parts begin at
// multiples of unit, and their sizes differ by at most unit.
func Share(n, unit, i, parts int) int {
	if n == 0 {
		return 0
	}
	units := (n-1)/unit + 1
	begin := units/parts*i + min(i, units%parts)
	if begin >= units {
		return n
	}
	return begin * unit
}
