"""Elements picked and placed by an index, and in order of their size."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._errors import called
from ..autograd import EXPRESSIONS, apply, as_tensor, examine
from ._operands import axis, common_shape, element, operands
from .elementwise import maximum, minimum, where
from .movement import _at

if TYPE_CHECKING:
    from ..autograd import Tensor

__all__ = [
    *("argsort", "bincount", "gather", "index_add", "index_select", "kthvalue", "masked_fill"),
    *("masked_select", "max", "median", "min", "nonzero", "scatter", "scatter_add", "sort"),
    *("take_along_dim", "topk", "unique"),
]


class Ordered(NamedTuple):
    """Values that were found by their size, and the places along the axis where they lie, int64."""

    values: Tensor
    indices: Tensor


def _places(name: str, x: Tensor, dim: int, index: Any) -> tuple[int, Tensor]:
    """The axis, and whole numbers that are places along it, as many axes as x."""
    place, index = axis(name, dim, x.shape), as_tensor(index)
    if index.dtype.kind not in "iu":
        raise TypeError(
            f"{called(name)}: index must hold whole numbers, got {index.dtype}; convert with .long()"
        )
    if index.ndim != x.ndim or builtins.any(
        n > m for i, (n, m) in enumerate(zip(index.shape, x.shape, strict=True)) if i != place
    ):
        raise ValueError(
            f"{called(name)}: index has shape {index.shape}, expected as many axes as input, of shape {x.shape}, and "
            f"none longer but axis {place}"
        )

    size = x.shape[place] if x.ndim else 1

    def stray(whole: np.ndarray) -> int | None:
        wrong = whole[(whole < 0) | (whole >= size)]
        return int(wrong[0]) if wrong.size else None

    found = examine(index.data, stray, otherwise=stray)
    if found is not None:
        raise IndexError(
            f"{called(name)}: index holds {found}, expected places from 0 to {size - 1} along axis {dim} of shape "
            f"{x.shape}"
        )
    return place, index


def gather(input: Any, dim: int, index: Any) -> Tensor:
    """y[i, j, ...] = x[index[i, j, ...], j, ...] for dim = 0, and so for any axis."""
    x = as_tensor(input)
    place, index = _places("gather", x, dim, index)
    return apply(EXPRESSIONS["gather"], x, index, axis=place)


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Tensor:
    """``gather``, where input and indices are broadcast along the other axes; without dim, of all elements."""
    x, indices = as_tensor(input), as_tensor(indices)
    if dim is None:
        return gather(x.ravel(), 0, indices.ravel())
    place = axis("take_along_dim", dim, x.shape)
    rest = np.broadcast_shapes(*((*s[:place], 1, *s[place + 1 :]) for s in (x.shape, indices.shape)))
    whole = ((*rest[:place], t.shape[place], *rest[place + 1 :]) for t in (x, indices))
    x, indices = (t.expand(shape) for t, shape in zip((x, indices), whole, strict=True))
    return gather(x, place, indices)


def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None) -> Tensor:
    """x with y[index[i, j, ...], j, ...] = src[i, j, ...] for dim = 0, and so for any axis; src may be a number,
    the ``value``.

    Raises TypeError where not one of src and value is given.
    """
    if (src is None) == (value is None):
        raise TypeError("scatter: give one of src and value")
    return _scatter("scatter", input, dim, index, element(input, value if src is None else src))


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Tensor:
    """x with src[i, j, ...] added at y[index[i, j, ...], j, ...] for dim = 0, and so for any axis."""
    return _scatter("scatter_add", input, dim, index, src)


def _scatter(name: str, x: Any, dim: int, index: Any, src: Any) -> Tensor:
    x, src = operands(name, x, src)
    place, index = _places(name, x, dim, index)
    src = src.expand(index.shape) if not src.ndim else src
    if src.ndim != index.ndim or builtins.any(n < m for n, m in zip(src.shape, index.shape, strict=True)):
        raise ValueError(
            f"{called(name)}: src has shape {src.shape}, expected that of index, {index.shape}, or larger"
        )
    return apply(EXPRESSIONS[name], x, src[tuple(map(slice, index.shape))], index, axis=place)


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """x with alpha · source[i] added to its place index[i] along an axis."""
    x, source = operands("index_add", input, source)
    place = axis("index_add", dim, x.shape)
    index, rest = as_tensor(index), (*x.shape[:place], *x.shape[place + 1 :])
    if source.shape != (*rest[:place], index.numel(), *rest[place:]):
        raise ValueError(
            f"index_add: source has shape {source.shape}, expected that of input, {x.shape}, but along axis {place} "
            f"as many places as index has, {index.numel()}"
        )
    spread = index.reshape((-1,) + (1,) * (x.ndim - place - 1)).expand(source.shape)
    return scatter_add(x, dim, spread, source if alpha == 1 else source * alpha)


def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """The places of an index along an axis, in its order.

    Raises ValueError where the index is no vector of whole numbers.
    """
    x, index = as_tensor(input), as_tensor(index)
    if index.ndim > 1 or index.dtype.kind not in "iu":
        raise ValueError(
            f"index_select: index must be a vector of whole numbers, got {index.dtype} of shape {index.shape}"
        )
    return x[_at("index_select", x, dim, index.reshape(-1))]


def masked_select(input: Any, mask: Any) -> Tensor:
    """The elements at which a mask of bool holds, along one axis."""
    x, mask = as_tensor(input), _mask("masked_select", mask)
    shape = common_shape("masked_select", x, mask)
    return x.expand(shape)[mask.expand(shape)]


def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """value where a mask of bool holds, else x."""
    x = as_tensor(input)
    return where(_mask("masked_fill", mask), as_tensor(element(x, value)).to(x.dtype), x)


def _mask(name: str, mask: Any) -> Tensor:
    mask = as_tensor(mask)
    if mask.dtype != np.bool_:
        raise TypeError(f"{name}: mask must hold bool, got {mask.dtype}; compare, as in mask != 0")
    return mask


# By size


def max(input: Any, dim: Any = None, keepdim: builtins.bool = False) -> Any:
    """The largest element; with ``dim``, the pair (values, indices) along it; of two tensors, ``maximum``."""
    return maximum(input, dim) if _is_operand(dim) else _extreme("max", input, dim, keepdim)


def min(input: Any, dim: Any = None, keepdim: builtins.bool = False) -> Any:
    """The smallest element; with ``dim``, the pair (values, indices) along it; of two tensors, ``minimum``."""
    return minimum(input, dim) if _is_operand(dim) else _extreme("min", input, dim, keepdim)


def _is_operand(dim: Any) -> builtins.bool:
    return dim is not None and not isinstance(dim, (int, np.integer))


def _extreme(name: str, x: Any, dim: int | None, keepdim: builtins.bool) -> Any:
    x = as_tensor(x)
    if dim is None:
        return apply(EXPRESSIONS[f"a{name}"], x, axis=None, keepdims=False)
    if not x.ndim:
        return Ordered(x.clone(), as_tensor(np.zeros((), np.int64)))
    places = apply(EXPRESSIONS[f"arg{name}"], x, axis=axis(name, dim, x.shape), keepdims=True)
    return _at_places(x, dim, places, keepdim)


def _at_places(x: Tensor, dim: int, places: Tensor, keepdim: builtins.bool) -> Ordered:
    """What lies at one place along an axis, and the place."""
    found = Ordered(gather(x, dim, places), places)
    return found if keepdim else Ordered(*(t.squeeze(dim) for t in found))


def argsort(
    input: Any, dim: int = -1, descending: builtins.bool = False, stable: builtins.bool = False
) -> Tensor:
    """The places along an axis in order of their elements, equal ones as they were."""
    x = as_tensor(input)
    place = axis("argsort", dim, x.shape)
    if not x.ndim:
        return as_tensor(np.zeros((), np.int64))
    if not descending:
        return apply(EXPRESSIONS["argsort"], x, axis=place)
    backwards = apply(EXPRESSIONS["argsort"], x.flip(place), axis=place)
    return (x.shape[place] - 1 - backwards).flip(place)


def sort(
    input: Any, dim: int = -1, descending: builtins.bool = False, stable: builtins.bool = False
) -> Ordered:
    """The elements in order along an axis, equal ones as they were, and the places they had."""
    x, places = as_tensor(input), argsort(input, dim, descending)
    return Ordered(gather(x, dim, places) if x.ndim else x.clone(), places)


def topk(
    input: Any, k: int, dim: int = -1, largest: builtins.bool = True, sorted: builtins.bool = True
) -> Ordered:
    """The k largest (or smallest) elements along an axis, in order, and the places they had.

    Raises ValueError where k is not from 0 to the size of the axis.
    """
    x = as_tensor(input)
    place = axis("topk", dim, x.shape)
    if not 0 <= k <= (x.shape[place] if x.ndim else 1):
        raise ValueError(f"topk: k={k} must be from 0 to the size of axis {dim} of shape {x.shape}")
    values, places = sort(x, dim, descending=largest)
    return Ordered(values.narrow(dim, 0, k), places.narrow(dim, 0, k)) if x.ndim else Ordered(values, places)


def kthvalue(input: Any, k: int, dim: int = -1, keepdim: builtins.bool = False) -> Ordered:
    """The k-th smallest element along an axis, counted from 1, and its place.

    Raises ValueError where k is not from 1 to the size of the axis.
    """
    x = as_tensor(input)
    place = axis("kthvalue", dim, x.shape)
    if not 1 <= k <= (x.shape[place] if x.ndim else 1):
        raise ValueError(f"kthvalue: k={k} must be from 1 to the size of axis {dim} of shape {x.shape}")
    if not x.ndim:
        return Ordered(x.clone(), argsort(x))
    return _at_places(x, dim, argsort(x, dim).narrow(dim, k - 1, 1), keepdim)


def median(input: Any, dim: int | None = None, keepdim: builtins.bool = False) -> Any:
    """The middle element, of an even number the lower one; with ``dim``, the pair (values, indices) along it.

    Raises ValueError where the axis is empty.
    """
    x = as_tensor(input)
    if dim is None:
        return median(x.ravel(), 0).values
    if not x.ndim:
        return kthvalue(x, 1, dim, keepdim)
    size = x.shape[axis("median", dim, x.shape)]
    if not size:
        raise ValueError(f"median: axis {dim} of the tensor of shape {x.shape} is empty")
    order, unknown = argsort(x, dim), np.isnan(x.data).sum(dim, keepdims=True)
    rank = np.where(
        unknown, size - unknown, (size - 1) // 2
    )  # NaN come last, and the first of them is the answer
    places = np.take_along_axis(order.data, rank, dim)
    return _at_places(x, dim, as_tensor(places), keepdim)


# Without gradients


def nonzero(input: Any, as_tuple: builtins.bool = False) -> Any:
    """The indices of the elements other than 0, one row for each; ``as_tuple``: one vector for each axis."""
    places = (
        as_tensor(input).data.nonzero()
        if as_tensor(input).ndim
        else np.atleast_1d(as_tensor(input).data).nonzero()
    )
    if as_tuple:
        return tuple(map(as_tensor, places))
    return as_tensor(np.stack(places, 1)[:, : as_tensor(input).ndim])


def unique(
    input: Any,
    sorted: builtins.bool = True,
    return_inverse: builtins.bool = False,
    return_counts: builtins.bool = False,
    dim: int | None = None,
) -> Any:
    """Each value once, in order; beside them the place of each element's value, and how often each is there."""
    count: Any = np.unique
    found = count(as_tensor(input).data, return_inverse=return_inverse, return_counts=return_counts, axis=dim)
    return tuple(map(as_tensor, found)) if isinstance(found, tuple) else as_tensor(found)


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each whole number from 0 on is there, or the sum of its weights."""
    x, w = as_tensor(input), None if weights is None else as_tensor(weights)
    if x.ndim != 1 or x.dtype.kind not in "iub":
        raise TypeError(
            f"bincount: input must be a vector of whole numbers, got {x.dtype} of shape {x.shape}"
        )
    if x.data.min(initial=0) < 0:
        raise ValueError(f"bincount: input holds {x.data.min()}, expected whole numbers from 0")
    if w is not None and w.shape != x.shape:
        raise ValueError(f"bincount: weights has shape {w.shape}, expected that of input, {x.shape}")
    return as_tensor(np.bincount(x.data, None if w is None else w.data, minlength))
