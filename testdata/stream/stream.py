#!/usr/bin/env python3
"""Stream version 1 of DropBlock masks, written from docs/stream.md.

    stream.py [trace] KEY=VALUE...   one mask, as a line of the table; with trace, every stage of it
    stream.py table                  the table of masks.txt

Keys, as in the table; p and block have no default:

    shape=NxCxHxW block=HxW p=PROBABILITY region=valid|full even=before|after rule=paper|simple
    share=none|channels seed=INT layer=INT step=INT sample=INT

Integers are Python's and exact, so that a width shows as a mask or a modulus.
It is slow and plain on purpose: one function for each section of the text.
"""

import hashlib
import sys

M32 = 2**32 - 1
M64 = 2**64 - 1


# 1 Conventions


def lo(x):
    return x & M32


def hi(x):
    return x >> 32 & M32


def bit(x, i):
    return x >> i & 1


# 2 Philox4x32-10


def philox(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p = 0xD2511F53 * c0
        q = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = hi(q) ^ c1 ^ k0, lo(q), hi(p) ^ c3 ^ k1, lo(p)
        k0 = k0 + 0x9E3779B9 & M32
        k1 = k1 + 0xBB67AE85 & M32
    return c0, c1, c2, c3


KNOWN_ANSWERS = """
00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8
ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd
243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1
"""


def check_philox():
    for line in KNOWN_ANSWERS.split("\n"):
        words = tuple(int(w, 16) for w in line.split())
        if words and philox(words[:4], words[4:6]) != words[6:]:
            sys.exit("stream.py: philox does not give its known answers")


# 3 Key


def derive_key(seed, layer, step):
    return philox((layer, lo(step), hi(step), 0x44427631), (lo(seed), hi(seed)))[:2]


# 4 Geometry


class Geometry:
    def __init__(self, shape, block, region, even, share):
        self.N, C, self.H, self.W = shape
        self.P = min(C, 1) if share == "channels" else C
        self.bh, self.bw = min(block[0], self.H), min(block[1], self.W)
        self.vh, self.vw = self.H - self.bh + 1, self.W - self.bw + 1
        extra = 0 if even == "before" else 1
        self.ah, self.aw = (self.bh - extra) // 2, (self.bw - extra) // 2
        self.full = region == "full"
        self.R, self.Q = (self.H, self.W) if self.full else (self.vh, self.vw)
        self.positions = self.P * self.R * self.Q
        self.count = self.N * self.P * self.H * self.W

    def place(self, position):
        rest, col = divmod(position, self.Q)
        plane, row = divmod(rest, self.R)
        return plane, row, col


# 5 Gamma


def gamma_of(rule, p, g):
    if rule == "simple":
        return p / float(g.bh * g.bw)
    return min((p * float(g.H * g.W)) / (float(g.bh * g.bw) * float(g.vh * g.vw)), 1.0)


def fixed_gamma(gamma):
    numerator, denominator = gamma.as_integer_ratio()
    return (numerator << 64) // denominator


# 6 Head and residual


def split(Gamma):
    """Returns k, t, Δ and the list of all choices."""
    choices = []
    for k in range(11):
        t = Gamma >> 64 - k
        G = t << 64 - k
        Delta = ((Gamma - G) << 64) // (2**64 - G)
        choices.append((k * 2**56 + Delta // 2, k, t, Delta))
    _, k, t, Delta = min(choices)
    return k, t, Delta, choices


# 7 Chunks and counters

CHUNK = 65536


def chunk_block(key, word0, chunk, sample):
    return philox((word0, chunk, lo(sample), hi(sample)), key)


# 8 The head


def head_seeds(key, chunk, sample, n, k, t):
    """The positions of a chunk at which the head says seed, and its blocks."""
    blocks, seeds = {}, []
    for i in range(n):
        group, j = i // 1024, i // 64 % 16
        less = 0
        for v in range(k):
            index = 512 * v + 8 * group + j % 8
            if index not in blocks:
                blocks[index] = chunk_block(key, index, chunk, sample)
            u = bit(blocks[index][2 * (j // 8) + i // 32 % 2], i % 32)
            less = less | u if bit(t, v) else less & u
        if less:
            seeds.append(i)
    return seeds, blocks


# 9 The residual


def gap_weights(Delta):
    q = 2**64 - Delta
    A, T = [2**32], q
    for _ in range(1023):
        A.append((T >> 32) + bit(T, 31))
        T = T * q >> 64
    return [A[g] - A[g + 1] for g in range(1023)] + [A[1023]]


def alias_table(weights):
    quota = 2**22
    weight = list(weights)
    donates = [w >= quota for w in weight]
    threshold, alias = [0] * 1024, list(range(1024))

    def first(g, kind):
        while g < 1024 and donates[g] != kind:
            g += 1
        return g

    small, donor = first(0, False), first(0, True)
    g = small
    while g < 1024:
        threshold[g], alias[g] = weight[g], donor
        weight[donor] -= quota - weight[g]
        if weight[donor] < quota:
            g, donor = donor, first(donor + 1, True)
        else:
            small = first(small + 1, False)
            g = small
    return threshold, alias


def draw_gap(table, w):
    threshold, alias = table
    e = w >> 22
    return e if w & 2**22 - 1 < threshold[e] else alias[e]


def residual_seeds(key, chunk, sample, n, table):
    """The positions of a chunk at which the residual says seed, and its words with their gaps."""
    seeds, drawn = [], []
    x = 0
    while x < n:
        y = len(drawn)
        w = chunk_block(key, 2**31 + y // 4, chunk, sample)[y % 4]
        g = draw_gap(table, w)
        drawn.append((w, g))
        x += g
        if x < n and g < 1023:
            seeds.append(x)
            x += 1
    return seeds, drawn


# 10 From seeds to the mask


def drop_block(g, keep, n, position):
    plane, row, col = g.place(position)
    top, left = (row - g.ah, col - g.aw) if g.full else (row, col)
    for r in range(max(top, 0), min(top + g.bh, g.H)):
        for c in range(max(left, 0), min(left + g.bw, g.W)):
            keep[((n * g.P + plane) * g.H + r) * g.W + c] = 0


def seed_cell(g, n, position):
    plane, row, col = g.place(position)
    if not g.full:
        row, col = row + g.ah, col + g.aw
    return ((n * g.P + plane) * g.H + row) * g.W + col


def pack(string):
    out = bytearray((len(string) + 7) // 8)
    for i, b in enumerate(string):
        out[i // 8] |= b << i % 8
    return bytes(out)


# All of it, with every stage given to trace.


def sample_mask(a, trace=lambda stage, text: None):
    """Returns γ, kept, the scale, and as bytes the seeds' string and the mask's."""
    g = Geometry(a["shape"], a["block"], a["region"], a["even"], a["share"])
    if g.count == 0:
        return 0.0, 0, 1.0, b"", b""
    trace("4 geometry", f"N={g.N} P={g.P} H={g.H} W={g.W} bh={g.bh} bw={g.bw} vh={g.vh} vw={g.vw} "
          f"ah={g.ah} aw={g.aw} R={g.R} Q={g.Q} positions={g.positions}")

    gamma = gamma_of(a["rule"], a["p"], g)
    trace("5 gamma", f"γ={gamma.hex()}")
    keep, seeds = [1] * g.count, [0] * g.count
    Gamma = fixed_gamma(gamma)
    if 0 < Gamma < 2**64:
        k, t, Delta, choices = split(Gamma)
        trace("5 Γ", f"{Gamma:016x}")
        for cost, ck, ct, cd in choices:
            trace(f"6 k={ck}", f"t={ct} Δ={cd:016x} cost={cost:016x}")
        trace("6 chosen", f"k={k} t={t} Δ={Delta:016x}")
        key = derive_key(a["seed"], a["layer"], a["step"])
        trace("3 key", f"{key[0]:08x} {key[1]:08x}")
        if Delta:
            weights = gap_weights(Delta)
            table = alias_table(weights)
            trace("9 weights", f"0: {weights[0]}  1: {weights[1]}  1022: {weights[1022]}  1023: {weights[1023]}")
            trace("9 table", "threshold, alias of " + "  ".join(f"{e}: {table[0][e]}, {table[1][e]}" for e in (0, 1, 1022, 1023)))
            packed = b"".join((th << 10 | al).to_bytes(4, "little") for th, al in zip(*table))
            trace("9 table", "sha256 " + hashlib.sha256(packed).hexdigest())

    for n in range(g.N):
        s = a["sample"] + n & M64
        for chunk in range((g.positions + CHUNK - 1) // CHUNK):
            length = min(g.positions - chunk * CHUNK, CHUNK)
            found = set()
            if Gamma == 2**64:
                found = range(length)
            elif Gamma > 0:
                where = f"sample {s} chunk {chunk}"
                if k:
                    head, blocks = head_seeds(key, chunk, s, length, k, t)
                    for index, w in sorted(blocks.items()):
                        trace("8 head", f"{where} block(0 + {index}) = " + " ".join(f"{x:08x}" for x in w))
                    trace("8 head", f"{where} seeds {head}")
                    found.update(head)
                if Delta:
                    residual, drawn = residual_seeds(key, chunk, s, length, table)
                    for y, (w, gap) in enumerate(drawn):
                        e = w >> 22
                        trace("9 residual", f"{where} word {y} = {w:08x}: entry {e} ({table[0][e]}, {table[1][e]}), "
                              f"rest {w & 2**22 - 1}, gap {gap}")
                    trace("9 residual", f"{where} seeds {residual}")
                    found.update(residual)
            for i in sorted(found):
                position = chunk * CHUNK + i
                trace("10 seed", f"sample {n} position {position}: plane, row, col {g.place(position)}")
                drop_block(g, keep, n, position)
                seeds[seed_cell(g, n, position)] = 1

    # 11 Count and scale
    kept = sum(keep)
    scale = float(g.count) / float(kept) if kept else 0.0
    for top in range(0, g.count, g.W):
        trace("10 mask", "".join(map(str, keep[top:top + g.W])))
    return gamma, kept, scale, pack(seeds), pack(keep)


# The command and the table

DEFAULTS = {"shape": "1x1x14x14", "region": "valid", "even": "before", "rule": "paper", "share": "none",
            "seed": 0, "layer": 0, "step": 0, "sample": 0}
ORDER = ["shape", "block", "region", "even", "rule", "share", "p", "seed", "layer", "step", "sample"]
HEX_BYTES = 256  # of a string of bits in full; of a longer one the SHA-256


def parse(words):
    a = dict(DEFAULTS)
    for word in words:
        name, _, value = word.partition("=")
        if name not in ORDER:
            sys.exit(f"stream.py: {word!r}: want one of " + ", ".join(f"{n}=" for n in ORDER))
        a[name] = value
    for name in ("p", "block"):
        if name not in a:
            sys.exit(f"stream.py: {name}= is missing")
    for name, allowed in (("region", ("valid", "full")), ("even", ("before", "after")),
                          ("rule", ("paper", "simple")), ("share", ("none", "channels"))):
        if a[name] not in allowed:
            sys.exit(f"stream.py: {name}={a[name]}: want " + " or ".join(allowed))
    for name, n in (("shape", 4), ("block", 2)):
        a[name] = tuple(int(x) for x in a[name].split("x"))
        if len(a[name]) != n:
            sys.exit(f"stream.py: {name}: want {n} numbers with x between them")
    for name, width in (("seed", 64), ("layer", 32), ("step", 64), ("sample", 64)):
        a[name] = int(a[name])
        if not 0 <= a[name] < 2**width:
            sys.exit(f"stream.py: {name}={a[name]}: want 0 to 2^{width}-1")
    a["p"] = float(a["p"])
    if not 0 <= a["p"] <= 1:
        sys.exit(f"stream.py: p={a['p']}: want 0 to 1")
    return a


def shown(string):
    return string.hex() if len(string) <= HEX_BYTES else "sha256:" + hashlib.sha256(string).hexdigest()


def line(a, trace=lambda stage, text: None):
    gamma, kept, scale, seeds, mask = sample_mask(a, trace)
    out = []
    for name in ORDER:
        value = a[name]
        out.append(f"{name}=" + ("x".join(map(str, value)) if isinstance(value, tuple) else str(value)))
    out += [f"gamma={gamma.hex()}", f"kept={kept}", f"scale={scale.hex()}", f"seeds={shown(seeds)}", f"mask={shown(mask)}"]
    return " ".join(out)


CASES = """
shape=1x2x5x5 block=3x3 p=0.3 seed=42 step=1
shape=1x1x12x12 block=4x4 region=full even=after p=0.1 seed=42 step=17
shape=1x8x14x14 block=7x7 p=0.1
shape=1x1x14x14 block=7x7 p=0.1 step=7326087
shape=1x1x14x14 block=7x7 p=0.1 step=21896695
shape=2x5x14x14 block=7x7 p=0.1 seed=42
shape=4x8x7x7 block=7x7 p=0.1 seed=1
shape=4x8x7x7 block=3x3 p=0.1 seed=1 layer=3 step=7
shape=1x2x28x28 block=5x5 p=0.1 seed=5 layer=1 step=100
shape=1x2x56x56 block=7x7 p=0.1 seed=5 layer=2 step=100
shape=1x1x40x48 block=3x5 p=0.05 seed=6
shape=1x2x30x33 block=1x7 p=0.2 seed=7
shape=1x2x33x30 block=7x1 p=0.2 seed=7
shape=2x4x14x14 block=7x7 region=full p=0.1 seed=8
shape=2x4x14x14 block=7x7 region=full rule=simple p=0.1 seed=8
shape=2x4x14x14 block=7x7 rule=simple p=0.4 seed=8
shape=4x64x14x14 block=7x7 share=channels p=0.2 seed=9
shape=4x64x14x14 block=7x7 region=full share=channels p=0.2 seed=9
shape=4x64x14x14 block=5x5 region=full even=after rule=simple share=channels p=0.2 seed=9 layer=4 step=12
shape=2x2x10x10 block=2x2 p=0.2 seed=10
shape=2x2x10x10 block=2x2 even=after p=0.2 seed=10
shape=2x2x10x10 block=2x2 region=full p=0.2 seed=10
shape=2x2x10x10 block=2x2 region=full even=after p=0.2 seed=10
shape=1x3x15x17 block=6x4 region=full p=0.3 seed=11
shape=1x3x15x17 block=6x4 region=full even=after p=0.3 seed=11
shape=1x3x15x17 block=4x6 region=full even=after rule=simple p=0.3 seed=11
shape=3x2x9x13 block=3x3 p=0.5 seed=12
shape=3x2x9x13 block=3x3 region=full p=0.5 seed=12
shape=2x3x16x16 block=2x2 p=1.0 seed=13
shape=3x3x9x13 block=1x1 p=0.3 seed=14
shape=3x3x9x13 block=1x1 region=full p=0.3 seed=14
shape=2x1x32x32 block=1x1 p=0.5 seed=15
shape=1x2x32x32 block=1x1 p=0.0546875 seed=16
shape=2x2x16x32 block=1x1 p=0.1 seed=17 share=channels
shape=1x1x64x32 block=1x1 p=0.02 seed=18
shape=1x1x41x47 block=1x1 p=0.75 seed=19
shape=1x1x41x47 block=1x1 p=0.9 seed=19
shape=1x2x32x32 block=1x1 p=0.9990234375 seed=20
shape=1x2x30x32 block=1x1 p=0.9995 seed=20
shape=1x1x24x24 block=1x1 p=0.9999999999999999 seed=20
shape=2x3x7x5 block=1x1 p=1.0 seed=21
shape=2x3x7x5 block=7x5 p=1.0 seed=21
shape=2x3x7x5 block=7x5 region=full p=1.0 seed=21
shape=2x3x7x5 block=3x3 p=0.0 seed=21
shape=2x3x7x5 block=3x3 p=1e-20 seed=21
shape=2x3x7x5 block=1x1 p=5.421010862427522e-20 seed=21
shape=1x4x256x256 block=1x1 p=2e-05 seed=22
shape=0x3x7x7 block=3x3 p=0.5
shape=2x0x7x7 block=3x3 share=channels p=0.5
shape=2x6x5x5 block=9x9 p=0.3 seed=24
shape=2x4x5x5 block=9x9 region=full even=after p=0.3 seed=23
shape=2x4x4x4 block=9x9 region=full even=after p=0.3 seed=23
shape=2x2x3x19 block=5x4 region=full p=0.3 seed=24
shape=2x2x3x19 block=5x4 p=0.3 seed=24
shape=1x3x1x50 block=7x7 p=0.2 seed=25
shape=1x3x50x1 block=7x7 p=0.2 seed=25
shape=1x2x3x300 block=3x100 p=0.5 seed=26
shape=1x2x200x5 block=70x3 p=0.5 seed=26
shape=1x2x2x500 block=2x65 p=0.2 seed=26
shape=1x1x1x1000 block=1x200 region=full p=0.3 seed=26
shape=2x2x9x9 block=3x3 p=0.2 seed=18446744073709551615 layer=4294967295 step=18446744073709551615
shape=2x2x9x9 block=3x3 p=0.2 seed=4294967296
shape=2x2x9x9 block=3x3 p=0.2 layer=1
shape=2x2x9x9 block=3x3 p=0.2 step=1
shape=2x2x9x9 block=3x3 p=0.2 step=4294967296
shape=4x2x9x9 block=3x3 p=0.2 seed=27 sample=4294967294
shape=4x2x9x9 block=3x3 p=0.05 seed=27 sample=4294967294
shape=2x2x9x9 block=3x3 p=0.2 seed=27 sample=1311768467463790320
shape=4x2x9x9 block=3x3 p=0.2 seed=27 sample=18446744073709551614
shape=4x2x9x9 block=3x3 region=full even=after p=0.2 seed=27 sample=18446744073709551614
shape=1x1x300x300 block=7x7 p=0.1 seed=28
shape=2x80x32x32 block=3x3 p=0.1 seed=28
shape=1x100x28x28 block=5x5 region=full p=0.1 seed=28
shape=2x1x270x251 block=1x1 p=0.3 seed=28
shape=1x2x256x256 block=1x1 p=0.5 seed=28
shape=1x1x256x256 block=1x1 p=0.01 seed=28
shape=1x3x256x256 block=1x1 p=0.01 seed=28 sample=4294967296
shape=2x1x260x261 block=2x2 p=0.4 seed=28
shape=2x1x260x261 block=2x2 region=full even=after rule=simple p=0.4 seed=28
shape=1x6x200x200 block=4x4 region=full share=channels p=0.1 seed=28
"""


def main(argv):
    check_philox()
    if not argv:
        sys.exit(__doc__.strip())
    if argv == ["table"]:
        print("# Masks of stream version 1 (docs/stream.md), made by `stream.py table`. Do not edit.")
        for case in CASES.strip().split("\n"):
            print(line(parse(case.split())))
    elif argv[0] == "trace":
        print(line(parse(argv[1:]), lambda stage, text: print(f"{stage:<12}{text}")))
    else:
        print(line(parse(argv)))


if __name__ == "__main__":
    main(sys.argv[1:])
