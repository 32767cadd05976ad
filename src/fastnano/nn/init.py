"""Initial values: each function fills a tensor in place, outside the tape, and gives it back.

Chance is the library's generator (``fastnano.manual_seed``), or the one given.  ``fan_in`` and ``fan_out`` are the
numbers of values that an output is made of, and that an input goes into: of a weight (out, in, *kernel) in · kernel
and out · kernel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._random import Generator, default_generator
from .._state import no_grad
from ..autograd import Tensor
from ._arguments import choice, probability

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_GAINS = {
    "linear": 1.0,
    **{f"conv{'_transpose' * t}{d}d": 1.0 for t in (0, 1) for d in (1, 2, 3)},
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What a layer's standard deviation is multiplied by for the nonlinearity behind it to keep the variance: 1 for
    linear ones and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + param²)) for leaky_relu (0.01), 3/4 for selu."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    return _GAINS[choice("calculate_gain", "nonlinearity", nonlinearity, (*_GAINS, "leaky_relu"))]


def _fill(tensor: Tensor, values: Any) -> Tensor:
    with no_grad():
        return tensor.copy_(np.asarray(values, tensor.dtype))


def _rng(generator: Generator | None) -> np.random.Generator:
    return (default_generator if generator is None else generator).rng


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform in [a, b).

    Raises ValueError where a is above b.
    """
    if not a <= b:
        raise ValueError(f"uniform_: a={a} must not be above b={b}")
    return _fill(tensor, _rng(generator).uniform(a, b, tensor.shape))


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normal, of a mean and a standard deviation.

    Raises ValueError for std below 0.
    """
    if not std >= 0:
        raise ValueError(f"normal_: std={std} must be at least 0")
    return _fill(tensor, _rng(generator).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal, without what lies outside [a, b].

    Raises ValueError where a is not below b.
    """
    if not a < b:
        raise ValueError(f"trunc_normal_: a={a} must be below b={b}")
    rng = _rng(generator)
    low, high = max(a, min(mean - 9 * std, b)), min(b, max(mean + 9 * std, a))
    low, high = (a, b) if low >= high else (low, high)
    top = min(max(mean, low), high)  # where the density is largest
    values, wanted = np.empty(0), tensor.numel()
    while len(values) < wanted:  # uniform, each kept with a chance that is its density's share of the largest
        drawn = rng.uniform(low, high, 2 * wanted + 16)
        share = np.exp(((top - mean) ** 2 - (drawn - mean) ** 2) / (2 * std**2))
        values = np.concatenate((values, drawn[rng.random(len(drawn)) < share]))
    return _fill(tensor, values[:wanted].reshape(tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    return _fill(tensor, np.full(tensor.shape, val))


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """The unit matrix: a dense layer that changes nothing."""
    _check_axes("eye_", tensor, (2,))
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Kernels (out, in, *kernel) that are 1 in their middle: output channel i of each group is input channel i."""
    _check_axes("dirac_", tensor, (3, 4, 5))
    out, channels, *kernel = tensor.shape
    if out % groups:
        raise ValueError(f"dirac_: groups={groups} must divide the {out} output channels")
    values = np.zeros(tensor.shape)
    same = np.arange(min(out // groups, channels))
    for group in range(groups):
        middle: tuple[Any, ...] = tuple(k // 2 for k in kernel)
        values[(group * (out // groups) + same, same, *middle)] = 1
    return _fill(tensor, values)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform in ±gain · √(6 / (fan_in + fan_out)) (X. Glorot and Y. Bengio, AISTATS 2010)."""
    bound = gain * math.sqrt(6 / sum(_fans("xavier_uniform_", tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal, of the standard deviation gain · √(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0, gain * math.sqrt(2 / sum(_fans("xavier_normal_", tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform in ±gain · √(3 / fan); a is the slope of leaky_relu (K. He et al., ICCV 2015)."""
    bound = math.sqrt(3) * _kaiming("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal, of the standard deviation gain / √fan; a is the slope of leaky_relu."""
    return normal_(tensor, 0, _kaiming("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A matrix (out, everything else) whose rows, or columns where there are fewer, are orthogonal and of length
    gain, by chance (A. Saxe et al., ICLR 2014).

    Raises ValueError for fewer than two axes.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: the tensor has shape {tensor.shape}, expected at least 2 axes")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = _rng(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q *= np.sign(np.diag(r))  # uniform among all such matrices
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Normal of mean 0, but for a share ``sparsity`` of each column, which is 0 (J. Martens, ICML 2010)."""
    _check_axes("sparse_", tensor, (2,))
    probability("sparse_", "sparsity", sparsity)
    rng = _rng(generator)
    values = rng.normal(0, std, tensor.shape)
    order = rng.permuted(np.tile(np.arange(tensor.shape[0])[:, None], tensor.shape[1]), axis=0)
    values[order < math.ceil(sparsity * tensor.shape[0])] = 0
    return _fill(tensor, values)


def _kaiming(name: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _fans(name, tensor), strict=True))
    fan = fans[choice(name, "mode", mode, ("fan_in", "fan_out"))]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _fans(name: str, tensor: Tensor) -> tuple[int, int]:
    """fan_in and fan_out; at least 1, of which an empty tensor needs none."""
    if tensor.ndim < 2:
        raise ValueError(
            f"{name}: the tensor has shape {tensor.shape}, and needs an axis of outputs and one of inputs"
        )
    kernel = math.prod(tensor.shape[2:])
    return max(1, tensor.shape[1] * kernel), max(1, tensor.shape[0] * kernel)


def _check_axes(name: str, tensor: Tensor, allowed: tuple[int, ...]) -> None:
    if tensor.ndim not in allowed:
        raise ValueError(
            f"{name}: the tensor has shape {tensor.shape}, expected {' or '.join(map(str, allowed))} axes"
        )
