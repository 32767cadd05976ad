"""Dense layers as functions."""

from __future__ import annotations

import math
from typing import Any

from ..._contract import ShapeError
from ...autograd import OPS, Tensor, apply, as_tensor
from .._arguments import count
from .._initial import constant
from ._pool import max_pool2d

__all__ = ["bilinear", "linear", "maxout"]


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """y = x weightᵀ + bias; x (*, in), weight (out, in), bias (out,) or (); of a weight (in,), y has no last axis.

    Raises ValueError where the last axis of x is not ``in``, or weight has not the shape (out, in).
    """
    x, weight = as_tensor(input), as_tensor(weight)
    if weight.ndim == 1:
        return linear(x, weight.unsqueeze(0), bias).squeeze(-1)
    if weight.ndim != 2:
        raise ValueError(f"linear: weight has shape {weight.shape}, expected (out_features, in_features)")
    if not weight.shape[1]:
        raise ValueError(f"linear: weight has shape {weight.shape}; in_features must be at least 1")
    if x.ndim and x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"linear: input has shape {x.shape}, expected (*, {weight.shape[1]}), since weight has shape {weight.shape}"
        )
    bias = constant(0, weight.shape[0], x.dtype) if bias is None else as_tensor(bias)
    bias = bias if bias.ndim else bias.expand(weight.shape[0])
    if x.ndim == 2:
        return apply(OPS["linear"], x, weight, bias)
    if x.ndim == 0:
        raise ValueError("linear: input is a single number, expected shape (*, in_features)")
    y = apply(OPS["linear"], x.reshape(_rows(x.shape)), weight, bias)
    return y.reshape((*x.shape[:-1], weight.shape[0]))


def _rows(shape: tuple[int, ...]) -> tuple[int, int]:
    return math.prod(shape[:-1]), shape[-1]


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """y_k = x1ᵀ weight_k x2 + bias_k; x1 (..., in1), x2 (..., in2), weight (out, in1, in2)."""
    x1, x2, weight = as_tensor(input1), as_tensor(input2), as_tensor(weight)
    if weight.ndim != 3:
        raise ValueError(f"bilinear: weight has shape {weight.shape}, expected (out, in1, in2)")
    out, in1, in2 = weight.shape
    if x1.shape[-1:] != (in1,) or x2.shape[-1:] != (in2,) or x1.shape[:-1] != x2.shape[:-1]:
        raise ValueError(
            f"bilinear: input1 and input2 have shapes {x1.shape} and {x2.shape}, expected (*, {in1}) and (*, {in2})"
        )
    products = x1.unsqueeze(-1) * x2.unsqueeze(-2)
    return linear(products.reshape((*x1.shape[:-1], in1 * in2)), weight.reshape((out, in1 * in2)), bias)


def maxout(input: Any, pieces: int) -> Tensor:
    """The largest of each ``pieces`` neighbours on the last axis: x (..., out · pieces), y (..., out)."""
    x, pieces = as_tensor(input), count("maxout", "pieces", pieces)
    if not x.ndim or not x.shape[-1] or x.shape[-1] % pieces:
        raise ValueError(
            f"maxout: input has shape {x.shape}, whose last axis is no multiple of pieces={pieces}"
        )
    rows, features = _rows(x.shape)
    windows = x.reshape((rows, 1, features // pieces, pieces))
    return max_pool2d(windows, (1, pieces)).reshape((*x.shape[:-1], features // pieces))
