"""Layers and activations as functions, under PyTorch's names and arguments; losses are in
``loss_functional``."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import numpy as np

from .. import _dims
from .._random import Generator, default_generator
from .._state import current_backend
from ..autograd import EXPRESSIONS, OPS, Tensor, apply, apply_full, as_tensor, launch
from ..ops import STEPS
from ._arguments import choice, count, pair, probability
from ._initial import constant
from .loss_functional import (
    cross_entropy,
    hinge_loss,
    l1_loss,
    mse_loss,
    multi_margin_loss,
    nll_loss,
)

__all__ = [
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "cross_entropy",
    "dropout",
    "hinge_loss",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]

Size = int | tuple[int, int]

# The algorithms of convolution.  Direct wins in native code (no columns to write) and in Numba; NumPy has only its
# matrix product to be fast with.  Native code has Winograd's for 3 x 3 kernels besides, see ``_tiles_pay``.
_CONVOLUTIONS = {
    "direct": OPS["conv2d"],
    "im2col": OPS["conv2d_im2col"],
    "winograd": OPS["conv2d_winograd"],
}
ALGORITHMS = tuple(_CONVOLUTIONS)
_FASTEST = {"cython": "direct", "numba": "direct", "numpy": "im2col"}


def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """y = x weightᵀ + bias; x (*, in), weight (out, in)."""
    x, weight = as_tensor(x), as_tensor(weight)
    if weight.ndim != 2:
        raise ValueError(f"linear: weight has shape {weight.shape}, expected (out_features, in_features)")
    if not weight.shape[1]:
        raise ValueError(f"linear: weight has shape {weight.shape}; in_features must be at least 1")
    bias = constant(0, weight.shape[0], x.dtype) if bias is None else as_tensor(bias)
    if x.ndim == 2:
        return apply(OPS["linear"], x, weight, bias)
    if x.ndim == 0:
        raise ValueError("linear: x is a single number, expected shape (*, in_features)")
    y = apply(OPS["linear"], x.reshape(_rows(x.shape)), weight, bias)
    return y.reshape((*x.shape[:-1], weight.shape[0]))


def _rows(shape: tuple[int, ...]) -> tuple[int, int]:
    return int(np.prod(shape[:-1])), shape[-1]


def _images(name: str) -> Callable:
    """For functions of (N, C, H, W): take a single (C, H, W) too, and refuse anything else."""

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def wrapped(x: Any, *args: Any, **options: Any) -> Any:
            x = as_tensor(x)
            if x.ndim == 4:
                return function(x, *args, **options)
            if x.ndim != 3:
                raise ValueError(f"{name}: x has shape {x.shape}, expected (N, C, H, W) or (C, H, W)")
            y = function(x.unsqueeze(0), *args, **options)
            return tuple(part[0] for part in y) if isinstance(y, tuple) else y[0]

        return wrapped

    return decorate


def _per_axis(**pairs: tuple[int, int]) -> dict[str, int]:
    """The numbers of a row: stride=(2, 3) as stride_h and stride_w."""
    return {f"{name}_{axis}": n for name, both in pairs.items() for axis, n in zip("hw", both, strict=True)}


@_images("conv2d")
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
    window = _per_axis(stride=step, pad=border, dilation=spread)
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


def pad(x: Any, pad: tuple[int, ...], value: float = 0.0) -> Tensor:
    """Constant padding; ``pad`` counts from the last axis: (left, right, top, bottom, ...)."""
    x = as_tensor(x)
    if len(pad) % 2 or len(pad) > 2 * x.ndim or any(p < 0 for p in pad):
        raise ValueError(
            f"pad: pad={pad} must be pairs of sizes of at least 0 for at most the {x.ndim} axes of x"
        )
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    return apply(EXPRESSIONS["pad"], x, widths=tuple(widths), value=value)


@_images("max_pool2d")
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
    window = _per_axis(kernel=kernel, stride=step, pad=border, dilation=spread)
    y, call = apply_full(OPS["max_pool2d"], (x,), window | {"ceil_mode": bool(ceil_mode)})
    return (y, Tensor(call["argmax"].astype(np.int64))) if return_indices else y


@_images("avg_pool2d")
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
    return apply(OPS["avg_pool2d"], x, scale, **_per_axis(kernel=kernel, stride=step, pad=border))


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


def relu(x: Any) -> Tensor:
    """max(x, 0)."""
    return apply(OPS["relu"], as_tensor(x))


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x."""
    return apply(OPS["leaky_relu"], as_tensor(x), negative_slope=float(negative_slope))


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + e^−x)."""
    return apply(OPS["sigmoid"], as_tensor(x))


def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent."""
    return apply(OPS["tanh"], as_tensor(x))


