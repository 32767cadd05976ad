"""Transforms that distort images: noise, what is erased, elastic sheets. They run in the loader, not in plans."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .transforms import Images, Numbers, RandomTransform, Seed, Transform, sampled


class GaussianNoise(Transform):
    """y = x + noise, normal with ``mean`` and standard deviation ``sigma`` in each pixel.

    Both are of pixels from 0 to 1, to which the result is clipped (unless ``clip=False``, as for normalised
    floats); uint8 images take 255 times as much, and are rounded and clipped to 0 to 255.
    Source: C. Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995.
    """

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean, self.sigma, self.clip = mean, sigma, clip
        if not sigma >= 0:
            raise ValueError(f"GaussianNoise: sigma is {sigma}, expected 0 or more")

    def apply(self, images: Images, rng: np.random.Generator) -> Images:
        noise = rng.standard_normal(images.shape, np.float32) * np.float32(self.sigma) + np.float32(self.mean)
        if images.dtype == np.uint8:
            return np.clip(np.rint(images + 255 * noise), 0, 255).astype(np.uint8)
        y = images + noise.astype(images.dtype)
        return np.clip(y, 0, 1) if self.clip else y


class _Erasing(RandomTransform):
    """Puts ``value`` into a rectangle of each image; subclasses write ``box``."""

    value: float

    def box(self, numbers: Numbers, height: int, width: int) -> tuple[NDArray[Any], ...]:
        """First row, last row (excluded), first column, last column of each image."""
        raise NotImplementedError(f"{type(self).__name__}: write box(numbers, height, width)")

    def numbers(self, drawn: NDArray[Any]) -> Numbers:
        """The draws themselves: what they mean depends on the size of the images."""
        return drawn.astype(np.float32)

    def move(self, images: Images, numbers: Numbers) -> Images:
        height, width = images.shape[-2:]
        top, bottom, left, right = (edge[:, None] for edge in self.box(numbers, height, width))
        y, x = np.arange(height), np.arange(width)
        inside = ((y >= top) & (y < bottom))[:, :, None] & ((x >= left) & (x < right))[:, None, :]
        if images.ndim == 4:
            inside = inside[:, None]
        return np.where(inside, images.dtype.type(self.value), images)


class Cutout(_Erasing):
    """y = ``value`` in a square of ``size`` pixels around a pixel of each image drawn at random, else x; what of the
    square lies outside is lost.

    Source: T. DeVries, G. Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout",
    arXiv:1708.04552.
    """

    def __init__(self, size: int, value: float = 0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.size, self.value = size, value
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"Cutout: size is {size!r}, expected a whole number of 1 or more")

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.random((n, 2))

    def box(self, numbers: Numbers, height: int, width: int) -> tuple[NDArray[Any], ...]:
        top = _place(numbers[:, 0], height) - self.size // 2
        left = _place(numbers[:, 1], width) - self.size // 2
        return top, top + self.size, left, left + self.size


class RandomErasing(_Erasing):
    """With probability ``p``, y = ``value`` in a rectangle of an image, else x: its share of the area uniform in
    ``scale``, the logarithm of height / width uniform between those of ``ratio``, its place uniform; never larger
    than the image.

    Source: Z. Zhong et al., "Random Erasing Data Augmentation", arXiv:1708.04896.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: float = 0,
        seed: Seed = None,
    ) -> None:
        super().__init__(seed)
        self.p, self.scale, self.ratio, self.value = p, scale, ratio, value
        if not 0 <= p <= 1:
            raise ValueError(f"RandomErasing: p is {p}, expected a probability from 0 to 1")
        if not 0 <= scale[0] <= scale[1] <= 1:
            raise ValueError(f"RandomErasing: scale is {scale}, expected two shares, 0 <= low <= high <= 1")
        if not 0 < ratio[0] <= ratio[1]:
            raise ValueError(f"RandomErasing: ratio is {ratio}, expected two ratios, 0 < low <= high")

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.random((n, 5))

    def box(self, numbers: Numbers, height: int, width: int) -> tuple[NDArray[Any], ...]:
        chance, share, shape, y, x = numbers.T.astype(np.float64)
        area = (self.scale[0] + share * (self.scale[1] - self.scale[0])) * height * width
        low, high = np.log(self.ratio)
        ratio = np.exp(low + shape * (high - low))
        tall = np.clip(np.rint(np.sqrt(area * ratio)), 0, height).astype(np.intp) * (chance < self.p)
        wide = np.clip(np.rint(np.sqrt(area / ratio)), 0, width).astype(np.intp)
        top, left = _place(y, height - tall + 1), _place(x, width - wide + 1)
        return top, top + tall, left, left + wide


def _place(chance: NDArray[Any], count: Any) -> NDArray[Any]:
    """Numbers from 0 to 1 as whole ones from 0 to count − 1."""
    return np.minimum(chance * count, np.asarray(count) - 1).astype(np.intp)


class ElasticTransform(Transform):
    """y at p = x at p + alpha · (G ∗ u)(p): a sheet of rubber that is pulled, with two fields u uniform in ±1 in each
    pixel and G a Gaussian of ``sigma`` pixels; bilinear, outside is zero.

    A large sigma moves neighbours alike, a larger alpha moves them further; the usual values are Simard's, for
    images of 29 x 29.
    Source: P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis", 2003.
    """

    def __init__(self, alpha: float = 34.0, sigma: float = 4.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.alpha, self.sigma = alpha, sigma
        if not alpha >= 0:
            raise ValueError(f"ElasticTransform: alpha is {alpha}, expected 0 or more")
        if not sigma > 0:
            raise ValueError(f"ElasticTransform: sigma is {sigma}, expected a number above 0")

    def apply(self, images: Images, rng: np.random.Generator) -> Images:
        height, width = images.shape[-2:]
        field = rng.random((2, len(images), height, width), np.float32) * 2 - 1
        dy, dx = np.float32(self.alpha) * (
            _gaussian(height, self.sigma) @ field @ _gaussian(width, self.sigma)
        )
        y, x = np.arange(1, height + 1, dtype=np.float32), np.arange(1, width + 1, dtype=np.float32)
        return sampled(images, y[:, None] + dy, x + dx)


def _gaussian(size: int, sigma: float) -> Numbers:
    """The matrix that convolves with a Gaussian whose values add up to 1; zeros lie outside."""
    reach = np.arange(-int(6 * sigma) - 1, int(6 * sigma) + 2)
    total = np.exp(-(reach**2) / (2 * sigma**2)).sum()
    distance = np.arange(size)[:, None] - np.arange(size)
    return (np.exp(-(distance**2) / (2 * sigma**2)) / total).astype(np.float32)
