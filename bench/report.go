package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// write puts the report into a file as JSON.
func (r *report) write(name string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for _, start := range []string{`{"setting":`, `{"op":`, `{"peer":`} { // Quotes inside a value are escaped.
		text = bytes.ReplaceAll(text, []byte(start), []byte("\n"+start))
	}
	return writeFile(name, append(text, '\n'))
}

func readReport(name string) (*report, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	r := new(report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: not a report of bench: %w", name, err)
	}
	if r.Machine.CPU == "" || len(r.Results) == 0 || len(r.Kernels) == 0 {
		return nil, fmt.Errorf("%s: not a report of bench: no machine, kernels or results", name)
	}
	for _, res := range slices.Concat(r.Results, r.Sweep) {
		if res.setting, err = parseSetting(res.Setting); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return r, nil
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
