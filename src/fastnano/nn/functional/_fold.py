"""Windows as columns, and columns as windows, as functions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ... import _dims
from ...autograd import Tensor, as_tensor
from .._arguments import sizes
from ._conv import conv_transpose2d
from ._images import Size, images, take_places, window_places

__all__ = ["fold", "unfold"]

Numbers = tuple[int, ...]


@images("unfold")
def unfold(
    input: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Every window of input (N, C, H, W) as a column: (N, C · kernel_h · kernel_w, places)."""
    window = _window("unfold", kernel_size, dilation, padding, stride)
    kernel, step, border, spread = window
    places = _dims.positions("unfold", input.shape[2:], *window)
    axes = [
        window_places(*each)
        for each in zip(input.shape[2:], kernel, step, border, spread, places, strict=True)
    ]
    n, c = input.shape[:2]
    y = take_places(input, *(axis.reshape(-1) for axis in axes)).reshape(
        n, c, kernel[0], places[0], kernel[1], places[1]
    )
    return y.permute(0, 1, 2, 4, 3, 5).reshape(n, c * kernel[0] * kernel[1], places[0] * places[1])


def fold(
    input: Any, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Columns (N, C · kernel_h · kernel_w, places) put where ``unfold`` took them from, and added up: (N, C, H, W).

    A transposed convolution, whose kernels each have a single one.

    Raises ValueError where the columns are not as many as output_size has places.
    """
    x = as_tensor(input)
    window = _window("fold", kernel_size, dilation, padding, stride)
    image = sizes("fold", "output_size", output_size, 2)
    places, area = _dims.positions("fold", image, *window), window[0][0] * window[0][1]
    if x.ndim not in (2, 3) or x.shape[-2] % area or x.shape[-1] != places[0] * places[1]:
        raise ValueError(
            f"fold: input has shape {x.shape}, expected (N, C · {area}, {places[0] * places[1]}) or without N"
        )
    kernel, step, border, spread = window
    reached = _dims.transposed_positions("fold", places, kernel, step, border, spread, (0, 0))
    y = conv_transpose2d(
        x.reshape(*x.shape[:-1], *places),
        _ones(x.shape[-2] // area, kernel, x.dtype),
        None,
        step,
        border,
        tuple(a - b for a, b in zip(image, reached, strict=True)),
        x.shape[-2] // area,
        spread,
    )
    return y


def _window(
    name: str, kernel: Size, dilation: Size, padding: Size, stride: Size
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Kernel, stride, padding and dilation, checked."""
    window = (
        sizes(name, "kernel_size", kernel, 2),
        sizes(name, "stride", stride, 2),
        sizes(name, "padding", padding, 2, least=0),
        sizes(name, "dilation", dilation, 2),
    )
    _dims.check_window(name, *window)
    return window


@lru_cache(maxsize=64)
def _ones(channels: int, kernel: tuple[int, ...], dtype: np.dtype) -> Tensor:
    """For each place of a kernel the kernel that is one there."""
    each = np.eye(kernel[0] * kernel[1], dtype=dtype).reshape(-1, 1, *kernel)
    return Tensor(np.tile(each, (channels, 1, 1, 1)))
