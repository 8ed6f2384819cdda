#!/usr/bin/python3
"""Make the .npy files of this folder with NumPy (Debian's python3-numpy)."""

import pathlib

import numpy as np
from numpy.lib import format as npy

here = pathlib.Path(__file__).resolve().parent

# 2 samples, 3 channels, 4x5: the same values in every storage.
x = (np.arange(120) - 17.5).astype("<f4").reshape(2, 3, 4, 5)
np.save(here / "map.npy", x)
np.save(here / "map-fortran.npy", np.asfortranarray(x))
np.save(here / "map-big.npy", x.astype(">f4"))
np.save(here / "map-big-fortran.npy", np.asfortranarray(x.astype(">f4")))
with open(here / "map-v2.npy", "wb") as f:
    npy.write_array(f, x, version=(2, 0))
with open(here / "map-v3.npy", "wb") as f:
    npy.write_array(f, x, version=(3, 0))

# Seeds of 3x3 blocks on two maps of 6x7, in every dtype.
seeds = np.zeros((2, 6, 7), bool)
seeds[0, 1, 1] = seeds[0, 4, 5] = seeds[1, 2, 3] = True
for t in ["?", "i1", "u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4",
          "<i8", ">i8", "<u8", ">u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]:
    d = np.dtype(t)
    name = d.name + ("-big" if t[0] == ">" else "")
    np.save(here / f"seeds-{name}.npy", seeds.astype(d))
np.save(here / "seeds-fortran.npy", np.asfortranarray(seeds.astype("<f8")))
np.save(here / "seeds-minus-zero.npy", np.where(seeds, 1, -0.0).astype("<f2"))

keep = np.ones((2, 6, 7), np.uint8)
for c, h, w in np.argwhere(seeds):
    keep[c, h - 1:h + 2, w - 1:w + 2] = 0
np.save(here / "keep.npy", keep)

# Refused by name.
np.save(here / "complex64.npy", seeds.astype("<c8"))
np.save(here / "datetime.npy", np.zeros((2, 2), "M8[ns]"))
np.save(here / "record.npy", np.zeros((2, 2), [("a", "<f4"), ("b", "<f4")]))
np.save(here / "text.npy", np.array([["1", "0"]]))
np.save(here / "object.npy", np.array([[None, 1]], object), allow_pickle=True)
np.save(here / "longdouble.npy", np.zeros((2, 2), np.longdouble))
