"""Changes in place: methods of tensors, outside the tape only; each gives back the tensor it changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import autograd
from .._errors import REFUSALS, unfit
from ..autograd import as_tensor
from ._operands import element
from .elementwise import div

if TYPE_CHECKING:
    from .._random import Generator
    from ..autograd import Tensor


def change(
    name: str, x: Any, *operands: Any, to: Callable[..., Any], part: Callable[..., Any] | None = None
) -> Tensor:
    """Run ``to(array, *arrays)``, which writes new values into the first, or a ``part`` of it; refused where the tape
    would miss it."""
    if x.requires_grad and autograd.state.grad_enabled:
        raise RuntimeError(
            "a tensor that requires a gradient is changed in place only under fastnano.no_grad()"
        )
    if autograd.state.recording is not None:
        autograd.state.recording.python(f"{name}, a change in place,")
    tensors = [as_tensor(y, x) for y in operands]
    if autograd.state.grad_enabled and any(y.requires_grad for y in tensors):
        raise RuntimeError(
            "a change in place is not on the tape, so the new values' gradient would be lost; "
            "make a new tensor (x = x + y), or use y.detach()"
        )
    arrays = [y.data for y in tensors]
    try:
        to(x.data, *arrays)
    except REFUSALS as error:
        into = part(x.data) if part is not None and isinstance(error, ValueError) else x.data
        raise unfit(error, name, into, arrays) from None
    x._version[0] += 1
    return x


def _update(name: str, ufunc: np.ufunc, x: Tensor, y: Any) -> Tensor:
    """x ← ufunc(x, y), which is not to change the dtype."""
    y = as_tensor(y, x)
    if y.dtype.kind == "f" and y.dtype != x.dtype:
        raise TypeError(f"{name}: a {x.dtype} tensor cannot take in {y.dtype}; convert with .to(dtype)")
    return change(name, x, y, to=lambda out, other: ufunc(out, other, out=out, casting="same_kind"))


def add_(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """x ← x + alpha · y."""
    return _update("add_", np.add, input, other if alpha == 1 else as_tensor(other, input) * alpha)


def sub_(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """x ← x − alpha · y."""
    return _update("sub_", np.subtract, input, other if alpha == 1 else as_tensor(other, input) * alpha)


def mul_(input: Any, other: Any) -> Tensor:
    """x ← x · y."""
    return _update("mul_", np.multiply, input, other)


def div_(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """x ← x / y, rounded as by ``div``."""
    if rounding_mode is not None:
        return copy_(input, div(input.detach(), other, rounding_mode=rounding_mode))
    return _update("div_", np.divide, input, other)


def copy_(x: Any, src: Any) -> Tensor:
    """x ← src, broadcast to the shape of x."""
    return _copy("copy_", x, src)


def _copy(name: str, x: Any, src: Any) -> Tensor:
    return change(name, x, src, to=lambda out, y: np.copyto(out, y, "same_kind"))


def zero_(x: Any) -> Tensor:
    """x ← 0."""
    return fill_(x, 0)


def fill_(x: Any, value: Any) -> Tensor:
    """x ← value."""
    return _copy("fill_", x, element(x, value))


def in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """x ← function(x, ...)."""

    @wraps(function)
    def method(x: Any, *others: Any, **options: Any) -> Tensor:
        y = function(x.detach(), *others, **options)
        if y.shape != x.shape:
            raise ValueError(f"{method.__name__}: the result has shape {y.shape}, the tensor {x.shape}")
        return _copy(method.__name__, x, y)

    method.__name__ = method.__qualname__ = f"{function.__name__}_"
    method.__doc__ = f"x ← {function.__name__}(x, ...)."
    return method


# Chance


def _drawn(x: Any, generator: Generator | None, draw: Callable[[np.random.Generator], Any]) -> Tensor:
    from .._random import default_generator

    values = draw((default_generator if generator is None else generator).rng)
    return change(
        "random values",
        x,
        to=lambda out: np.copyto(out, values, "same_kind" if x.dtype.kind == "f" else "unsafe"),
    )


def uniform_(x: Any, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Uniform in [from_, to)."""
    return _drawn(x, generator, lambda rng: rng.uniform(from_, to, x.shape))


def normal_(x: Any, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Normal, of a mean and a standard deviation."""
    return _drawn(x, generator, lambda rng: rng.normal(mean, std, x.shape))


def bernoulli_(x: Any, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """1 with probability p, else 0."""
    return _drawn(x, generator, lambda rng: rng.random(x.shape) < p)
