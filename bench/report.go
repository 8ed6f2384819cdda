package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A report is a run of the program.
type report struct {
	Machine     machine           `json:"machine"`
	Versions    map[string]string `json:"versions,omitempty"` // of the peers
	Date        time.Time         `json:"date"`
	Command     string            `json:"command"`
	P           float64           `json:"p"`
	Rounds      int               `json:"rounds"`
	Passes      int               `json:"passes"`
	SliceNs     int64             `json:"slice_ns"`
	PeerEvery   int               `json:"peer_every"`
	Kernels     []string          `json:"kernels"`
	NotRun      []string          `json:"not_run,omitempty"`
	Results     []*result         `json:"results"`
	SweepRounds int               `json:"sweep_rounds,omitempty"`
	Sweep       []*result         `json:"sweep,omitempty"`

	failed []string // peers, which is no success
}

// add adds results to a list of the report.
func (r *report) add(list *[]*result, results []*result) {
	*list = append(*list, results...)
	for _, res := range results {
		for _, f := range res.failed {
			text := fmt.Sprintf("%s on %s: %v", f.peer, res.Setting, f.err)
			r.NotRun = append(r.NotRun, text)
			r.failed = append(r.failed, text)
		}
	}
}

// write puts the report into a file as JSON, and the tables into one that
// ends in .md.
func (r *report) write(name string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for _, start := range []string{`{"setting":`, `{"op":`, `{"peer":`} { // Quotes inside a value are escaped.
		text = bytes.ReplaceAll(text, []byte(start), []byte("\n"+start))
	}
	if err := writeFile(name, append(text, '\n')); err != nil {
		return err
	}
	var tables bytes.Buffer
	if err := r.markdown(&tables); err != nil {
		return err
	}
	return writeFile(strings.TrimSuffix(name, ".json")+".md", tables.Bytes())
}

// writeFile writes a file whole or not at all.
func writeFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
