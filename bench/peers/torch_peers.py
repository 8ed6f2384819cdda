"""Other implementations of DropBlock as a process that bench drives.

torchvision's drop_block2d, torch's dropout and OpenCV's dilate are called. The
rules of timm and of the code that miguelvr/dropblock and the tutorials share
are written here from their descriptions, with torch's max_pool2d, which is what
they grow seeds with. Needs Debian's packages python3-torch, python3-torchvision
and python3-opencv; without one of them the peers of the others run.

The protocol is lines of words on the standard streams, each request answered by
one line, "ok …" or "error …". The process says first, in one line of JSON:

    {"versions": {"torch": "1.13.0", …},
     "peers": ["timm", …], "missing": {"torchvision": "why", …}}

Then the driver asks:

    setting N C H W BLOCK P     what the next requests are about → ok
    check PEER DIR              → ok GAMMA, or ok - where there is none
    time PEER THREADS NS        → ok MEDIAN CALLS

check computes the peer's output for the feature map DIR/x, native float32, with
the seeds in DIR/seeds, a uint8 for an element of the mask, 1 at the centre of a
block, in the place of those that it would have drawn, by the function that is
timed; and writes the output to DIR/y, native float32. OpenCV's is the dilated
seeds. torch's dropout cannot be given seeds: it writes those that it drew to
DIR/seeds. GAMMA is the probability that the peer wanted them with.

time calls the peer for at least NS nanoseconds to warm up, then for at least as
long again, at least once each, and gives the median time of a call in
nanoseconds. The input is held from call to call and the output is made anew.
"""

import contextlib
import json
import os
import statistics
import sys
import time
from unittest import mock

versions, missing = {"python": sys.version.split()[0]}, {}


def load(module, peers):
    """Imports a module, or notes why its peers are missing."""
    try:
        imported = __import__(module)
        versions[module] = imported.__version__
        return imported
    except Exception as e:  # A broken library must not take the others with it.
        for peer in peers:
            missing.setdefault(peer, f"{type(e).__name__}: {e}".splitlines()[0])


TORCH = ["torchvision", "timm", "timm-uncoupled", "tutorial", "dropout"]
OPENCV = ["opencv-u8", "opencv-f32"]

np = load("numpy", TORCH + OPENCV)
torch = load("torch", TORCH)
torchvision = load("torchvision", ["torchvision"])
cv2 = load("cv2", OPENCV)


# The peers. Each makes the output for a feature map x (N, C, H, W).


def torchvision_drop_block(x, b, p):
    return torchvision.ops.drop_block2d(x, p, b, training=True)


