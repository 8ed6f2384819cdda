package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells on standard error what is done: a line for a setting, which
// on a terminal is written over while it runs.
type progress struct {
	w       io.Writer
	live    bool
	start   time.Time
	n, of   int
	setting string
	began   time.Time
}

func newProgress(w io.Writer, settings int) *progress {
	p := &progress{w: w, of: settings, start: time.Now()}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.live = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// more announces settings after those of the beginning.
func (p *progress) more(settings int) { p.of += settings }

func (p *progress) begin(setting string) {
	p.n++
	p.setting, p.began = setting, time.Now()
}

// say tells what is being done.
func (p *progress) say(what string) {
	if p.live {
		fmt.Fprintf(p.w, "\r\x1b[Kbench: %v  %d/%d %s  %s", since(p.start), p.n, p.of, p.setting, what)
	}
}

// done ends the line of a setting.
func (p *progress) done() {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, "bench: %v  %d/%d %s  took %v\n", since(p.start), p.n, p.of, p.setting, since(p.began))
}

func (p *progress) end() {
	fmt.Fprintf(p.w, "bench: all done after %v\n", since(p.start))
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
