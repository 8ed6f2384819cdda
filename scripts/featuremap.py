#!/usr/bin/python3
"""Make featuremap.npy from photo.png, in cmd/dropblock/testdata/demo.

The feature map is what the first stage of a small convolutional network makes
of the photograph: 64 filters of 7x7x3 with stride 2, a bias, ReLU, and a 3x3
maximum pool with stride 2, as in a ResNet's stem. The filters are learned from
the photograph's own patches without labels, by spherical k-means on whitened
patches (Coates, Ng: "Learning feature representations with k-means", 2012).

    scripts/featuremap.py           write the file
    scripts/featuremap.py --check   compare it with a new one

Needs Debian's python3-numpy and python3-pil.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

SIDE = 224  # pixels of the network's input
SIZE = 7  # of a filter
FILTERS = 64
ROUNDS = 40

DEMO = pathlib.Path(__file__).resolve().parent.parent / "cmd/dropblock/testdata/demo"


def photo():
    """The middle square of the photograph, rows x columns x 3, 0 to 1."""
    img = Image.open(DEMO / "photo.png").convert("RGB")
    w, h = img.size
    side = min(w, h)
    left, top = (w - side) // 2, (h - side) // 2
    img = img.crop((left, top, left + side, top + side))
    return np.asarray(img.resize((SIDE, SIDE), Image.BICUBIC), np.float64) / 255


def patches(x, stride):
    """All patches, rows x columns x (SIZE*SIZE*3)."""
    v = np.lib.stride_tricks.sliding_window_view(x, (SIZE, SIZE), axis=(0, 1))
    v = v[::stride, ::stride].transpose(0, 1, 3, 4, 2)
    return v.reshape(v.shape[0], v.shape[1], -1)


def learn(x):
    """Filters, one a row, and their biases."""
    p = patches(x, 1).reshape(-1, SIZE * SIZE * 3)
    n = p - p.mean(axis=1, keepdims=True)
    n /= np.sqrt(n.var(axis=1, keepdims=True) + 1e-3)
    mean = n.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(n - mean, rowvar=False))
    whiten = vectors @ np.diag(1 / np.sqrt(values + 0.1)) @ vectors.T
    z = (n - mean) @ whiten

    random = np.random.RandomState(0)
    unit = lambda d: d / np.maximum(np.linalg.norm(d, axis=1, keepdims=True), 1e-12)
    centroids = unit(z[random.choice(len(z), FILTERS, replace=False)])
    for _ in range(ROUNDS):
        score = z @ centroids.T
        best = np.argmax(np.abs(score), axis=1)
        weight = np.zeros_like(score)
        rows = np.arange(len(z))
        weight[rows, best] = score[rows, best]
        centroids = unit(weight.T @ z + centroids)

    filters = centroids @ whiten
    filters -= filters.mean(axis=1, keepdims=True)  # a patch's own mean goes
    return filters, -filters @ p.mean(axis=0)


def feature_map():
    x = photo()
    filters, bias = learn(x)
    pad = SIZE // 2
    p = patches(np.pad(x, ((pad, pad), (pad, pad), (0, 0)), mode="edge"), 2)
    y = np.maximum(p @ filters.T + bias, 0)
    y /= y.std(axis=(0, 1), keepdims=True)
    h, w, c = y.shape
    y = np.pad(y, ((1, 1), (1, 1), (0, 0)))
    y = np.lib.stride_tricks.sliding_window_view(y, (3, 3), axis=(0, 1))
    y = y[::2, ::2].max(axis=(3, 4))
    return np.ascontiguousarray(y.transpose(2, 0, 1)[None], np.float32)


def main():
    y = feature_map()
    path = DEMO / "featuremap.npy"
    if sys.argv[1:] == ["--check"]:
        # Another BLAS rounds otherwise.
        if not np.allclose(np.load(path), y, rtol=1e-3, atol=1e-3):
            sys.exit(f"{path} is not what this script makes")
    elif not sys.argv[1:]:
        np.save(path, y)
    else:
        sys.exit(__doc__)
    print(f"{path}: {y.dtype} {'x'.join(map(str, y.shape))}, "
          f"{np.count_nonzero(y) / y.size:.0%} active, mean {y.mean():.3f}")


if __name__ == "__main__":
    main()
