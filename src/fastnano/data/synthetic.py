"""Handwritten-looking digits drawn by a formula: a stand-in for MNIST that needs no files and no network."""

# Design: digits are pen strokes (splines through jittered points, bent, turned and slanted), sampled densely;
# each sample leaves its ink on four pixels, and a blur and a soft threshold make lines of it. Every step is
# one of + - * / sqrt, floor and comparison, which IEEE 754 rounds in one way only, in an order written here,
# and random bits come straight from Philox: the pixels are the same on any machine, known by their SHA-256.
# Rejected: distances from pixels to stroke segments (ten times the work), warping finished images (it blurs
# them), and sin, exp, normal deviates, matmul and sum (their last bits differ between machines).

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .cache import Hashes, cache_folder, digest, locked, log, open_idx
from .idx import encode, write_idx
from .images import TEST, TRAIN, ImageDataset, Opened, Place, Root

Floats: TypeAlias = NDArray[Any]  # float32; the stubs take a float32 array times a Python float for float64
Bytes: TypeAlias = NDArray[np.uint8]

VERSION = 1  # of the drawings: raise it with any change of a pixel
SIDE = 28  # of an image, pixels
HEIGHT = 19  # of an undistorted digit, pixels
STEP = 0.8  # between samples along a stroke, pixels
CHUNK = 5000  # images whose random numbers are held at once
DRAWS = 64  # random numbers of an image

# The most that each distortion does; the draws are triangular about 0, so most images have far less.
JITTER = 2.2  # of control points, pixels
WARP = 2.7  # each coefficient of the cubic that bends the plane, pixels at 10 from the centre
CARE = 0.8  # of the writer: jitter and warp are multiplied by 1 − CARE to 1 + CARE
TURN = 0.19  # tangent of half the angle (22 degrees)
SLANT, UPRIGHT = 0.36, -0.08  # columns per row, about a mean
WIDE, TALL = 0.2, 0.12  # stretch
SHIFT = 1.5  # pixels
PRESS = 0.4  # change of ink along a stroke
THIN, WIDTH = 0.125, 0.055  # ink that begins to show, and its range: the less, the wider the line
SOFT, BLEED = 0.13, 0.05  # further ink to full black, and its range

# Ways to write each digit: pen strokes separated by "/", each a Catmull-Rom spline through points "x,y" in
# per cent of the digit's height, y downwards; a point given twice is a corner.
GLYPHS: tuple[tuple[str, ...], ...] = (
    (  # 0
        "50,0 26,12 16,50 26,88 50,100 74,88 84,50 74,12 50,0 42,2",
        "62,2 36,8 18,44 22,86 46,100 72,84 84,46 74,14 52,4 40,10",
        "44,6 30,30 28,70 44,98 62,96 72,70 70,28 56,2 42,4",
    ),
    (  # 1
        "50,0 50,50 50,100",
        "52,0 50,48 47,100",
        "30,24 53,0 53,0 52,50 52,100",
        "32,22 53,0 53,0 52,50 52,99 / 30,100 74,99",
    ),
    (  # 2
        "18,26 32,4 62,2 80,24 68,52 40,80 14,99 14,99 50,98 88,98",
        "20,22 38,3 68,5 78,28 62,60 36,88 18,96 14,84 28,78 52,90 72,100 90,92",
        "22,14 46,0 74,10 74,36 48,70 18,98 18,98 54,94 86,97",
    ),
    (  # 3
        "18,12 44,0 74,10 72,34 44,47 44,47 76,58 80,84 50,100 14,90",
        "16,3 50,2 80,3 80,3 62,24 42,44 42,44 74,52 82,78 58,99 18,94",
        "22,8 52,0 72,16 62,38 36,48 36,48 66,50 76,74 56,96 30,100 14,92",
    ),
    (  # 4
        "26,2 20,30 14,58 14,58 50,57 88,54 / 68,10 66,54 62,100",
        "64,0 38,34 10,66 10,66 50,66 92,64 / 66,0 65,50 63,100",
        "22,6 18,34 30,52 56,52 76,42 / 80,4 75,50 70,100",
    ),
    (  # 5
        "82,2 54,2 30,3 30,3 26,24 22,45 22,45 50,36 78,50 80,78 54,99 16,92",
        "28,4 25,24 24,44 24,44 56,40 78,60 70,90 44,100 16,92 / 28,4 56,4 84,1",
        "80,4 48,2 30,14 34,36 62,50 74,72 60,96 34,100 14,92",
    ),
    (  # 6
        "68,0 42,20 22,52 22,84 46,100 72,88 74,62 52,52 30,64 22,80",
        "56,0 34,30 22,68 36,98 64,96 76,74 60,56 36,64 26,84",
        "74,6 50,2 28,28 20,66 34,96 62,98 78,76 64,56 38,58 22,74",
    ),
    (  # 7
        "14,4 50,4 84,3 84,3 62,42 44,100",
        "16,18 18,4 18,4 52,5 84,3 84,3 66,40 52,100",
        "14,5 50,5 84,4 84,4 62,44 46,100 / 34,52 54,50 76,48",
        "18,8 52,2 78,8 76,30 58,60 48,100",
    ),
    (  # 8
        "76,16 52,0 28,10 28,32 52,48 76,66 74,90 48,100 24,88 26,66 50,48 74,32 76,14",
        "50,46 28,34 28,12 50,0 72,12 72,34 50,46 26,60 22,84 50,100 78,84 74,60 50,46",
        "70,6 42,2 28,20 44,42 68,64 66,92 42,99 26,82 40,56 66,36 76,12",
    ),
    (  # 9
        "76,26 56,2 30,8 22,34 42,50 66,42 77,22 77,22 74,60 66,100",
        "76,20 50,0 24,18 28,44 56,46 75,24 75,24 78,60 64,92 28,98",
        "70,10 44,4 24,26 36,48 62,42 74,16 74,16 70,46 56,100",
    ),
)


