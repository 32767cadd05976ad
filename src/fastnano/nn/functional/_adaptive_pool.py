"""Pooling to a size that is asked for.

Window i of an axis of ``size`` covers the places from ⌊i · size / out⌋ to ⌈(i + 1) · size / out⌉ (without the last).
Where the sizes divide, those are the windows of ordinary pooling; else they are laid side by side first, the shorter
ones filled up, for ordinary pooling to serve.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ...autograd import OPS, Tensor, apply, apply_full
from .._arguments import count
from ._images import images, per_axis, take_places
from ._pool import Found, Numbers, over_planes, with_indices

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]


def _edges(size: int, out: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each window begins and ends."""
    i = np.arange(out)
    return i * size // out, -(-(i + 1) * size // out)


def _side_by_side(size: int, out: int, fill: bool) -> np.ndarray:
    """The places of all windows, [window, place]; behind a shorter one's last its last again, or -1."""
    start, end = _edges(size, out)
    places = start[:, None] + np.arange((end - start).max())
    return np.where(places < end[:, None], places, end[:, None] - 1 if fill else -1)


def _laid_out(x: Tensor, out: Numbers, fill: bool) -> tuple[Tensor, Numbers, list[np.ndarray]]:
    """x with windows that tile it, their size, and the places that each axis holds."""
    axes = [_side_by_side(size, n, fill) for size, n in zip(x.shape[2:], out, strict=True)]
    kernel, places = tuple(axis.shape[1] for axis in axes), [axis.reshape(-1) for axis in axes]
    tiled = all(n * k == size for n, k, size in zip(out, kernel, x.shape[2:], strict=True))
    return x if tiled else take_places(x, *places), kernel, places


@lru_cache(maxsize=64)
def _share(plane: Numbers, out: Numbers, dtype: np.dtype) -> Tensor:
    """One over the number of values of each window."""
    counts = [np.subtract(*_edges(size, n)[::-1]) for size, n in zip(plane, out, strict=True)]
    return Tensor((1 / np.multiply.outer(*counts)).astype(dtype))


def _output(name: str, dims: int, output_size: Any, image: Numbers) -> Numbers:
    """The output's size; None leaves an axis as it is."""
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    if len(wanted) != dims:
        raise ValueError(f"{name}: output_size={output_size!r} must be one integer or {dims}")
    if min(image) < 1:
        raise ValueError(f"{name}: input has {image} places, expected at least 1 along every axis")
    return tuple(
        size if n is None else count(name, "output_size", n) for n, size in zip(wanted, image, strict=True)
    )


def _adaptive_avg_pool(dims: int) -> Callable[..., Tensor]:
    name = f"adaptive_avg_pool{dims}d"

    @images(name, dims)
    def adaptive_avg_pool(input: Tensor, output_size: Any) -> Tensor:
        """The mean of each of as many windows as the output has places."""
        out = _output(name, dims, output_size, input.shape[2:])

        def planes(x: Tensor, *axes: int | None) -> Found:
            plane = x.shape[2:]
            places = tuple(n if axis is None else out[axis] for n, axis in zip(plane, axes, strict=True))
            tiled, kernel, _ = _laid_out(x, places, fill=False)
            window = per_axis(kernel=kernel, stride=kernel, pad=(0, 0))
            return apply(OPS["avg_pool2d"], tiled, _share(plane, places, x.dtype), **window), None

        return over_planes(input, planes)[0]

    return adaptive_avg_pool


def _adaptive_max_pool(dims: int) -> Callable[..., Any]:
    name = f"adaptive_max_pool{dims}d"

    @images(name, dims)
    def adaptive_max_pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        """The largest value of each of as many windows as the output has places."""
        out = _output(name, dims, output_size, input.shape[2:])

        def planes(x: Tensor, *axes: int | None) -> Found:
            plane = x.shape[2:]
            places = tuple(n if axis is None else out[axis] for n, axis in zip(plane, axes, strict=True))
            tiled, kernel, (rows, columns) = _laid_out(x, places, fill=True)
            window = per_axis(kernel=kernel, stride=kernel, pad=(0, 0), dilation=(1, 1))
            y, call = apply_full(OPS["max_pool2d"], (tiled,), window | {"ceil_mode": False})
            at = call["argmax"]
            return y, rows[at // len(columns)] * plane[1] + columns[at % len(columns)]

        return with_indices(over_planes(input, planes), return_indices)

    return adaptive_max_pool


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg_pool, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max_pool, (1, 2, 3))
