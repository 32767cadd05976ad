"""Dropout as functions; ``inplace`` is taken as PyTorch takes it, but the result is always a new array."""

from __future__ import annotations

from typing import Any

from ..._random import Generator, default_generator
from ...autograd import OPS, Tensor, apply, as_tensor
from .._arguments import probability
from .._initial import constant

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]

_LOWEST = 1.7580993408473766  # −SELU(−∞) = scale · alpha, see ``alpha_dropout``


def dropout(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """x / (1 − p) with probability 1 − p, else 0; x itself when not training."""
    x, p = as_tensor(input), probability("dropout", "p", p)
    if not training or p == 0:
        return x
    return apply(OPS["dropout"], x, Tensor((generator or default_generator).key()), p=p)


def dropout1d(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """dropout of whole channels of input (N, C, L) or (C, L)."""
    return _batched("dropout1d", as_tensor(input), 3, p, training, generator)


def dropout2d(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """dropout of whole channels of input (N, C, H, W); one of three axes is (N, C, L), as for PyTorch."""
    x = as_tensor(input)
    return _batched("dropout2d", x, 3 if x.ndim == 3 else 4, p, training, generator)


def dropout3d(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """dropout of whole channels of input (N, C, D, H, W) or (C, D, H, W)."""
    return _batched("dropout3d", as_tensor(input), 5, p, training, generator)


def _batched(
    name: str, x: Tensor, axes: int, p: float, training: bool, generator: Generator | None
) -> Tensor:
    p = probability(name, "p", p)
    if x.ndim == axes:
        return _channels(name, x, p, training, generator)
    if x.ndim != axes - 1:
        raise ValueError(
            f"{name}: input has shape {x.shape}, expected {axes} axes, or {axes - 1} without a batch"
        )
    return _channels(name, x.unsqueeze(0), p, training, generator)[0]


def _channels(name: str, x: Tensor, p: float, training: bool, generator: Generator | None) -> Tensor:
    """x times one and the same dropout of a one for all of a channel."""
    if x.ndim < 2:
        raise ValueError(f"{name}: input has shape {x.shape}, expected (N, C, *)")
    if not training or p == 0:
        return x
    scale = dropout(constant(1, 1, x.dtype).expand(x.shape[:2]), p, True, generator=generator)
    return x * scale.reshape((*x.shape[:2], *(1,) * (x.ndim - 2)))


def alpha_dropout(
    input: Any,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Dropout that keeps a mean of 0 and a variance of 1; see ``nn.AlphaDropout``.

    With the lowest value −λ that SELU has in place of 0, a · (x or −λ) + b for a = ((1 − p)(1 + p λ²))^−½ and
    b = a · p · λ is the dropout of x + λ, less λ, times a · (1 − p).
    """
    p = probability("alpha_dropout", "p", p)
    return _about_lowest(
        as_tensor(input), p, training, lambda raised: dropout(raised, p, True, generator=generator)
    )


def feature_alpha_dropout(
    input: Any,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """alpha_dropout of whole channels of input (N, C, *)."""
    p, name = probability("feature_alpha_dropout", "p", p), "feature_alpha_dropout"
    return _about_lowest(
        as_tensor(input), p, training, lambda raised: _channels(name, raised, p, True, generator)
    )


def _about_lowest(x: Tensor, p: float, training: bool, drop: Any) -> Tensor:
    if not training or p == 0:
        return x
    return (drop(x + _LOWEST) - _LOWEST) * ((1 - p) / (1 + p * _LOWEST**2)) ** 0.5
