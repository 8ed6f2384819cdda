#!/usr/bin/python3
"""Records what other implementations of DropBlock do, for peers_test.go.

Needs torch, torchvision and numpy; README.md names the versions that the
committed files come from. Writes .npy files to the directory it lies in.

torchvision is called. The rules of timm and of the code that miguelvr/dropblock
and the tutorials share are written here from their descriptions, with torch's
max_pool2d, which is what they grow seeds with.
"""

import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torchvision.ops import drop_block2d

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


if __name__ == "__main__":
    for old in HERE.glob("*.npy"):
        old.unlink()
    grow_cases()
    output_cases()
    gamma_cases()
    rate_cases()
    print("torch", torch.__version__, "torchvision", torchvision.__version__, "numpy", np.__version__)
