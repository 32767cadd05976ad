"""Convolution as functions; its algorithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _dims
from ..._kernels import serving
from ..._state import current_backend
from ...autograd import OPS, Tensor, apply, as_tensor
from .._arguments import choice, count, sizes
from .._initial import constant
from ._images import Size, images, per_axis, take_places, window_places
from ._padding import pad

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"]


# The algorithms of convolution.  Direct wins in native code (no columns to write) and in Numba; NumPy has only its
# matrix product to be fast with.  Native code has Winograd's for 3 x 3 kernels besides, see ``_tiles_pay``.
_CONVOLUTIONS = {
    "direct": OPS["conv2d"],
    "im2col": OPS["conv2d_im2col"],
    "winograd": OPS["conv2d_winograd"],
}
ALGORITHMS = tuple(_CONVOLUTIONS)
_FASTEST = {"cython": "direct", "numba": "direct", "numpy": "im2col"}
Numbers = tuple[int, ...]


@images("conv1d", 1)
def conv1d(
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of signals (N, C, L) with weight (O, C/groups, K): images of height 1."""
    x, weight, window = _window("conv1d", 1, input, weight, stride, padding, dilation, groups)
    step, border, spread = ((least, *numbers) for least, numbers in zip((1, 0, 1), window, strict=True))
    return _convolve(x.unsqueeze(2), weight.unsqueeze(2), bias, step, border, spread, groups).squeeze(2)


@images("conv2d")
def conv2d(
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    algorithm: str | None = None,
) -> Tensor:
    """Cross-correlation of images (N, C, H, W) with weight (O, C/groups, K, L); see ``nn.Conv2d``."""
    x, weight, window = _window("conv2d", 2, input, weight, stride, padding, dilation, groups)
    return _convolve(x, weight, bias, *window, groups, algorithm)


