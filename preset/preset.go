// Package preset has the rules of other implementations of DropBlock, and of its
// relatives, as configurations: one function for each.
//
// A preset decides the block, what becomes of a block that is larger than the map, the
// region, gamma, sharing and the scale. Given the same seeds, its masks are the peer's bit
// for bit and its output is the peer's but for float rounding; the seeds themselves come
// from this library's stream and not from the peer's generator. Fields that are left zero
// are the caller's: Seed, Layer, Ramp, Kernels and Workers. A schedule is none of a
// preset, as it depends on the length of the training; where a peer has one, its doc
// comment says which Ramp it is, with steps counted from 0.
//
// docs/peers.md in the module names the sources and versions that the rules were read
// from, and says where a peer is wrong and what is done here instead.
package preset

import (
	"fmt"
	"strings"

	"github.com/dropblock-go/dropblock"
)

// Paper returns algorithm 1 and equation 1 of Ghiasi, Lin, Le: "DropBlock: A
// regularization method for convolutional networks" (arXiv:1810.12890): seeds where the
// whole block fits, with γ = p/b² · H·W/((H−b+1)(W−b+1)), a mask for each channel, and
// count/kept as the scale. A block larger than the map, of which the paper says nothing,
// is cut to it axis by axis. The paper raises p linearly from 0 over the training,
// Ramp{Steps: steps}, and works best with a block of 7 and p = 0.1 in the last two groups
// of a ResNet.
func Paper(p float64, block int) dropblock.Config {
	return dropblock.Config{DropProb: p, Block: dropblock.Square(block)}
}

// TorchVision returns the rules of torchvision.ops.drop_block2d and drop_block3d 0.14.1:
// the paper's, with every size of a block cut to the smallest of H and W, or of D, H and W.
// It raises an error for blocks that are even, or become so when they are cut; here they
// work. It adds 10⁻⁶ to what it divides by, and counts in the type of its input, so that
// float16 overflows from 65,520 kept elements on; here the count is an integer.
func TorchVision(p float64, block int) dropblock.Config {
	return dropblock.Config{DropProb: p, Block: dropblock.Square(block), Clip: dropblock.ClipSquare}
}

// Timm returns the rules of timm.layers.drop_block_2d since 1.0.23, with its defaults: one
// mask for all channels of a sample, seeds everywhere and blocks clipped at the border, but
// the paper's γ, which counts only the positions where a block fits. That drops more than p,
// on small maps far more: with p = 0.1 and a block of 7, 21 % on 14×14 and 93 % on 7×7.
// Use [dropblock.GammaExact] in place of its Gamma for p. Its gamma_scale is GammaScale,
// couple_channels=False is ShareNone, scale_by_keep=False is NormNone, and with_noise is
// NormNone and ApplyNoise, which has a value of its own for every element where timm's
// channels share one. It adds 10⁻⁷ to what it divides by.
func Timm(p float64, block int) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Square(block),
		Region: dropblock.RegionFull, Share: dropblock.ShareChannels,
	}
}

// TPU returns the rules of dropblock in tensorflow/tpu, models/official/resnet/resnet_model.py
// (2026-03-03): the paper's, for square maps only. A block is cut to the map. Its training
// raises p linearly from 0 over all steps, Ramp{Steps: steps}, to [dropblock.TPUGroup] of p
// and the group of residual blocks, from 1 to 4.
func TPU(p float64, block int) dropblock.Config {
	return dropblock.Config{DropProb: p, Block: dropblock.Square(block)}
}

// Miguelvr returns the rules of DropBlock2D and DropBlock3D of miguelvr/dropblock 0.3.0:
// one mask for all channels of a sample, seeds everywhere with γ = p/b² (p/b³ in three
// dimensions), blocks that keep their size on smaller maps, and count/kept as the scale. An
// even block starts at seed − b/2 + 1. It drops less than p: with p = 0.1 and a block of 7,
// 7.4 % on 14×14 and 5.5 % on 7×7. If everything is dropped it divides by 0 and returns
// NaN; here all is 0. Its LinearScheduler is Ramp{From: start, Steps: nr_steps − 1}.
func Miguelvr(p float64, block int) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Square(block), Clip: dropblock.ClipNone, Even: dropblock.EvenAfter,
		Region: dropblock.RegionFull, Gamma: dropblock.GammaSimple, Share: dropblock.ShareChannels,
	}
}

