"""Over axes: sums, extremes, and what runs along one axis."""

from __future__ import annotations

import numpy as np

from .._rows import Expression

__all__ = ["ROWS"]


def _restore(reduced, shape, axis, keepdims):
    """A reduced array, with the axes it lost back in place and spread over the shape they had."""
    if axis is not None and not keepdims:
        reduced = np.expand_dims(reduced, axis)
    return np.broadcast_to(reduced, shape)


def _share(dz, z, x, axis, keepdims):
    """dz handed to the extreme values of a reduction, in equal parts where several are equal."""
    extreme = x == _restore(z, x.shape, axis, keepdims)
    return extreme / extreme.sum(axis, keepdims=True, dtype=x.dtype) * _restore(dz, x.shape, axis, keepdims)


def _logsumexp(x, *, axis, keepdims):
    largest = np.max(x, axis, keepdims=True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, 0)
    z = np.log(np.sum(np.exp(x - largest), axis, keepdims=True)) + largest
    return z if keepdims else z.squeeze(axis)


def _norm(x, *, p, axis, keepdims):
    size = np.abs(x)
    if p == 0:
        return np.sum(size != 0, axis, keepdims=keepdims, dtype=x.dtype)
    if p == np.inf:
        return np.max(size, axis, keepdims=keepdims)
    if p == -np.inf:
        return np.min(size, axis, keepdims=keepdims)
    return np.sum(size**p, axis, keepdims=keepdims) ** (1 / p)


def _norm_dx(dz, z, x, p, axis, keepdims):
    """dz · sign(x) · |x / z|^(p − 1); nothing where z or x is 0, equal parts where several are the largest."""
    if abs(p) == np.inf:
        return np.sign(x) * _share(dz, z, np.abs(x), axis, keepdims)
    z, dz = (_restore(a, x.shape, axis, keepdims) for a in (z, dz))
    ratio = np.divide(np.abs(x), z, out=np.zeros_like(x), where=(z != 0) & (x != 0))
    power = np.power(ratio, p - 1, out=np.zeros_like(x), where=ratio != 0) if p else 0
    return dz * np.sign(x) * power


def _products_of_others(x, axis):
    """For each element the product of all others along the axis: of those before it by that of those behind."""
    if not x.size:
        return x
    ones = np.ones_like(np.take(x, [0], axis))
    inner = [slice(None)] * x.ndim
    inner[axis] = slice(None, -1)
    before = np.cumprod(np.concatenate((ones, x[tuple(inner)]), axis), axis)
    behind = np.cumprod(np.concatenate((ones, np.flip(x, axis)[tuple(inner)]), axis), axis)
    return before * np.flip(behind, axis)


def _prod_dx(dz, x, axis, keepdims):
    others = (
        _products_of_others(x.reshape(-1), 0).reshape(x.shape)
        if axis is None
        else _products_of_others(x, axis)
    )
    return others * _restore(dz, x.shape, axis, keepdims)


def _cumprod_dx(dz, x, axis):
    """dx_i = Π_{k<i} x_k · s_i,  s_i = dz_i + x_{i+1} · s_{i+1}: right also where x holds zeros."""
    x, dz = np.moveaxis(x, axis, 0), np.moveaxis(dz, axis, 0)
    tail = np.array(dz)
    for i in range(len(x) - 2, -1, -1):
        tail[i] += x[i + 1] * tail[i + 1]
    tail[1:] *= np.cumprod(x[:-1], 0)
    return np.moveaxis(tail, 0, axis)


ROWS = (
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
    Expression("prod", lambda x, *, axis, keepdims: np.prod(x, axis, keepdims=keepdims), dx=_prod_dx),
    Expression("amax", lambda x, *, axis, keepdims: np.max(x, axis, keepdims=keepdims), dx=_share),
    Expression("amin", lambda x, *, axis, keepdims: np.min(x, axis, keepdims=keepdims), dx=_share),
    Expression(
        "logsumexp",
        _logsumexp,
        dx=lambda dz, z, x, axis, keepdims: (
            _restore(dz, x.shape, axis, keepdims) * np.exp(x - _restore(z, x.shape, axis, keepdims))
        ),
    ),
    Expression("norm", _norm, dx=_norm_dx),
    Expression(
        "cumsum",
        lambda x, *, axis: np.cumsum(x, axis),
        dx=lambda dz, axis: np.flip(np.cumsum(np.flip(dz, axis), axis), axis),
    ),
    Expression("cumprod", lambda x, *, axis: np.cumprod(x, axis), dx=_cumprod_dx),
    # without gradients
    Expression("any", lambda x, *, axis, keepdims: np.any(x, axis, keepdims=keepdims)),
    Expression("all", lambda x, *, axis, keepdims: np.all(x, axis, keepdims=keepdims)),
    Expression("argmax", lambda x, *, axis, keepdims: np.argmax(x, axis, keepdims=keepdims)),
    Expression("argmin", lambda x, *, axis, keepdims: np.argmin(x, axis, keepdims=keepdims)),
    Expression("argsort", lambda x, *, axis: np.argsort(x, axis, stable=True)),
)
