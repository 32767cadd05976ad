"""Pooling as functions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ... import _dims
from ...autograd import OPS, Tensor, apply, apply_full
from .._arguments import count, pair
from ._images import Size, images, per_axis

__all__ = ["avg_pool2d", "max_pool2d"]


@images("max_pool2d")
def max_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window, and with ``return_indices`` its flat place in the H x W plane."""
    kernel = pair("max_pool2d", "kernel_size", kernel_size)
    step = kernel if stride is None else pair("max_pool2d", "stride", stride)
    border = pair("max_pool2d", "padding", padding, least=0)
    spread = pair("max_pool2d", "dilation", dilation)
    window = per_axis(kernel=kernel, stride=step, pad=border, dilation=spread)
    y, call = apply_full(OPS["max_pool2d"], (x,), window | {"ceil_mode": bool(ceil_mode)})
    return (y, Tensor(call["argmax"].astype(np.int64))) if return_indices else y


@images("avg_pool2d")
def avg_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window."""
    kernel = pair("avg_pool2d", "kernel_size", kernel_size)
    step = kernel if stride is None else pair("avg_pool2d", "stride", stride)
    border = pair("avg_pool2d", "padding", padding, least=0)
    if divisor_override is not None:
        count("avg_pool2d", "divisor_override", divisor_override)
    plane = height, width = x.shape[2:]
    places = _dims.average_pooling(height, width, kernel, step, border, bool(ceil_mode))
    scale = _average_scale(
        plane, places, kernel, step, border, bool(count_include_pad), divisor_override, x.dtype
    )
    return apply(OPS["avg_pool2d"], x, scale, **per_axis(kernel=kernel, stride=step, pad=border))


@lru_cache(maxsize=64)
def _average_scale(
    plane: Any,
    places: Any,
    kernel: Any,
    stride: Any,
    border: Any,
    count_include_pad: bool,
    divisor: Any,
    dtype: Any,
) -> Tensor:
    """One over the number of values that count at each output place."""
    if divisor is not None:
        return Tensor(np.full(places, 1 / divisor, dtype))
    counts = []
    for axis in (0, 1):
        start = np.arange(places[axis]) * stride[axis] - border[axis]
        end = np.minimum(start + kernel[axis], plane[axis] + border[axis])
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, plane[axis])
        counts.append(end - start)
    return Tensor((1 / np.multiply.outer(*counts)).astype(dtype))
