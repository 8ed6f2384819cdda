package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the CPU time of the process, of all its threads. Unlike the time
// of day it stands still while other processes have the CPU.
func cpuTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err) // Every Linux has this clock.
	}
	return time.Duration(t.Nano())
}
