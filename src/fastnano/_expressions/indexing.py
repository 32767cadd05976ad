"""Elements picked and placed by an index."""

from __future__ import annotations

import numpy as np

from .._rows import Expression

__all__ = ["ROWS"]


def _scatter(dz, shape, index):
    """Zeros of a shape with dz added at an index, which may name a place more than once."""
    if (
        isinstance(index, np.ndarray)
        and index.ndim == 1
        and index.dtype.kind in "iu"
        and index.min(initial=0) >= 0
    ):
        return _segments(np.add, dz, index, shape[0])
    out = np.zeros(shape, dz.dtype)
    if all(
        i is None or i is ... or isinstance(i, (int, slice))
        for i in (index if isinstance(index, tuple) else (index,))
    ):
        out[index] = dz
    else:
        np.add.at(out, index, dz)
    return out


def _segments(reduce, x, index, size):
    """For each of ``size`` places what the rows of x that index sends there reduce to; 0 where there is none.

    Sorted by place they are reduced a place at a time, in half the time that ``np.add.at`` takes.
    """
    out = np.zeros((size, *x.shape[1:]), x.dtype)
    if len(index):
        order = np.argsort(index, kind="stable")
        places = index[order]
        starts = np.flatnonzero(np.diff(places.astype(np.int64), prepend=-1))
        out[places[starts]] = reduce.reduceat(x[order], starts, axis=0)
    return out


def _winners(dz, z, x, index, size):
    """dz handed to the rows of x that won their places, in equal parts where several did."""
    won = (x == z[index]).astype(x.dtype)
    return won / np.maximum(_segments(np.add, won, index, size), 1)[index] * dz[index]


def _along(index, axis):
    """The places that an array of places along one axis means, those along the others being its own."""
    places = list(np.ogrid[tuple(map(slice, index.shape))])
    places[axis] = index
    return tuple(places)


def _add_along(shape, index, axis, values):
    """Zeros of a shape with values added at places along an axis."""
    out = np.zeros(shape, values.dtype)
    np.add.at(out, _along(index, axis), values)
    return out


def _with_along(x, index, axis, values):
    """A copy of x with values put at places along an axis."""
    out = x.copy()
    out[_along(index, axis)] = values
    return out


ROWS = (
    Expression("index", lambda x, *, index: x[index], dx=_scatter, moves=("forward", "dx")),
    Expression(
        "gather",
        lambda x, index, *, axis: x[_along(index, axis)],
        moves=("forward",),
        dx=lambda dz, shape, index, axis: _add_along(shape, index, axis, dz),
    ),
    Expression(
        "scatter",
        lambda x, y, index, *, axis: _with_along(x, index, axis, y),
        dx=lambda dz, index, axis: _with_along(dz, index, axis, 0),
        dy=lambda dz, index, axis: dz[_along(index, axis)],
    ),
    Expression(
        "scatter_add",
        lambda x, y, index, *, axis: x + _add_along(x.shape, index, axis, y),
        dx=lambda dz: dz,
        dy=lambda dz, index, axis: dz[_along(index, axis)],
    ),
    Expression(
        "segment_sum",
        lambda x, *, index, size: _segments(np.add, x, index, size),
        dx=lambda dz, index: dz[index],
    ),
    Expression(
        "segment_max",
        lambda x, *, index, size: _segments(np.maximum, x, index, size),
        dx=_winners,
    ),
)
