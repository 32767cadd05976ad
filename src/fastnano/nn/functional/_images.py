"""What functions of images share: signals (N, C, L), images (N, C, H, W), volumes (N, C, D, H, W)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import numpy as np
import numpy.typing as npt

from ...autograd import OPS, Tensor, apply, as_tensor
from ...functions.elementwise import where

__all__ = ["Size", "images", "per_axis", "take_places", "window_places"]


Size = int | tuple[int, ...]
LETTERS = {1: "L", 2: "H, W", 3: "D, H, W"}


def images(name: str, dims: int = 2) -> Callable:
    """For functions of (N, C, H, W), or as many axes: take a single (C, H, W) too, and refuse anything else."""

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def wrapped(input: Any, *args: Any, **options: Any) -> Any:
            x = as_tensor(input)
            if x.ndim == dims + 2:
                return function(x, *args, **options)
            if x.ndim != dims + 1:
                axes = LETTERS[dims]
                raise ValueError(f"{name}: input has shape {x.shape}, expected (N, C, {axes}) or (C, {axes})")
            y = function(x.unsqueeze(0), *args, **options)
            return tuple(part[0] for part in y) if isinstance(y, tuple) else y[0]

        wrapped.__name__ = name
        return wrapped

    return decorate


def per_axis(**pairs: tuple[int, ...]) -> dict[str, int]:
    """The numbers of a row: stride=(2, 3) as stride_h and stride_w."""
    return {f"{name}_{axis}": n for name, both in pairs.items() for axis, n in zip("hw", both, strict=True)}


def take_places(x: Tensor, *places: npt.ArrayLike) -> Tensor:
    """y[n, ..., i, j] = x[n, ..., places_0[i], places_1[j]] along the last axes; 0 where a place is below 0."""
    keys = tuple(np.asarray(axis, np.int64).tobytes() for axis in places)
    index, shape = _index(x.shape[1:], keys)
    x = x.reshape(x.shape[0], math.prod(x.shape[1:]))
    taken = apply(OPS["take"], x, index) if x.dtype.kind == "f" else _taken_as_they_are(x, index)
    return taken.reshape(x.shape[0], *shape)


def _taken_as_they_are(x: Tensor, index: Tensor) -> Tensor:
    """What the row does, of whole numbers and bool."""
    return where(index >= 0, x[:, index.clamp_min(0)], False)


# One array for each, made once: what compiled plans read must lie where it lay.
@lru_cache(maxsize=256)
def _index(shape: tuple[int, ...], keys: tuple[bytes, ...]) -> tuple[Tensor, tuple[int, ...]]:
    """Where in a sample of a shape each element of the result is, and the result's shape."""
    if math.prod(shape) >= 2**31:
        raise ValueError(f"a sample of shape {shape} is too large for 32-bit indices")
    axes = [np.arange(size) for size in shape[: len(shape) - len(keys)]]
    axes += [np.frombuffer(key, np.int64) for key in keys]
    index, outside = np.zeros(1, np.int64), np.zeros(1, bool)
    for size, axis in zip(shape, axes, strict=True):
        index = (index[:, None] * size + axis).reshape(-1)
        outside = (outside[:, None] | (axis < 0)).reshape(-1)
    return Tensor(np.where(outside, -1, index).astype(np.int32)), tuple(map(len, axes))


def window_places(size: int, kernel: int, stride: int, pad: int, dilation: int, count: int) -> np.ndarray:
    """places[k, p] that windows meet along an axis, -1 in the padding."""
    places = np.arange(count) * stride + np.arange(kernel)[:, None] * dilation - pad
    return np.where((places >= 0) & (places < size), places, -1)
