"""Over axes: sums, averages, extremes, and what runs along one axis.

``dim`` is an axis, several, or None for all; ``keepdim`` leaves the axes in place, with one element each; ``dtype`` is
what the elements are converted to first.
"""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import EXPRESSIONS, OPS, apply, as_tensor
from ._operands import Axis, DType, as_float, axes, axis

if TYPE_CHECKING:
    from ..autograd import Tensor

__all__ = [
    *("log_softmax", "softmax"),
    *("all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "cumprod", "cumsum", "logsumexp"),
    *("mean", "norm", "prod", "std", "std_mean", "sum", "var", "var_mean"),
]


def _reduce(name: str, x: Tensor, dim: Axis, keepdim: builtins.bool, **numbers: Any) -> Tensor:
    """An expression over axes."""
    where = axes(name, dim, x.shape)
    return apply(EXPRESSIONS[name], x, **numbers, axis=where, keepdims=keepdim)


def _over_everything(name: str, x: Tensor, keepdim: builtins.bool) -> Tensor:
    """A reduction of all values, by the kernel: samples by what each holds."""
    shape = x.shape
    if len(shape) != 2:
        x = x.reshape((shape[0], math.prod(shape[1:])) if shape else (1, 1))
    y = apply(OPS[name], x)
    return y.reshape((1,) * len(shape)) if keepdim else y


def sum(input: Any, dim: Axis = None, keepdim: builtins.bool = False, *, dtype: DType = None) -> Tensor:
    """Σ x over the axes; whole numbers add up as int64."""
    x = as_tensor(input) if dtype is None else as_tensor(input).to(dtype)
    if x.dtype.kind == "f":
        return _over_everything("sum", x, keepdim) if dim is None else _reduce("sum", x, dim, keepdim)
    return _reduce("sum", x.to(np.int64), dim, keepdim).to(dtype or np.int64)


def mean(input: Any, dim: Axis = None, keepdim: builtins.bool = False, *, dtype: DType = None) -> Tensor:
    """The mean over the axes; of nothing it is refused rather than NaN.

    Raises TypeError for a tensor that is not float, ValueError for an empty one.
    """
    x = as_tensor(input) if dtype is None else as_tensor(input).to(dtype)
    if x.dtype.kind != "f":
        raise TypeError(f"mean: needs a float tensor, got {x.dtype}; convert with .float()")
    where = axes("mean", dim, x.shape)
    count = math.prod(x.shape if where is None else [x.shape[a] for a in where])
    if not count:
        raise ValueError(f"mean: the tensor of shape {x.shape} is empty along dim={dim}")
    return _over_everything("mean", x, keepdim) if where is None else sum(x, where, keepdim) / count


def var(
    input: Any,
    dim: Axis = None,
    unbiased: builtins.bool = True,
    keepdim: builtins.bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Σ (x − mean)² / (N − correction) over the N elements of the axes; the correction is 1, or 0 if not ``unbiased``.

    Raises ValueError where N is not above it.
    """
    if isinstance(dim, builtins.bool):  # PyTorch's older form, var(unbiased)
        return var(input, None, dim, keepdim, correction=correction)
    centred, scale = _centred("var", input, dim, int(unbiased) if correction is None else correction)
    return centred.square().sum(dim, keepdim) * scale


def std(
    input: Any,
    dim: Axis = None,
    unbiased: builtins.bool = True,
    keepdim: builtins.bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """√var; its gradient where all are equal is 0."""
    if isinstance(dim, builtins.bool):  # PyTorch's older form, std(unbiased)
        return std(input, None, dim, keepdim, correction=correction)
    centred, scale = _centred("std", input, dim, int(unbiased) if correction is None else correction)
    return norm(centred, 2, dim, keepdim) * math.sqrt(scale)


def _centred(name: str, x: Any, dim: Axis, correction: float) -> tuple[Tensor, float]:
    """x less its mean, and 1 / (N − correction)."""
    x = as_tensor(x)
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: needs a float tensor, got {x.dtype}; convert with .float()")
    where = axes(name, dim, x.shape)
    count = math.prod(x.shape if where is None else (x.shape[a] for a in where))
    if count <= correction:
        raise ValueError(
            f"{name}: {count} elements are not more than correction={correction}; "
            f"correction=0 divides by their number"
        )
    return x - x.mean(where, keepdim=True), 1 / (count - correction)


def var_mean(
    input: Any,
    dim: Axis = None,
    unbiased: builtins.bool = True,
    keepdim: builtins.bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """``var`` and ``mean``."""
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, dim, keepdim)


def std_mean(
    input: Any,
    dim: Axis = None,
    unbiased: builtins.bool = True,
    keepdim: builtins.bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """``std`` and ``mean``."""
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, dim, keepdim)


def prod(
    input: Any, dim: int | None = None, keepdim: builtins.bool = False, *, dtype: DType = None
) -> Tensor:
    """Π x along an axis, or of all elements."""
    x = as_tensor(input) if dtype is None else as_tensor(input).to(dtype)
    x = x if x.dtype.kind == "f" else x.to(np.int64)
    where = None if dim is None or not x.ndim else axis("prod", dim, x.shape)
    return apply(EXPRESSIONS["prod"], x, axis=where, keepdims=keepdim).to(dtype or x.dtype)


def norm(
    input: Any, p: Any = "fro", dim: Axis = None, keepdim: builtins.bool = False, dtype: DType = None
) -> Tensor:
    """(Σ |x|^p)^(1/p) of the elements of the axes, as of one vector; p may be ``inf`` (the largest), ``-inf``
    (the smallest), 0 (how many are not 0), or "fro" (2).

    Its gradient where all are 0 is 0.

    Raises ValueError for other p, such as norms of matrices.
    """
    p = 2.0 if p is None or p == "fro" else p
    if not isinstance(p, (int, float, np.number)):
        raise ValueError(
            f"norm: p={p!r} must be a number, inf, -inf or 'fro'; numpy.linalg.norm knows norms of matrices"
        )
    x = as_float(input) if dtype is None else as_tensor(input).to(dtype)
    return _reduce("norm", x, dim, keepdim, p=float(p))


def logsumexp(input: Any, dim: Axis, keepdim: builtins.bool = False) -> Tensor:
    """log Σ e^x over the axes, without overflow."""
    return _reduce("logsumexp", as_float(input), dim, keepdim)


def amax(input: Any, dim: Axis = None, keepdim: builtins.bool = False) -> Tensor:
    """The largest of each; equal ones share the gradient."""
    return _reduce("amax", as_tensor(input), dim, keepdim)


def amin(input: Any, dim: Axis = None, keepdim: builtins.bool = False) -> Tensor:
    """The smallest of each; equal ones share the gradient."""
    return _reduce("amin", as_tensor(input), dim, keepdim)


def cumsum(input: Any, dim: int, *, dtype: DType = None) -> Tensor:
    """y_i = Σ_{k≤i} x_k along an axis."""
    return _run("cumsum", input, dim, dtype)


def cumprod(input: Any, dim: int, *, dtype: DType = None) -> Tensor:
    """y_i = Π_{k≤i} x_k along an axis."""
    return _run("cumprod", input, dim, dtype)


def _run(name: str, input: Any, dim: int, dtype: DType) -> Tensor:
    x = as_tensor(input) if dtype is None else as_tensor(input).to(dtype)
    x = x if x.dtype.kind == "f" else x.to(np.int64)
    where = axis(name, dim, x.shape)
    return (apply(EXPRESSIONS[name], x, axis=where) if x.ndim else x.clone()).to(dtype or x.dtype)


def softmax(input: Any, dim: int | None = None, dtype: DType = None) -> Tensor:
    """e^x_i / Σ_j e^x_j along ``dim``; by default the second axis, or the first of one or three."""
    return _along("softmax", input, dim, dtype)


def log_softmax(input: Any, dim: int | None = None, dtype: DType = None) -> Tensor:
    """x_i − log Σ_j e^x_j along ``dim``."""
    return _along("log_softmax", input, dim, dtype)


def _along(name: str, input: Any, dim: int | None, dtype: DType) -> Tensor:
    """A row over axis c of [n, c, s], along any axis."""
    x = as_tensor(input) if dtype is None else as_tensor(input).to(dtype)
    if dim is None:
        dim = 0 if x.ndim in (0, 1, 3) else 1
    if not x.ndim:
        return _along(name, x.reshape(1), dim, None).reshape(())
    where = axis(name, dim, x.shape)
    before, after = x.shape[:where], x.shape[where + 1 :]
    folded = x.reshape((math.prod(before), x.shape[where], math.prod(after)))
    return apply(OPS[name], folded).reshape(x.shape)


# Without gradients


def any(input: Any, dim: Axis = None, keepdim: builtins.bool = False) -> Tensor:
    """Whether any is other than 0."""
    return _reduce("any", as_tensor(input), dim, keepdim)


def all(input: Any, dim: Axis = None, keepdim: builtins.bool = False) -> Tensor:
    """Whether all are other than 0."""
    return _reduce("all", as_tensor(input), dim, keepdim)


def count_nonzero(input: Any, dim: Axis = None) -> Tensor:
    """How many are other than 0."""
    return (as_tensor(input) != 0).sum(dim)


def argmax(input: Any, dim: int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """Where the largest is, along an axis or among all elements in their order; the first of equal ones."""
    return _place("argmax", input, dim, keepdim)


def argmin(input: Any, dim: int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """Where the smallest is, along an axis or among all elements in their order; the first of equal ones."""
    return _place("argmin", input, dim, keepdim)


def _place(name: str, x: Any, dim: int | None, keepdim: builtins.bool) -> Tensor:
    x = as_tensor(x)
    where = None if dim is None or not x.ndim else axis(name, dim, x.shape)
    return apply(EXPRESSIONS[name], x, axis=where, keepdims=keepdim)
