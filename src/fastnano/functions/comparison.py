"""Questions, answered yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import EXPRESSIONS, apply, as_tensor
from ._operands import binary, operands

if TYPE_CHECKING:
    from ..autograd import Tensor

__all__ = [
    *("greater", "greater_equal", "less", "less_equal", "not_equal"),
    *("allclose", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "equal", "ge", "gt"),
    *("isclose", "isfinite", "isinf", "isnan", "le", "logical_and", "logical_not", "logical_or"),
    *("logical_xor", "lt", "ne"),
]


def _compare(name: str, x: Any, y: Any) -> Tensor:
    x = as_tensor(x)
    return apply(EXPRESSIONS[name], x, as_tensor(y, x))


def eq(input: Any, other: Any) -> Tensor:
    """x = y, element by element."""
    return _compare("eq", input, other)


def ne(input: Any, other: Any) -> Tensor:
    """x ≠ y, element by element."""
    return _compare("ne", input, other)


def lt(input: Any, other: Any) -> Tensor:
    """x < y, element by element."""
    return _compare("lt", input, other)


def le(input: Any, other: Any) -> Tensor:
    """x ≤ y, element by element."""
    return _compare("le", input, other)


def gt(input: Any, other: Any) -> Tensor:
    """x > y, element by element."""
    return _compare("gt", input, other)


def ge(input: Any, other: Any) -> Tensor:
    """x ≥ y, element by element."""
    return _compare("ge", input, other)


def isclose(
    input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """|x − y| ≤ atol + rtol · |y|, element by element."""
    x, y = operands("isclose", input, other)
    return apply(EXPRESSIONS["isclose"], x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether ``isclose`` holds for every element."""
    return bool(isclose(input, other, rtol, atol, equal_nan).data.all())


def equal(input: Any, other: Any) -> bool:
    """Whether x and y have the same shape and the same elements."""
    return np.array_equal(as_tensor(input).data, as_tensor(other).data)


def isnan(input: Any) -> Tensor:
    """Whether an element is not a number."""
    return apply(EXPRESSIONS["isnan"], as_tensor(input))


def isinf(input: Any) -> Tensor:
    """Whether an element is infinite."""
    return apply(EXPRESSIONS["isinf"], as_tensor(input))


def isfinite(input: Any) -> Tensor:
    """Whether an element is neither infinite nor NaN."""
    return apply(EXPRESSIONS["isfinite"], as_tensor(input))


def logical_and(input: Any, other: Any) -> Tensor:
    """Whether both are other than 0."""
    return binary("logical_and", input, other)


def logical_or(input: Any, other: Any) -> Tensor:
    """Whether either is other than 0."""
    return binary("logical_or", input, other)


def logical_xor(input: Any, other: Any) -> Tensor:
    """Whether one is other than 0 and the other is 0."""
    return binary("logical_xor", input, other)


def logical_not(input: Any) -> Tensor:
    """Whether an element is 0."""
    return apply(EXPRESSIONS["logical_not"], as_tensor(input))


def bitwise_and(input: Any, other: Any) -> Tensor:
    """x & y, of whole numbers or of bool."""
    return binary("bitwise_and", input, other)


def bitwise_or(input: Any, other: Any) -> Tensor:
    """x | y, of whole numbers or of bool."""
    return binary("bitwise_or", input, other)


def bitwise_xor(input: Any, other: Any) -> Tensor:
    """x ^ y, of whole numbers or of bool."""
    return binary("bitwise_xor", input, other)


def bitwise_not(input: Any) -> Tensor:
    """~x, of whole numbers or of bool."""
    return apply(EXPRESSIONS["bitwise_not"], as_tensor(input))


# PyTorch's other names
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
