//go:build !race

package guard

// Race tells that the race detector is on, which makes tests slow.
const Race = false
