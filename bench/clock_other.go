//go:build !linux

package main

import "time"

// clockName says what now counts.
const clockName = "time"

var epoch = time.Now()

// now is the time since the program began.
func now() time.Duration { return time.Since(epoch) }
