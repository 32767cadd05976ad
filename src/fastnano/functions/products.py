"""Products of vectors, matrices and any number of axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._errors import called
from ..autograd import EXPRESSIONS, apply, as_tensor
from ._operands import axis, operands

if TYPE_CHECKING:
    from ..autograd import Tensor

__all__ = ["addmm", "baddbmm", "bmm", "dot", "einsum", "inner", "matmul", "mm", "mv", "outer", "tensordot"]


def matmul(input: Any, other: Any) -> Tensor:
    """Matrix product of the last two axes, the others broadcast; vectors count as a row, or a column."""
    return _product("matmul", input, other)


def _product(name: str, x: Any, y: Any, ndim: tuple[int, int] | None = None) -> Tensor:
    """A matrix product, of operands with these numbers of axes."""
    x, y = operands(name, x, y)
    if ndim is not None and (x.ndim, y.ndim) != ndim:
        raise ValueError(
            f"{called(name)}: the operands have shapes {x.shape} and {y.shape}, expected {ndim[0]} and {ndim[1]} axes"
        )
    if not (x.ndim and y.ndim):
        raise ValueError(
            f"{called(name)}: an operand of shapes {x.shape} and {y.shape} is a single number; multiply by *"
        )
    rows = -2 if y.ndim > 1 else 0
    if x.shape[-1] != y.shape[rows]:
        raise ValueError(
            f"{called(name)}: the operands have shapes {x.shape} and {y.shape}, expected axis -1 of the first as long "
            f"as axis {rows} of the second; .mT exchanges the last two"
        )
    return apply(EXPRESSIONS["matmul"], x, y)


def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices."""
    return _product("mm", input, mat2, (2, 2))


