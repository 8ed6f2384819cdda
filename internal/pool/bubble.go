package pool

import "time"

var began = time.Now()

// bubbled reports whether the calling goroutine is in a bubble of testing/synctest. The
// clock of a bubble starts at 2000-01-01, documented there, and has its own monotonic
// reading: measured by it the process began decades ago or, where the real monotonic
// clock counts from 1970, decades ahead. Elsewhere it is the age of the process, whatever
// is done to the wall clock. A process older than five years is taken for a bubble,
// which makes it slower and nothing else.
func bubbled() bool {
	const year = 365 * 24 * time.Hour
	return time.Since(began).Abs() > 5*year
}