// Tutorial returns the rules of the code that tutorials on DropBlock in PyTorch pass on,
// with γ = p/b² and one mask for all channels. It descends from miguelvr/dropblock and does
// the same: see [Miguelvr].
func Tutorial(p float64, block int) dropblock.Config { return Miguelvr(p, block) }

// MMDetection returns the rules of DropBlock in mmdetection 3,
// mmdet/models/layers/dropblock.py: the paper's. It refuses even blocks and fails where a
// block is larger than the map; here the one works, and the other is cut axis by axis. It
// warms up over its first 2,000 forward passes, which it counts from 1:
// Ramp{From: p/2000, Steps: 1999}. As it counts in the module and not in the checkpoint,
// a run that is resumed warms up again; a Ramp does not. It adds 10⁻⁶ to what it divides by.
func MMDetection(p float64, block int) dropblock.Config {
	return dropblock.Config{DropProb: p, Block: dropblock.Square(block)}
}

// PaddleDetection returns the rules of DropBlock in PaddleDetection 2.7,
// ppdet/modeling/layers.py: a mask for each channel, seeds everywhere, blocks that keep
// their size, and the paper's γ, which drops more than p as with [Timm]. It fails with even
// blocks, which here start at seed − b/2. Where the block is larger than the map its γ is
// below 0, above p or a division by 0; here it is the γ of the clipped block.
func PaddleDetection(p float64, block int) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Square(block), Clip: dropblock.ClipNone, Region: dropblock.RegionFull,
	}
}

// KerasCV returns the rules of keras_cv.layers.DropBlock2D 0.10.0: the paper's, cut to the
// map axis by axis. It bounds the rows of seeds by the width: on maps that are wider than
// high its blocks may leave the map at the bottom, and on maps that are higher than wide
// the rows below have no seeds. Its γ takes the block as it was given, so that it is NaN,
// infinite or negative where the block is larger than the map. Here both are as the paper
// has them. A block of different sizes is Block: dropblock.Rect(h, w).
func KerasCV(p float64, block int) dropblock.Config {
	return dropblock.Config{DropProb: p, Block: dropblock.Square(block)}
}

// GluonCV returns the rules of DropBlock in gluoncv 0.11, gluoncv/nn/dropblock.py: a mask
// for each channel that all samples of the batch share, seeds everywhere, blocks that keep
// their size, and the paper's γ, which drops more than p as with [Timm]. It means to take
// even blocks, which here start at seed − b/2 as it intends, but MXNet reads only two of
// the four paddings that it gives, and it fails. For blocks larger than the map see
// [PaddleDetection]. Its DropBlockScheduler sets p by the epoch: WithDropProb.
func GluonCV(p float64, block int) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Square(block), Clip: dropblock.ClipNone,
		Region: dropblock.RegionFull, Share: dropblock.ShareBatch,
	}
}

// Darknet returns the rules of the CUDA kernels in AlexeyAB/darknet,
// src/dropout_layer_kernels.cu (2025-12-15), as far as independent seeds can: every cell is
// a seed with γ = p/b², a block is cut to the smaller of H and W, each channel has a mask of
// its own, and each sample its own count/kept as the scale. darknet keeps only one seed of a
// channel, that of the smallest random number, as the first corner of its block, and moves
// the block into the map; here every seed grows a block around it, clipped at the border.
// With p = 0.1 and a block of 7 darknet means to drop 8.2 % of 14×14, and this 7.4 %. Its
// training raises p, Ramp{Steps: 0.85 · max_batches}, and the block's size with it, which
// here takes a layer for each size. Its CPU code runs plain dropout instead: [Dropout].
func Darknet(p float64, block int) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Square(block), Clip: dropblock.ClipSquare, Region: dropblock.RegionFull,
		Gamma: dropblock.GammaSimple, Norm: dropblock.NormSample,
	}
}

