//go:build !unix

package main

import (
	"os"
	"os/signal"

	"github.com/dropblock-go/dropblock/internal/atomicfile"
)

// cleanUpOnSignals has an interrupt remove the temporary files of the command first.
func cleanUpOnSignals() {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt)
	go func() {
		<-caught
		atomicfile.Abort()
		os.Exit(1)
	}()
}
