#!/usr/bin/python3
"""Records what other implementations of DropBlock do, for peers_test.go.

Needs torch, torchvision and numpy; README.md names the versions that the
committed files come from. Writes .npy files to the directory it lies in.

torchvision and torch.nn's dropouts are called. The rules of the others are written
here from their published sources, which docs/peers.md names, with torch's max_pool,
which is what most of them grow seeds with.
"""

import itertools
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torchvision.ops import drop_block2d, drop_block3d

HERE = pathlib.Path(__file__).parent

MAPS = [(14, 14), (7, 7), (5, 9)]
SQUARE = [(b, b) for b in range(1, 8)]
RECTANGULAR = [(3, 5), (1, 7), (7, 1), (5, 3), (2, 6), (6, 2), (4, 3), (1, 2)]


def save(name, array):
    np.save(HERE / f"{name}.npy", np.ascontiguousarray(array))


# Growing seeds. Each takes seeds (N, C, H, W), 1 at the centre of a block, and
# returns the keep mask. max_pool2d with a padding of b//2 gives one row or
# column too many for an even b. Output i is the maximum of inputs i − b//2 to
# i − b//2 + b − 1: cropping the first makes a block start at s − b//2,
# cropping the last at s − (b−1)//2.


def pool(seeds, bh, bw):
    return F.max_pool2d(seeds, kernel_size=(bh, bw), stride=1, padding=(bh // 2, bw // 2))


def grow_crop_first(seeds, bh, bw):
    """timm, and tensorflow/tpu by its centres: clipped to the map axis by axis."""
    h, w = seeds.shape[2:]
    bh, bw = min(bh, h), min(bw, w)
    return 1 - pool(seeds, bh, bw)[:, :, 1 - bh % 2 :, 1 - bw % 2 :]


def grow_crop_last(seeds, bh, bw):
    """miguelvr/dropblock and the tutorial code."""
    h, w = seeds.shape[2:]
    return 1 - pool(seeds, bh, bw)[:, :, :h, :w]


def grow_torchvision(noise, bh, bw):
    """torchvision's steps on noise of the valid region's size, odd b."""
    noise = F.pad(noise, [bw // 2] * 2 + [bh // 2] * 2, value=0)
    return 1 - pool(noise, bh, bw)


def grow_cases():
    gen = torch.Generator().manual_seed(1)
    for h, w in MAPS:
        for rule in ("torchvision", "valid", "full", "tutorial"):
            blocks, seeds, keep = [], [], []
            for bh, bw in SQUARE + RECTANGULAR:
                if rule == "torchvision" and (bh % 2 == 0 or bw % 2 == 0):
                    continue  # torchvision raises an error
                if rule in ("torchvision", "tutorial") and (bh > h or bw > w):
                    continue  # neither clips an axis by itself
                ch, cw = min(bh, h), min(bw, w)
                p = min(0.5, 1.5 / (ch * cw))
                size = (2, 2, h - ch + 1, w - cw + 1) if rule in ("torchvision", "valid") else (2, 2, h, w)
                drawn = torch.bernoulli(torch.full(size, p), generator=gen)
                if rule == "torchvision":
                    kept = grow_torchvision(drawn, bh, bw)
                if rule in ("torchvision", "valid"):
                    # To the centres: rows b//2 to H − (b−1)//2 − 1.
                    drawn = F.pad(drawn, [cw // 2, (cw - 1) // 2, ch // 2, (ch - 1) // 2])
                if rule in ("valid", "full"):
                    kept = grow_crop_first(drawn, bh, bw)
                if rule == "tutorial":
                    kept = grow_crop_last(drawn, bh, bw)
                assert drawn.shape == kept.shape == (2, 2, h, w)
                blocks.append((bh, bw))
                seeds.append(drawn.numpy())
                keep.append(kept.numpy())
            name = f"grow_{rule}_{h}x{w}"
            save(name + "_blocks", np.array(blocks, np.uint8))
            save(name + "_seeds", np.array(seeds, np.uint8))
            save(name + "_keep", np.array(keep, np.uint8))


# Whole outputs.


def feature_map(gen, shape, special):
    x = torch.randn(shape, generator=gen)
    x[torch.rand(shape, generator=gen) < 0.05] = -0.0
    if special:
        for value in (math.nan, math.inf, -math.inf, 1e-42, -3e38):
            x[torch.rand(shape, generator=gen) < 0.05] = value
    return x


def torchvision_gamma(p, b, h, w):
    b = min(b, w, h)
    return (p * h * w) / ((b**2) * ((h - b + 1) * (w - b + 1)))


def torchvision_output(x, p, b, seed):
    """Returns drop_block2d's output and the seeds that it drew, at the centres."""
    n, c, h, w = x.shape
    torch.manual_seed(seed)
    y = drop_block2d(x, p, b, training=True)
    torch.manual_seed(seed)
    b = min(b, w, h)
    noise = torch.empty((n, c, h - b + 1, w - b + 1)).bernoulli_(torchvision_gamma(p, b, h, w))
    keep = grow_torchvision(noise, b, b)
    want = x * keep * (keep.numel() / (1e-6 + keep.sum()))
    assert torch.equal(y.nan_to_num(9), want.nan_to_num(9)), "not the noise that drop_block2d drew"
    return y, F.pad(noise, [b // 2] * 4)


def timm_output(x, p, b, seed):
    n, _, h, w = x.shape
    bh, bw = min(b, h), min(b, w)
    gamma = p * h * w / (bh * bw) / ((h - bh + 1) * (w - bw + 1))
    torch.manual_seed(seed)
    seeds = torch.empty((n, 1, h, w)).bernoulli_(gamma)
    keep = grow_crop_first(seeds, b, b)
    return x * (keep * (keep.numel() / (keep.sum() + 1e-7))), seeds


def tutorial_output(x, p, b, seed):
    n, _, h, w = x.shape
    torch.manual_seed(seed)
    seeds = (torch.rand(n, h, w) < p / b**2).float()[:, None]
    keep = grow_crop_last(seeds, b, b)
    return x * keep * keep.numel() / keep.sum(), seeds


OUTPUTS = [
    # peer, function, shape, p, b, with NaN and Inf
    ("torchvision", torchvision_output, (2, 3, 14, 14), 0.1, 7, False),
    ("torchvision", torchvision_output, (2, 3, 14, 14), 0.2, 1, False),
    ("torchvision", torchvision_output, (3, 5, 7, 7), 0.3, 3, True),
    ("torchvision", torchvision_output, (2, 4, 5, 9), 0.5, 3, True),
    ("torchvision", torchvision_output, (2, 4, 7, 7), 0.0, 7, False),
    ("torchvision", torchvision_output, (2, 4, 7, 7), 1.0, 7, False),
    ("timm", timm_output, (4, 3, 14, 14), 0.1, 7, False),
    ("timm", timm_output, (2, 4, 5, 9), 0.2, 4, True),
    ("timm", timm_output, (2, 4, 5, 9), 0.1, 7, False),
    ("tutorial", tutorial_output, (4, 3, 14, 14), 0.25, 7, False),
    ("tutorial", tutorial_output, (4, 3, 7, 7), 0.3, 4, True),
]


def output_cases():
    gen = torch.Generator().manual_seed(2)
    for i, (peer, function, shape, p, b, special) in enumerate(OUTPUTS):
        x = feature_map(gen, shape, special)
        y, seeds = function(x, p, b, 100 + i)
        assert 0 < seeds.sum() or p == 0, "a case without seeds"
        name = f"output_{peer}_{'x'.join(map(str, shape))}_p{round(100 * p)}_b{b}"
        save(name + "_x", x.numpy())
        save(name + "_y", y.numpy())
        save(name + "_seeds", seeds.numpy().astype(np.uint8))


# torchvision's gamma and the rate at which it drops.


def gamma_cases():
    rows = []
    for h, w in [(7, 7), (14, 14), (5, 9), (28, 28), (56, 56), (13, 224), (1, 1), (100, 3)]:
        for b in (1, 3, 5, 7, 9, 101):
            for p in (0.0, 0.05, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0):
                rows.append((p, b, h, w, torchvision_gamma(p, b, h, w)))
    save("gamma", np.array(rows, np.float64))


def rate_cases():
    """Mean and standard error of the rate over draws of (4, 32, H, W)."""
    torch.manual_seed(3)
    draws, planes = 400, (4, 32)
    rows = []
    for side, b, p in [(7, 7, 0.1), (7, 3, 0.1), (14, 7, 0.1), (28, 7, 0.1), (56, 7, 0.1), (14, 7, 0.5), (14, 1, 0.3)]:
        ones = torch.ones(*planes, side, side)
        rates = np.array([(drop_block2d(ones, p, b, training=True) == 0).double().mean().item() for _ in range(draws)])
        rows.append((side, b, p, draws, rates.mean(), rates.std(ddof=1) / math.sqrt(draws)))
    save("rates", np.array(rows, np.float64))


# The presets. A peer's function takes a map x of shape (N, C, spatial axes …), p and a
# block with a size for each of these axes. It draws with torch's global generator and
# returns the output, the keep mask, the seeds at the centres of their blocks (both of the
# mask's shape: an axis that shares the mask is 1) and gamma, NaN where the peer's formula
# has no value or no probability there. Where a peer takes one number for the block, it
# takes the first. Even blocks start at s − b//2, but for miguelvr.

UNDEFINED = math.nan
SPATIAL = slice(2, None)


def window(seeds, block, before, after):
    """The maximum over a window of the block's size, on seeds padded with 0."""
    pad = [n for b, a in zip(reversed(before), reversed(after)) for n in (b, a)]
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[len(block)]
    return pool(F.pad(seeds, pad), kernel_size=tuple(block), stride=1)


def same(seeds, block):
    """TensorFlow's padding SAME, and GoMLX's PadSame: the odd one goes behind."""
    return window(seeds, block, [(b - 1) // 2 for b in block], [b // 2 for b in block])


def centred(drawn, block):
    """Seeds numbered by the first cells of their blocks, moved to the centres."""
    return F.pad(drawn, [n for b in reversed(block) for n in (b // 2, (b - 1) // 2)])


def paper_gamma(p, block, size):
    gamma = p
    for b, s in zip(block, size):
        if s - b + 1 == 0:
            return UNDEFINED
        gamma *= s / (b * (s - b + 1))
    return gamma


def bernoulli(shape, gamma):
    """Seeds with probability gamma, or with some where the peer's has no meaning."""
    return torch.bernoulli(torch.full(shape, gamma if 0 <= gamma <= 1 else 0.1))


def paper(x, p, block):
    """Ghiasi, Lin, Le: algorithm 1 and equation 1."""
    gamma = paper_gamma(p, block, x.shape[SPATIAL])
    shape = x.shape[:2] + tuple(s - b + 1 for s, b in zip(x.shape[SPATIAL], block))
    seeds = centred(bernoulli(shape, gamma), block)
    keep = 1 - same(seeds, block)
    return x * keep * keep.numel() / keep.sum(), keep, seeds, gamma


def torchvision_preset(x, p, block):
    function = {4: drop_block2d, 5: drop_block3d}[x.dim()]
    size = x.shape[SPATIAL]
    state = torch.get_rng_state()
    y = function(x, p, block[0], training=True)
    torch.set_rng_state(state)
    block = [min(block[0], *size)] * len(size)
    gamma = p * math.prod(size) / (block[0] ** len(size) * math.prod(s - b + 1 for s, b in zip(size, block)))
    noise = torch.empty(x.shape[:2] + tuple(s - b + 1 for s, b in zip(size, block))).bernoulli_(gamma)
    seeds = centred(noise, block)
    keep = 1 - same(seeds, block)
    assert torch.equal(y == 0, (x * keep) == 0), "not the noise that torchvision drew"
    return y, keep, seeds, gamma


def timm_preset(x, p, block):
    """drop_block_2d with its defaults, couple_channels and scale_by_keep."""
    n, _, h, w = x.shape
    block = [min(block[0], h), min(block[0], w)]
    gamma = paper_gamma(p, block, (h, w))
    seeds = bernoulli((n, 1, h, w), gamma)
    keep = grow_crop_first(seeds, *block)
    return x * (keep * (keep.numel() / (keep.sum() + 1e-7))), keep, seeds, gamma


def min_pooled(x, block, gamma, centres, square):
    """tensorflow/tpu and KerasCV: what is 0 in a pattern of float32 sums is a seed."""
    pattern = ((1 - centres) + torch.tensor(1 - gamma, dtype=torch.float32) + torch.rand(x.shape) >= 1).float()
    seeds = 1 - pattern
    if square:
        keep = pattern.amin(dim=(2, 3), keepdim=True).expand(x.shape)
    else:
        keep = 1 - same(seeds, block)
    return x / (keep.sum() / keep.numel()) * keep, keep, seeds


def tpu(x, p, block):
    """dropblock of resnet_model.py."""
    width = x.shape[3]
    if x.shape[2] != width:
        raise ValueError("width and height differ")
    b = min(block[0], width)
    gamma = p * width**2 / b**2 / (width - b + 1) ** 2
    i = torch.arange(width)
    inside = (i >= b // 2) & (i < width - (b - 1) // 2)
    centres = (inside[:, None] & inside).float()
    y, keep, seeds = min_pooled(x, (b, b), gamma, centres, b == width)
    return y, keep, seeds, gamma


def kerascv(x, p, block):
    """DropBlock2D: its rows are bounded by the width, and its gamma takes the block as given."""
    h, w = x.shape[SPATIAL]
    bh, bw = min(block[0], h), min(block[1], w)
    positions = np.float32((w - block[1] + 1) * (h - block[0] + 1))
    gamma = float(np.float32(p) * np.float32(h * w) / np.float32(bh * bw) / positions) if positions else UNDEFINED
    row, col = torch.arange(h), torch.arange(w)
    rows = (row >= bh // 2) & (row < w - (bh - 1) // 2)
    cols = (col >= bw // 2) & (col < w - (bw - 1) // 2)
    centres = (rows[:, None] & cols).float()
    if not (bh == block[0] and bw == block[1]):
        gamma = UNDEFINED
    y, keep, seeds = min_pooled(x, block, gamma if gamma == gamma else 0.2, centres, False)
    if seeds[:, :, h - (bh - 1) // 2 :].any():
        return None  # a seed whose block leaves the map, as W > H allows: drawn again
    return y, keep, seeds, gamma


def miguelvr(x, p, block):
    """DropBlock2D and DropBlock3D, and the tutorials."""
    n, b = x.shape[0], block[0]
    gamma = p / b ** len(block)
    seeds = (torch.rand(n, *x.shape[SPATIAL]) < gamma).float()[:, None]
    half = [b // 2] * len(block)
    pooled = window(seeds, [b] * len(block), half, half)
    if b % 2 == 0:
        pooled = pooled[(slice(None),) * 2 + (slice(None, -1),) * len(block)]
    keep = 1 - pooled
    return x * keep * keep.numel() / keep.sum(), keep, seeds, gamma


def mmdetection(x, p, block, factor=1.0):
    n, c, h, w = x.shape
    b = block[0]
    assert b % 2 == 1
    gamma = p * h * w / ((h - b + 1) * (w - b + 1)) / b**2 * factor
    noise = torch.bernoulli(torch.full((n, c, h - b + 1, w - b + 1), gamma))
    keep = grow_torchvision(noise, b, b)
    return x * keep * keep.numel() / (1e-6 + keep.sum()), keep, centred(noise, (b, b)), gamma


def everywhere(x, p, block, shape, before, after):
    """PaddleDetection and GluonCV: seeds everywhere, the paper's gamma of the block as given."""
    b = block[0]
    gamma = paper_gamma(p, (b, b), x.shape[SPATIAL])
    if b > min(x.shape[SPATIAL]):
        gamma = UNDEFINED
    seeds = bernoulli(shape, gamma)
    keep = 1 - window(seeds, (b, b), before, after)
    return x * keep * (keep.numel() / keep.sum()), keep, seeds, gamma


def paddledetection(x, p, block):
    half = [block[0] // 2] * 2
    return everywhere(x, p, block, x.shape, half, half)


def gluoncv(x, p, block):
    """MXNet's Pooling reads the first two of the four paddings, for rows and columns."""
    pad = block[0] - 1
    half = [pad // 2, pad - pad // 2]
    return everywhere(x, p, block, (1,) + x.shape[1:], half, half)


def darknet(x, p, block):
    """dropblock_fast_kernel, with the numbers of a plane read from that plane (docs/peers.md)."""
    n, c, h, w = x.shape
    b = min(block[0], h, w)
    gamma = float(np.float32(p) / np.float32(b * b))
    rand = torch.rand(x.shape)
    seeds, keep, y = torch.zeros(x.shape), torch.ones(x.shape), x.clone()
    dropped = torch.zeros(n)
    for i, f in itertools.product(range(n), range(c)):
        if rand[i, f].min() >= gamma:
            continue
        row, col = divmod(int(rand[i, f].argmin()), w)
        corner = [
            max(0, min(at - (size - b) if at > size - b else at, size - b)) for at, size in ((row, h), (col, w))
        ]
        keep[i, f, corner[0] : corner[0] + b, corner[1] : corner[1] + b] = 0
        seeds[i, f, corner[0] + b // 2, corner[1] + b // 2] = 1
        dropped[i] += b * b
    if (dropped == c * h * w).any():
        return None  # a sample of NaN, 0 times an infinite scale: drawn again
    scale = 1 / (1 - dropped / (c * h * w))
    return x * keep * scale[:, None, None, None], keep, seeds, gamma


def gomlx(x, p, block):
    gamma = p / math.prod(block)
    seeds = bernoulli(x.shape[:1] + (1,) + x.shape[SPATIAL], gamma)
    keep = 1 - same(seeds, block)
    return x * keep, keep, seeds, gamma


def twice(function, x):
    """What a torch module does to x and to ones, with the same numbers."""
    state = torch.get_rng_state()
    y = function(x)
    torch.set_rng_state(state)
    keep = (function(torch.ones_like(x)) != 0).float()
    assert torch.equal(y == 0, (x * keep) == 0), "two masks"
    return y, keep


def dropout(x, p, block):
    y, keep = twice(torch.nn.Dropout(p), x)
    return y, keep, 1 - keep, p


def centres(dropped, x):
    """One bit for each plane, as the seed of a block that spans it."""
    seeds = torch.zeros(dropped.shape[:2] + x.shape[SPATIAL])
    seeds[(slice(None),) * 2 + tuple(s // 2 for s in x.shape[SPATIAL])] = dropped
    return seeds


def spatialdropout(x, p, block):
    module = {3: torch.nn.Dropout1d, 4: torch.nn.Dropout2d, 5: torch.nn.Dropout3d}[x.dim()]
    y, keep = twice(module(p), x)
    return y, keep, centres(1 - keep.flatten(2)[:, :, 0], x), p


def droppath(x, p, block):
    """drop_path of timm, with scale_by_keep."""
    kept = torch.empty(x.shape[:1] + (1,) * (x.dim() - 1)).bernoulli_(1 - p)
    keep = kept.expand(x.shape[:1] + (1,) + x.shape[SPATIAL])
    return x * (kept / (1 - p)), keep, centres(1 - kept.flatten(1), x), p


# Shapes with their blocks: odd, even, as large as the map, larger than one axis or all.
PLANES = [
    ((2, 2, 7, 7), 1), ((2, 2, 7, 7), 3), ((2, 2, 7, 7), 7), ((2, 2, 14, 14), 7), ((1, 3, 13, 6), 5),
    ((2, 3, 5, 9), 3), ((2, 2, 3, 5), 7), ((2, 3, 4, 3), 5), ((2, 2, 3, 3), 9), ((2, 2, 2, 9), 3), ((3, 2, 1, 6), 3),
]  # fmt: skip
EVEN = [((2, 2, 8, 8), 2), ((2, 2, 6, 6), 6), ((2, 2, 9, 5), 4), ((2, 2, 5, 9), 2), ((2, 2, 3, 4), 6), ((2, 2, 4, 4), 8)]
RECTANGLES = [
    ((2, 2, 7, 7), (3, 5)), ((2, 2, 9, 5), (5, 2)), ((2, 2, 5, 9), (2, 6)), ((2, 2, 7, 8), (1, 7)),
    ((2, 2, 3, 6), (5, 4)),
]  # fmt: skip
VOLUMES = [((2, 2, 4, 5, 6), 3), ((2, 2, 3, 7, 4), 3), ((2, 2, 5, 5, 5), 5), ((2, 2, 3, 6, 5), 7), ((2, 2, 1, 4, 5), 3)]
EVEN_VOLUMES = [((2, 2, 4, 5, 6), 2), ((2, 2, 3, 4, 7), 4)]
LINES = [((2, 3, 11), 1), ((2, 3, 11), 3), ((2, 3, 11), 4), ((3, 2, 5), 7), ((3, 2, 5), 5)]
WHOLE = [((4, 5, 7), 1), ((4, 3, 5, 4), 1), ((3, 3, 3, 2, 4), 1)]


def fits(case):
    return all(s >= case[1] for s in case[0][2:])


def square(case):
    return len(set(case[0][2:])) == 1


def torchvision_clips_to_odd(case):
    return min(case[1], *case[0][2:]) % 2 == 1


def kerascv_has_seeds(case):
    (h, w), b = case[0][2:], case[1] if isinstance(case[1], tuple) else (case[1], case[1])
    return min(b[0], h) // 2 < w - (min(b[0], h) - 1) // 2


PRESETS = [
    # name, function, cases, p
    ("paper", paper, list(filter(fits, PLANES + EVEN)), 0.3),
    ("torchvision", torchvision_preset, list(filter(torchvision_clips_to_odd, PLANES + VOLUMES)), 0.3),
    ("timm", timm_preset, PLANES + EVEN, 0.2),
    ("tpu", tpu, list(filter(square, PLANES + EVEN)), 0.3),
    ("miguelvr", miguelvr, PLANES + EVEN + VOLUMES + EVEN_VOLUMES, 0.5),
    ("mmdetection", mmdetection, list(filter(fits, PLANES)), 0.3),
    ("paddledetection", paddledetection, PLANES, 0.1),
    ("kerascv", kerascv, list(filter(kerascv_has_seeds, PLANES + EVEN + RECTANGLES)), 0.2),
    ("gluoncv", gluoncv, PLANES, 0.1),
    ("darknet", darknet, PLANES + EVEN, 0.4),
    ("gomlx", gomlx, PLANES + EVEN + RECTANGLES + VOLUMES + EVEN_VOLUMES + LINES, 0.5),
    ("dropout", dropout, WHOLE, 0.3),
    ("spatialdropout", spatialdropout, WHOLE, 0.4),
    ("droppath", droppath, WHOLE, 0.4),
]

# What they refuse, or fail at: even blocks, and blocks that are larger than the map.
REFUSED = [
    (torchvision_preset, (2, 2, 8, 8), 4), (torchvision_preset, (2, 2, 4, 9), 5), (torchvision_preset, (1, 1, 4, 4, 4), 2),
    (mmdetection, (2, 2, 8, 8), 4), (mmdetection, (2, 2, 5, 9), 7), (paddledetection, (2, 2, 8, 8), 4),
    (gluoncv, (2, 2, 8, 8), 4), (tpu, (2, 2, 5, 9), 3),
]  # fmt: skip


def preset_cases():
    """All cases of a peer in four arrays: the rows of cases are N, C, D, H, W, the block (D, H,
    W), 0 for an axis that the map lacks, C of the mask, N of the mask, p and gamma. Then
    follow the bits of seeds and of the keep mask, each case begun on a byte of its own, and
    outputs. The map of each case is a beginning of preset_x."""
    gen = torch.Generator().manual_seed(4)
    x = torch.randn(1000, generator=gen)
    x[torch.rand(x.shape, generator=gen) < 0.05] = -0.0
    save("preset_x", x.numpy())
    for i, (name, function, cases, p) in enumerate(PRESETS):
        rows, seeds, keep, y = [], [], [], []
        for j, (shape, block) in enumerate(cases):
            block = block if isinstance(block, tuple) else (block,) * (len(shape) - 2)
            # Some seeds, but something left: the first of these draws.
            for attempt in range(1000):
                torch.manual_seed(1_000_000 * i + 1000 * j + attempt)
                drawn = function(x[: math.prod(shape)].reshape(shape), p, block)
                if drawn and drawn[2].any() and drawn[1].any():
                    break
            else:
                raise AssertionError(f"{name}, {shape}, block {block}: nothing drawn, or nothing kept")
            missing = (0,) * (5 - len(shape))
            mask = drawn[2].shape
            rows.append(shape[:2] + missing + shape[2:] + missing + block + (mask[1], mask[0], p, drawn[3]))
            seeds.append(np.packbits(drawn[2].numpy().astype(bool), bitorder="little"))
            keep.append(np.packbits(drawn[1].numpy().astype(bool), bitorder="little"))
            assert drawn[1].shape == mask or function in (dropout, spatialdropout), (name, shape, drawn[1].shape, mask)
            y.append(drawn[0].numpy().ravel())
        save(f"preset_{name}_cases", np.array(rows, np.float64))
        save(f"preset_{name}_seeds", np.concatenate(seeds))
        save(f"preset_{name}_keep", np.concatenate(keep))
        save(f"preset_{name}_y", np.concatenate(y).astype(np.float32))
    for function, shape, block in REFUSED:
        try:
            function(torch.ones(shape), 0.2, (block,) * (len(shape) - 2))
        except (AssertionError, ValueError, RuntimeError):
            continue
        raise AssertionError(f"{function.__name__} takes {shape}, block {block}")


def warmup_cases():
    """mmdetection's gamma at iterations of its warm-up of 2000, counted from 1."""
    rows = []
    for iteration in (1, 2, 500, 1999, 2000, 2001, 10**6):
        factor = 1.0 if iteration > 2000 else iteration / 2000
        rows.append((iteration, 0.1, mmdetection(torch.ones(1, 1, 14, 14), 0.1, (7, 7), factor)[3]))
    save("warmup", np.array(rows, np.float64))


RATES = [(7, 7, 7), (14, 14, 7), (14, 14, 4), (13, 20, 5), (6, 11, 3), (5, 4, 9)]


def preset_rate_cases():
    """Mean and standard error of the rates over draws of (4, 8, H, W), as rows of the preset's
    place in PRESETS, H, W, b, p, draws, mean and error. Left out is what raises an error, or
    differs from the preset on purpose: darknet, which takes one seed of a plane, KerasCV where
    H and W differ or the block is larger, and blocks larger than the map with the gamma of
    PaddleDetection and GluonCV."""
    torch.manual_seed(5)
    draws, rows = 150, []
    for (i, (name, function, _, _)), (h, w, b) in itertools.product(enumerate(PRESETS), RATES):
        if function is darknet or function is kerascv and (h != w or b > h):
            continue
        if function in (paddledetection, gluoncv) and b > min(h, w):
            continue
        for p in (0.1, 0.4):
            try:
                kept = [function(torch.ones(4, 8, h, w), p, (b, b))[1].double().mean().item() for _ in range(draws)]
            except (AssertionError, ValueError, RuntimeError):
                continue
            rates = 1 - np.array(kept)
            rows.append((i, h, w, b, p, draws, rates.mean(), rates.std(ddof=1) / math.sqrt(draws)))
    save("preset_rates", np.array(rows, np.float64))


if __name__ == "__main__":
    for old in HERE.glob("*.npy"):
        old.unlink()
    grow_cases()
    output_cases()
    gamma_cases()
    rate_cases()
    preset_cases()
    preset_rate_cases()
    warmup_cases()
    print("torch", torch.__version__, "torchvision", torchvision.__version__, "numpy", np.__version__)
