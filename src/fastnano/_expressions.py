"""Operations written as NumPy expressions, one row each; broadcast by the engine."""

from __future__ import annotations

import numpy as np

from ._rows import Expression

__all__ = ["EXPRESSIONS"]


def _scatter(dz, shape, index):
    """Zeros of a shape with dz added at an index, which may name a place more than once."""
    out = np.zeros(shape, dz.dtype)
    if all(
        i is None or i is ... or isinstance(i, (int, slice))
        for i in (index if isinstance(index, tuple) else (index,))
    ):
        out[index] = dz
    else:
        np.add.at(out, index, dz)
    return out


def _restore(reduced, shape, axis, keepdims):
    """A reduced array, with the axes it lost back in place and spread over the shape they had."""
    if axis is not None and not keepdims:
        reduced = np.expand_dims(reduced, axis)
    return np.broadcast_to(reduced, shape)


def _share(dz, z, x, axis, keepdims):
    """dz handed to the extreme values of a reduction, in equal parts where several are equal."""
    extreme = x == _restore(z, x.shape, axis, keepdims)
    return extreme / extreme.sum(axis, keepdims=True, dtype=x.dtype) * _restore(dz, x.shape, axis, keepdims)


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


# NumPy expressions, broadcast by the engine.  The parameters of a gradient say what backward keeps: an input,
# the output z, the shape of x, or a keyword of the forward expression.  Lambdas that are formulas (see
# ``_kernels/_formula.py``), with their numbers behind ``*``, have native kernels too, for compiled steps.
EXPRESSIONS = {
    row.name: row
    for row in (
        # arithmetic
        Expression("add", lambda x, y: x + y, dx=lambda dz: dz, dy=lambda dz: dz),
        Expression("sub", lambda x, y: x - y, dx=lambda dz: dz, dy=lambda dz: -dz),
        Expression("mul", lambda x, y: x * y, dx=lambda dz, y: dz * y, dy=lambda dz, x: dz * x),
        Expression("div", lambda x, y: x / y, dx=lambda dz, y: dz / y, dy=lambda dz, z, y: -dz * z / y),
        Expression(
            "pow",
            lambda x, y: x**y,
            dx=lambda dz, x, y: dz * y * x ** np.where(y == 0, 1, y - 1),
            dy=lambda dz, z, x: dz * z * np.log(np.where(x > 0, x, 1)),
        ),
        Expression("neg", lambda x: -x, dx=lambda dz: -dz),
        Expression("matmul", lambda x, y: np.matmul(x, y), dx=_matmul_dx, dy=_matmul_dy),
        # elementwise
        Expression("exp", lambda x: np.exp(x), dx=lambda dz, z: dz * z),
        Expression("log", lambda x: np.log(x), dx=lambda dz, x: dz / x),
        Expression("sqrt", lambda x: np.sqrt(x), dx=lambda dz, z: dz / (2 * z)),
        Expression("clone", lambda x: x.copy(), dx=lambda dz: dz, moves=("forward",)),
        Expression("abs", lambda x: np.abs(x), dx=lambda dz, x: dz * np.sign(x)),
        Expression(
            "maximum",
            lambda x, y: np.maximum(x, y),
            dx=lambda dz, x, y: np.where(x < y, 0, np.where(x == y, dz / 2, dz)),
            dy=lambda dz, x, y: np.where(y < x, 0, np.where(x == y, dz / 2, dz)),
        ),
        Expression(
            "minimum",
            lambda x, y: np.minimum(x, y),
            dx=lambda dz, x, y: np.where(x > y, 0, np.where(x == y, dz / 2, dz)),
            dy=lambda dz, x, y: np.where(y > x, 0, np.where(x == y, dz / 2, dz)),
        ),
        Expression(
            "clamp_min",
            lambda x, *, min: np.maximum(x, min),
            dx=lambda dz, x, *, min: dz * (x >= min),
        ),
        # reductions
        Expression(
            "sum",
            lambda x, *, axis, keepdims: np.sum(x, axis, keepdims=keepdims),
            sums=("forward",),
            moves=("dx",),
            dx=lambda dz, shape, axis, keepdims: _restore(dz, shape, axis, keepdims),
        ),
        Expression(
            "mean",
            lambda x, *, axis, keepdims: np.mean(x, axis, keepdims=keepdims),
            dx=lambda dz, shape, axis, keepdims: _restore(
                dz * dz.dtype.type(dz.size / max(np.prod(shape), 1)), shape, axis, keepdims
            ),
        ),
        Expression("amax", lambda x, *, axis, keepdims: np.max(x, axis, keepdims=keepdims), dx=_share),
        Expression("amin", lambda x, *, axis, keepdims: np.min(x, axis, keepdims=keepdims), dx=_share),
        # views
        Expression(
            "reshape",
            lambda x, *, to: x.reshape(to),
            dx=lambda dz, shape: dz.reshape(shape),
            moves=("forward", "dx"),
        ),
        Expression(
            "permute",
            lambda x, *, axes: x.transpose(axes),
            moves=("forward", "dx"),
            dx=lambda dz, axes: dz.transpose(np.argsort(axes)),
        ),
        Expression("index", lambda x, *, index: x[index], dx=_scatter, moves=("forward", "dx")),
        Expression(
            "pad",
            lambda x, *, widths, value: np.pad(x, widths, constant_values=value),
            moves=("forward", "dx"),
            dx=lambda dz, widths: dz[tuple(slice(a, dz.shape[i] - b) for i, (a, b) in enumerate(widths))],
        ),
        Expression("cast", lambda x, *, dtype: x.astype(dtype), dx=lambda dz: dz),
        Expression("expand", lambda x, *, to: np.broadcast_to(x, to), dx=lambda dz: dz, moves=("forward",)),
    )
}