@dataclass(frozen=True)
class _Glyph:
    """One way to write a digit: K control points and T samples on the splines through them."""

    points: Floats  # (2, K) x and y in pixels from the digit's centre
    nodes: NDArray[np.intp]  # (4, T) control points that a sample lies between
    basis: Floats  # (4, T) their Catmull-Rom weights
    inked: NDArray[np.intp]  # samples from which a line goes to the next: all but the last of each stroke


@cache
def _glyph(digit: int, way: int) -> _Glyph:
    """The control points and samples, about STEP pixels apart, of a row of GLYPHS."""
    points: list[Floats] = []
    nodes, times, inked = [], [], []
    for stroke in GLYPHS[digit][way].split("/"):
        p = np.array([point.split(",") for point in stroke.split()], np.float32)
        p = (p - 50) * (HEIGHT / 100)
        first, last = sum(len(q) for q in points), len(p) - 1
        dx, dy = (p[1:] - p[:-1]).T
        steps = np.sqrt(dx * dx + dy * dy) / STEP
        for j, n in enumerate(np.maximum(np.ceil(steps).astype(int), 1)):
            end = j == last - 1
            times.append(np.arange(n + end, dtype=np.float32) / np.float32(n))
            inked.append(np.arange(n + end) < n)
            nodes.append(np.tile([[max(j - 1, 0)], [j], [j + 1], [min(j + 2, last)]], n + end) + first)
        points.append(p)
    t = np.concatenate(times)
    cubics = ((2 - t) * t - 1) * t, (3 * t - 5) * t * t + 2, ((4 - 3 * t) * t + 1) * t, (t - 1) * t * t
    return _Glyph(
        np.concatenate(points).T.copy(),
        np.concatenate(nodes, axis=1),
        np.stack(cubics) * np.float32(0.5),
        np.flatnonzero(np.concatenate(inked)),
    )


def _trace(glyph: _Glyph, draws: Floats, amount: Floats) -> tuple[Floats, Floats]:
    """Samples x, y (n, T) on splines through control points that are off by up to JITTER."""
    n, k = len(draws), glyph.points.shape[1]
    points = glyph.points + draws[:, : 2 * k].reshape(n, 2, k) * (amount[:, None] * JITTER)
    path = sum(weight * points[:, :, node] for weight, node in zip(glyph.basis, glyph.nodes, strict=True))
    return path[:, 0], path[:, 1]


def _bend(x: Floats, y: Floats, draws: Floats, amount: Floats) -> tuple[Floats, Floats]:
    """Add to x and to y a random polynomial of both, of second and third degree."""
    draws = draws[:, :, None] * (amount[:, None] * WARP)
    a, b = x / 10, y / 10
    aa, ab, bb = a * a, a * b, b * b
    for i, term in enumerate((aa, ab, bb, aa * a, aa * b, ab * b, bb * b)):
        x = x + draws[:, i] * term
        y = y + draws[:, i + 7] * term
    return x, y