// GoMLX returns the rules of layers.DropBlock in GoMLX 0.28.2, ml/layers/dropblock.go: one
// mask for all channels of a sample, seeds everywhere with γ = p/b² (p/b, p/b³ in one and
// three dimensions), blocks that keep their size on smaller maps, starting at seed − ⌊b/2⌋,
// and no scale: the mean activation falls with p. Its FullShape, blocks that extend over
// samples and channels, is not here. Blocks of different sizes are Block: dropblock.Rect or
// dropblock.Cuboid.
func GoMLX(p float64, block int) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Square(block), Clip: dropblock.ClipNone, Region: dropblock.RegionFull,
		Gamma: dropblock.GammaSimple, Share: dropblock.ShareChannels, Norm: dropblock.NormNone,
	}
}

// Dropout returns the rules of torch.nn.Dropout 1.13: every element is dropped
// with probability p, and what is kept is always scaled by 1/(1−p), however many that are.
func Dropout(p float64) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Square(1), Gamma: dropblock.GammaGiven, Norm: dropblock.NormExpected,
	}
}

// SpatialDropout returns the rules of torch.nn.Dropout1d, Dropout2d and Dropout3d 1.13
// (Tompson et al., arXiv:1411.4280): every channel of every sample is dropped as a whole
// with probability p, and what is kept is always scaled by 1/(1−p).
func SpatialDropout(p float64) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Fraction(1), Gamma: dropblock.GammaGiven, Norm: dropblock.NormExpected,
	}
}

// DropPath returns the rules of timm.layers.DropPath 1.0 and torchvision's StochasticDepth
// in row mode (Huang et al., arXiv:1603.09382), for the residual branch of a block: every
// sample is dropped as a whole with probability p, and what is kept is always scaled by
// 1/(1−p). [dropblock.ApplyAdd] adds it to the skip connection.
func DropPath(p float64) dropblock.Config {
	return dropblock.Config{
		DropProb: p, Block: dropblock.Fraction(1), Gamma: dropblock.GammaGiven,
		Share: dropblock.ShareChannels, Norm: dropblock.NormExpected,
	}
}

// A Preset is an entry of [All].
type Preset struct {
	Name   string // as ByName takes it
	Rule   string // what it does, in a line
	Config func(p float64, block int) dropblock.Config
}

// blockless makes a preset that has no block, which ignores it, a function of one.
func blockless(config func(p float64) dropblock.Config) func(p float64, block int) dropblock.Config {
	return func(p float64, _ int) dropblock.Config { return config(p) }
}

// All returns the presets in the order of their functions. The functions of dropout,
// spatialdropout and droppath ignore the block.
func All() []Preset {
	return []Preset{
		{"paper", "seeds where blocks fit, the paper's gamma, a mask a channel, scale count/kept", Paper},
		{"torchvision", "the paper, blocks cut to the smallest axis", TorchVision},
		{"timm", "seeds everywhere, the paper's gamma, a mask a sample", Timm},
		{"tpu", "the paper", TPU},
		{"miguelvr", "seeds everywhere, gamma p/b², a mask a sample, blocks keep their size on smaller maps", Miguelvr},
		{"tutorial", "as miguelvr", Tutorial},
		{"mmdetection", "the paper", MMDetection},
		{"paddledetection", "seeds everywhere, the paper's gamma, a mask a channel, blocks keep their size on smaller maps", PaddleDetection},
		{"kerascv", "the paper", KerasCV},
		{"gluoncv", "as paddledetection, a mask a channel for the whole batch", GluonCV},
		{"darknet", "seeds everywhere, gamma p/b², a mask a channel, scale by sample, blocks cut to the smallest axis", Darknet},
		{"gomlx", "seeds everywhere, gamma p/b², a mask a sample, no scale, blocks keep their size on smaller maps", GoMLX},
		{"dropout", "single elements, scale 1/(1-p); no block", blockless(Dropout)},
		{"spatialdropout", "whole channels, scale 1/(1-p); no block", blockless(SpatialDropout)},
		{"droppath", "whole samples, scale 1/(1-p); no block", blockless(DropPath)},
	}
}

// ByName returns the function of the preset with a name, which is that of the function in
// lower case: "torchvision" for [TorchVision]. The functions of dropout, spatialdropout and
// droppath ignore the block. It returns an error that lists the names if there is none of
// that name.
func ByName(name string) (func(p float64, block int) dropblock.Config, error) {
	var names []string
	for _, preset := range All() {
		if preset.Name == name {
			return preset.Config, nil
		}
		names = append(names, preset.Name)
	}
	return nil, fmt.Errorf("preset: name is %q, want one of %s", name, strings.Join(names, ", "))
}
