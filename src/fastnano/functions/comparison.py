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


def eq(x: Any, y: Any) -> Tensor:
    """x = y, element by element."""
    return _compare("eq", x, y)


def ne(x: Any, y: Any) -> Tensor:
    """x ≠ y, element by element."""
    return _compare("ne", x, y)


def lt(x: Any, y: Any) -> Tensor:
    """x < y, element by element."""
    return _compare("lt", x, y)


def le(x: Any, y: Any) -> Tensor:
    """x ≤ y, element by element."""
    return _compare("le", x, y)


def gt(x: Any, y: Any) -> Tensor:
    """x > y, element by element."""
    return _compare("gt", x, y)


def ge(x: Any, y: Any) -> Tensor:
    """x ≥ y, element by element."""
    return _compare("ge", x, y)


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """|x − y| ≤ atol + rtol · |y|, element by element."""
    x, y = operands("isclose", x, y)
    return apply(EXPRESSIONS["isclose"], x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether ``isclose`` holds for every element."""
    return bool(isclose(x, y, rtol, atol, equal_nan).data.all())


def equal(x: Any, y: Any) -> bool:
    """Whether x and y have the same shape and the same elements."""
    return np.array_equal(as_tensor(x).data, as_tensor(y).data)


def isnan(x: Any) -> Tensor:
    """Whether an element is not a number."""
    return apply(EXPRESSIONS["isnan"], as_tensor(x))


def isinf(x: Any) -> Tensor:
    """Whether an element is infinite."""
    return apply(EXPRESSIONS["isinf"], as_tensor(x))


def isfinite(x: Any) -> Tensor:
    """Whether an element is neither infinite nor NaN."""
    return apply(EXPRESSIONS["isfinite"], as_tensor(x))


def logical_and(x: Any, y: Any) -> Tensor:
    """Whether both are other than 0."""
    return binary("logical_and", x, y)


def logical_or(x: Any, y: Any) -> Tensor:
    """Whether either is other than 0."""
    return binary("logical_or", x, y)


def logical_xor(x: Any, y: Any) -> Tensor:
    """Whether one is other than 0 and the other is 0."""
    return binary("logical_xor", x, y)


def logical_not(x: Any) -> Tensor:
    """Whether an element is 0."""
    return apply(EXPRESSIONS["logical_not"], as_tensor(x))


def bitwise_and(x: Any, y: Any) -> Tensor:
    """x & y, of whole numbers or of bool."""
    return binary("bitwise_and", x, y)


def bitwise_or(x: Any, y: Any) -> Tensor:
    """x | y, of whole numbers or of bool."""
    return binary("bitwise_or", x, y)


def bitwise_xor(x: Any, y: Any) -> Tensor:
    """x ^ y, of whole numbers or of bool."""
    return binary("bitwise_xor", x, y)


def bitwise_not(x: Any) -> Tensor:
    """~x, of whole numbers or of bool."""
    return apply(EXPRESSIONS["bitwise_not"], as_tensor(x))


# PyTorch's other names
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
