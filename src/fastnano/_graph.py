"""Looking at a graph: its nodes in topological order, and its gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .autograd import Tensor, backpropagate, topological_order


def graph(root: Tensor, names: Mapping[str, Tensor] | None = None) -> str:
    """The graph of an expression in topological order: one line per tensor, with its value and its gradient
    (of ``root`` with respect to it; of the sum of root's values where it has several).

    ``names`` gives names to tensors: ``print(fastnano.graph(o, {"a": a, "b": b}))``.  The others are %0, %1,
    ...
    """
    named = {id(t): name for name, t in (names or {}).items()}
    order = _all_tensors(root)
    gradients: dict[int, np.ndarray] = {}
    if root.requires_grad:
        gradients = {id(t): g for t, g in backpropagate(root, np.ones_like(root.data))}
    label = {id(t): named.get(id(t), f"%{i}") for i, t in enumerate(order)}
    rows = []
    for t in order:
        made = "leaf" if t.requires_grad else "constant"
        if t._node is not None:
            made = f"{t._node.op.name}({', '.join(label[id(x)] for x in t._node.inputs)})"
        gradient = _show(gradients[id(t)]) if id(t) in gradients else "-"
        rows.append((label[id(t)], made, f"value {_show(t.data)}", f"grad {gradient}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _all_tensors(root: Tensor) -> list[Tensor]:
    """Topological order, constants included just before they are first used."""
    order: list[Tensor] = []
    seen: set[int] = set()
    for t in topological_order(root):
        inputs = () if t._node is None else t._node.inputs
        for x in (*inputs, t):
            if id(x) not in seen:
                seen.add(id(x))
                order.append(x)
    return order


def _show(array: np.ndarray) -> str:
    if array.size > 6:
        return f"{array.dtype}{list(array.shape)}"
    return np.array2string(array, precision=4, separator=", ").replace("\n", "")


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor] | Tensor,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients of ``function(*inputs)`` with central differences, (f(x + eps) − f(x − eps)) / (2
    eps), for every element of every float64 input that requires a gradient.

    Raises ValueError naming the input, the place and both values (or returns False).
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [(i, x) for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck: no input requires a gradient")
    for i, x in checked:
        if x.dtype != np.float64:
            raise TypeError(
                f"gradcheck: input {i} is {x.dtype}; finite differences need float64 (use .double())"
            )
    output = function(*inputs)
    weights = np.random.default_rng(0).standard_normal(output.shape)
    analytic = {id(t): g for t, g in backpropagate(output, weights)}
    for i, x in checked:
        found = analytic.get(id(x), np.zeros_like(x.data))
        expected = _central_differences(function, inputs, x, weights, eps)
        wrong = ~np.isclose(found, expected, rtol=rtol, atol=atol)
        if wrong.any():
            place = tuple(int(k) for k in np.argwhere(wrong)[0])
            if raise_exception:
                raise ValueError(
                    f"gradcheck: input {i} at {place}: backward gives {found[place]:.6g}, "
                    f"finite differences {expected[place]:.6g}"
                )
            return False
    return True


def _central_differences(
    function: Callable[..., Any], inputs: Sequence[Any], x: Tensor, weights: np.ndarray, eps: float
) -> np.ndarray:
    """The gradient of Σ weights · function(*inputs) with respect to x; x is left as it was."""
    gradient = np.empty_like(x.data)
    original, changed = x.data, x.data.copy()
    x.data = changed
    try:
        for place in np.ndindex(original.shape):
            changed[place] = original[place] + eps
            above = (function(*inputs).data * weights).sum()
            changed[place] = original[place] - eps
            below = (function(*inputs).data * weights).sum()
            changed[place] = original[place]
            gradient[place] = (above - below) / (2 * eps)
    finally:
        x.data = original
    return gradient
