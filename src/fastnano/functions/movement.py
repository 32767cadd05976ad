"""Elements put elsewhere: other shapes, other orders, pieces joined and taken apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import called
from .._expressions.movement import join
from ..autograd import EXPRESSIONS, apply, as_tensor
from ._operands import axes, axis, new_shape, sizes

if TYPE_CHECKING:
    from ..autograd import Tensor

__all__ = [
    *("concatenate", "fliplr", "flipud", "moveaxis", "swapdims", "t"),
    *("broadcast_to", "cat", "chunk", "concat", "diag", "diag_embed", "diagonal", "expand", "expand_as"),
    *("flatten", "flip", "hstack", "movedim", "narrow", "permute", "ravel", "repeat"),
    *("repeat_interleave", "reshape", "reshape_as", "roll", "select", "split", "squeeze", "stack"),
    *("swapaxes", "tile", "trace", "transpose", "tril", "triu", "unbind", "unflatten", "unsqueeze", "view"),
    *("view_as", "vstack"),
]


def _view(x: Tensor, name: str, **numbers: Any) -> Tensor:
    """An expression that may show the memory of x, which then counts its changes too."""
    view = apply(EXPRESSIONS[name], x, **numbers)
    if view.data.base is not None and np.may_share_memory(view.data, x.data):
        view._version = x._version
    return view


# Shapes


def reshape(input: Any, *shape: Any) -> Tensor:
    """The elements in their order in another shape; one size may be −1, what is left."""
    x, to = as_tensor(input), sizes("reshape", shape)
    if math.prod(to) != x.data.size or min(to, default=0) < 0:
        _check_shape(x, to)
    return _view(x, "reshape", to=to)


view = reshape


def _check_shape(x: Tensor, to: tuple[int, ...]) -> None:
    known = math.prod(n for n in to if n != -1)
    if min(to, default=0) < -1 or to.count(-1) > 1:
        raise ValueError(f"reshape: shape={to} must hold sizes, and -1 at most once, for what is left")
    if (x.data.size % known if known else x.data.size) if -1 in to else known != x.data.size:
        raise ValueError(
            f"reshape: shape={to} does not fit the {x.data.size} elements of a tensor of shape {x.shape}; its sizes "
            "must multiply to their number, and one may be -1, for what is left"
        )
    if -1 in to and not known:
        raise ValueError(f"reshape: shape={to} leaves open what -1 is, since another size is 0; say it")


def reshape_as(input: Any, other: Any) -> Tensor:
    """``reshape`` to the shape of another tensor."""
    return reshape(input, as_tensor(other).shape)


view_as = reshape_as


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes start_dim to end_dim as one.

    Raises ValueError where start_dim comes after end_dim.
    """
    x = as_tensor(input)
    start, end = (axis("flatten", d, x.shape) for d in (start_dim, end_dim))
    if start > end:
        raise ValueError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}")
    return reshape(x, (*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))


