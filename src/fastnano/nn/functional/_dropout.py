"""Dropout as a function."""

from __future__ import annotations

from typing import Any

from ..._random import Generator, default_generator
from ...autograd import OPS, Tensor, apply, as_tensor
from .._arguments import probability

__all__ = ["dropout"]


def dropout(x: Any, p: float = 0.5, training: bool = True, generator: Generator | None = None) -> Tensor:
    """x / (1 − p) with probability 1 − p, else 0; x itself when not training."""
    x, p = as_tensor(x), probability("dropout", "p", p)
    if not training or p == 0:
        return x
    return apply(OPS["dropout"], x, Tensor((generator or default_generator).key()), p=p)
