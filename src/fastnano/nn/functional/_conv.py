"""Convolution as a function; its algorithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _dims
from ..._state import current_backend
from ...autograd import OPS, Tensor, apply, as_tensor
from .._arguments import choice, count, pair
from .._initial import constant
from ._images import Size, images, per_axis
from ._padding import pad

__all__ = ["conv2d"]


# The algorithms of convolution.  Direct wins in native code (no columns to write) and in Numba; NumPy has only its
# matrix product to be fast with.  Native code has Winograd's for 3 x 3 kernels besides, see ``_tiles_pay``.
_CONVOLUTIONS = {
    "direct": OPS["conv2d"],
    "im2col": OPS["conv2d_im2col"],
    "winograd": OPS["conv2d_winograd"],
}
ALGORITHMS = tuple(_CONVOLUTIONS)
_FASTEST = {"cython": "direct", "numba": "direct", "numpy": "im2col"}


@images("conv2d")
def conv2d(
    x: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    algorithm: str | None = None,
) -> Tensor:
    """Cross-correlation of images x (N, C, H, W) with weight (O, C/groups, K, L); see ``nn.Conv2d``."""
    weight = as_tensor(weight)
    if weight.ndim != 4:
        raise ValueError(f"conv2d: weight has shape {weight.shape}, expected (O, C/groups, K, L)")
    step, spread = pair("conv2d", "stride", stride), pair("conv2d", "dilation", dilation)
    if isinstance(padding, str):
        if choice("conv2d", "padding", padding, ("same", "valid")) == "same" and step != (1, 1):
            raise ValueError(f"conv2d: padding='same' needs stride 1, got stride={stride}")
        x, padding = _pad_same(x, weight.shape[2:], spread, padding)
    border = pair("conv2d", "padding", padding, least=0)
    window = per_axis(stride=step, pad=border, dilation=spread)
    window["groups"] = count("conv2d", "groups", groups)
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
    backend = current_backend()
    if backend == "cython" and x.dtype == np.float64:
        backend = "numpy"
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


def _pad_same(
    x: Tensor, kernel: tuple[int, ...], dilation: tuple[int, int], padding: str
) -> tuple[Tensor, tuple[int, int]]:
    """The symmetric part of "same" padding as a number; an odd remainder is put below and to the right."""
    if padding == "valid":
        return x, (0, 0)
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(t % 2 for t in total):
        x = pad(x, (0, total[1] % 2, 0, total[0] % 2))
    return x, (total[0] // 2, total[1] // 2)
