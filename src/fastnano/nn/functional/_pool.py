"""Pooling as functions.

# Design: all is the pooling of planes.  A signal is an image of height 1; a volume is pooled slice by slice, then
# through the slices, which gives the same maxima and, as the windows are boxes, the same means.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ... import _dims
from ...autograd import EXPRESSIONS, OPS, Tensor, apply, apply_full, as_tensor, examine
from .._arguments import count, sizes, window
from ._images import Size, images, per_axis

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
]

Numbers = tuple[int, ...]
Found = tuple[Tensor, np.ndarray | None]  # the maxima, and where in its plane each is


def _max_pool(dims: int) -> Callable[..., Any]:
    name = f"max_pool{dims}d"

    @images(name, dims)
    def max_pool(
        input: Tensor,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        """The largest value of each window, and with ``return_indices`` its flat place in the input's plane."""
        kernel, step, border = window(name, dims, kernel_size, stride, padding)
        spread = sizes(name, "dilation", dilation, dims)
        if dims != 2:  # max_pool2d's row does it
            _dims.pooling(name, input.shape[2:], kernel, step, border, spread, bool(ceil_mode))

        def planes(x: Tensor, *axes: int | None) -> Found:
            def of(numbers: Numbers, none: int) -> Numbers:
                return tuple([none if axis is None else numbers[axis] for axis in axes])

            numbers = per_axis(
                kernel=of(kernel, 1), stride=of(step, 1), pad=of(border, 0), dilation=of(spread, 1)
            )
            y, call = apply_full(OPS["max_pool2d"], (x,), numbers | {"ceil_mode": bool(ceil_mode)})
            return y, call["argmax"]

        return with_indices(over_planes(input, planes), return_indices)

    return max_pool