def ravel(input: Any) -> Tensor:
    """All elements along one axis."""
    return reshape(input, (-1,))


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis as several of these sizes; one may be −1, what is left.

    Raises ValueError where the sizes do not multiply to that of the axis.
    """
    x = as_tensor(input)
    where = axis("unflatten", dim, x.shape)
    known = -math.prod(sizes) if -1 in sizes else math.prod(sizes)
    if known == 0 or x.shape[where] % known or (-1 not in sizes and known != x.shape[where]):
        raise ValueError(f"unflatten: axis {dim} of shape {x.shape} does not split into {tuple(sizes)}")
    inner = tuple(x.shape[where] // known if size == -1 else size for size in sizes)
    return reshape(x, (*x.shape[:where], *inner, *x.shape[where + 1 :]))


def unsqueeze(input: Any, dim: int) -> Tensor:
    """A new axis of size 1."""
    x = as_tensor(input)
    where = axis("unsqueeze", dim, x.shape, x.ndim + 1)
    return reshape(x, (*x.shape[:where], 1, *x.shape[where:]))


def squeeze(input: Any, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """Without the axes of size 1: all of them, or those of ``dim`` that have it."""
    x = as_tensor(input)
    where = range(x.ndim) if dim is None else axes("squeeze", dim, x.shape) or ()
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in where))


def expand(input: Any, *size: Any) -> Tensor:
    """The elements repeated along axes of size 1; −1 keeps an axis as it is.

    Raises ValueError for a shape of fewer axes, or another size of an axis that is not 1.
    """
    x, to = as_tensor(input), sizes("expand", size)
    if len(to) < x.ndim:
        raise ValueError(f"expand: shape={to} must have at least the {x.ndim} axes of {x.shape}")
    own = (1,) * (len(to) - x.ndim) + x.shape
    new = len(to) - x.ndim
    if any(n < 0 if i < new else n not in (own[i], -1) and (own[i] != 1 or n < 0) for i, n in enumerate(to)):
        raise ValueError(
            f"expand: size={to} does not fit a tensor of shape {x.shape}: only axes of size 1 can grow, and -1 keeps "
            "one as it is; repeat copies whole tensors"
        )
    return _view(x, "expand", to=tuple(n if size == -1 else size for size, n in zip(to, own, strict=True)))


broadcast_to = expand


def expand_as(input: Any, other: Any) -> Tensor:
    """``expand`` to the shape of another tensor."""
    return expand(input, as_tensor(other).shape)


# Orders


def permute(input: Any, *dims: Any) -> Tensor:
    """The axes in another order.

    Raises ValueError where the axes are not named once each.
    """
    x = as_tensor(input)
    given = sizes("permute", dims)
    order = tuple(axis("permute", d, x.shape) for d in given)
    if len(order) != x.ndim or len(set(order)) != x.ndim:
        raise ValueError(f"permute: dims={given} must name each axis of shape {x.shape} once")
    return _view(x, "permute", axes=order)


def transpose(input: Any, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    x = as_tensor(input)
    order = list(range(x.ndim))
    a, b = (axis("transpose", d, x.shape) for d in (dim0, dim1))
    if order:
        order[a], order[b] = order[b], order[a]
    return permute(x, order)


swapdims = transpose


def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    """``transpose``, under NumPy's name and those of its arguments."""
    return transpose(input, axis0, axis1)


def movedim(input: Any, source: Any, destination: Any) -> Tensor:
    """Axes put at other places, the rest in their order.

    Raises ValueError where source and destination differ in number.
    """
    x = as_tensor(input)
    start, end = axes("movedim", source, x.shape) or (), axes("movedim", destination, x.shape) or ()
    if len(start) != len(end):
        raise ValueError(f"movedim: source={source} and destination={destination} differ in number")
    order = [d for d in range(x.ndim) if d not in start]
    for place, d in sorted(zip(end, start, strict=True)):
        order.insert(place, d)
    return permute(x, order)


moveaxis = movedim


def t(input: Any) -> Tensor:
    """The rows of a matrix as its columns; a vector as it is."""
    x = as_tensor(input)
    if x.ndim > 2:
        raise ValueError(f"t: input has shape {x.shape}, expected a matrix or a vector")
    return transpose(x, 0, x.ndim - 1) if x.ndim else x


def flip(input: Any, *dims: Any) -> Tensor:
    """The elements in reverse along some axes; a copy."""
    x = as_tensor(input)
    return apply(EXPRESSIONS["flip"], x, axes=axes("flip", sizes("flip", dims), x.shape) or ())


def fliplr(input: Any) -> Tensor:
    """The second axis in reverse."""
    return flip(input, 1)


def flipud(input: Any) -> Tensor:
    """The first axis in reverse."""
    return flip(input, 0)