def _place(x: Floats, y: Floats, draws: Floats) -> tuple[Floats, Floats]:
    """Slant, stretch and turn, make it fit into the image, and shift it off the centre."""
    turn, slant, wide, tall, right, down = draws.T[:, :, None]
    x, y = (x + (slant * SLANT + UPRIGHT) * y) * (1 + WIDE * wide), y * (1 + TALL * tall)
    t = turn * TURN
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    x, y = cos * x - sin * y, sin * x + cos * y
    box = [(v.min(1, keepdims=True), v.max(1, keepdims=True)) for v in (x, y)]
    fit = np.minimum(1, (SIDE - 7) / np.maximum(*(high - low for low, high in box)))
    return tuple(
        np.clip((v - (low + high) / 2) * fit + (SHIFT * shift + (SIDE - 1) / 2), 0, SIDE - 1.001)
        for v, (low, high), shift in zip((x, y), box, (right, down), strict=True)
    )


def _ink(x: Floats, y: Floats, inked: NDArray[np.intp], draws: Floats) -> Floats:
    """Ink (n, 28, 28): each line's length times the pen's pressure, dealt to four pixels at its middle."""
    x0, y0, dx, dy = x[:, inked], y[:, inked], np.diff(x)[:, inked], np.diff(y)[:, inked]
    along = (np.arange(len(inked)) * np.float32(2 / len(inked)) - 1).astype(np.float32)
    swell, arch = draws.T[:, :, None] * PRESS
    ink = np.sqrt(dx * dx + dy * dy) * (1 + swell * along + arch * (along * along - 0.5))
    x, y = x0 + dx / 2, y0 + dy / 2
    column, row = x.astype(np.intp), y.astype(np.intp)
    pixel = (np.arange(len(x))[:, None] * SIDE + row) * SIDE + column
    right, down = x - column.astype(np.float32), y - row.astype(np.float32)
    lower, upper = ink * down, ink * (1 - down)
    corners = upper * (1 - right), upper * right, lower * (1 - right), lower * right
    size = len(x) * SIDE * SIDE
    total = np.zeros(size)
    for offset, share in zip((0, 1, SIDE, SIDE + 1), corners, strict=True):
        total += np.bincount((pixel + offset).ravel(), share.ravel(), size)
    return total.astype(np.float32).reshape(-1, SIDE, SIDE)


def _blur(images: Floats) -> Floats:
    """Binomial blur, (1 6 15 20 15 6 1) / 64 along rows and columns, as sums of neighbours."""
    images = np.pad(images, ((0, 0), (3, 3), (3, 3)))
    for _ in range(6):
        images = images[:, 1:] + images[:, :-1]
    for _ in range(6):
        images = images[:, :, 1:] + images[:, :, :-1]
    return images / 4096


def _draw(glyph: _Glyph, draws: Floats, distortion: float) -> Bytes:
    """Images (n, 28, 28) of one glyph, one for each row of draws (n, DRAWS)."""
    amount = (1 + CARE * draws[:, 56, None]) * distortion
    x, y = _trace(glyph, draws[:, :32], amount)
    x, y = _bend(x, y, draws[:, 32:46], amount)
    x, y = _place(x, y, draws[:, 46:52] * distortion)
    ink = _blur(_ink(x, y, glyph.inked, draws[:, 52:54]))
    pen, edge = draws[:, 54:56].T[:, :, None, None]
    black = (ink - (THIN - WIDTH * pen)) / (SOFT + BLEED * edge)
    return np.clip(black * 255 + 0.5, 0, 255).astype(np.uint8)


def _pick(bits: NDArray[np.uint64], count: NDArray[np.integer[Any]] | int) -> NDArray[np.intp]:
    """A whole number below ``count`` from the upper half of each 64 bits."""
    return ((bits >> 32) * np.asarray(count, np.uint64) >> 32).astype(np.intp)


def draw(size: int, train: bool, seed: int, distortion: float = 1.0) -> tuple[Bytes, Bytes]:
    """Images (size, 28, 28) and labels (size,); the i-th depends on split, seed, distortion and i alone."""
    philox = np.random.Philox(key=np.array([seed, 2 * VERSION + train], np.uint64))
    ways = np.array([len(glyphs) for glyphs in GLYPHS])
    images = np.empty((size, SIDE, SIDE), np.uint8)
    labels = np.empty(size, np.uint8)
    for start in range(0, size, CHUNK):
        bits = philox.random_raw(min(CHUNK, size - start) * DRAWS).reshape(-1, DRAWS)
        draws = ((bits >> 40) + (bits & 0xFFFFFF)).astype(np.float32) / 2**24 - 1
        digits = _pick(bits[:, -2], 10)
        forms = _pick(bits[:, -1], ways[digits])
        labels[start : start + CHUNK] = digits
        for digit, way in ((d, w) for d in range(10) for w in range(ways[d])):
            chosen = np.flatnonzero((digits == digit) & (forms == way))
            images[start + chosen] = _draw(_glyph(digit, way), draws[chosen], distortion)
    return images, labels


