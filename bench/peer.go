package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock"
)

// Peers are other implementations. They run in a process of their own, which
// answers one request at a time and sleeps in between. The script tells the
// protocol.
//
//go:embed peers/torch_peers.py
var peersScript []byte

// A peer is another implementation with what the library is told to do the
// same.
type peer struct {
	name    string
	dilates bool                      // only grows blocks from seeds
	scale   float64                   // of what is kept, if the peer does not count
	sweep   bool                      // over sizes too, by the peer's own rules
	runs    func(setting) bool        // what the setting says
	rules   func(c *dropblock.Config) // changes the setting's configuration to the peer's
}

func (p peer) String() string { return p.name }

var allPeers = []peer{
	{name: "torchvision", sweep: true, runs: blockPerChannel, rules: perChannel},
	{name: "timm", runs: shared, rules: func(c *dropblock.Config) {
		c.Region, c.Share = dropblock.RegionFull, dropblock.ShareChannels
	}},
	{name: "timm-uncoupled", runs: blockPerChannel, rules: func(c *dropblock.Config) {
		c.Region, c.Share = dropblock.RegionFull, dropblock.ShareNone
	}},
	{name: "tutorial", sweep: true, runs: shared, rules: func(c *dropblock.Config) {
		c.Region, c.Share = dropblock.RegionFull, dropblock.ShareChannels
		c.Gamma, c.Even = dropblock.GammaSimple, dropblock.EvenAfter
	}},
	{name: "dropout", sweep: true, scale: 1 / (1 - dropProb),
		runs:  func(s setting) bool { return perMap(s) && s.share == dropblock.ShareNone && s.square() == 1 },
		rules: func(c *dropblock.Config) { c.Share, c.Block = dropblock.ShareNone, dropblock.Square(1) }},
	{name: "opencv-u8", dilates: true, runs: blockPerChannel, rules: perChannel},
	{name: "opencv-f32", dilates: true, runs: blockPerChannel, rules: perChannel},
}

func perChannel(c *dropblock.Config) { c.Share = dropblock.ShareNone }

// perMap: the peers are measured on NCHW maps of float32 that hold a square block.
func perMap(s setting) bool {
	return s.usual() && s.square() > 0 && s.square() <= min(s.shape.H(), s.shape.W())
}

// blockPerChannel: torchvision and OpenCV want odd blocks.
func blockPerChannel(s setting) bool {
	return perMap(s) && s.share == dropblock.ShareNone && s.square() > 1 && s.square()%2 == 1
}

func shared(s setting) bool { return perMap(s) && s.share == dropblock.ShareChannels }

func peerByName(name string) (peer, error) {
	for _, p := range allPeers {
		if p.name == name {
			return p, nil
		}
	}
	return peer{}, fmt.Errorf("%q is not a peer, want all or some of %v", name, allPeers)
}

func (p peer) config(s setting) dropblock.Config {
	cfg := s.config()
	p.rules(&cfg)
	return cfg
}

// rival is our op that does what the peer does.
func (p peer) rival(s setting) string {
	switch {
	case p.dilates:
		return opDilate
	case p.config(s) == s.config():
		return opForward
	}
	return opForward + " as " + p.name
}

// peerProcess is a process that has peers.
type peerProcess struct {
	Versions map[string]string `json:"versions"`
	Peers    []string          `json:"peers"`
	Missing  map[string]string `json:"missing"` // why a peer is not there

	*process
	dir string // for the script and the files of a check
}

// pythons are the interpreters that may have the peers' packages.
var pythons = []string{"python3", "/usr/bin/python3"}

// startPeers starts the first interpreter that has a peer. An error tells why there is
// none.
func startPeers(timeout time.Duration) (*peerProcess, error) {
	var errs []error
	for _, python := range pythons {
		p, err := startPeer(python, timeout)
		if err == nil && len(p.Peers) > 0 {
			return p, nil
		}
		if err == nil {
			missing := slices.Compact(slices.Sorted(maps.Values(p.Missing)))
			err = errors.Join(fmt.Errorf("%s has no peer: %s", python, strings.Join(missing, "; ")), p.stop())
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func startPeer(python string, timeout time.Duration) (*peerProcess, error) {
	path, err := exec.LookPath(python)
	if err != nil {
		return nil, err
	}
	p := new(peerProcess)
	if p.dir, err = os.MkdirTemp("", "dropblock-bench-"); err != nil {
		return nil, err
	}
	script := filepath.Join(p.dir, "torch_peers.py")
	if err := os.WriteFile(script, peersScript, 0o644); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.dir))
	}
	cmd := exec.Command(path, script)
	// glibc maps large blocks anew at each allocation, or gives them back, and their
	// pages are then taken one by one: up to 20 times what the computation takes.
	// The peers are measured without it.
	cmd.Env = append(os.Environ(), "MALLOC_MMAP_THRESHOLD_=4294967296", "MALLOC_TRIM_THRESHOLD_=17179869184")
	var greeting []byte
	if p.process, greeting, err = startProcess(cmd, timeout); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.dir))
	}
	if err := json.Unmarshal(greeting, p); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: no greeting: %w", python, err)
	}
	return p, nil
}