def roll(input: Any, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved on by so many places, those that leave coming in at the other end.

    Raises ValueError where shifts and axes differ in number.
    """
    x = as_tensor(input)
    where = axes("roll", dims, x.shape)
    count = 1 if isinstance(shifts, int) else len(shifts)
    if where is not None and len(where) != count:
        raise ValueError(f"roll: shifts={shifts} and dims={dims} differ in number")
    shifts = shifts if where is None or not isinstance(shifts, int) else (shifts,)
    return apply(EXPRESSIONS["roll"], x, shifts=shifts, axes=where)


# Repetition


def repeat(input: Any, *repeats: Any) -> Tensor:
    """x so many times along each axis, one copy after another; further axes come first.

    Raises ValueError where there are fewer counts than axes.
    """
    x, times = as_tensor(input), new_shape("repeat", repeats)
    if len(times) < x.ndim:
        raise ValueError(f"repeat: {times} must count for at least the {x.ndim} axes of {x.shape}")
    own = (1,) * (len(times) - x.ndim) + x.shape
    pairs = tuple(pair for n in own for pair in (1, n))
    spread = tuple(pair for t, n in zip(times, own, strict=True) for pair in (t, n))
    y = reshape(expand(reshape(x, pairs), spread), tuple(t * n for t, n in zip(times, own, strict=True)))
    return y if y.data.flags.writeable else y.clone()


def tile(input: Any, *dims: Any) -> Tensor:
    """``repeat``, where fewer counts than axes stand for the last ones."""
    x, times = as_tensor(input), new_shape("tile", dims)
    return repeat(x, (1,) * (x.ndim - len(times)) + times)


def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Tensor:
    """Each element so many times, its copies side by side; along one axis, or of all elements."""
    x = ravel(input) if dim is None else as_tensor(input)
    where = axis("repeat_interleave", -1 if dim is None else dim, x.shape)
    times = as_tensor(repeats).data
    if (
        times.dtype.kind not in "iu"
        or times.min(initial=0) < 0
        or times.shape not in ((), (1,), (x.shape[where],))
    ):
        raise ValueError(
            f"repeat_interleave: repeats={repeats} must be a whole number, at least 0, or one for each of the "
            f"{x.shape[where]} places of axis {where}"
        )
    return x.index_select(where, np.repeat(np.arange(x.shape[where]), times))


# Pieces


def cat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors one behind the other along an axis; their other sizes are equal.

    Raises ValueError where other sizes differ, or for single numbers; TypeError for float32 beside float64.
    """
    parts = _parts("cat", tensors)
    shape = parts[0].shape
    if not shape:
        raise ValueError("cat: single numbers have no axis to join along; use stack")
    where = axis("cat", dim, shape)
    for x in parts:
        if x.ndim != len(shape) or x.shape[:where] + x.shape[where + 1 :] != (
            shape[:where] + shape[where + 1 :]
        ):
            raise ValueError(
                f"{called('cat')}: a tensor of shape {x.shape} does not fit one of shape {shape} along dim={dim}; "
                f"the sizes of the other axes must be equal"
            )
    kinds = {x.dtype for x in parts}
    if len(kinds) > 1 and sum(k.kind == "f" for k in kinds) > 1:
        raise TypeError(
            f"{called('cat')}: the tensors are {', '.join(sorted(map(str, kinds)))}; convert with .float() or .double()"
        )
    kind = next((k for k in kinds if k.kind == "f"), np.result_type(*kinds))
    return apply(join(len(parts)), *(x.to(kind) for x in parts), axis=where)


concat = concatenate = cat


def _parts(name: str, tensors: Sequence[Any]) -> list[Tensor]:
    parts = [as_tensor(x) for x in tensors]
    if not parts:
        raise ValueError(f"{name}: tensors={tensors!r} is empty, expected at least one to join")
    return parts


def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis.

    Raises ValueError where the shapes differ.
    """
    parts = _parts("stack", tensors)
    where = axis("stack", dim, parts[0].shape, parts[0].ndim + 1)
    for i, x in enumerate(parts):
        if x.shape != parts[0].shape:
            raise ValueError(
                f"stack: tensors[{i}] has shape {x.shape}, expected {parts[0].shape} as tensors[0]; cat joins along an "
                "axis that is there"
            )
    return cat([unsqueeze(x, where) for x in parts], where)


def hstack(tensors: Sequence[Any]) -> Tensor:
    """``cat`` along the second axis; of vectors along the only one."""
    parts = [x if x.ndim else reshape(x, (1,)) for x in _parts("hstack", tensors)]
    return cat(parts, min(1, parts[0].ndim - 1))


def vstack(tensors: Sequence[Any]) -> Tensor:
    """``cat`` along the first axis; vectors become rows."""
    return cat([reshape(x, (1, -1)) if x.ndim < 2 else x for x in _parts("vstack", tensors)])


def narrow(input: Any, dim: int, start: int, length: int) -> Tensor:
    """The places start to start + length − 1 along an axis.

    Raises ValueError where the places do not lie in the axis.
    """
    x = as_tensor(input)
    size = x.shape[axis("narrow", dim, x.shape)] if x.ndim else 0
    begin = start + size if start < 0 else start
    if length < 0 or not 0 <= begin <= size - length:
        raise ValueError(
            f"narrow: start={start} and length={length} must lie within the {size} places of axis {dim} of {x.shape}"
        )
    return _view(x, "index", index=_at("narrow", x, dim, slice(begin, begin + length)))


def select(input: Any, dim: int, index: int) -> Tensor:
    """One place along an axis, which is lost."""
    x = as_tensor(input)
    return _view(x, "index", index=_at("select", x, dim, index))


def _at(name: str, x: Tensor, dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * axis(name, dim, x.shape) + (index,)


def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Every place along an axis, which is lost."""
    x = as_tensor(input)
    return tuple(select(x, dim, i) for i in range(x.shape[axis("unbind", dim, x.shape)]))


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one size along an axis, the last perhaps smaller; or of these sizes.

    Raises ValueError where the sizes do not add up to that of the axis, or the one size is below 1.
    """
    x, given = as_tensor(tensor), split_size_or_sections
    whole = x.shape[axis("split", dim, x.shape)]
    if isinstance(given, int):
        if given < 1:
            raise ValueError(f"split: split_size_or_sections={given} must be at least 1")
        given = [min(given, whole - start) for start in range(0, whole, given)] or [0]
    if sum(given) != whole:
        raise ValueError(f"split: the sizes {tuple(given)} do not add up to {whole}, axis {dim} of {x.shape}")
    starts = np.cumsum([0, *given]).tolist()
    return tuple(narrow(x, dim, start, size) for start, size in zip(starts, given, strict=False))


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most so many pieces of one size along an axis, the last perhaps smaller.

    Raises ValueError for less than one piece.
    """
    x = as_tensor(input)
    if chunks < 1:
        raise ValueError(f"chunk: chunks={chunks} must be at least 1")
    size = x.shape[axis("chunk", dim, x.shape)]
    return split(x, -(-size // chunks) if size else [0] * chunks, dim)


# Triangles and diagonals


def tril(input: Any, diagonal: int = 0) -> Tensor:
    """Zero above a diagonal of the last two axes."""
    return apply(EXPRESSIONS["tril"], _matrices("tril", input), diagonal=diagonal)


def triu(input: Any, diagonal: int = 0) -> Tensor:
    """Zero below a diagonal of the last two axes."""
    return apply(EXPRESSIONS["triu"], _matrices("triu", input), diagonal=diagonal)


def _matrices(name: str, input: Any) -> Tensor:
    x = as_tensor(input)
    if x.ndim < 2:
        raise ValueError(f"{name}: input has shape {x.shape}, expected at least 2 axes, (*, rows, columns)")
    return x


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A diagonal of two axes, as the last axis."""
    x = as_tensor(input)
    where = (axis("diagonal", d, x.shape) for d in (dim1, dim2))
    return _view(x, "diagonal", offset=offset, **dict(zip(("axis1", "axis2"), where, strict=True)))


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices on axes dim1 and dim2 that are zero but for a diagonal, which is the last axis of input."""
    y = apply(EXPRESSIONS["diag_embed"], as_tensor(input), offset=offset)
    rows, columns = (axis("diag_embed", d, y.shape) for d in (dim1, dim2))
    if rows == columns:
        raise ValueError(f"diag_embed: dim1={dim1} and dim2={dim2} are one axis")
    return y if (rows, columns) == (y.ndim - 2, y.ndim - 1) else movedim(y, (-2, -1), (rows, columns))


def diag(input: Any, diagonal: int = 0) -> Tensor:
    """A diagonal of a matrix; of a vector, the matrix that has it as its diagonal.

    Raises ValueError for other numbers of axes.
    """
    x = as_tensor(input)
    if x.ndim not in (1, 2):
        raise ValueError(f"diag: input has shape {x.shape}, expected a vector or a matrix")
    return diag_embed(x, diagonal) if x.ndim == 1 else x.diagonal(diagonal).clone()


def trace(input: Any) -> Tensor:
    """The sum of a matrix's diagonal.

    Raises ValueError for what is no matrix.
    """
    x = as_tensor(input)
    if x.ndim != 2:
        raise ValueError(f"trace: input has shape {x.shape}, expected a matrix")
    return diagonal(x).sum()
