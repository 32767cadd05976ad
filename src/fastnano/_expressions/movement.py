"""Elements put elsewhere: views, copies, pieces joined."""

from __future__ import annotations

from functools import cache

import numpy as np

from .._rows import Expression

__all__ = ["ROWS", "join"]


def _undiagonal(dz, shape, offset, axis1, axis2):
    """Zeros of a shape with dz on a diagonal."""
    out = np.zeros(shape, dz.dtype)
    rows = np.arange(dz.shape[-1]) + max(-offset, 0)
    np.moveaxis(out, (axis1, axis2), (-2, -1))[..., rows, rows + offset] = dz
    return out


@cache
def join(count: int) -> Expression:
    """The row that puts so many arrays one behind the other along an axis."""

    def part(i):
        def gradient(dz, shapes, axis):
            start = sum(shapes[name][axis] for name in names[:i])
            return dz[(slice(None),) * axis + (slice(start, start + shapes[names[i]][axis]),)]

        return gradient

    def forward(*arrays, axis):
        return np.concatenate(arrays, axis)

    names = tuple(f"x{i}" for i in range(count))
    gradients = {f"d{name}": part(i) for i, name in enumerate(names)}
    return Expression("cat", forward, inputs=names, moves=("forward", *gradients), **gradients)


ROWS = (
    Expression("clone", lambda x: x.copy(), dx=lambda dz: dz, moves=("forward",)),
    Expression("cast", lambda x, *, dtype: x.astype(dtype), dx=lambda dz: dz),
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
    Expression("expand", lambda x, *, to: np.broadcast_to(x, to), dx=lambda dz: dz, moves=("forward",)),
    Expression(
        "pad",
        lambda x, *, widths, value: np.pad(x, widths, constant_values=value),
        moves=("forward", "dx"),
        dx=lambda dz, widths: dz[tuple(slice(a, dz.shape[i] - b) for i, (a, b) in enumerate(widths))],
    ),
    Expression(
        "flip",
        lambda x, *, axes: np.flip(x, axes).copy(),
        moves=("forward", "dx"),
        dx=lambda dz, axes: np.flip(dz, axes),
    ),
    Expression(
        "roll",
        lambda x, *, shifts, axes: np.roll(x, shifts, axes),
        moves=("forward", "dx"),
        dx=lambda dz, shifts, axes: np.roll(dz, [-s for s in np.atleast_1d(shifts)], axes),
    ),
    # triangles and diagonals
    Expression(
        "tril",
        lambda x, *, diagonal: np.tril(x, diagonal),
        moves=("forward", "dx"),
        dx=lambda dz, diagonal: np.tril(dz, diagonal),
    ),
    Expression(
        "triu",
        lambda x, *, diagonal: np.triu(x, diagonal),
        moves=("forward", "dx"),
        dx=lambda dz, diagonal: np.triu(dz, diagonal),
    ),
    Expression(
        "diagonal",
        lambda x, *, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2),
        moves=("forward", "dx"),
        dx=_undiagonal,
    ),
    Expression(
        "diag_embed",
        lambda x, *, offset: _undiagonal(
            x, (*x.shape[:-1], *2 * (x.shape[-1] + abs(offset),)), offset, -2, -1
        ),
        moves=("forward", "dx"),
        dx=lambda dz, offset: np.diagonal(dz, offset, -2, -1),
    ),
)