class SyntheticDigits(ImageDataset):
    """Digits drawn as if by hand: 60,000 to train, 10,000 to test, 28x28, in MNIST's format.

    They take seconds to draw and are kept in the cache folder, memory-mapped. The same arguments give the
    same pixels on any machine. ``size`` asks for fewer or more (the first ones are the same), ``distortion``
    for neater (0) or wilder (above 1) hands. ``verified`` is by the known SHA-256 of the default set.

    Raises ``ValueError`` naming a bad argument.
    """

    name = "Synthetic digits"
    key = "synthetic"
    classes = tuple("0123456789")
    mean, std = 0.1462, 0.3284
    hashes: ClassVar[dict[str, tuple[str, ...]]] = {
        "train-images-idx3-ubyte": ("e6b2ed9566728edeafb63c0fffb9beeba61a145c94051f3483bc3cc4e4867d16",),
        "train-labels-idx1-ubyte": ("7e28e866cc704478bfc23b187c62afdaf9062b82fffdd3b3d1cec3e781baad88",),
        "t10k-images-idx3-ubyte": ("21500e22a7bb78cbfd9560e2ad3a2cced576ab0b9181ecf5d059138f639cb11e",),
        "t10k-labels-idx1-ubyte": ("b1e48c78aa8d75a335e0573900cc83eca4f27d2a8618a283ab87d056456d18e6",),
    }

    def __init__(
        self, train: bool = True, seed: int = 0, size: int | None = None, distortion: float = 1.0
    ) -> None:
        full = 60_000 if train else 10_000
        size, distortion = full if size is None else size, float(distortion)
        limits = {"seed": (seed, 0, 2**64), "size": (size, 1, 10**7), "distortion": (distortion, 0, 3)}
        for name, (value, low, high) in limits.items():
            if not low <= value < high:
                raise ValueError(
                    f"SyntheticDigits: {name} is {value!r}, expected {low} or more and below {high}"
                )
        folder = _folder(seed, None if size == full else size, distortion)
        paths = [folder / stem for stem in (TRAIN if train else TEST)]
        opened = _opened(paths) or _drawn(paths, size, train, seed, distortion)
        self._keep(opened, train, f"{folder} (drawn, seed {seed})")

    @classmethod
    def places(cls, root: Root = None) -> list[Place]:  # noqa: ARG003 (drawn sets have no root)
        folder = _folder()
        files = {stem: folder / stem for stem in cls.hashes if (folder / stem).is_file()}
        return [Place("cache", folder, files)]

    @classmethod
    def fetch(cls, root: Root = None) -> Place:  # noqa: ARG003
        """Draw the default set if need be."""
        for train in (True, False):
            cls(train)
        return cls.places()[0]


def _folder(seed: int = 0, size: int | None = None, distortion: float = 1.0) -> Path:
    name = f"v{VERSION}-seed{seed}"
    name += f"-size{size}" if size else ""
    name += f"-distortion{distortion}" if distortion != 1 else ""
    return cache_folder() / "synthetic" / name


def _opened(paths: list[Path]) -> Opened | None:
    """Images and labels from the cache, or None where they are missing or damaged."""
    try:
        return [open_idx(path) for path in paths]
    except (OSError, ValueError):
        return None


def _drawn(paths: list[Path], size: int, train: bool, seed: int, distortion: float) -> Opened:
    """Images and labels drawn now, by one process at a time, and kept in the cache if it can be written."""
    arrays = None
    try:
        with locked(paths[0]):
            if opened := _opened(paths):
                return opened
            arrays = draw(size, train, seed, distortion)
            for path, array in zip(paths, arrays, strict=True):
                write_idx(path, array)
        return [open_idx(path) for path in paths]
    except OSError as error:
        log.warning("the digits are kept in memory: the cache folder cannot be written (%s)", error)
        arrays = arrays or draw(size, train, seed, distortion)
        digests = [digest(encode(array)) for array in arrays]
        return [(array, Hashes(name, name)) for array, name in zip(arrays, digests, strict=True)]
