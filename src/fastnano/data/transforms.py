"""Transforms of whole batches of images: (N, H, W) or (N, C, H, W), uint8 (0 to 255) or float.

    transform = Compose([RandomRotation(10), RandomShift(2), Normalize(0.1307, 0.3081)])
    x = transform(images)

The random ones draw from their own generator if they were given a seed, else from the ``rng`` of the call (a
``DataLoader`` passes one that depends on its seed, the epoch and the batch), else from fresh entropy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

Images: TypeAlias = NDArray[Any]
Numbers: TypeAlias = NDArray[np.float32]
Seed: TypeAlias = int | np.random.Generator | None


class Transform:
    """A callable of a batch of images; subclasses write ``apply(images, rng)``."""

    def __init__(self, seed: Seed = None) -> None:
        self.rng = None if seed is None else np.random.default_rng(seed)

    def __call__(self, images: ArrayLike, rng: np.random.Generator | None = None) -> Images:
        array = np.asarray(images)
        if array.ndim not in (3, 4):
            raise ValueError(
                f"{type(self).__name__}: images have shape {array.shape}, expected (N, H, W) or "
                "(N, C, H, W); for a single image pass image[None]"
            )
        return self.apply(array, self.rng or rng or np.random.default_rng())

    def apply(self, images: Images, rng: np.random.Generator) -> Images:
        """The changed images; all chance is taken from ``rng``."""
        raise NotImplementedError(f"{type(self).__name__}: write apply(images, rng)")

    def __repr__(self) -> str:
        shown = (f"{k}={v!r}" for k, v in vars(self).items() if k != "rng" and not k.startswith("_"))
        return f"{type(self).__name__}({', '.join(shown)})"


class RandomTransform(Transform):
    """Moves the pixels of each image by a few numbers; subclasses write ``draw``, ``numbers`` and ``move``.

    They are apart so that native code can move the pixels by numbers drawn here, worked out for an epoch at once.
    """

    def apply(self, images: Images, rng: np.random.Generator) -> Images:
        return self.move(images, self.numbers(self.draw(len(images), rng)))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[Any]:
        """What chance gives n images, (n, draws)."""
        raise NotImplementedError(f"{type(self).__name__}: write draw(n, rng)")

    def numbers(self, drawn: NDArray[Any]) -> Numbers:
        """What that means, float32 (n, numbers)."""
        raise NotImplementedError(f"{type(self).__name__}: write numbers(drawn)")

    def move(self, images: Images, numbers: Numbers) -> Images:
        """The images changed as the numbers say, (n, numbers)."""
        raise NotImplementedError(f"{type(self).__name__}: write move(images, numbers)")


class Compose(Transform):
    """One transform after another; plain functions of the images may be among them."""

    def __init__(self, transforms: Sequence[Callable[..., Images]]) -> None:
        super().__init__()
        self.transforms = list(transforms)

    def __call__(self, images: ArrayLike, rng: np.random.Generator | None = None) -> Images:
        batch: Any = images
        for transform in self.transforms:
            batch = transform(batch, rng) if isinstance(transform, Transform) else transform(batch)
        return np.asarray(batch)

    def parts(self) -> list[Callable[..., Images]]:
        """The transforms one after another, those of a Compose among them in its place."""
        nested = (t.parts() if type(t) is Compose else [t] for t in self.transforms)
        return [part for parts in nested for part in parts]


class Normalize(Transform):
    """y = (x / 255 − mean) / std for uint8, y = (x − mean) / std for float; float32 (N, C, H, W).

    ``mean`` and ``std`` are of pixels from 0 to 1: numbers, or one per channel.
    Source: Y. LeCun et al., "Efficient BackProp", 1998, section 4.3.
    """

    def __init__(self, mean: float | Sequence[float] = 0.0, std: float | Sequence[float] = 1.0) -> None:
        super().__init__()
        self.mean, self.std = mean, std
        if not np.all(np.asarray(std) > 0):
            raise ValueError(f"Normalize: std is {std}, expected a positive number or one per channel")

    def apply(self, images: Images, rng: np.random.Generator) -> Images:
        images = images[:, None] if images.ndim == 3 else images
        full = 255.0 if images.dtype == np.uint8 else 1.0
        scale = 1 / (full * np.asarray(self.std, np.float64))
        shift = -np.asarray(self.mean, np.float64) / self.std
        for name, value in (("mean", shift), ("std", scale)):
            if value.size not in (1, images.shape[1]):
                raise ValueError(
                    f"Normalize: {name} has {value.size} values for images of {images.shape[1]} channels, "
                    f"expected 1 or {images.shape[1]}"
                )
        y = images * scale.reshape(-1, 1, 1).astype(np.float32)
        y += shift.reshape(-1, 1, 1).astype(np.float32)
        return y.astype(np.float32, copy=False)


class ToFloat(Normalize):
    """y = x / 255 for uint8, y = x for float; float32 (N, C, H, W)."""

    def __init__(self) -> None:
        super().__init__()


class RandomShift(RandomTransform):
    """y[i,j] = x[i + a, j + b], a and b whole numbers from −pixels to +pixels, all alike; zeros move in.

    Source: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", 2012, section 4.1.
    """

    def __init__(self, pixels: int, seed: Seed = None) -> None:
        super().__init__(seed)
        self.pixels = pixels
        if not isinstance(pixels, int) or pixels < 0:
            raise ValueError(f"RandomShift: pixels is {pixels!r}, expected a whole number of 0 or more")

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.integers(-self.pixels, self.pixels + 1, (2, n)).T

    def numbers(self, drawn: NDArray[Any]) -> Numbers:
        """How far below and to the right of each pixel its new value lies."""
        return drawn.astype(np.float32, order="C")

    def move(self, images: Images, numbers: Numbers) -> Images:
        p = self.pixels
        border = [(0, 0)] * (images.ndim - 2) + [(p, p), (p, p)]
        windows = sliding_window_view(np.pad(images, border), images.shape[-2:], axis=(-2, -1))
        dy, dx = numbers.astype(np.intp).T + p
        return windows[np.arange(len(images)), ..., dy, dx, :, :]


class RandomRotation(RandomTransform):
    """y at p = x at c + R (p − c): each image turned about its centre c by −degrees to +degrees, or from a pair,
    counter-clockwise.

    Bilinear: an output pixel is the mean of the four input pixels around the point it comes from, weighted by
    nearness; outside is zero. uint8 images are rounded to uint8.
    Source: P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis", 2003.
    """

    def __init__(self, degrees: float | tuple[float, float], seed: Seed = None) -> None:
        super().__init__(seed)
        self.degrees = degrees
        self._range = degrees if isinstance(degrees, tuple) else (-degrees, degrees)
        if self._range[0] > self._range[1]:
            raise ValueError(
                f"RandomRotation: degrees is {degrees}, expected 0 or more, or a pair (low, high)"
            )

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.uniform(*self._range, (n, 1))

    def numbers(self, drawn: NDArray[Any]) -> Numbers:
        """Cosine and sine of each angle."""
        angle = np.deg2rad(drawn).astype(np.float32)
        return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)

    def move(self, images: Images, numbers: Numbers) -> Images:
        height, width = images.shape[-2:]
        cos, sin = numbers.T[:, :, None, None]
        y = np.arange(height, dtype=np.float32)[:, None] - np.float32((height - 1) / 2)
        x = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
        # Where each pixel comes from, in an image with a border of one zero all round.
        from_x = cos * x - sin * y + np.float32((width + 1) / 2)
        from_y = sin * x + cos * y + np.float32((height + 1) / 2)
        return sampled(images, from_y, from_x)


def sampled(images: Images, from_y: Numbers, from_x: Numbers) -> Images:
    """Images of the pixels at (from_y, from_x), (N, H, W) each, of the given ones with a border of one zero all round.

    Bilinear; outside is zero. Integers are rounded.
    """
    n, height, width = len(images), *images.shape[-2:]
    from_x, from_y = np.clip(from_x, 0, width + 1), np.clip(from_y, 0, height + 1)
    left = np.minimum(from_x.astype(np.intp), width)
    top = np.minimum(from_y.astype(np.intp), height)
    fx = (from_x - left.astype(np.float32)).reshape(n, 1, height * width)
    fy = (from_y - top.astype(np.float32)).reshape(n, 1, height * width)
    border = [(0, 0)] * (images.ndim - 2) + [(1, 1), (1, 1)]
    whole = images.dtype.kind in "iu"
    flat = np.pad(images.astype(np.float32) if whole else images, border).ravel()
    planes = np.arange(0, flat.size, (height + 2) * (width + 2)).reshape(n, math.prod(images.shape[1:-2]), 1)
    corner = planes + (top * (width + 2) + left).reshape(n, 1, height * width)

    def between(start: int) -> Images:
        """Of each row of two pixels from ``start`` on, the value at fx."""
        one = flat[start:].take(corner)
        return one + (flat[start + 1 :].take(corner) - one) * fx

    upper = between(0)
    moved = (upper + (between(width + 2) - upper) * fy).reshape(images.shape)
    return (np.rint(moved) if whole else moved).astype(images.dtype)


class RandomHorizontalFlip(RandomTransform):
    """y[i,j] = x[i, W − 1 − j], left and right exchanged, with probability ``p`` for each image, else x.

    Source: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", 2012, section 4.1.
    """

    def __init__(self, p: float = 0.5, seed: Seed = None) -> None:
        super().__init__(seed)
        self.p = p
        if not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip: p is {p}, expected a probability from 0 to 1")

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.random((n, 1))

    def numbers(self, drawn: NDArray[Any]) -> Numbers:
        """1 for an image that is mirrored, else 0."""
        return (drawn < self.p).astype(np.float32)

    def move(self, images: Images, numbers: Numbers) -> Images:
        flipped = numbers[:, 0] > 0
        out = images.copy()
        out[flipped] = images[flipped, ..., ::-1]
        return out
