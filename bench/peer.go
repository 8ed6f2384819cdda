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
	name string
	// dilates is true if the peer only grows blocks from seeds.
	dilates bool
	// scale is that of what is kept if the peer does not count.
	scale float64
	// runs reports whether the peer can do what the setting says.
	runs func(setting) bool
	// rules changes the setting's configuration to the peer's.
	rules func(*dropblock.Config)
}

func (p peer) String() string { return p.name }

var allPeers = []peer{
	{name: "torchvision", runs: blockPerChannel, rules: perChannel},
	{name: "timm", runs: shared, rules: func(c *dropblock.Config) {
		c.Region, c.Share = dropblock.RegionFull, dropblock.ShareChannels
	}},
	{name: "timm-uncoupled", runs: blockPerChannel, rules: func(c *dropblock.Config) {
		perChannel(c)
		c.Region = dropblock.RegionFull
	}},
	{name: "tutorial", runs: shared, rules: func(c *dropblock.Config) {
		c.Region, c.Share = dropblock.RegionFull, dropblock.ShareChannels
		c.Gamma, c.Even = dropblock.GammaSimple, dropblock.EvenAfter
	}},
	{name: "dropout", scale: 1 / (1 - dropProb),
		runs: func(s setting) bool { return s.share == dropblock.ShareNone && s.block == 1 },
		rules: func(c *dropblock.Config) {
			perChannel(c)
			c.Block = dropblock.Square(1)
		}},
	{name: "opencv-u8", dilates: true, runs: blockPerChannel, rules: perChannel},
	{name: "opencv-f32", dilates: true, runs: blockPerChannel, rules: perChannel},
}

func perChannel(c *dropblock.Config) { c.Share = dropblock.ShareNone }

// blockPerChannel: torchvision and OpenCV want odd blocks.
func blockPerChannel(s setting) bool {
	return s.share == dropblock.ShareNone && s.block > 1 && s.block%2 == 1 && s.block <= min(s.shape.H(), s.shape.W())
}

func shared(s setting) bool {
	return s.share == dropblock.ShareChannels && s.block <= min(s.shape.H(), s.shape.W())
}

// sweepPeers are those of the sweep over sizes, each by its own rules.
var sweepPeers = []string{"torchvision", "tutorial", "dropout"}

func peerByName(name string) (peer, error) {
	for _, p := range allPeers {
		if p.name == name {
			return p, nil
		}
	}
	return peer{}, fmt.Errorf("%q is not a peer, want none, all or some of %v", name, allPeers)
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

// op is what the peer's own op is called.
func (p peer) op() string {
	if p.dilates {
		return opDilate
	}
	return opForward
}

// peerProcess is a process that has peers.
type peerProcess struct {
	Versions map[string]string `json:"versions"`
	Peers    []string          `json:"peers"`
	Missing  map[string]string `json:"missing"` // why a peer is not there

	*process
	dir string // for the script and the files of a check
}

// startPeers starts the interpreters one after the other and keeps the first that has
// a peer. An error tells why there is none.
func startPeers(pythons []string, timeout time.Duration) (*peerProcess, error) {
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

func (p *peerProcess) stop() error {
	p.process.stop()
	return os.RemoveAll(p.dir)
}

// set says what the next requests are about.
func (p *peerProcess) set(s setting) error {
	_, err := p.ask("setting %d %d %d %d %d %v", s.shape.N(), s.shape.C(), s.shape.H(), s.shape.W(), s.block, dropProb)
	return err
}

// time returns the nanoseconds of one call.
func (p *peerProcess) time(name string, threads int, slice time.Duration) (float64, error) {
	words, err := p.ask("time %s %d %d", name, threads, slice.Nanoseconds())
	if err != nil {
		return 0, err
	}
	if len(words) > 0 {
		if ns, err := strconv.ParseFloat(words[0], 64); err == nil && ns > 0 {
			return ns, nil
		}
	}
	return 0, fmt.Errorf("time %s: the answer is %q, want a time above 0", name, words)
}

// check gives the peer seeds that the library drew by the peer's rules, and
// compares: the mask must be the same, the output but for rounding, and the
// probability of the seeds too. The setting is set.
func (p *peerProcess) check(peer peer, w *workload) error {
	cfg := peer.config(w.setting)
	layer, err := dropblock.New(cfg)
	if err != nil {
		return err
	}
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
	if len(answer) != 1 {
		return fmt.Errorf("the answer is %q, want a probability", answer)
	}
	if gamma, err := strconv.ParseFloat(answer[0], 64); answer[0] != "-" && !(err == nil && math.Abs(gamma/layer.Gamma(w.shape, 0)-1) < 1e-12) {
		return fmt.Errorf("seeds have the probability %s, ours %v", answer[0], layer.Gamma(w.shape, 0))
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
		case p.dilates:
			if (theirs == 0) != keep[i] {
				return fmt.Errorf("the mask differs at element %d", i)
			}
		case (theirs != 0) != keep[i]: // x has no zeros.
			return fmt.Errorf("the mask differs at element %d", i)
		case keep[i] && !(math.Abs(float64(theirs)-ours) <= math.Abs(ours)*bound):
			return fmt.Errorf("the output at element %d is %v, want %v", i, theirs, ours)
		}
	}
	return nil
}

// peerTurn is the turn of a peer.
func (p *plan) peerTurn(peer peer, threads int) turn {
	s := series{Op: peer.op(), Impl: peer.name, Threads: threads, Every: p.peerEvery}
	return turn{series: s, measure: func() (cpu, wall float64, err error) {
		wall, err = p.peers.time(peer.name, threads, p.slice)
		return 0, wall, err
	}}
}
