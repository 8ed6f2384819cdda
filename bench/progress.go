package main

import (
	"fmt"
	"io"
	"time"
)

// progress writes a line for each setting that is done.
type progress struct {
	w            io.Writer
	start, began time.Time
	n, of        int
}

func newProgress(w io.Writer, settings int) *progress {
	now := time.Now()
	return &progress{w: w, start: now, began: now, of: settings}
}

func (p *progress) done(s setting) {
	p.n++
	fmt.Fprintf(p.w, "bench: %v  %d/%d %v  took %v\n", since(p.start), p.n, p.of, s, since(p.began))
	p.began = time.Now()
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
