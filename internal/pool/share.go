package pool

import "runtime"

// Workers is how many goroutines are worth using on n elements, if each is to have at
// least so many of them: most or, if that is 0, GOMAXPROCS at most, and 1 at least.
func Workers(most, n, each int) int {
	if n < 2*each || most == 1 { // without a division, which small maps notice
		return 1
	}
	w := n / each
	if most > 0 {
		w = min(w, most)
	}
	return min(w, runtime.GOMAXPROCS(0))
}

// Share is where part i of n elements begins, and part i-1 ends, in parts of equal
// size, but for a unit, that begin at multiples of a unit.
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
