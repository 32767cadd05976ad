"""Images made larger or smaller, as functions."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from ...autograd import Tensor, as_tensor
from .._arguments import choice, count, sizes
from ._adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from ._images import take_places

__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle"]


_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}  # the axes they are for
_MODES = ("nearest", "nearest-exact", *_LINEAR, "area")
Taps = tuple[tuple[np.ndarray, Tensor], ...]  # places of the input and their weights
_AREA = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """x (N, C, L), (N, C, H, W) or (N, C, D, H, W) at another size: ``size``, or ⌊input's · scale_factor⌋.

    Output place i lies at (i + ½) · s − ½ of the input, s the input's size over the output's (1 / scale_factor), or
    with ``align_corners``, which lays the outermost values on each other, at i · (input − 1) / (output − 1).
    "nearest" takes ⌊i · s⌋, "nearest-exact" ⌊(i + ½) · s⌋; "linear", "bilinear", "trilinear" weigh the two neighbours
    along each axis, "bicubic" the four (R. Keys, "Cubic convolution interpolation for digital image processing",
    1981, a = −¾), and "area" is adaptive average pooling.

    Raises ValueError where x has not the axes that the mode is for, NotImplementedError for ``antialias=True``.
    """
    if antialias:
        raise NotImplementedError("interpolate: there is no antialias=True; smooth first, as by avg_pool2d")
    x = as_tensor(input)
    dims = x.ndim - 2
    if dims not in (1, 2, 3) or _LINEAR.get(choice("interpolate", "mode", mode, _MODES), dims) != dims:
        raise ValueError(
            f"interpolate: input has shape {x.shape}, which mode={mode!r} is not for; expected (N, C, L) for 'linear', "
            f"(N, C, H, W) for 'bilinear' and 'bicubic', (N, C, D, H, W) for 'trilinear', any for the others"
        )
    if align_corners is not None and mode not in _LINEAR:
        raise ValueError(f"interpolate: align_corners={align_corners} is not for mode={mode!r}")
    image = x.shape[2:]
    if min(image) < 1:
        raise ValueError(
            f"interpolate: input has shape {x.shape}, expected at least 1 place along every axis"
        )
    out, scales = _output(image, size, scale_factor)
    if mode == "area":
        return _AREA[dims - 1](x, out)
    if recompute_scale_factor:
        scales = (None,) * dims
    kind = "linear" if mode in ("bilinear", "trilinear") else mode
    numbers = zip(image, out, scales, strict=True)
    axes = [_taps(kind, *each, bool(align_corners), x.dtype, dims - i) for i, each in enumerate(numbers, 1)]
    if kind.startswith("nearest"):
        return take_places(x, *(places for ((places, _),) in axes))
    for axis, taps in enumerate(axes):
        x = _weighted(x, axis, taps)
    return x


def _weighted(x: Tensor, axis: int, taps: Taps) -> Tensor:
    """The sum of the taps along one axis of an image, each with its weight."""
    whole = [np.arange(n) for n in x.shape[2:]]
    parts = [take_places(x, *whole[:axis], places, *whole[axis + 1 :]) * weight for places, weight in taps]
    return functools.reduce(operator.add, parts)


def _output(image: tuple[int, ...], size: Any, factor: Any) -> tuple[tuple[int, ...], tuple]:
    """The output's size, and the scale factors that are given."""
    dims = len(image)
    if (size is None) == (factor is None):
        raise ValueError(f"interpolate: give one of size and scale_factor, got {size} and {factor}")
    if size is not None:
        return sizes("interpolate", "size", size, dims), (None,) * dims
    factors = tuple(factor) if isinstance(factor, (tuple, list)) else (factor,) * dims
    if len(factors) != dims or min(factors) <= 0:
        raise ValueError(f"interpolate: scale_factor={factor} must be one number above 0, or {dims}")
    out = tuple(math.floor(n * f) for n, f in zip(image, factors, strict=True))
    if min(out) < 1:
        raise ValueError(f"interpolate: scale_factor={factor} leaves nothing of {image}")
    return out, factors


