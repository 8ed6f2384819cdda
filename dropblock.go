// Package dropblock regularises convolutional feature maps with DropBlock
// (Ghiasi, Lin, Le: "DropBlock: A regularization method for convolutional
// networks", NeurIPS 2018, arXiv:1810.12890), with kernels in assembly that make
// it cost little more than copying the map.
//
// A [Layer] made from a [Config] draws a [Mask] for each training step: sparse
// seeds, each grown to a block, everything outside the blocks kept. [Apply]
// multiplies what is kept by count/kept and writes +0 where it is dropped; the
// same call with the same mask is the backward pass. In inference a layer does
// nothing: leave it out, or use [Mask.Identity].
//
// A mask is a pure function of the stream version, the seed, the layer, the
// step, the global index of each sample, the geometry and gamma. It does not
// depend on the CPU, the kernel set, the batch split or the Go release:
// docs/stream.md in the module defines every bit.
//
// A Layer is immutable and safe for concurrent use. A Mask may be read by many
// goroutines at once and must be written by one.
package dropblock

import (
	"fmt"
	"math"
)

// Config describes a DropBlock layer. The zero value of every field but Block
// is a usable default, and new fields keep that property. A Config can be stored
// whole by encoding/json, with names for its constants and its kernel set, and by
// encoding/gob.
type Config struct {
	_ struct{} // Field names are required: new fields will come.

	// DropProb is the paper's 1 − keep_prob, in [0, 1]: the fraction of
	// elements to drop, from which Gamma derives the probability of a seed.
	// What is dropped is less with RegionValid and GammaPaper, as blocks
	// overlap: with a block of 7 on 14×14, 9.3 % for 0.1 and 36 % for 0.5. With
	// other pairs it may be far off (see RegionFull). 0 makes the layer the
	// identity. 1 drops all with GammaPaper where each
	// axis of the block is 1 or the map's.
	DropProb float64

	// Block is the block size. [Square](1) is dropout, a block of the map's
	// size is SpatialDropout. A block larger than the map is clipped to it,
	// axis by axis, before gamma is computed (timm, tensorflow/tpu).
	Block Block

	// Even says on which side of its seed a block of even size has its extra
	// cell.
	Even Even

	// Region says where seeds may fall.
	Region Region

	// Gamma is the rule that turns DropProb into the probability of a seed.
	Gamma GammaRule

	// Share says which elements share one mask.
	Share Share

	// Norm says how what is kept is scaled.
	Norm Norm

	// Seed and Layer key the random stream. The layers of a network share the
	// seed and differ in Layer: those that agree in both draw the same random
	// words, and so, on maps of one shape, the same masks.
	Seed  uint64
	Layer uint32

	// Kernels is the kernel set to compute with; the zero value is the best
	// that this CPU runs. It changes the speed and never a bit of the result.
	Kernels KernelSet

	// Workers is the most goroutines that a call of the layer, or one with a
	// mask of it, may use, its own included; 0 stands for GOMAXPROCS. Only
	// large feature maps use more than one, and the result is the same bits.
	// Where few seeds of RegionFull are painted, one does.
	// The others are shared by all calls, as many as GOMAXPROCS has beside the
	// caller at most, and end some 0.1 ms after the last one.
	Workers int
}

// A Layer draws masks. Make one with [New]. A copy of a Layer is the same layer.
type Layer struct{ *settings }

// settings are what makes a layer. They never change, so that a mask which was
// prepared for a layer knows it by their address.
type settings struct {
	cfg Config
	isa isa
}

// New returns the layer that cfg describes, or an error that names the field
// that is wrong.
func New(cfg Config) (*Layer, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("dropblock: %w", err)
	}
	cfg.DropProb += 0 // −0 becomes 0
	return &Layer{&settings{cfg: cfg, isa: cfg.Kernels.resolve()}}, nil
}

// must panics if the layer is not from New.
func (l *Layer) must() {
	if l == nil || l.settings == nil {
		panic("dropblock: the Layer is nil or zero, make one with New")
	}
}

func (cfg *Config) check() error {
	if math.IsNaN(cfg.DropProb) || cfg.DropProb < 0 || cfg.DropProb > 1 {
		return fmt.Errorf("DropProb is %v, want a probability from 0 to 1", cfg.DropProb)
	}
	if err := cfg.Block.check(); err != nil {
		return err
	}
	for _, err := range []error{
		evenOptions.check("Even", uint8(cfg.Even)),
		regionOptions.check("Region", uint8(cfg.Region)),
		gammaOptions.check("Gamma", uint8(cfg.Gamma)),
		shareOptions.check("Share", uint8(cfg.Share)),
		normOptions.check("Norm", uint8(cfg.Norm)),
	} {
		if err != nil {
			return err
		}
	}
	if !cfg.Kernels.runs() {
		return fmt.Errorf("Kernels is %v, want %s, which this CPU runs", cfg.Kernels, availableNames())
	}
	if cfg.Workers < 0 {
		return fmt.Errorf("Workers is %d, want 0 for GOMAXPROCS, or 1 or more", cfg.Workers)
	}
	return nil
}

// Config returns the configuration of the layer.
func (l *Layer) Config() Config {
	l.must()
	return l.cfg
}

// Kernels returns the kernel set that the layer computes with.
func (l *Layer) Kernels() KernelSet {
	l.must()
	return KernelSet{l.isa}
}

// BlockOn returns the block that the layer drops on a feature map of shape s: that
// of the configuration, cut to the map on each axis. It panics if s does not
// pass [Shape.Check].
func (l *Layer) BlockOn(s Shape) Block {
	l.must()
	s.mustCheck()
	return l.cfg.Block.on(s)
}

// Cell is a place in a channel of a feature map: its plane, row and column, D
// being 0 in a layout without that axis, and H as well.
type Cell struct{ D, H, W int }

// ValidOn returns the first and the last cell that may be a seed on a feature map of
// shape s, each coordinate on its own: seeds are as [Layer.Grow] takes them, the
// centres of their blocks (see [Even]), and with [RegionFull] they may be anywhere.
// On a map without elements first is 0 and last −1 on every axis. It panics if s
// does not pass [Shape.Check].
func (l *Layer) ValidOn(s Shape) (first, last Cell) {
	l.must()
	s.mustCheck()
	if s.Len() == 0 {
		return Cell{}, Cell{-1, -1, -1}
	}
	b := l.cfg.Block.on(s)
	if l.cfg.Region == RegionFull {
		b = Square(1)
	}
	before := l.cfg.Even.before
	first = Cell{before(b.d), before(b.h), before(b.w)}
	return first, Cell{first.D + s.D() - b.d, first.H + s.H() - b.h, first.W + s.W() - b.w}
}

// String describes the layer in a line.
func (l *Layer) String() string {
	if l == nil || l.settings == nil {
		return "layer, not from New"
	}
	c := &l.cfg
	return fmt.Sprintf("layer: drop %v by blocks of %v, even %v, region %v, gamma %v, share %v, norm %v, seed %d, layer %d, kernels %v",
		c.DropProb, c.Block, c.Even, c.Region, c.Gamma, c.Share, c.Norm, c.Seed, c.Layer, KernelSet{l.isa})
}