def timm_drop_block(x, b, p, coupled):
    """timm ≥ 1.0.23, its default being coupled: one mask for all channels."""
    n, c, h, w = x.shape
    bh, bw = min(b, h), min(b, w)
    gamma = p * h * w / (bh * bw) / ((h - bh + 1) * (w - bw + 1))
    mask = torch.empty((n, 1 if coupled else c, h, w)).bernoulli_(gamma)
    mask = torch.nn.functional.max_pool2d(mask, kernel_size=(bh, bw), stride=1, padding=(bh // 2, bw // 2))
    mask = 1 - mask[:, :, 1 - bh % 2 :, 1 - bw % 2 :]
    return x * (mask * (mask.numel() / (mask.sum() + 1e-7)))


def tutorial_gamma(b, p):
    return p / b**2


def tutorial_drop_block(x, b, p):
    """miguelvr/dropblock and the tutorials: one mask for all channels."""
    n, _, h, w = x.shape
    mask = (torch.rand(n, h, w) < tutorial_gamma(b, p)).float()
    mask = torch.nn.functional.max_pool2d(mask[:, None], kernel_size=(b, b), stride=(1, 1), padding=b // 2)
    mask = 1 - mask[:, :, :h, :w]
    return x * mask * mask.numel() / mask.sum()


def dropout(x, b, p):
    return torch.nn.functional.dropout(x, p, training=True)


def opencv_dilate(image, b, out):
    """The dilation alone. Blocks of the valid region stay in their planes: all
    planes are one image, which is one call."""
    return cv2.dilate(image, np.ones((b, b), np.uint8), dst=out, borderType=cv2.BORDER_CONSTANT, borderValue=0)


FUNCTIONS = {
    "torchvision": torchvision_drop_block,
    "timm": lambda x, b, p: timm_drop_block(x, b, p, True),
    "timm-uncoupled": lambda x, b, p: timm_drop_block(x, b, p, False),
    "tutorial": tutorial_drop_block,
    "dropout": dropout,
}


@contextlib.contextmanager
def given(seeds):
    """Tensor.bernoulli_ and torch.rand give these seeds; yields what
    probabilities were asked for."""
    asked = []

    def bernoulli_(tensor, p):
        if tensor.shape != seeds.shape:
            raise ValueError(f"draws {tuple(tensor.shape)}, there are seeds of {tuple(seeds.shape)}")
        asked.append(p)
        return tensor.copy_(seeds)

    def rand(*shape):
        return 1 - seeds.reshape(shape)  # below any probability where there is a seed

    with mock.patch.object(torch.Tensor, "bernoulli_", bernoulli_), mock.patch.object(torch, "rand", rand):
        yield asked


class Setting:
    def __init__(self, n, c, h, w, b, p):
        self.shape, self.b, self.p = (int(n), int(c), int(h), int(w)), int(b), float(p)
        self.held = {}

    def torch_input(self):
        if "x" not in self.held:
            self.held["x"] = torch.rand(self.shape) - 0.5
        return self.held["x"]

    def image(self, dtype):
        """Seeds of the valid region with the paper's gamma, in planes one below
        the other, and memory for the output."""
        if dtype not in self.held:
            n, c, h, w = self.shape
            b = self.b
            valid = (h - b + 1) * (w - b + 1)
            seeds = np.zeros((n * c, h, w), dtype)
            gamma = self.p * h * w / b**2 / valid
            seeds[:, b // 2 : h - b // 2, b // 2 : w - b // 2] = (
                np.random.default_rng(1).random((n * c, h - b + 1, w - b + 1)) < gamma
            )
            image = seeds.reshape(n * c * h, w)
            self.held[dtype] = image, np.empty_like(image)
        return self.held[dtype]

    def call(self, peer):
        """A function without arguments that does what is timed."""
        if peer in OPENCV:
            image, out = self.image({"opencv-u8": np.uint8, "opencv-f32": np.float32}[peer])
            return lambda: opencv_dilate(image, self.b, out)
        x, function = self.torch_input(), FUNCTIONS[peer]
        return lambda: function(x, self.b, self.p)

    def check(self, peer, directory):
        n, c, h, w = self.shape
        x = np.fromfile(os.path.join(directory, "x"), np.float32).reshape(self.shape)
        drawn = np.fromfile(os.path.join(directory, "seeds"), np.uint8).reshape(n, -1, h, w)
        gamma = "-"
        if peer in OPENCV:
            image = drawn.astype({"opencv-u8": np.uint8, "opencv-f32": np.float32}[peer]).reshape(n * c * h, w)
            y = opencv_dilate(image, self.b, np.empty_like(image))
        elif peer == "dropout":
            # The same generator in the same state draws the same.
            x = torch.from_numpy(x)
            torch.manual_seed(1)
            y = dropout(x, self.b, self.p).numpy()
            torch.manual_seed(1)
            keep = torch.empty_like(x).bernoulli_(1 - self.p)
            (1 - keep).numpy().astype(np.uint8).tofile(os.path.join(directory, "seeds"))
            gamma = self.p
        else:
            seeds = torch.from_numpy(drawn).float()
            if peer == "torchvision":  # It draws the valid centres only.
                b = min(self.b, h, w)
                seeds = seeds[:, :, b // 2 : h - b // 2, b // 2 : w - b // 2]
            with given(seeds) as asked:
                y = FUNCTIONS[peer](torch.from_numpy(x), self.b, self.p).numpy()
            gamma = tutorial_gamma(self.b, self.p) if peer == "tutorial" else asked[0]
        np.ascontiguousarray(y, np.float32).tofile(os.path.join(directory, "y"))
        return gamma

    def time(self, peer, threads, ns):
        if torch:
            torch.set_num_threads(threads)
        if cv2:
            cv2.setNumThreads(threads)
        call = self.call(peer)

        def run():
            times, begin = [], time.perf_counter_ns()
            while not times or time.perf_counter_ns() - begin < ns:
                start = time.perf_counter_ns()
                call()
                times.append(time.perf_counter_ns() - start)
            return times

        run()
        times = run()
        return statistics.median(times), len(times)


def answer(setting, words):
    request, arguments = words[0], words[1:]
    if request == "setting":
        return Setting(*arguments), "ok"
    if request == "check":
        return setting, f"ok {setting.check(*arguments)}"
    if request == "time":
        peer, threads, ns = arguments
        median, calls = setting.time(peer, int(threads), int(ns))
        return setting, f"ok {median:.0f} {calls}"
    raise ValueError(f"unknown request {request}")


def main():
    peers = [p for p in TORCH + OPENCV if p not in missing]
    print(json.dumps({"versions": versions, "peers": peers, "missing": missing}), flush=True)
    setting = None
    for line in sys.stdin:
        try:
            setting, text = answer(setting, line.split())
        except Exception as e:
            text = f"error {type(e).__name__}: {e}".splitlines()[0]
        print(text, flush=True)


if __name__ == "__main__":
    main()
