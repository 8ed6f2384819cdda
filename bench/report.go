package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/dropblock-go/dropblock/internal/atomicfile"
)

// A report is a run of the program: what was measured, of which tables and pictures
// are made.
type report struct {
	Machine     host              `json:"machine"`
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

// result ends a session: what was measured, but for peers that failed, which the report
// tells.
func (r *report) result(s *session) *result {
	res := &result{Setting: s.String(), setting: s.setting}
	for _, t := range s.turns {
		if t.err == nil {
			res.Series = append(res.Series, t.series)
		} else if text := fmt.Sprintf("%s on %v: %v", t.Impl, s.setting, t.err); !slices.Contains(r.failed, text) {
			r.NotRun, r.failed = append(r.NotRun, text), append(r.failed, text)
		}
	}
	return res
}

// write puts the report into a file as JSON.
func (r *report) write(name string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for _, start := range []string{`{"setting":`, `{"op":`} { // Quotes inside a value are escaped.
		text = bytes.ReplaceAll(text, []byte(start), []byte("\n"+start))
	}
	return atomicfile.Write(name, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
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