// stop ends a process that was started.
func (p *peerProcess) stop() error {
	if p == nil {
		return nil
	}
	p.process.stop()
	return os.RemoveAll(p.dir)
}

// set says what the next requests are about.
func (p *peerProcess) set(s setting) error {
	_, err := p.ask("setting %d %d %d %d %d %v", s.shape.N(), s.shape.C(), s.shape.H(), s.shape.W(), s.square(), dropProb)
	return err
}

// check gives the peer seeds that the library drew by the peer's rules, and
// compares: the mask must be the same, the output but for rounding, and the
// probability of the seeds too. The setting is set.
func (p *peerProcess) check(peer peer, w *workload) error {
	layer := mustLayer(peer.config(w.setting), dropblock.KernelSet{}, 0)
	var m dropblock.Mask
	layer.Sample(&m, w.shape, 0)
	bits := m.MaskShape().Len()
	words := make([]uint64, len(m.Words()))
	for step := range uint64(1000) { // A small map may have no seeds in a step.
		if layer.DrawSeeds(words, w.shape, dropblock.Position{Step: step}) > 0 {
			break
		}
	}
	seeds := make([]byte, bits)
	for i := range seeds {
		seeds[i] = byte(words[i>>6] >> (i & 63) & 1)
	}
	file := func(name string) string { return filepath.Join(p.dir, name) }
	for name, data := range map[string][]byte{"x": memory(w.x), "seeds": seeds} {
		if err := os.WriteFile(file(name), data, 0o644); err != nil {
			return err
		}
	}
	defer func() {
		for _, name := range []string{"x", "y", "seeds"} {
			os.Remove(file(name))
		}
	}()

	answer, err := p.ask("check %s %s", peer.name, p.dir)
	if err != nil {
		return err
	}
	if gamma := layer.Gamma(w.shape, 0); len(answer) != 1 || answer[0] != "-" && !near(answer[0], gamma) {
		return fmt.Errorf("seeds have the probability %q, ours %v", answer, gamma)
	}
	if seeds, err = os.ReadFile(file("seeds")); err != nil {
		return err
	}
	theirs, err := os.ReadFile(file("y"))
	if err != nil {
		return err
	}
	if len(seeds) != bits || len(theirs) != 4*w.n {
		return fmt.Errorf("%d seeds and an output of %d bytes, want %d and %d", len(seeds), len(theirs), bits, 4*w.n)
	}
	clear(words)
	for i, s := range seeds {
		words[i>>6] |= uint64(s&1) << (i & 63)
	}
	if err := layer.Grow(&m, w.shape, words); err != nil {
		return err
	}
	copy(memory(w.y), theirs)
	return peer.compare(w.y, w.x, &m)
}

// near reports whether a number is another one but for rounding.
func near(text string, v float64) bool {
	w, err := strconv.ParseFloat(text, 64)
	return err == nil && math.Abs(w/v-1) < 1e-12
}

// compare compares a peer's output with that of the same mask. It rounds up to
// four times, the sum, its reciprocal, the scale, the product, and may add up to
// 10⁻⁶ to the count of what is kept.
func (p peer) compare(y, x []float32, m *dropblock.Mask) error {
	keep := make([]bool, len(y))
	dropblock.KeepTo(keep, m)
	scale := m.Scales()[0]
	if p.scale > 0 {
		scale = p.scale
	}
	bound := 6.01*0x1p-24 + 1e-6/float64(m.Kept())
	for i, theirs := range y {
		ours := float64(x[i]) * scale
		switch {
		case (theirs != 0) != (keep[i] != p.dilates): // x has no zeros.
			return fmt.Errorf("the mask differs at element %d", i)
		case keep[i] && !p.dilates && !(math.Abs(float64(theirs)-ours) <= math.Abs(ours)*bound):
			return fmt.Errorf("the output at element %d is %v, want %v", i, theirs, ours)
		}
	}
	return nil
}

// peerTurn is the turn of a peer, or why there is none.
func (opt *options) peerTurn(p peer, threads int, err error) turn {
	s := series{task: task{opForward, p.name, threads}, Every: peerEvery}
	if p.dilates {
		s.Op = opDilate
	}
	return turn{series: s, err: err, measure: func() (cpu, wall float64, err error) {
		t, err := opt.process.numbers(2, "time %s %d %d", p.name, threads, opt.slice.Nanoseconds())
		if err != nil {
			return 0, 0, err
		}
		return 0, t[0], nil
	}}
}
