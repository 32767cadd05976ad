"""PyTorch's free functions of tensors."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import numpy.typing as npt

from .autograd import DEFAULT_DTYPE, Tensor, as_tensor


def exp(x: Any) -> Tensor:
    """e^x."""
    return as_tensor(x).exp()


def log(x: Any) -> Tensor:
    """Natural logarithm."""
    return as_tensor(x).log()


def sqrt(x: Any) -> Tensor:
    """√x."""
    return as_tensor(x).sqrt()


def abs(x: Any) -> Tensor:
    """|x|."""
    return as_tensor(x).abs()


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of x and y, element by element; equal ones share the gradient."""
    return as_tensor(x).maximum(y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of x and y, element by element; equal ones share the gradient."""
    return as_tensor(x).minimum(y)


def matmul(x: Any, y: Any) -> Tensor:
    """Matrix product, as NumPy's ``@``."""
    return as_tensor(x) @ y


def sum(x: Any, dim: Any = None, keepdim: builtins.bool = False) -> Tensor:
    """Sum over all axes, or over ``dim``."""
    return as_tensor(x).sum(dim, keepdim)


def mean(x: Any, dim: Any = None, keepdim: builtins.bool = False) -> Tensor:
    """Mean over all axes, or over ``dim``."""
    return as_tensor(x).mean(dim, keepdim)


def max(x: Any, dim: int | None = None, keepdim: builtins.bool = False) -> Any:
    """The largest value; with ``dim``, the pair (values, indices) along it."""
    return as_tensor(x).max(dim, keepdim)


def min(x: Any, dim: int | None = None, keepdim: builtins.bool = False) -> Any:
    """The smallest value; with ``dim``, the pair (values, indices) along it."""
    return as_tensor(x).min(dim, keepdim)


def zeros(*shape: Any, dtype: npt.DTypeLike = DEFAULT_DTYPE, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of zeros."""
    return Tensor(np.zeros(_shape(shape), dtype), requires_grad)


def ones(*shape: Any, dtype: npt.DTypeLike = DEFAULT_DTYPE, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of ones."""
    return Tensor(np.ones(_shape(shape), dtype), requires_grad)


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