def softmax(x: Any, dim: int | None = None) -> Tensor:
    """e^x_i / Σ_j e^x_j along ``dim``."""
    return _along("softmax", as_tensor(x), dim)


def log_softmax(x: Any, dim: int | None = None) -> Tensor:
    """x_i − log Σ_j e^x_j along ``dim``."""
    return _along("log_softmax", as_tensor(x), dim)


def _along(name: str, x: Tensor, dim: int | None) -> Tensor:
    """A row over axis c of [n, c, s], along any axis."""
    if dim is None:
        dim = 0 if x.ndim in (0, 1, 3) else 1
    if not -x.ndim <= dim < x.ndim:
        raise IndexError(f"{name}: dim={dim} is not an axis of shape {x.shape}")
    dim %= x.ndim
    before, after = x.shape[:dim], x.shape[dim + 1 :]
    folded = x.reshape((int(np.prod(before)), x.shape[dim], int(np.prod(after))))
    return apply(OPS[name], folded).reshape(x.shape)


def batch_norm(
    x: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    *,
    num_batches_tracked: Tensor | None = None,
) -> Tensor:
    """Normalise each channel of x (N, C, *); in training by the batch's statistics, updating the running
    ones and counting the batches; ``momentum=None`` keeps the average of all that were counted."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"batch_norm: x has shape {x.shape}, expected (N, C, *)")
    channels = x.shape[1]
    folded = x.reshape((x.shape[0], channels, int(np.prod(x.shape[2:]))))
    weight = constant(1, channels, x.dtype) if weight is None else as_tensor(weight)
    bias = constant(0, channels, x.dtype) if bias is None else as_tensor(bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: running_mean and running_var are needed when training=False")
        y = apply(
            OPS["batch_norm_inference"], folded, weight, bias, running_mean, running_var, eps=float(eps)
        )
        return y.reshape(x.shape)
    values = x.shape[0] * folded.shape[2]
    if values < 2:
        found = "one value" if values else "no value"
        raise ValueError(
            f"batch_norm: x of shape {x.shape} has {found} per channel; training needs at least two"
        )
    statistics = OPS["batch_statistics"].run([folded.data], {}, launch)
    mean, var = Tensor(statistics["mean"]), Tensor(statistics["var"])
    y = apply(OPS["batch_norm"], folded, weight, bias, mean, var, eps=float(eps))
    if running_mean is not None and running_var is not None:
        tracked = Tensor(np.zeros((), np.int64)) if num_batches_tracked is None else num_batches_tracked
        _update_running(statistics, momentum, running_mean, running_var, tracked)
    return y.reshape(x.shape)


def _update_running(statistics: dict[str, Any], momentum: float | None, *running: Tensor) -> None:
    """Moves running_mean, running_var and num_batches_tracked on by the statistics of a batch."""
    step, share = STEPS["running_statistics"], math.nan if momentum is None else float(momentum)
    env = statistics | {"momentum": constant(share, 1, np.dtype(np.float64)).data}
    env |= {written.name: t.data for written, t in zip(step.writes, running, strict=True)}
    step.bind(step.fetch(env), {})
    launch(step, env)
    for t in running:
        t._version[0] += 1


def dropout(x: Any, p: float = 0.5, training: bool = True, generator: Generator | None = None) -> Tensor:
    """x / (1 − p) with probability 1 − p, else 0; x itself when not training."""
    x, p = as_tensor(x), probability("dropout", "p", p)
    if not training or p == 0:
        return x
    return apply(OPS["dropout"], x, Tensor((generator or default_generator).key()), p=p)
