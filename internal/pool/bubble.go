package pool

import "time"

var began = time.Now()

// bubbled reports whether the calling goroutine is in a bubble of testing/synctest. The
// clock of a bubble starts at 2000-01-01, as documented there, with a monotonic reading of
// its own: by that clock the process began decades ago or, if the real monotonic clock
// counts from 1970, decades ahead. Outside, the difference is the age of the process, even
// if the wall clock is set. A process older than five years is taken for a bubble, which
// only makes it slower.
func bubbled() bool {
	const year = 365 * 24 * time.Hour
	return time.Since(began).Abs() > 5*year
}
