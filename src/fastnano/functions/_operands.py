"""What functions take: tensors, arrays, numbers, axes."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import autograd
from .._errors import called, reworded
from ..autograd import DEFAULT_DTYPE, EXPRESSIONS, apply, as_tensor

if TYPE_CHECKING:
    from ..autograd import Tensor

Axis = int | tuple[int, ...] | None
DType = npt.DTypeLike | None


def as_float(x: Any) -> Tensor:
    """x as a tensor of floats; whole numbers become float32."""
    x = as_tensor(x)
    return x if x.data.dtype.kind == "f" else x.to(DEFAULT_DTYPE)


def element(x: Any, value: Any) -> Any:
    """What is put among the elements of x: a number as one of these, all else as it is."""
    return np.asarray(value, as_tensor(x).dtype) if isinstance(value, (bool, int, float)) else value


def operands(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors of one dtype: whole numbers follow a float operand; two float dtypes are not mixed."""
    x = as_tensor(x, y if isinstance(y, autograd.Tensor) else None)
    y = as_tensor(y, x)
    if x.data.dtype == y.data.dtype:
        return x, y
    if x.dtype.kind == y.dtype.kind == "f":
        raise TypeError(
            f"{called(name)}: the operands are {x.dtype} and {y.dtype}; convert one with .float() or .double()"
        )
    if x.dtype.kind == "f":
        return x, y.to(x.dtype)
    return (x.to(y.dtype), y) if y.dtype.kind == "f" else (x, y)


def named_dtype(name: str, *given: Any) -> np.dtype | None:
    """The dtype among the arguments of ``to``: itself, or a tensor that has it; beside it the one device, "cpu"."""
    found = None
    for value in given:
        if value is None or (isinstance(value, str) and value == "cpu"):
            continue
        try:
            found = value.dtype if isinstance(value, autograd.Tensor) else np.dtype(value)
        except TypeError:
            raise TypeError(f"{name}: {value!r} is no dtype, and the one device is 'cpu'") from None
    return found


def binary(name: str, x: Any, y: Any) -> Tensor:
    """The expression of this name of two operands."""
    return apply(EXPRESSIONS[name], *operands(name, x, y))


def common_shape(name: str, *tensors: Tensor) -> tuple[int, ...]:
    """The shape that tensors have when they are broadcast."""
    try:
        return np.broadcast_shapes(*(x.shape for x in tensors))
    except ValueError as error:
        raise reworded(error, name, [x.data for x in tensors]) from None


def axis(name: str, dim: int, shape: tuple[int, ...], ndim: int | None = None) -> int:
    """dim counted from the front; of a single number, 0 and -1 name its one place."""
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise TypeError(f"{called(name)}: dim={dim!r} must be an integer")
    ndim = max(len(shape), 1) if ndim is None else ndim
    if not -ndim <= dim < ndim:
        raise IndexError(f"{called(name)}: dim={dim} is not an axis of shape {shape}")
    return dim % ndim


def axes(name: str, dim: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes that ``dim`` names; None where it names all: it is None or empty, or x a single number."""
    if dim is None:
        return None
    found = tuple(axis(name, d, shape) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(found)) < len(found):
        raise ValueError(f"{name}: dim={dim} names an axis of shape {shape} twice")
    return found if shape and found else None


def sizes(name: str, given: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes or axes given as one tuple or as several numbers."""
    found = given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
    try:
        return tuple([index(n) for n in found])
    except TypeError:
        raise TypeError(f"{name}: {tuple(found)} must hold whole numbers, or be one tuple of them") from None


def new_shape(name: str, given: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes of a tensor to be made."""
    shape = sizes(name, given)
    if min(shape, default=0) < 0:
        raise ValueError(f"{name}: size={shape} must hold no number below 0")
    return shape