def over_planes(x: Tensor, planes: Callable[..., Found]) -> Found:
    """``planes(image, axes of the height and the width)`` on the planes that x consists of."""
    if x.ndim == 3:
        y, at = planes(x.unsqueeze(2), None, 0)
        return y.squeeze(2), None if at is None else at[:, :, 0]
    if x.ndim == 4:
        return planes(x, 0, 1)
    n, c, d, h, w = x.shape
    y, inner = planes(x.reshape(n, c * d, h, w), 1, 2)
    p, q = y.shape[2:]
    z, outer = planes(y.reshape(n, c, d, p * q), 0, None)
    shape = (n, c, z.shape[2], p, q)
    if inner is None or outer is None:
        return z.reshape(shape), None
    outer = outer.reshape(n, c, z.shape[2] * p * q)  # of the d x p·q values that the slices gave
    at = np.take_along_axis(inner.reshape(n, c, d * p * q), outer, axis=2)
    return z.reshape(shape), (outer // (p * q) * (h * w) + at).reshape(shape)


def with_indices(found: Found, wanted: bool) -> Any:
    """y, or, where wanted, the pair of it and the places as int64."""
    y, at = found
    return (y, Tensor(np.asarray(at, np.int64))) if wanted else y


def _avg_pool(dims: int) -> Callable[..., Tensor]:
    name = f"avg_pool{dims}d"

    @images(name, dims)
    def avg_pool(
        input: Tensor,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        """The mean of each window."""
        kernel, step, border = window(name, dims, kernel_size, stride, padding)
        if divisor_override is not None:
            count(name, "divisor_override", divisor_override)
        places = _dims.pooling(name, input.shape[2:], kernel, step, border, (1,) * dims, bool(ceil_mode))
        windows = tuple(zip(input.shape[2:], places, kernel, step, border, strict=True))

        def planes(x: Tensor, *axes: int | None) -> Found:
            height, width = (
                windows[a] if a is not None else (n, n, 1, 1, 0)
                for n, a in zip(x.shape[2:], axes, strict=True)
            )
            divisor = divisor_override if None in axes or dims == 2 else divisor_override and 1
            scale = _average_scale(height, width, bool(count_include_pad), divisor, x.dtype)
            names = ("kernel", "stride", "pad")
            numbers = dict(zip(names, zip(height[2:], width[2:], strict=True), strict=True))
            return apply(OPS["avg_pool2d"], x, scale, **per_axis(**numbers)), None

        return over_planes(input, planes)[0]

    return avg_pool


@lru_cache(maxsize=64)
def _average_scale(
    height: Numbers, width: Numbers, count_include_pad: bool, divisor: int | None, dtype: np.dtype
) -> Tensor:
    """One over the number of values that count at each output place."""
    if divisor is not None:
        return Tensor(np.full((height[1], width[1]), 1 / divisor, dtype))
    counts = []
    for size, places, kernel, stride, border in (height, width):
        start = np.arange(places) * stride - border
        end = np.minimum(start + kernel, size + border)
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, size)
        counts.append(end - start)
    return Tensor((1 / np.multiply.outer(*counts)).astype(dtype))


max_pool1d, max_pool2d, max_pool3d = map(_max_pool, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pool, (1, 2, 3))


def _lp_pool(dims: int) -> Callable[..., Tensor]:
    name = f"lp_pool{dims}d"
    average, largest = ((avg_pool1d, max_pool1d), (avg_pool2d, max_pool2d))[dims - 1]

    @images(name, dims)
    def lp_pool(
        input: Tensor,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> Tensor:
        """(Σ xᵖ)^(1/p) of each window, with p the ``norm_type``, |x| where p is infinite; NaN of a negative sum where
        p is not 1, and the gradient 0 of a sum of 0.
        """
        if norm_type == 0 or math.isnan(norm_type):
            raise ValueError(f"{name}: norm_type={norm_type} must be a number other than 0")
        if math.isinf(norm_type):
            sign = math.copysign(1, norm_type)
            return largest(input.abs() * sign, kernel_size, stride, 0, 1, ceil_mode) * sign
        kernel = sizes(name, "kernel_size", kernel_size, dims)
        sums = average(input**norm_type, kernel, stride, 0, ceil_mode) * float(math.prod(kernel))
        return apply(EXPRESSIONS["root"], sums, degree=float(norm_type))

    return lp_pool


def _max_unpool(dims: int) -> Callable[..., Tensor]:
    name = f"max_unpool{dims}d"

    def max_unpool(
        input: Any,
        indices: Any,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        output_size: tuple[int, ...] | None = None,
    ) -> Tensor:
        """The values of input at the places that ``max_pool`` gave as indices, 0 elsewhere."""
        x, places = as_tensor(input), as_tensor(indices)
        kernel, step, border = window(name, dims, kernel_size, stride, padding)
        if x.shape != places.shape or places.dtype.kind not in "iu" or x.ndim not in (dims + 1, dims + 2):
            raise ValueError(
                f"{name}: indices are {places.dtype} of shape {places.shape}, input has shape {x.shape}; expected "
                f"what max_pool{dims}d(input, return_indices=True) gives"
            )
        lead = x.shape[: x.ndim - dims]
        image = tuple(
            (size - 1) * s - 2 * p + k
            for size, k, s, p in zip(x.shape[-dims:], kernel, step, border, strict=True)
        )
        if output_size is not None:
            image = _image_near(name, image, tuple(output_size)[-dims:], step)
        examine(places.data, lambda found: _check_places(name, found, image))
        count = math.prod(x.shape[-dims:])
        at = places.reshape(*lead, count)
        blank = Tensor(np.zeros((*lead, math.prod(image)), x.dtype))
        y = apply(EXPRESSIONS["scatter"], blank, x.reshape(*lead, count), at, axis=len(lead))
        return y.reshape(*lead, *image)

    max_unpool.__name__ = name
    return max_unpool


def _image_near(name: str, image: Numbers, wanted: Numbers, stride: Numbers) -> Numbers:
    if len(wanted) != len(image) or any(
        abs(a - b) >= s for a, b, s in zip(image, wanted, stride, strict=True)
    ):
        raise ValueError(f"{name}: output_size={wanted} must be within stride={stride} of {image}")
    return wanted


def _check_places(name: str, places: np.ndarray, image: Numbers) -> None:
    if places.size and not 0 <= places.min() <= places.max() < math.prod(image):
        raise ValueError(
            f"{name}: indices from {places.min()} to {places.max()} do not lie in a plane of {image}; "
            f"give output_size, the size of what was pooled"
        )


lp_pool1d, lp_pool2d = map(_lp_pool, (1, 2))
max_unpool1d, max_unpool2d = map(_max_unpool, (1, 2))
