#!/usr/bin/env python3
"""Stream version 1 of DropBlock masks, written from docs/stream.md.

    stream.py [trace] KEY=VALUE...   one mask, as a line of the table; with trace, every stage of it
    stream.py table                  the table of masks.txt

Keys, as in the table, where those of the last three lines are left out if they have their default;
p and block have no default:

    shape=INTxINT... in the order of the layout, p=PROBABILITY region=valid|full even=before|after
    block=INT, HxW or DxHxW, or a fraction of each axis, with a point
    rule=paper|simple|exact|given share=none|channels|batch|all seed=INT layer=INT step=INT sample=INT
    layout=NCHW|NHWC|NCW|NWC|NCDHW|NDHWC clip=axes|square|none
    gamma-scale=NUMBER ramp=FROM:STEPS stride=INT
    norm=tensor|sample|plane|expected|none
    fill=zero|noise; with noise, what ApplyNoise makes of a map of zeros is a part of the line

Integers are Python's and exact, so that a width shows as a mask or a modulus.
It is slow and plain on purpose: one function for each section of the text.
"""

import hashlib
import math
import struct
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


def rounded(x):
    """The nearest integer, halves away from zero, of x from 0 on."""
    whole = int(x)
    return whole + (x - whole >= 0.5)


class Geometry:
    """Where there are three numbers they are those of D, H and W."""

    def __init__(self, layout, shape, block, region, even, clip, share):
        extents = dict(zip(layout, shape))
        named = [axis for axis in "DHW" if axis in extents]
        self.size = [extents.get(axis, 1) for axis in "DHW"]
        self.last = layout.endswith("C")
        self.N, self.C = extents["N"], extents["C"]
        self.M = min(self.N, 1) if share in ("batch", "all") else self.N
        self.P = min(self.C, 1) if share in ("channels", "all") else self.C

        smallest = min(extents[axis] for axis in named)
        self.block = []
        for i, axis in enumerate("DHW"):
            b = max(1, rounded(block * float(self.size[i]))) if isinstance(block, float) else block[i]
            if axis not in named:
                b = 1
            elif clip == "axes":
                b = min(b, self.size[i])
            elif clip == "square":
                b = min(b, smallest)
            self.block.append(b)
        self.fitting = [min(b, x) for b, x in zip(self.block, self.size)]
        self.valid = [x - b + 1 for b, x in zip(self.fitting, self.size)]
        self.before = [b // 2 if even == "before" else (b - 1) // 2 for b in self.block]

        self.full = region == "full"
        self.places = self.size if self.full else self.valid
        self.positions = self.P * product(self.places)
        self.sample = self.P * product(self.size)
        self.count = self.M * self.sample

    def number(self, extents, plane, at, planes=None):
        """The number of an element, in memory order, in P planes of these extents, or so many."""
        numbers = [(extents[0], at[0]), (extents[1], at[1]), (extents[2], at[2])]
        numbers.insert(3 if self.last else 0, (planes or self.P, plane))
        number = 0
        for extent, index in numbers:
            number = number * extent + index
        return number

    def place(self, position):
        """The plane and the place of a position."""
        extents = self.places + [self.P] if self.last else [self.P] + self.places
        at = []
        for extent in reversed(extents):
            position, index = divmod(position, extent)
            at.insert(0, index)
        return (at[3], at[:3]) if self.last else (at[0], at[1:])


def product(numbers):
    n = 1
    for x in numbers:
        n *= x
    return n


# 5 Gamma


def prob_of(p, start, steps, step):
    if step >= steps:
        return p
    return min(max(start + ((p - start) * float(step)) / float(steps), 0.0), 1.0)


def volume(sizes):
    """The product of three sizes as a float64."""
    d, h, w = map(float, sizes)
    return (w * h) * d


def gamma_of(rule, p, scale, g):
    if rule == "paper":
        gamma = (p * volume(g.size)) / (volume(g.fitting) * volume(g.valid))
    elif rule == "simple":
        gamma = p / volume(g.block)
    elif rule == "exact":
        gamma = exact_gamma(p, g)
    else:
        gamma = p
    return min(scale * gamma, 1.0)


def fixed(x, width):
    numerator, denominator = x.as_integer_ratio()
    return (numerator << width) // denominator


def mul(x, y):
    return x * y >> 128


def lower_bits(n):
    """The bits of n after its highest one, from the highest on."""
    return map(int, bin(n)[3:])


def power(x, n):
    r = x
    for b in lower_bits(n):
        r = mul(r, r)
        if b:
            r = mul(r, x)
    return r


def series(x, n):
    r, s = x, 2**96
    for b in lower_bits(n):
        s += mul(r, s)
        r = mul(r, r)
        if b:
            s += r >> 32
            r = mul(r, x)
    return r, s


class Covers:
    """How many positions cover the cells along axis i."""

    def __init__(self, g, i):
        X, b, a = g.size[i], g.block[i], g.before[i]
        self.first, self.most, self.last = (min(a + 1, X), min(b, X), min(b - a, X)) if g.full else (1, min(b, g.valid[i]), 1)
        self.X = X

    def runs(self):
        return range(min(self.first, self.last), self.most + 1)

    def cells(self, k):
        if k == self.most:
            return self.X - (self.most - self.first) - (self.most - self.last)
        return (k >= self.first) + (k >= self.last)

    def side(self, x, end):
        t = power(x, end)
        if end == self.most:
            return 0, t
        r, s = series(x, self.most - end)
        return mul(t, s), mul(t, r)

    def line(self, x):
        u, t = self.side(x, self.first)
        v, _ = self.side(x, self.last)
        return u + v + self.cells(self.most) * (t >> 32)


def drops(gamma, g):
    drop = fixed(gamma, 128)
    if drop == 0:
        return 0
    one, two, three = sorted((Covers(g, i) for i in range(3)), key=lambda c: c.X)  # sorted keeps the order of equal ones
    stay, kept = 2**128 - drop, 0
    x1 = power(stay, one.runs()[0])
    for k1 in one.runs():
        x2 = power(x1, two.runs()[0])
        for k2 in two.runs():
            kept += one.cells(k1) * two.cells(k2) * three.line(x2)
            x2 = mul(x2, x1)
        x1 = mul(x1, stay)
    return product(g.size) * 2**96 - kept


def expected_drop(gamma, g):
    if g.count == 0 or gamma == 1:
        return float(gamma)
    total = drops(gamma, g)
    low = max(total.bit_length() - 64, 0)
    return float(total >> low << low) / float(product(g.size) * 2**96)


def exact_gamma(p, g):
    want = product(g.size) * fixed(p, 96)
    if p == 1 or want == 0:
        return float(p == 1)
    below, above = 0, int.from_bytes(struct.pack(">d", 1.0), "big")  # as bits, in the order of the numbers
    while above - below > 1:
        middle = (below + above) // 2
        if drops(float_of(middle), g) < want:
            below = middle
        else:
            above = middle
    return float_of(above)


def float_of(bits):
    return struct.unpack(">d", bits.to_bytes(8, "big"))[0]


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


def sample_index(a, n):
    """The global index of sample n of the mask."""
    if a["share"] in ("batch", "all"):
        return 0
    return a["sample"] + n * a["stride"] & M64


def drop_block(g, keep, n, position):
    plane, at = g.place(position)
    ranges = []
    for i in range(3):
        first = at[i] - g.before[i] if g.full else at[i]
        ranges.append(range(max(first, 0), min(first + g.block[i], g.size[i])))
    for d in ranges[0]:
        for h in ranges[1]:
            for w in ranges[2]:
                keep[n * g.sample + g.number(g.size, plane, (d, h, w))] = 0


def seed_cell(g, n, position):
    plane, at = g.place(position)
    if not g.full:
        at = [x + before for x, before in zip(at, g.before)]
    return n * g.sample + g.number(g.size, plane, at)


def pack(string):
    out = bytearray((len(string) + 7) // 8)
    for i, b in enumerate(string):
        out[i // 8] |= b << i % 8
    return bytes(out)


# 11 Counts and scales


def scales_of(norm, g, gamma, keep):
    if norm == "none" or g.count == 0:
        return [1.0]
    if norm == "expected":
        rate = expected_drop(gamma, g)
        return [1.0 / (1.0 - rate) if rate != 1 else 0.0]
    groups = {"tensor": 1, "sample": g.M, "plane": g.M * g.P}[norm]
    count, kept = [0] * groups, [0] * groups
    for n in range(g.M):
        for plane in range(g.P):
            group = {"tensor": 0, "sample": n, "plane": n * g.P + plane}[norm]
            for d in range(g.size[0]):
                for h in range(g.size[1]):
                    for w in range(g.size[2]):
                        count[group] += 1
                        kept[group] += keep[n * g.sample + g.number(g.size, plane, (d, h, w))]
    return [float(c) / float(k) if k else 0.0 for c, k in zip(count, kept)]


# 12 Noise


def f32(x):
    """x rounded to float32. A sum or product of two of them as a float64 is exact, or exact enough for a second rounding."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def coefficients(text):
    return [float.fromhex(c) for c in text.split()]


LOG = coefficients("0x1.9df954p-3 -0x1.4c3cc8p-2 0x1.614c1cp-2 -0x1.978e38p-2 0x1.ff623cp-2 -0x1.5559dcp-1 0x1.00007ap0 -0x1.fffffep0")
COS = coefficients("0x1.c1f066p-11 -0x1.54f61ap-6 0x1.03bd06p-2 -0x1.3bd3a6p0 0x1.fffffep-1")
SIN = coefficients("0x1.3daff6p-13 -0x1.324ccap-8 0x1.4668bp-4 -0x1.4abbc2p-1 0x1.921fb6p0")
ROOT_HALF = float.fromhex("0x1.6a09e6p-1")
MINUS_2_LN_2 = float.fromhex("-0x1.62e43p0")


def polynomial(c, x):
    p = c[0]
    for c in c[1:]:
        p = f32(f32(p * x) + c)
    return p


def signed(a):
    return f32(a if a < 2**31 else a - 2**32)


def radius(a):
    c = f32(f32(signed(a) + 0.5) * 2.0**-32)
    u = c if c > 0 else f32(1 + c)
    m, e = math.frexp(u)
    if m < ROOT_HALF:
        m, e = 2 * m, e - 1
    f = c if e == 0 else f32(m - 1)
    return f32(math.sqrt(f32(f32(polynomial(LOG, f) * f) + f32(f32(e) * MINUS_2_LN_2))))


def cosine(b):
    y = f32(signed(b) * 2.0**-31)
    c = polynomial(COS, f32(y * y))
    return c if b % 2 == 0 else -c


def sine(b):
    y = f32(signed(b) * 2.0**-31)
    return f32(polynomial(SIN, f32(y * y)) * y)


def noise_of(key, s, i):
    w = philox((i // 4, 2**31, lo(s), hi(s)), key)
    if i % 4 == 0:
        return f32(radius(w[0]) * cosine(w[1]))
    if i % 4 == 1:
        return f32(radius(w[2]) * cosine(w[3]))
    if i % 4 == 2:
        return f32(radius(w[0]) * sine(w[1]))
    return f32(radius(w[2]) * sine(w[3]))


def noisy(a, g, keep):
    """What ApplyNoise makes of a map of zeros, as the bytes of float32, the least significant first."""
    key = derive_key(a["seed"], a["layer"], a["step"])
    out = b""
    for n in range(g.N):
        values = [0.0] * (g.C * product(g.size))
        for c in range(g.C):
            for d in range(g.size[0]):
                for h in range(g.size[1]):
                    for w in range(g.size[2]):
                        i = g.number(g.size, c, (d, h, w), g.C)
                        ruler = min(n, g.M - 1) * g.sample + g.number(g.size, min(c, g.P - 1), (d, h, w))
                        if not keep[ruler]:
                            values[i] = noise_of(key, a["sample"] + n * a["stride"] & M64, i)
        out += struct.pack(f"<{len(values)}f", *values)
    return out


# All of it, with every stage given to trace.


def sample_mask(a, trace=lambda stage, text: None):
    """Returns γ, kept, the scales, and as bytes the seeds' string, the mask's, and the noise."""
    g = Geometry(a["layout"], a["shape"], a["block"], a["region"], a["even"], a["clip"], a["share"])
    if g.count == 0:
        return 0.0, 0, scales_of(a["norm"], g, 0.0, []), b"", b"", b""
    trace("4 geometry", f"M={g.M} P={g.P} " + " ".join(
        f"{name}{axis}={x[i]}" for name, x in (("", g.size), ("b", g.block), ("v", g.valid), ("a", g.before), ("R", g.places))
        for i, axis in enumerate("DHW" if not name else "dhw")) + f" positions={g.positions}")

    p = prob_of(a["p"], *a["ramp"], a["step"])
    gamma = gamma_of(a["rule"], p, a["gamma-scale"], g)
    trace("5 gamma", f"p={p.hex()} γ={gamma.hex()}")
    keep, seeds = [1] * g.count, [0] * g.count
    Gamma = fixed(gamma, 64)
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

    for n in range(g.M):
        s = sample_index(a, n)
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
                trace("10 seed", f"sample {n} position {position}: plane, d, h, w {g.place(position)}")
                drop_block(g, keep, n, position)
                seeds[seed_cell(g, n, position)] = 1

    noise = noisy(a, g, keep) if a["fill"] == "noise" else b""
    row = g.size[2] * (g.P if g.last else 1)
    for top in range(0, g.count, row):
        trace("10 mask", "".join(map(str, keep[top:top + row])))
    return gamma, sum(keep), scales_of(a["norm"], g, gamma, keep), pack(seeds), pack(keep), noise


# The command and the table

DEFAULTS = {"shape": "1x1x14x14", "region": "valid", "even": "before", "rule": "paper", "share": "none",
            "seed": "0", "layer": "0", "step": "0", "sample": "0"}
# Left out of lines that have them:
LATER = {"layout": "NCHW", "clip": "axes", "gamma-scale": "1", "ramp": "0:0", "stride": "1", "norm": "tensor", "fill": "zero"}
ORDER = ["shape", "block", "region", "even", "rule", "share", "p", "seed", "layer", "step", "sample", *LATER]
CHOICES = {"region": ("valid", "full"), "even": ("before", "after"), "rule": ("paper", "simple", "exact", "given"),
           "share": ("none", "channels", "batch", "all"), "layout": ("NCHW", "NHWC", "NCW", "NWC", "NCDHW", "NDHWC"),
           "clip": ("axes", "square", "none"), "norm": ("tensor", "sample", "plane", "expected", "none"), "fill": ("zero", "noise")}
HEX_BYTES = 256  # of a string of bits in full; of a longer one the SHA-256


def parse(words):
    """Returns the words as a dictionary of text, and what they say."""
    text = DEFAULTS | LATER
    for word in words:
        name, _, value = word.partition("=")
        if name not in ORDER:
            sys.exit(f"stream.py: {word!r}: want one of " + ", ".join(f"{n}=" for n in ORDER))
        text[name] = value
    for name in ("p", "block"):
        if name not in text:
            sys.exit(f"stream.py: {name}= is missing")
    a = dict(text)
    for name, allowed in CHOICES.items():
        if a[name] not in allowed:
            sys.exit(f"stream.py: {name}={a[name]}: want " + " or ".join(allowed))
    if a["clip"] == "none" and a["region"] == "valid":
        sys.exit("stream.py: clip=none: want region=full with it")
    a["shape"] = [int(x) for x in a["shape"].split("x")]
    if len(a["shape"]) != len(a["layout"]):
        sys.exit(f"stream.py: shape={text['shape']}: want {len(a['layout'])} numbers with x between them")
    if "." in a["block"]:
        a["block"] = float(a["block"])
    else:
        sizes = [int(x) for x in a["block"].split("x")]
        a["block"] = sizes * 3 if len(sizes) == 1 else [1] * (3 - len(sizes)) + sizes
    for name, width in (("seed", 64), ("layer", 32), ("step", 64), ("sample", 64), ("stride", 64)):
        a[name] = int(a[name])
        if not 0 <= a[name] < 2**width:
            sys.exit(f"stream.py: {name}={a[name]}: want 0 to 2^{width}-1")
    if a["stride"] == 0:
        sys.exit("stream.py: stride=0: want 1 or more")
    start, _, steps = a["ramp"].partition(":")
    a["ramp"] = float(start), int(steps)
    for name, p in (("p", float(a["p"])), ("ramp", a["ramp"][0])):
        if not 0 <= p <= 1:
            sys.exit(f"stream.py: {name}={text[name]}: want a probability from 0 to 1")
    a["p"], a["gamma-scale"] = float(a["p"]), float(a["gamma-scale"])
    if not 0 < a["gamma-scale"] < float("inf"):
        sys.exit(f"stream.py: gamma-scale={text['gamma-scale']}: want a number above 0")
    return text, a


def shown(string):
    return string.hex() if len(string) <= HEX_BYTES else "sha256:" + hashlib.sha256(string).hexdigest()


def line(words, trace=lambda stage, text: None):
    text, a = parse(words)
    gamma, kept, scales, seeds, mask, noise = sample_mask(a, trace)
    out = [f"{name}={text[name]}" for name in ORDER if name not in LATER or text[name] != LATER[name]]
    scale = ",".join(scale.hex() for scale in scales)
    out += [f"gamma={gamma.hex()}", f"kept={kept}", f"scale={scale}", f"seeds={shown(seeds)}", f"mask={shown(mask)}"]
    if a["fill"] == "noise":
        out.append(f"noise={shown(noise)}")
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
layout=NHWC shape=2x7x9x3 block=3 p=0.2 seed=30
layout=NHWC shape=2x7x9x1 block=3 p=0.2 seed=30
layout=NCHW shape=2x1x7x9 block=3 p=0.2 seed=30
layout=NHWC shape=2x7x9x3 block=2x4 region=full even=after rule=simple p=0.3 seed=30 layer=2 step=3
layout=NHWC shape=2x7x9x3 block=3 p=0.2 share=channels seed=30
layout=NHWC shape=3x7x9x4 block=3 p=0.2 share=batch seed=30 sample=5
layout=NHWC shape=3x7x9x4 block=3 p=0.2 share=all seed=30 sample=5
layout=NHWC shape=1x40x41x50 block=3 p=0.1 seed=31
layout=NHWC shape=1x40x41x50 block=3 region=full p=0.01 seed=31
layout=NCW shape=2x3x30 block=5 p=0.2 seed=32
layout=NCW shape=2x3x30 block=4 region=full p=0.2 seed=32
layout=NCW shape=2x3x30 block=9x4 region=full even=after p=0.2 seed=32
layout=NCW shape=1x3x30000 block=10 p=0.05 seed=32
layout=NWC shape=2x30x3 block=5 p=0.2 seed=32
layout=NWC shape=2x30x3 block=4 region=full p=0.2 seed=32
layout=NWC shape=2x30x3 block=4 region=full even=after share=channels p=0.2 seed=32
layout=NCDHW shape=2x2x4x5x6 block=3 p=0.3 seed=33
layout=NCDHW shape=2x2x4x5x6 block=2x3x4 p=0.3 seed=33
layout=NCDHW shape=2x2x4x5x6 block=2x3x4 region=full p=0.2 seed=33
layout=NCDHW shape=2x2x4x5x6 block=2x3x4 region=full even=after rule=simple p=0.5 seed=33
layout=NCDHW shape=2x2x4x5x6 block=3x4 p=0.2 seed=33
layout=NCDHW shape=2x3x1x5x6 block=3 p=0.2 seed=33
layout=NCDHW shape=1x2x20x40x45 block=3x5x4 p=0.1 seed=33
layout=NCDHW shape=3x2x4x5x6 block=2 share=batch p=0.2 seed=33 sample=7
layout=NDHWC shape=2x4x5x6x2 block=3 p=0.3 seed=34
layout=NDHWC shape=2x4x5x6x2 block=4x2x3 region=full even=after p=0.2 seed=34
layout=NDHWC shape=2x4x5x6x3 block=2 share=channels p=0.3 seed=34
layout=NDHWC shape=3x4x5x6x3 block=2 share=all p=0.3 seed=34 sample=7
layout=NDHWC shape=1x4x1x6x3 block=2 p=0.3 seed=34
layout=NDHWC shape=1x30x30x28x3 block=4 p=0.1 seed=34
layout=NDHWC shape=2x4x0x6x3 block=2 p=0.3
layout=NWC shape=0x9x3 block=2 share=all p=0.3
layout=NCW shape=2x3x0 block=0.5 clip=square p=0.3
shape=4x3x9x9 block=3 share=batch p=0.2 seed=35
shape=4x3x9x9 block=3 share=batch p=0.2 seed=35 sample=9 stride=3
shape=1x3x9x9 block=3 share=none p=0.2 seed=35
shape=4x3x9x9 block=3 share=all region=full p=0.3 seed=35 sample=9
shape=1x1x9x9 block=3 share=none region=full p=0.3 seed=35
shape=2x2x9x4 block=6 p=0.6 seed=43
shape=2x2x9x4 block=6 clip=square p=0.3 seed=36
shape=2x2x9x4 block=6 clip=square rule=simple p=0.9 seed=36
shape=2x2x9x4 block=6 clip=square region=full even=after p=0.2 seed=36
shape=2x2x9x4 block=6 clip=none region=full p=0.1 seed=36
shape=2x2x9x4 block=6 clip=none region=full rule=simple p=0.9 seed=36
shape=2x2x9x4 block=12x9 clip=none region=full even=after rule=simple p=0.9 seed=36
shape=2x2x9x4 block=40x90 clip=none region=full even=after rule=given p=0.02 seed=36
layout=NDHWC shape=2x2x9x4x2 block=5 clip=square p=0.3 seed=36
layout=NCDHW shape=2x2x1x9x8 block=5 clip=square p=0.3 seed=36
layout=NCDHW shape=2x4x3x4x5 block=507608741x325437259x200780963 clip=none region=full rule=simple gamma-scale=1e24 p=0.7 seed=36
layout=NCW shape=2x2x9 block=12 clip=none region=full rule=simple p=0.9 seed=36
layout=NCDHW shape=2x2x3x4x5 block=4 clip=none region=full rule=simple p=0.9 seed=36
shape=2x2x9x13 block=0.5 p=0.3 seed=37
shape=2x2x9x13 block=0.5 region=full even=after p=0.2 seed=37
shape=2x2x9x13 block=0.1 p=0.2 seed=37
shape=2x2x9x13 block=1.0 p=0.3 seed=37
shape=2x2x9x13 block=0.7 clip=square p=0.3 seed=37
layout=NWC shape=2x25x3 block=0.1 p=0.2 seed=37
layout=NCDHW shape=2x2x3x5x7 block=0.5 p=0.2 seed=37
layout=NCW shape=2x3x5 block=0.9 p=0.3 seed=37
layout=NCW shape=2x3x5 block=0.8999999999999999 p=0.3 seed=37
layout=NCW shape=2x3x5 block=0.8999999999999 p=0.3 seed=37
shape=2x2x9x13 block=3 rule=given p=0.03 seed=38
shape=2x2x9x13 block=3 rule=given region=full p=1.0 seed=38
shape=2x2x9x13 block=3 rule=given gamma-scale=0.1 p=0.3 seed=38
shape=2x2x9x13 block=3 rule=paper gamma-scale=0.7 p=0.3 seed=38
shape=2x2x9x13 block=3 rule=simple gamma-scale=3.3 p=0.3 seed=38
shape=2x2x9x13 block=2 rule=paper gamma-scale=1e308 p=0.3 seed=38
shape=2x2x9x13 block=3 p=0.3 seed=39 ramp=0:10
shape=2x2x9x13 block=3 p=0.3 seed=39 ramp=0:10 step=1
shape=2x2x9x13 block=3 p=0.3 seed=39 ramp=0:10 step=3
shape=2x2x9x13 block=3 p=0.3 seed=39 ramp=0:10 step=9
shape=2x2x9x13 block=3 p=0.3 seed=39 ramp=0:10 step=10
shape=2x2x9x13 block=3 p=0.3 seed=39 ramp=0:10 step=18446744073709551615
shape=2x2x9x13 block=3 p=0.1 seed=39 ramp=0.7:30000 step=9999
shape=2x2x9x13 block=3 p=0.1 seed=39 ramp=0.7:30000 step=29999
shape=2x2x9x13 block=3 p=0.7 seed=39 rule=given ramp=0.1:18446744073709551615 step=9007199254740993
shape=2x2x9x13 block=3 p=0.0 seed=39 rule=given ramp=0.3930952527926388:27678772353082967 step=27678772353082966
shape=2x2x9x13 block=3 p=0.7 seed=39 rule=simple gamma-scale=1.1 ramp=0.1:49 step=47
shape=5x2x9x9 block=3 p=0.2 seed=40 sample=3 stride=4
shape=5x2x9x9 block=3 p=0.2 seed=40 sample=18446744073709551613 stride=2
shape=5x2x9x9 block=3 p=0.05 seed=40 sample=5 stride=18446744073709551615
shape=3x2x9x9 block=3 p=0.2 seed=40 sample=1 stride=9223372036854775808
layout=NHWC shape=5x9x9x2 block=3 p=0.2 share=channels seed=40 sample=1 stride=8
shape=3x2x7x9 block=3 p=0.4 seed=41 norm=none
shape=3x2x7x9 block=3 p=0.4 seed=41 norm=sample
shape=3x2x7x9 block=3 p=0.4 seed=41 norm=plane
layout=NHWC shape=3x7x9x2 block=3 p=0.4 seed=41 norm=sample
layout=NHWC shape=3x7x9x2 block=3 p=0.4 seed=41 norm=plane
layout=NHWC shape=3x7x9x2 block=3 p=0.4 seed=41 norm=plane share=channels
layout=NHWC shape=3x7x9x2 block=3 p=0.4 seed=41 norm=sample share=batch
layout=NCDHW shape=2x3x3x5x7 block=2 p=0.4 seed=41 norm=plane
layout=NDHWC shape=2x3x5x7x3 block=2 p=0.4 seed=41 norm=plane share=batch
layout=NWC shape=3x9x4 block=9 p=0.4 seed=41 norm=plane
layout=NHWC shape=2x4x5x2 block=0.5 region=full rule=simple gamma-scale=1.5 p=0.8 ramp=0:100 step=25 sample=1 stride=3 norm=plane seed=3
layout=NCW shape=3x4x9 block=9 p=0.6 seed=41 norm=sample
layout=NCW shape=3x4x9 block=4 p=0.6 seed=41 norm=plane share=all
layout=NCW shape=3x4x9 block=9 p=1.0 seed=41 norm=sample
layout=NCW shape=3x0x9 block=9 p=1.0 seed=41 norm=sample
layout=NCW shape=0x3x9 block=9 p=1.0 seed=41 norm=none
shape=2x3x14x14 block=7 rule=exact p=0.25 seed=42
shape=2x3x14x14 block=7 rule=exact p=0.25 seed=42 norm=expected
shape=2x3x14x14 block=7 rule=exact region=full p=0.1 seed=42 norm=expected
shape=2x3x7x7 block=7 rule=exact region=full even=after p=0.1 seed=42
shape=2x3x7x7 block=7 region=full p=0.1 seed=42 norm=expected
shape=2x3x9x13 block=4x6 rule=exact region=full even=after p=0.3 seed=42 norm=expected
shape=2x3x9x13 block=4x6 rule=exact region=full even=before p=0.3 seed=42 norm=expected
shape=2x3x9x13 block=4x6 rule=exact p=0.9 seed=42 norm=expected
shape=2x3x9x13 block=4x6 rule=exact p=0.99999 seed=42 norm=expected
shape=2x3x9x13 block=1 rule=exact p=0.3 seed=42 norm=expected
shape=2x3x9x13 block=3 rule=exact p=1.0 seed=42 norm=expected
shape=2x3x9x13 block=3 rule=exact p=0.0 seed=42 norm=expected
shape=2x3x9x13 block=3 rule=exact p=1e-40 seed=42 norm=expected
shape=2x3x9x13 block=3 rule=exact p=1e-13 seed=42 norm=expected
shape=2x3x9x13 block=3 rule=exact p=0.9999999999999999 seed=42 norm=expected
shape=2x2x9x4 block=6 clip=none region=full rule=exact p=0.2 seed=42 norm=expected
shape=2x2x9x4 block=6 clip=none region=full even=after rule=exact p=0.2 seed=42 norm=expected
shape=2x2x9x4 block=6 clip=square region=full rule=simple p=0.2 seed=42 norm=expected
layout=NWC shape=2x40x3 block=7 rule=exact p=0.15 seed=42 norm=expected
layout=NCW shape=2x3x40 block=70 clip=none rule=exact region=full p=0.15 seed=42 norm=expected
layout=NCDHW shape=1x2x4x5x6 block=3 rule=exact p=0.2 seed=42 norm=expected
layout=NCDHW shape=1x2x6x5x5 block=4 rule=exact region=full even=after p=0.2 seed=42 norm=expected
layout=NDHWC shape=2x5x5x5x2 block=2x3x4 rule=exact region=full p=0.2 seed=42 norm=expected
layout=NDHWC shape=2x5x5x5x2 block=0.5 rule=given region=full p=0.01 seed=42 norm=expected
layout=NHWC shape=2x56x56x2 block=7 rule=exact p=0.1 seed=42 norm=expected
layout=NHWC shape=3x9x9x2 block=3 rule=exact p=0.3 share=all ramp=0.1:5 step=3 seed=42 norm=expected
shape=2x3x9x13 block=3 rule=simple gamma-scale=1e9 p=0.5 seed=42 norm=expected
shape=2x3x9x0 block=3 rule=exact p=0.5 seed=42 norm=expected
shape=1x1x5x7 block=2 p=0.3 seed=44 fill=noise
shape=2x3x5x7 block=1 p=0.6 seed=44 layer=3 step=9 sample=18446744073709551615 fill=noise
shape=2x3x5x7 block=1 rule=given p=1.0 seed=44 layer=3 step=9 sample=5 stride=3 fill=noise
shape=3x8x14x14 block=7 region=full p=0.2 seed=44 share=channels fill=noise
layout=NHWC shape=3x5x7x3 block=3 p=0.4 seed=44 fill=noise
layout=NHWC shape=3x5x7x3 block=3 p=0.4 seed=44 share=channels fill=noise
layout=NWC shape=3x30x5 block=6 p=0.4 seed=44 share=batch sample=7 stride=2 norm=sample fill=noise
layout=NCW shape=3x5x31 block=6 p=0.4 seed=44 share=all sample=7 fill=noise
layout=NCDHW shape=2x3x3x4x5 block=2 p=0.5 seed=44 norm=plane fill=noise
layout=NDHWC shape=2x9x10x11x3 block=3 p=0.5 seed=44 sample=4294967295 fill=noise
shape=2x3x9x13 block=3 p=0.0 seed=44 fill=noise
"""


def main(argv):
    check_philox()
    if not argv:
        sys.exit(__doc__.strip())
    if argv == ["table"]:
        print("# Masks of stream version 1 (docs/stream.md), made by `stream.py table`. Do not edit.")
        for case in CASES.strip().split("\n"):
            print(line(case.split()))
    elif argv[0] == "trace":
        print(line(argv[1:], lambda stage, text: print(f"{stage:<12}{text}")))
    else:
        print(line(argv))


if __name__ == "__main__":
    main(sys.argv[1:])
