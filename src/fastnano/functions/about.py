"""Tensors as they are: made of what is given, copied, counted; and the numbers that have names."""

from __future__ import annotations

from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from .. import autograd
from ._operands import DType

if TYPE_CHECKING:
    from ..autograd import Tensor

__all__ = [
    "as_tensor",
    "clone",
    "detach",
    "e",
    "inf",
    "is_floating_point",
    "is_tensor",
    "nan",
    "numel",
    "pi",
]


def as_tensor(data: Any, dtype: DType = None) -> Tensor:
    """data as a tensor, which shares its memory where it can: itself, where it is one of the dtype already."""
    x = autograd.as_tensor(data)
    return x if dtype is None else x.to(dtype)


def clone(input: Any) -> Tensor:
    """A copy, on the tape."""
    return autograd.as_tensor(input).clone()


def detach(input: Any) -> Tensor:
    """The values without their history, in the same memory."""
    return autograd.as_tensor(input).detach()


def numel(input: Any) -> int:
    """The number of elements."""
    return autograd.as_tensor(input).numel()


def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, autograd.Tensor)


def is_floating_point(input: Any) -> bool:
    """Whether the elements are floats."""
    return autograd.as_tensor(input).is_floating_point()
