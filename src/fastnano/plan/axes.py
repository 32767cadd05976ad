"""What goes along axes (``amax``, ``gather``, their gradients) as native calls.

# Design: a kernel takes samples of [c, s], c being the axes.  Axes before them are folded into the samples, as they
# lie; axes that are not side by side are brought to the end by ``take`` first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._rows import Formula
from .recording import Call, NotPlannable

if TYPE_CHECKING:
    from .lowering import Lowering, Value

WHOLE = ("n", "c", "s")  # the letters of an array that has the axes


def goes_along(rule: Formula, kernels: Mapping[str, Any]) -> bool:
    """Whether a formula goes along an axis and has a kernel of its name."""
    return "axis" in rule.arguments and rule.name in kernels


def lower_along(to: Lowering, call: Call, reads: dict[str, Value], out: Value) -> None:
    """Add the nodes of a formula that is a kernel along its axes."""
    rule, contract, name = call.rule, to.kernels[call.rule.name].contract, call.rule.name
    assert isinstance(rule, Formula)
    arrays = call.reads | call.writes
    shape = next(arrays[a.name].shape for a in contract.arrays if a.letters == WHOLE)
    given = call.numbers["axis"]
    axes = sorted(range(len(shape)) if given is None else np.atleast_1d(given).tolist())
    if (out.batched and 0 in axes) or any(v.batched != out.batched for v in reads.values()):
        raise NotPlannable(f"{name} mixes the samples of a batch")
    places = np.arange(math.prod(to.row(shape, out.batched))).reshape(to.row(shape, out.batched))
    order = list(range(len(shape)))
    if axes != order[axes[0] : axes[-1] + 1]:
        order = [i for i in order if i not in axes] + axes
    places, first = places.transpose(order), order.index(axes[0])
    lead, along, rest = np.split(places.shape, [first, first + len(axes)])
    sizes = {"n": math.prod(lead), "c": math.prod(along), "s": math.prod(rest)}
    if "index" in reads:
        sizes["k"] = arrays["index"].shape[axes[0]]
        if sizes["n"] * sizes["k"] * sizes["s"] != reads["index"].size:
            raise NotPlannable(f"{name} has no native form where index has fewer places along other axes")
    operands = []
    for argument in contract.reads:
        value = reads[argument.name]
        value = to.as_whole(value) if argument.dtype else to.as_float(rule, value)
        operands.append(to.in_order(value, places) if argument.letters == WHOLE else value)
    (written,) = contract.writes
    out.dtype = written.dtype or np.dtype(np.float32)
    back = np.argsort(places, axis=None)  # from an array in the order of the places
    if written.letters != WHOLE or order == sorted(order):
        to.add(name, *operands, out, fold=sizes["n"], **sizes)
    else:
        result = to.made(out.shape, out.batched)
        to.add(name, *operands, result, fold=sizes["n"], **sizes)
        to.put(result, back, out)
