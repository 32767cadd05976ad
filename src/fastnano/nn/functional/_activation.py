"""Activations as functions.

``inplace`` is taken where PyTorch has it, and changes nothing: results are new arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._random import Generator, default_generator
from ...autograd import EXPRESSIONS, OPS, Tensor, apply, as_tensor
from ...functions import elementwise
from ...functions._operands import DType, as_float
from ...functions.elementwise import arctan, sigmoid, tanh
from ...functions.reduction import log_softmax, softmax

__all__ = [
    "arctan",
    "binary_step",
    "celu",
    "elu",
    "gaussian",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]


def _apply(name: str, x: Any, **numbers: float) -> Tensor:
    return apply(OPS[name], as_tensor(x), **{k: float(v) for k, v in numbers.items()})


# rectifiers


def relu(input: Any, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return elementwise.relu(input)


def relu6(input: Any, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0, 6)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope · x."""
    return _apply("leaky_relu", input, negative_slope=negative_slope)


def prelu(input: Any, weight: Any) -> Tensor:
    """x where x > 0, else weight · x; weight is one number, or one per channel of input (N, C, *).

    Raises ValueError where weight has another number of values.
    """
    x, weight = as_tensor(input), as_tensor(weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ValueError(
            f"prelu: weight has shape {weight.shape}, expected one number, or {channels}, one for each "
            f"channel (axis 1) of input {x.shape}"
        )
    if x.ndim != 1:
        weight = weight.reshape((-1, *(1,) * (x.ndim - 2)) if x.ndim else ())
    return apply(EXPRESSIONS["prelu"], x, weight)


def rrelu(
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """x where x > 0, else x times a random number from lower to upper; their mean when not training."""
    if lower > upper:
        raise ValueError(f"rrelu: lower={lower} must not be above upper={upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    x, key = as_tensor(input), Tensor((generator or default_generator).key())
    slope = apply(OPS["uniform"], x.detach(), key, low=float(lower), high=float(upper))
    return apply(EXPRESSIONS["prelu"], x, slope)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (e^x − 1)."""
    return _apply("elu", input, alpha=alpha)


def selu(input: Any, inplace: bool = False) -> Tensor:
    """1.0507 · elu(x, 1.6733)."""
    return _apply("selu", input)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (e^(x / alpha) − 1)."""
    if alpha == 0:
        raise ValueError("celu: alpha must not be 0, since input is divided by it")
    return _apply("celu", input, alpha=alpha)


# smooth gates


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """x Φ(x); "tanh" takes an approximation of Φ, see ``nn.GELU``."""
    rows = {"none": "gelu", "tanh": "gelu_tanh"}
    if approximate not in rows:
        raise ValueError(f"gelu: approximate={approximate!r} must be 'none' or 'tanh'")
    return _apply(rows[approximate], input)


def silu(input: Any, inplace: bool = False) -> Tensor:
    """x σ(x)."""
    return _apply("silu", input)


def mish(input: Any, inplace: bool = False) -> Tensor:
    """x tanh(log(1 + e^x))."""
    return _apply("mish", input)


def glu(input: Any, dim: int = -1) -> Tensor:
    """a σ(b), a and b the halves of x along ``dim``.

    Raises ValueError where the axis has an odd size.
    """
    x = as_tensor(input)
    axis = _axis("glu", x, dim)
    half, odd = divmod(x.shape[axis], 2)
    if odd:
        raise ValueError(f"glu: input has shape {x.shape}, whose axis dim={dim} must be even to be halved")
    before = (slice(None),) * axis
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])


# steps, sharp and soft


def logsigmoid(input: Any) -> Tensor:
    """log(1 / (1 + e^−x))."""
    return _apply("logsigmoid", input)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(beta x)) / beta; x where beta x > threshold."""
    if beta == 0:
        raise ValueError("softplus: beta must not be 0, since it is divided by")
    return _apply("softplus", input, beta=beta, threshold=threshold)


def softsign(input: Any) -> Tensor:
    """x / (1 + |x|)."""
    return _apply("softsign", as_float(input))


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(x, min_val), max_val)."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val={min_val} must not be above max_val={max_val}")
    x = as_tensor(input)
    if x.dtype.kind in "iu":
        return elementwise.clamp(x, int(min_val), int(max_val))
    return _apply("hardtanh", x, min_val=min_val, max_val=max_val)


def hardsigmoid(input: Any, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6."""
    return _apply("hardsigmoid", input)


def hardswish(input: Any, inplace: bool = False) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6."""
    return _apply("hardswish", input)


def binary_step(input: Any, gradient: str = "straight_through", slope: float = 1.0) -> Tensor:
    """1 where x ≥ 0, else 0; with a gradient in the place of zero, see ``nn.BinaryStep``."""
    if gradient == "sigmoid":
        return _apply("binary_step_sigmoid", input, slope=slope)
    windows = {"straight_through": np.inf, "clipped": 1}
    if gradient not in windows:
        raise ValueError(
            f"binary_step: gradient={gradient!r} must be 'straight_through', 'clipped' or 'sigmoid'"
        )
    return _apply("binary_step", input, window=windows[gradient])


# thresholds and bells


def hardshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x where |x| > lambd, else 0."""
    return _apply("hardshrink", input, lambd=lambd)


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x − lambd where x > lambd, x + lambd where x < −lambd, else 0."""
    if lambd < 0:
        raise ValueError(f"softshrink: lambd={lambd} must be at least 0")
    return _apply("softshrink", input, lambd=lambd)


def tanhshrink(input: Any) -> Tensor:
    """x − tanh(x)."""
    return as_tensor(input) - tanh(input)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else value."""
    x = as_tensor(input)
    if x.dtype.kind in "iu":
        return elementwise.where(x > int(threshold), x, int(value))
    return _apply("threshold", x, threshold=threshold, value=value)


def gaussian(input: Any) -> Tensor:
    """e^(−x²)."""
    return _apply("gaussian", input)


# along an axis


def softmin(input: Any, dim: int | None = None, dtype: DType = None) -> Tensor:
    """e^−x_i / Σ_j e^−x_j along ``dim``."""
    return softmax(-as_tensor(input), dim, dtype)


def _axis(name: str, x: Tensor, dim: int) -> int:
    if not -x.ndim <= dim < x.ndim:
        raise IndexError(f"{name}: dim={dim} is not an axis of shape {x.shape}")
    return dim % x.ndim