def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of two batches of matrices, one by one.

    Raises ValueError where there are not as many matrices in both.
    """
    x, y = as_tensor(input), as_tensor(mat2)
    if x.ndim == y.ndim == 3 and x.shape[0] != y.shape[0]:
        raise ValueError(
            f"bmm: input has shape {x.shape} and mat2 {y.shape}, expected as many matrices in both; matmul broadcasts"
        )
    return _product("bmm", x, y, (3, 3))


def mv(input: Any, vec: Any) -> Tensor:
    """The product of a matrix and a vector."""
    return _product("mv", input, vec, (2, 1))


def dot(input: Any, tensor: Any) -> Tensor:
    """Σ x_i y_i of two vectors."""
    return _product("dot", input, tensor, (1, 1))


def inner(input: Any, other: Any) -> Tensor:
    """Σ over the last axes of both."""
    x, y = as_tensor(input), as_tensor(other)
    return tensordot(x, y, ([-1], [-1])) if x.ndim and y.ndim else x * y


def outer(input: Any, vec2: Any) -> Tensor:
    """x_i · y_j of two vectors.

    Raises ValueError for what is no vector.
    """
    x, y = as_tensor(input), as_tensor(vec2)
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"outer: the operands have shapes {x.shape} and {y.shape}, expected two vectors")
    return x.unsqueeze(1) * y


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · mat1 mat2, of matrices."""
    return as_tensor(input) * beta + mm(mat1, mat2) * alpha


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · batch1 batch2, of batches of matrices."""
    return as_tensor(input) * beta + bmm(batch1, batch2) * alpha


def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """Σ over axes of a and as many of b: the last of a and the first of b, or those that two lists name.

    Raises ValueError where the sizes of the axes differ.
    """
    x, y = as_tensor(a), as_tensor(b)
    ours, theirs = (range(x.ndim - dims, x.ndim), range(dims)) if isinstance(dims, int) else dims
    left = [axis("tensordot", d, x.shape) for d in ours]
    right = [axis("tensordot", d, y.shape) for d in theirs]
    if [x.shape[d] for d in left] != [y.shape[d] for d in right]:
        raise ValueError(f"tensordot: axes {left} of shape {x.shape} do not fit {right} of shape {y.shape}")
    kept = [d for d in range(x.ndim) if d not in left], [d for d in range(y.ndim) if d not in right]
    shapes = [x.shape[d] for d in kept[0]], [y.shape[d] for d in kept[1]]
    summed = math.prod(x.shape[d] for d in left)
    rows = x.permute([*kept[0], *left]).reshape((math.prod(shapes[0]), summed))
    columns = y.permute([*right, *kept[1]]).reshape((summed, math.prod(shapes[1])))
    return (rows @ columns).reshape((*shapes[0], *shapes[1]))


# Einstein's sums: operands are taken in from the left, two at a time, each pair as one batched product of matrices


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products over named axes: ``einsum("bij,bjk->bik", x, y)`` is a batched product of matrices.

    A letter names an axis, in all operands it stands in; those that are not behind the arrow (by default: those
    that stand more than once) are summed over; ``...`` stands for any further axes, which are broadcast.

    Raises TypeError where the equation is no text, ValueError where it does not fit the operands.
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum: equation must be text such as 'ij,jk->ik', got {type(equation).__name__}")
    listed = len(operands) == 1 and isinstance(operands[0], (list, tuple))
    tensors = [as_tensor(x) for x in (operands[0] if listed else operands)]
    names, result = _subscripts(equation.replace(" ", ""), [x.shape for x in tensors])
    first, known = _one_operand(tensors[0], names[0])
    for i, (y, letters) in enumerate(zip(tensors[1:], names[1:], strict=True), 1):
        wanted = set(result).union(*names[i + 1 :])
        first, known = _pair(first, known, *_one_operand(y, letters), wanted)
    summed = [d for d, letter in enumerate(known) if letter not in result]
    first = first.sum(tuple(summed)) if summed else first
    known = [letter for letter in known if letter in result]
    return first.permute([known.index(letter) for letter in result])


def _subscripts(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[list[str]], list[str]]:
    """The letters of each operand and of the result; the axes of ``...`` are named by numbers from the end."""
    given, arrow, result = equation.partition("->")
    parts = given.split(",")
    if len(parts) != len(shapes):
        raise ValueError(f"einsum: {equation!r} names {len(parts)} operands, got {len(shapes)}")
    names, most = [], 0
    for part, shape in zip(parts, shapes, strict=True):
        before, ellipsis, behind = part.partition("...")
        hidden = len(shape) - len(before) - len(behind)
        if hidden < 0 or (hidden and not ellipsis):
            raise ValueError(f"einsum: {part!r} of {equation!r} does not name the axes of shape {shape}")
        most = max(most, hidden)
        names.append([*before, *(str(i) for i in range(-hidden, 0)), *behind])
    everything = [letter for letters in names for letter in letters]
    dots = [str(i) for i in range(-most, 0)]
    if not arrow:
        once = sorted(n for n in set(everything) if everything.count(n) == 1 and n.isalpha())
        return names, [*dots, *once]
    head, ellipsis, tail = result.partition("...")
    found = [*head, *(dots if ellipsis else ()), *tail]
    if not set(found) <= set(everything) or len(set(found)) < len(found):
        raise ValueError(f"einsum: {result!r} of {equation!r} must name axes of the operands, each once")
    return names, found


def _one_operand(x: Tensor, names: list[str]) -> tuple[Tensor, list[str]]:
    """x with each letter once: of one that stands twice, the diagonal."""
    for letter in dict.fromkeys(names):
        while names.count(letter) > 1:
            a = names.index(letter)
            b = names.index(letter, a + 1)
            if x.shape[a] != x.shape[b]:
                raise ValueError(f"einsum: axis {letter} has sizes {x.shape[a]} and {x.shape[b]}")
            x = x.diagonal(0, a, b)
            names = [n for d, n in enumerate(names) if d not in (a, b)] + [letter]
    return x, names


def _pair(
    x: Tensor, ours: list[str], y: Tensor, theirs: list[str], wanted: set[str]
) -> tuple[Tensor, list[str]]:
    """The product of two operands, summed over the letters that nothing else wants."""
    size = dict(zip(ours, x.shape, strict=True))
    for letter, n in zip(theirs, y.shape, strict=True):
        if size.get(letter, 1) == 1:
            size[letter] = n
        elif n not in (1, size[letter]):
            raise ValueError(f"einsum: axis {letter} has sizes {size[letter]} and {n}")
    both = [letter for letter in ours if letter in theirs]
    batch = [letter for letter in both if letter in wanted]
    summed = [letter for letter in both if letter not in wanted]
    left = _matrices(x, ours, size, batch, summed, wanted)
    right = _matrices(y, theirs, size, batch, summed, wanted)
    rows, columns = ([n for n in names if n not in both and n in wanted] for names in (ours, theirs))
    z = left @ right.transpose(1, 2)
    known = [*batch, *rows, *columns]
    return z.reshape([size[letter] for letter in known]), known


def _matrices(
    x: Tensor, names: list[str], size: dict[str, int], batch: list[str], summed: list[str], wanted: set[str]
) -> Tensor:
    """An operand as (batch, its own letters, letters summed over), less what only it has and nothing wants."""
    alone = tuple(d for d, n in enumerate(names) if n not in (*batch, *summed) and n not in wanted)
    x, names = (x.sum(alone) if alone else x), [n for d, n in enumerate(names) if d not in alone]
    own = [n for n in names if n not in (*batch, *summed)]
    x = x.permute([names.index(n) for n in (*batch, *own, *summed)])
    x = x.expand([size[n] for n in (*batch, *own, *summed)])
    return x.reshape([math.prod(size[n] for n in group) for group in (batch, own, summed)])
