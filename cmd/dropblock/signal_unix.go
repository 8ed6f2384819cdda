//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/dropblock-go/dropblock/internal/atomicfile"
)

// cleanUpOnSignals has signals that end the command remove its temporary files first, and
// a closed standard output be an error.
func cleanUpOnSignals() {
	signal.Ignore(syscall.SIGPIPE)
	caught := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as by nohup
			signal.Notify(caught, s)
		}
	}
	go func() {
		s := <-caught
		atomicfile.Abort()
		signal.Reset(s)
		_ = syscall.Kill(syscall.Getpid(), s.(syscall.Signal))
	}()
}
