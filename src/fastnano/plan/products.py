"""Matrix products (``x @ y`` and its gradients) as native calls: of every sample, or with one matrix for all.

# Design: operands are arrays of numbered elements of one sample, on which transposing, broadcasting and NumPy's rules
# for vectors are NumPy's own; what then is no longer in order is put in order by ``take`` or ``spread``.  One matrix
# for all is a dense layer's weight (``linear``); all else is a product for every sample (``matmul``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._rows import Formula
from .recording import Call, NotPlannable

if TYPE_CHECKING:
    from .lowering import Lowering, Value


class Operand(NamedTuple):
    """A matrix, or a stack of them, that lies in a value."""

    value: Value
    places: np.ndarray  # which of its elements: (..., rows, columns)

    @property
    def of_samples(self) -> bool:
        """Whether every sample has matrices of its own, rather than rows of one."""
        return self.value.batched and self.places.ndim > 2


def _column(x: np.ndarray) -> np.ndarray:
    return x[..., None]


def _turned(x: np.ndarray) -> np.ndarray:
    return x.swapaxes(-1, -2)


def _as_matrix(dz: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of a product, with the axes that a vector took from it."""
    dz = _column(dz) if y.ndim == 1 else dz
    return dz[..., None, :] if x.ndim == 1 else dz


Factors = tuple[tuple[str, np.ndarray], tuple[str, np.ndarray]]
_FACTORS: dict[str, Callable[..., Factors]] = {  # of z, dx and dy, where vectors are rows or columns
    "matmul_forward": lambda x, y: (
        ("x", x[None] if x.ndim == 1 else x),
        ("y", _column(y) if y.ndim == 1 else y),
    ),
    "matmul_dx": lambda dz, x, y: (
        ("dz", _as_matrix(dz, x, y)),
        ("y", y[None] if y.ndim == 1 else _turned(y)),
    ),
    "matmul_dy": lambda dz, x, y: (
        ("x", _column(x) if x.ndim == 1 else _turned(x)),
        ("dz", _as_matrix(dz, x, y)),
    ),
}


def is_product(rule: Formula) -> bool:
    """Whether a formula is a product of matrices."""
    return rule.name in _FACTORS


def lower_product(to: Lowering, call: Call, reads: dict[str, Value], out: Value) -> None:
    """Add the nodes of a product."""
    name = call.rule.name
    numbered = {
        n: np.arange(value.size).reshape(to.row(call.reads[n].shape, value.batched))
        for n, value in reads.items()
    }
    a, b = (Operand(reads[n], places) for n, places in _FACTORS[name](**numbered))
    if all(o.of_samples or not o.value.batched for o in (a, b)) and out.batched == (
        a.value.batched or b.value.batched
    ):
        _of_samples(to, a, b, out)
    elif out.batched and name != "matmul_dy" and not b.value.batched and b.places.ndim == 2:
        _with_one(to, a, b, out)
    elif not out.batched and name == "matmul_dy" and a.value.batched and b.value.batched:
        _over_samples(to, a, b, out)
    else:
        raise NotPlannable(f"{name} mixes the samples of a batch")


def _of_samples(to: Lowering, a: Operand, b: Operand, out: Value) -> None:
    rows, columns = a.places.shape[-2], b.places.shape[-1]
    if a.value.batched and not b.value.batched and math.prod(b.places.shape[:-2]) == 1:
        _with_one(to, a, Operand(b.value, b.places.reshape(b.places.shape[-2:])), out)
        return
    lead = np.broadcast_shapes(a.places.shape[:-2], b.places.shape[:-2])
    x, y = (_placed(to, o, (*lead, *o.places.shape[-2:]), out.batched) for o in (a, b))
    number = math.prod(lead)
    to.add("matmul_forward", x, y, out, fold=number, n=number, i=rows, k=a.places.shape[-1], j=columns)


def _with_one(to: Lowering, a: Operand, b: Operand, out: Value) -> None:
    """One matrix for all: the rows of all samples are those of a dense layer."""
    inner, columns = b.places.shape
    weight = _placed(to, Operand(b.value, b.places.T), b.places.T.shape, False)
    bias = to.constant(np.zeros(columns, np.float32))
    x = _placed(to, a, a.places.shape, True)
    to.add("linear_forward", x, weight, bias, out, fold=a.places.size // inner, i=inner, o=columns)


def _over_samples(to: Lowering, a: Operand, b: Operand, out: Value) -> None:
    """xᵀ dz summed over all rows of all samples: a dense layer's gradient."""
    inner, rows, columns = *a.places.T.shape[-2:], b.places.shape[-1]
    x = _placed(to, Operand(a.value, a.places.T), a.places.T.shape, True)
    dz, sums = _placed(to, b, b.places.shape, True), to.made((rows,))
    to.add("linear_dweight", x, dz, out, sums, fold=inner, i=columns, o=rows)


def _placed(to: Lowering, operand: Operand, shape: tuple[int, ...], batched: bool) -> Value:
    """The elements of an operand in the order of its places, spread over a shape."""
    value, places = operand.value, np.broadcast_to(operand.places, shape)
    if value.batched == batched and np.array_equal(places.reshape(-1), np.arange(value.size)):
        return value
    return to.moved(value, places, shape, batched)