@images("conv3d", 3)
def conv3d(
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of volumes (N, C, D, H, W) with weight (O, C/groups, J, K, L).

    One convolution of images: the slices that a kernel meets are channels, its places along the depth lie one below
    the other, each with rows enough that windows begin at the same rows of it.
    """
    x, weight, (step, border, spread) = _window("conv3d", 3, input, weight, stride, padding, dilation, groups)
    image, kernel = x.shape[2:], weight.shape[2:]
    depth, rows, _ = _dims.positions("conv3d", image, kernel, step, border, spread)
    height = -(-(image[1] + 2 * border[1]) // step[1]) * step[1]
    slices = window_places(image[0], kernel[0], step[0], border[0], spread[0], depth)
    lines = window_places(image[1], 1, 1, border[1], 1, height)
    x = take_places(x, slices.reshape(-1), lines.reshape(-1), np.arange(image[2]))
    x = x.reshape(x.shape[0], x.shape[1] * kernel[0], depth * height, image[2])
    weight = weight.reshape(weight.shape[0], weight.shape[1] * kernel[0], *kernel[1:])
    y = _convolve(x, weight, bias, step[1:], (0, border[2]), spread[1:], groups)
    found = np.arange(depth)[:, None] * (height // step[1]) + np.arange(rows)
    y = take_places(y, found.reshape(-1), np.arange(y.shape[3]))
    return y.reshape(*y.shape[:2], depth, rows, y.shape[3])


def _window(
    name: str,
    dims: int,
    x: Tensor,
    weight: Any,
    stride: Size,
    padding: Size | str,
    dilation: Size,
    groups: int,
) -> tuple[Tensor, Tensor, tuple[Numbers, Numbers, Numbers]]:
    """x with what "same" padding has of one side only, weight, and (stride, padding, dilation), all checked."""
    weight = _weight(name, dims, weight, "(O, C/groups, {})")
    step, spread = sizes(name, "stride", stride, dims), sizes(name, "dilation", dilation, dims)
    if isinstance(padding, str):
        if choice(name, "padding", padding, ("same", "valid")) == "same" and max(step) > 1:
            raise ValueError(f"{name}: padding='same' needs stride 1, got stride={stride}")
        x, padding = _pad_same(x, weight.shape[2:], spread, padding)
    border = sizes(name, "padding", padding, dims, least=0)
    count(name, "groups", groups)
    if dims != 2:  # conv2d's row does it
        _dims.check_window(name, weight.shape[2:], step, border, spread)
        _dims.check_channels(name, x.shape[1], weight.shape[0], weight.shape[1], groups)
        _dims.positions(name, x.shape[2:], weight.shape[2:], step, border, spread)
    return x, weight, (step, border, spread)


def _weight(name: str, dims: int, weight: Any, expected: str) -> Tensor:
    weight = as_tensor(weight)
    if weight.ndim != dims + 2:
        kernel = ("K", "K, L", "J, K, L")[dims - 1]
        raise ValueError(f"{name}: weight has shape {weight.shape}, expected {expected.format(kernel)}")
    return weight


def _pad_same(x: Tensor, kernel: Numbers, dilation: Numbers, padding: str) -> tuple[Tensor, Numbers]:
    """The symmetric part of "same" padding as a number; an odd remainder is put below and to the right."""
    if padding == "valid":
        return x, (0,) * len(kernel)
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(t % 2 for t in total):
        x = pad(x, tuple(side for t in reversed(total) for side in (0, t % 2)))
    return x, tuple(t // 2 for t in total)


def _convolve(
    x: Tensor,
    weight: Tensor,
    bias: Any,
    stride: Numbers,
    padding: Numbers,
    dilation: Numbers,
    groups: int,
    algorithm: str | None = None,
) -> Tensor:
    """The convolution of images, by the algorithm asked for or the fastest."""
    window = per_axis(stride=stride, pad=padding, dilation=dilation) | {"groups": groups}
    if algorithm is None:
        algorithm = _fastest_convolution(x, weight, window)
    return apply(
        _CONVOLUTIONS[choice("conv2d", "algorithm", algorithm, ALGORITHMS)],
        x,
        weight,
        constant(0, weight.shape[0], x.dtype) if bias is None else as_tensor(bias),
        **window,
    )


def _fastest_convolution(x: Tensor, weight: Tensor, window: dict[str, int]) -> str:
    backend = serving(current_backend(), x.dtype)
    if backend == "cython" and _dims.winograd_applies(weight.shape[2:], window):
        p, q = x.shape[2] + 2 * window["pad_h"] - 2, x.shape[3] + 2 * window["pad_w"] - 2
        if _tiles_pay(weight.shape[0], weight.shape[1], p, q):
            return "winograd"
    return _FASTEST[backend]


def _tiles_pay(o: int, c: int, p: int, q: int) -> bool:
    """Whether 36 products for each tile of 4 x 4 outputs, and the transforms, take less time than 144.

    A function of the sizes alone: 16 channels or more on both sides, and outputs that fill half of their tiles;
    measured on a core with AVX-512, forward and dx. Not beyond 128 channels, since the transformed kernels are four
    times as large and outgrow the caches.
    """
    return min(o, c) >= 16 and max(o, c) <= 128 and p * q >= 8 * -(-p // 4) * -(-q // 4)


@images("conv_transpose1d", 1)
def conv_transpose1d(
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Transposed convolution of signals (N, C, L) with weight (C, O/groups, K): images of height 1."""
    name = "conv_transpose1d"
    weight, window = _transposed_window(name, 1, weight, stride, padding, output_padding, groups, dilation)
    _dims.check_transposed_channels(name, input.shape[1], groups)
    kernel, (step, border, more, spread) = weight.shape[2:], window
    _dims.check_window(name, kernel, step, border, spread)
    _dims.transposed_positions(name, input.shape[2:], kernel, step, border, spread, more)
    flat = (1, *step), (0, *border), (0, *more), (1, *spread)
    return _transpose(input.unsqueeze(2), weight.unsqueeze(2), bias, groups, *flat).squeeze(2)


@images("conv_transpose2d")
def conv_transpose2d(
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Transposed convolution of images (N, C, H, W) with weight (C, O/groups, K, L); see ``nn.ConvTranspose2d``."""
    weight, window = _transposed_window(
        "conv_transpose2d", 2, weight, stride, padding, output_padding, groups, dilation
    )
    return _transpose(input, weight, bias, groups, *window)


def _transposed_window(
    name: str,
    dims: int,
    weight: Any,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
) -> tuple[Tensor, tuple[Numbers, Numbers, Numbers, Numbers]]:
    """weight, and (stride, padding, output padding, dilation), checked."""
    count(name, "groups", groups)
    return _weight(name, dims, weight, "(C, O/groups, {})"), (
        sizes(name, "stride", stride, dims),
        sizes(name, "padding", padding, dims, least=0),
        sizes(name, "output_padding", output_padding, dims, least=0),
        sizes(name, "dilation", dilation, dims),
    )


def _transpose(
    x: Tensor,
    weight: Tensor,
    bias: Any,
    groups: int,
    stride: Numbers,
    padding: Numbers,
    output_padding: Numbers,
    dilation: Numbers,
) -> Tensor:
    return apply(
        OPS["conv_transpose2d"],
        x,
        weight,
        constant(0, weight.shape[1] * groups, x.dtype) if bias is None else as_tensor(bias),
        **per_axis(stride=stride, pad=padding, dilation=dilation, output_pad=output_padding),
        groups=groups,
    )
