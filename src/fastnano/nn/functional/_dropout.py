"""Dropout as functions; ``inplace`` is taken as PyTorch takes it, but the result is always a new array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._random import Generator, default_generator
from ..._state import state
from ...autograd import OPS, Tensor, apply, as_tensor
from .._arguments import probability
from .._initial import constant
from ._images import LETTERS

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]

_LOWEST = 1.7580993408473766  # −SELU(−∞) = scale · alpha, see ``alpha_dropout``


def _keeps_all(training: bool, p: float) -> bool:
    """Whether nothing is dropped; inside ``mc_dropout`` evaluation drops, too."""
    if p == 0 or state.dropped is None:
        return p == 0 or not training
    state.dropped += 1
    return False


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
    if _keeps_all(training, p):
        return x
    return apply(OPS["dropout"], x, Tensor((generator or default_generator).key()), p=p)


def _dropout_of_channels(dims: int) -> Callable[..., Tensor]:
    name, axes = f"dropout{dims}d", LETTERS[dims]

    def drop(
        input: Any,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
        *,
        generator: Generator | None = None,
    ) -> Tensor:
        x, p = as_tensor(input), probability(name, "p", p)
        signals = dims == 2 and x.ndim == 3  # (N, C, L), and no image without a batch, as for PyTorch
        if x.ndim == dims + 2 or signals:
            return _channels(name, x, p, training, generator)
        if x.ndim != dims + 1:
            raise ValueError(
                f"{name}: input has shape {x.shape}, expected {dims + 2} axes, or {dims + 1} without a batch"
            )
        return _channels(name, x.unsqueeze(0), p, training, generator)[0]

    batch = "; one of three axes is (N, C, L), as for PyTorch" if dims == 2 else f" or (C, {axes})"
    drop.__doc__ = f"dropout of whole channels of input (N, C, {axes}){batch}."
    drop.__name__ = drop.__qualname__ = name
    return drop


dropout1d: Callable[..., Tensor] = _dropout_of_channels(1)
dropout2d: Callable[..., Tensor] = _dropout_of_channels(2)
dropout3d: Callable[..., Tensor] = _dropout_of_channels(3)


def _channels(name: str, x: Tensor, p: float, training: bool, generator: Generator | None) -> Tensor:
    """x times one and the same dropout of a one for all of a channel."""
    if x.ndim < 2:
        raise ValueError(f"{name}: input has shape {x.shape}, expected (N, C, *)")
    if _keeps_all(training, p):
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
    if _keeps_all(training, p):
        return x
    return (drop(x + _LOWEST) - _LOWEST) * ((1 - p) / (1 + p * _LOWEST**2)) ** 0.5