@functools.lru_cache(maxsize=64)
def _taps(
    kind: str, size: int, out: int, factor: float | None, align: bool, dtype: np.dtype, behind: int
) -> Taps:
    """What output place i is made of, in the precision of the input; the weights for an axis with so many behind."""
    places, weights = _places(kind, size, out, factor, align, dtype)
    shape = (out, *(1,) * behind)
    return tuple((at, Tensor(weight.reshape(shape))) for at, weight in zip(places, weights, strict=True))


def _places(
    kind: str, size: int, out: int, factor: float | None, align: bool, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """places[tap, i] and weights[tap, i]."""
    number = dtype.type
    scale = number(size) / number(out) if factor is None else number(1 / factor)
    i = np.arange(out, dtype=dtype)
    if kind.startswith("nearest"):
        at = (i + number(0.5) if kind.endswith("exact") else i) * scale
        return np.minimum(np.floor(at).astype(int), size - 1)[None], np.ones((1, out), dtype)
    if align:
        at = i * (number(size - 1) / number(out - 1) if out > 1 else number(0))
    else:
        at = (i + number(0.5)) * scale - number(0.5)
    if kind == "linear":
        at = np.maximum(at, 0)
        first = np.minimum(np.floor(at).astype(int), size - 1)
        part = np.clip(at - first, 0, 1).astype(dtype)
        return np.stack([first, np.minimum(first + 1, size - 1)]), np.stack([1 - part, part])
    first = np.floor(at).astype(int)
    taps = np.arange(-1, 3)[:, None]
    return np.clip(first + taps, 0, size - 1), _cubic(np.abs(at - first - taps)).astype(dtype)


def _cubic(d: np.ndarray, a: float = -0.75) -> np.ndarray:
    """The weight of a value at distance d from 0 to 2."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    return np.where(d <= 1, near, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a)


def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    """y[..., c, h·r + i, w·r + j] = x[..., c·r² + i·r + j, h, w], with r the factor.

    Raises ValueError where the channels are no multiple of r².
    """
    x, r = as_tensor(input), count("pixel_shuffle", "upscale_factor", upscale_factor)
    if x.ndim < 3 or x.shape[-3] % (r * r):
        raise ValueError(
            f"pixel_shuffle: input has shape {x.shape}, expected (*, C·r², H, W) for upscale_factor={r}"
        )
    *lead, c, h, w = x.shape
    n = len(lead)
    x = x.reshape(*lead, c // (r * r), r, r, h, w).permute(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return x.reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Tensor:
    """The reverse of ``pixel_shuffle``: (..., C, H·r, W·r) becomes (..., C·r², H, W).

    Raises ValueError where height and width are no multiples of r.
    """
    x, r = as_tensor(input), count("pixel_unshuffle", "downscale_factor", downscale_factor)
    if x.ndim < 3 or x.shape[-2] % r or x.shape[-1] % r:
        raise ValueError(
            f"pixel_unshuffle: input has shape {x.shape}, expected (*, C, H·r, W·r) for downscale_factor={r}"
        )
    *lead, c, h, w = x.shape
    n = len(lead)
    x = x.reshape(*lead, c, h // r, r, w // r, r).permute(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return x.reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input: Any, groups: int) -> Tensor:
    """Channel i of each group behind one another: (N, g·C, ...) is read as (N, g, C, ...) and written as (N, C, g, ...)
    (X. Zhang et al., "ShuffleNet", CVPR 2018)."""
    x, g = as_tensor(input), count("channel_shuffle", "groups", groups)
    if x.ndim < 3 or x.shape[1] % g:
        raise ValueError(
            f"channel_shuffle: input has shape {x.shape}, expected (N, C, *), C a multiple of groups={g}"
        )
    return x.unflatten(1, (g, -1)).transpose(1, 2).flatten(1, 2)
