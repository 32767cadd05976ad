"""Element by element, and the product of matrices."""

from __future__ import annotations

import numpy as np

from .._erf import erf
from .._rows import Expression

__all__ = ["ROWS"]


def _as_matrix(dz, x, y):
    """The gradient of a product, with the axes that a vector x (a row) or y (a column) took from the
    result."""
    dz = dz[..., None] if y.ndim == 1 else dz
    return np.expand_dims(dz, -2) if x.ndim == 1 else dz


def _matmul_dx(dz, x, y):
    dx = np.matmul(_as_matrix(dz, x, y), y[None] if y.ndim == 1 else y.swapaxes(-1, -2))
    return dx[..., 0, :] if x.ndim == 1 else dx


def _matmul_dy(dz, x, y):
    dy = np.matmul(x[:, None] if x.ndim == 1 else x.swapaxes(-1, -2), _as_matrix(dz, x, y))
    return dy[..., 0] if y.ndim == 1 else dy


ROWS = (
    # arithmetic
    Expression("add", lambda x, y: x + y, dx=lambda dz: dz, dy=lambda dz: dz),
    Expression("sub", lambda x, y: x - y, dx=lambda dz: dz, dy=lambda dz: -dz),
    Expression("mul", lambda x, y: x * y, dx=lambda dz, y: dz * y, dy=lambda dz, x: dz * x),
    Expression("div", lambda x, y: x / y, dx=lambda dz, y: dz / y, dy=lambda dz, z, y: -dz * z / y),
    Expression("floor_divide", lambda x, y: x // y),
    Expression("remainder", lambda x, y: x % y, dx=lambda dz: dz, dy=lambda dz, x, y: -dz * (x // y)),
    Expression(
        "pow",
        lambda x, y: x**y,
        dx=lambda dz, x, y: dz * y * x ** np.where(y == 0, 1, y - 1),
        dy=lambda dz, z, x, y: dz * z * np.log(np.where(x == 0, np.where(y < 0, x, 1), x)),
    ),
    Expression("neg", lambda x: -x, dx=lambda dz: -dz),
    Expression("matmul", lambda x, y: np.matmul(x, y), dx=_matmul_dx, dy=_matmul_dy),
    # powers
    Expression("square", lambda x: x * x, dx=lambda dz, x: 2 * dz * x),
    Expression("sqrt", lambda x: np.sqrt(x), dx=lambda dz, z: dz / (2 * z)),
    Expression(
        "root",
        lambda x, *, degree: x ** (1 / degree),
        dx=lambda dz, z, x, *, degree: dz * np.where(x == 0, 0, z) / np.where(x == 0, 1, x * degree),
    ),
    Expression("rsqrt", lambda x: 1 / np.sqrt(x), dx=lambda dz, z: -0.5 * dz * z * z * z),
    Expression("reciprocal", lambda x: 1 / x, dx=lambda dz, z: -dz * z * z),
    # exponentials and logarithms
    Expression("exp", lambda x: np.exp(x), dx=lambda dz, z: dz * z),
    Expression("exp2", lambda x: np.exp2(x), dx=lambda dz, z: dz * z * 0.6931471805599453),
    Expression("expm1", lambda x: np.expm1(x), dx=lambda dz, z: dz * (z + 1)),
    Expression("log", lambda x: np.log(x), dx=lambda dz, x: dz / x),
    Expression("log1p", lambda x: np.log1p(x), dx=lambda dz, x: dz / (1 + x)),
    Expression("log2", lambda x: np.log2(x), dx=lambda dz, x: dz / (x * 0.6931471805599453)),
    Expression("log10", lambda x: np.log10(x), dx=lambda dz, x: dz / (x * 2.302585092994046)),
    Expression("erf", lambda x: erf(x), dx=lambda dz, x: dz * 1.1283791670955126 * np.exp(-x * x)),
    # angles
    Expression("sin", lambda x: np.sin(x), dx=lambda dz, x: dz * np.cos(x)),
    Expression("cos", lambda x: np.cos(x), dx=lambda dz, x: -dz * np.sin(x)),
    Expression("tan", lambda x: np.tan(x), dx=lambda dz, z: dz * (1 + z * z)),
    Expression("arcsin", lambda x: np.arcsin(x), dx=lambda dz, x: dz / np.sqrt((1 - x) * (1 + x))),
    Expression("arccos", lambda x: np.arccos(x), dx=lambda dz, x: -dz / np.sqrt((1 - x) * (1 + x))),
    Expression("arctan", lambda x: np.arctan(x), dx=lambda dz, x: dz / (1 + x * x)),
    Expression(
        "arctan2",
        lambda x, y: np.arctan2(x, y),
        dx=lambda dz, x, y: dz * y / np.where(x * x + y * y == 0, 1, x * x + y * y),
        dy=lambda dz, x, y: -dz * x / np.where(x * x + y * y == 0, 1, x * x + y * y),
    ),
    Expression("sinh", lambda x: np.sinh(x), dx=lambda dz, x: dz * np.cosh(x)),
    Expression("cosh", lambda x: np.cosh(x), dx=lambda dz, x: dz * np.sinh(x)),
    # steps
    Expression("sign", lambda x: np.sign(x), dx=lambda dz: dz * 0),
    Expression("floor", lambda x: np.floor(x), dx=lambda dz: dz * 0),
    Expression("ceil", lambda x: np.ceil(x), dx=lambda dz: dz * 0),
    Expression("round", lambda x: np.round(x), dx=lambda dz: dz * 0),
    Expression("trunc", lambda x: np.trunc(x), dx=lambda dz: dz * 0),
    # choices
    Expression("abs", lambda x: np.abs(x), dx=lambda dz, x: dz * np.sign(x)),
    Expression(
        "maximum",
        lambda x, y: np.maximum(x, y),
        dx=lambda dz, x, y: dz * ~(x < y) - dz * (x == y) / 2,  # half where equal
        dy=lambda dz, x, y: dz * ~(y < x) - dz * (x == y) / 2,
    ),
    Expression(
        "minimum",
        lambda x, y: np.minimum(x, y),
        dx=lambda dz, x, y: dz * ~(x > y) - dz * (x == y) / 2,
        dy=lambda dz, x, y: dz * ~(y > x) - dz * (x == y) / 2,
    ),
    Expression(
        "clamp_min",
        lambda x, *, min: np.maximum(x, min),
        dx=lambda dz, x, *, min: dz * (x >= min),
    ),
    Expression(
        "clamp_max",
        lambda x, *, max: np.minimum(x, max),
        dx=lambda dz, x, *, max: dz * (x <= max),
    ),
    Expression(
        "prelu",  # y, the slope below zero, is a weight or a random number
        lambda x, y: np.maximum(x, 0) + y * np.minimum(x, 0),
        dx=lambda dz, x, y: dz * (x > 0) + dz * y * ~(x > 0),
        dy=lambda dz, x: dz * np.minimum(x, 0),
    ),
    Expression(
        "where",
        lambda condition, x, y: np.where(condition, x, y),
        dx=lambda dz, condition: np.where(condition, dz, 0),
        dy=lambda dz, condition: np.where(condition, 0, dz),
    ),
    # losses
    Expression(
        "huber",
        lambda x, *, delta: np.where(np.abs(x) < delta, x * x / 2, delta * (np.abs(x) - delta / 2)),
        dx=lambda dz, x, *, delta: dz * np.minimum(np.maximum(x, -delta), delta),
    ),
    Expression(
        "log_cosh",
        lambda x: np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - 0.6931471805599453,  # log 2
        dx=lambda dz, x: dz * np.tanh(x),
    ),
    Expression(  # logarithms not below -100; that of 0, which the smallest float32 stands for, without a warning
        "binary_cross_entropy",
        lambda x, y: (
            (y - 1) * np.maximum(np.log(np.maximum(1 - x, 1e-45)), -100)
            - y * np.maximum(np.log(np.maximum(x, 1e-45)), -100)
        ),
        dx=lambda dz, x, y: dz * (x - y) / np.maximum((1 - x) * x, 1e-12),
        dy=lambda dz, x: (
            dz
            * (
                np.maximum(np.log(np.maximum(1 - x, 1e-45)), -100)
                - np.maximum(np.log(np.maximum(x, 1e-45)), -100)
            )
        ),
    ),
    Expression(  # e^-|x| cannot overflow
        "binary_cross_entropy_with_logits",
        lambda x, y: np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))),
        dx=lambda dz, x, y: dz * (np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))) - y),
        dy=lambda dz, x: -dz * x,
    ),
)
