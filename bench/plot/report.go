package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A report is what the plots need of bench's.
type report struct {
	Machine struct {
		CPU    string   `json:"cpu"`
		Caches []string `json:"caches"`
		Go     string   `json:"go"`
		OS     string   `json:"os"`
		Arch   string   `json:"arch"`
	} `json:"machine"`
	Versions    map[string]string `json:"versions"`
	Date        string            `json:"date"`
	P           float64           `json:"p"`
	Rounds      int               `json:"rounds"`
	PeerEvery   int               `json:"peer_every"`
	Kernels     []string          `json:"kernels"`
	Results     []result          `json:"results"`
	SweepRounds int               `json:"sweep_rounds"`
	Sweep       []result          `json:"sweep"`
}

type result struct {
	Setting  string    `json:"setting"`
	Elements int       `json:"elements"`
	Copy     string    `json:"fastest_copy"`
	Series   []series  `json:"series"`
	SpeedUps []speedUp `json:"speed_ups"`
}

type series struct {
	Op      string    `json:"op"`
	Impl    string    `json:"impl"`
	Threads int       `json:"threads"`
	Wall    []float64 `json:"wall_ns"`
}

type speedUp struct {
	Peer    string     `json:"peer"`
	Op      string     `json:"op"`
	Impl    string     `json:"impl"`
	Threads int        `json:"threads"`
	Times   [3]float64 `json:"times"` // quartiles
}

func read(file string) (*report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: not a report of bench: %w", file, err)
	}
	if r.Machine.CPU == "" || len(r.Results) == 0 {
		return nil, fmt.Errorf("%s: not a report of bench: no machine or no results", file)
	}
	return r, nil
}

func (r *report) pictures() (all []picture, err error) {
	for _, side := range r.sweepSides() {
		p, err := r.sizePicture(side)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	for _, kind := range []struct{ name, title string }{
		{"forward", "Forward: time of others ÷ time of dropblock"},
		{"dilate", "Dilation alone: time of others ÷ time of dropblock"},
	} {
		if rows := r.rows(kind.name == "dilate"); len(rows) > 0 {
			all = append(all, r.speedUpPicture("speedup-"+kind.name, kind.title, rows))
		}
	}
	return all, nil
}

// caption is what the figures depend on, in two lines.
func (r *report) caption(rounds int) string {
	date, _, _ := strings.Cut(r.Date, "T")
	line := fmt.Sprintf("%s, %s, %s/%s", r.Machine.CPU, r.Machine.Go, r.Machine.OS, r.Machine.Arch)
	names := make([]string, 0, len(r.Versions))
	for _, name := range []string{"torch", "torchvision", "cv2"} {
		if v := r.Versions[name]; v != "" {
			names = append(names, name+" "+v)
		}
	}
	second := append(names, date, fmt.Sprintf("p = %v", r.P), fmt.Sprintf("medians of %d interleaved rounds", rounds))
	if r.PeerEvery > 1 && len(names) > 0 {
		second[len(second)-1] += fmt.Sprintf(", others in %d of them", (rounds-1)/r.PeerEvery+1)
	}
	return line + "\n" + strings.Join(second, ", ")
}

// cacheBytes reads a cache such as "L2 1024K"; instruction caches are none.
func cacheBytes(cache string) (name string, bytes float64, ok bool) {
	f := strings.Fields(cache)
	if len(f) != 2 || strings.HasSuffix(f[0], "i") {
		return "", 0, false
	}
	units := map[byte]float64{'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
	n, err := strconv.Atoi(f[1][:len(f[1])-1])
	unit := units[f[1][len(f[1])-1]]
	return f[0], float64(n) * unit, err == nil && unit > 0
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
