//go:build !linux

package main

import "time"

const hasCPUClock = false

// cpuTime is not known.
func cpuTime() time.Duration { return 0 }
