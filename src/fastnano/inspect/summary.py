"""A network in a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._state import enable_grad
from ..autograd import Tensor
from ..nn import Module
from ._probe import Call, checked_dtype, record, tensors

_HEADS = ("layer", "type", "output", "parameters", "multiply-adds")


@dataclass
class _Row:
    name: str
    kind: str
    output: str
    parameters: int
    shared: bool  # all its parameters were counted in rows above
    products: int

    def cells(self) -> tuple[str, ...]:
        parameters = "shared" if self.shared else _number(self.parameters)
        return (self.name, self.kind, self.output, parameters, _number(self.products))


def count_parameters(model: Module, trainable_only: bool = False) -> int:
    """How many numbers a model learns, each parameter counted once; without the frozen ones if ``trainable_only``."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable_only)


def summary(model: Module, input_shape: tuple[int, ...] = (1, 28, 28)) -> str:
    """A table of the layers in the order they run, with output shapes, parameters, multiply-adds, and totals.

    Shapes and multiply-adds are of one sample of ``input_shape`` (without N), a zero one, run in evaluation
    mode.  Multiply-adds are those of convolutions and matrix products, wherever they are made: y.size ·
    (in_channels/groups · kernel_h · kernel_w) and y.size · in_features; a product belongs to the innermost
    module that makes it.  A parameter that several layers share is counted once.
    """
    sample = Tensor(np.zeros((1, *input_shape), checked_dtype(model)), requires_grad=True)
    with enable_grad():  # the tape tells which products were made
        calls = record(model, sample)
    rows, outputs = _rows(model, calls)
    return "\n".join([type(model).__name__, *_table(rows), *_totals(model, rows, outputs)])


def _rows(model: Module, calls: list[Call]) -> tuple[list[_Row], int]:
    """A row per call of a module that is no mere container, and the bytes of their outputs."""
    products = _products(calls)
    counted: set[int] = set()
    rows, outputs = [], 0
    for call, made in zip(calls, products, strict=True):
        own = _own(call.module)
        if call.module._modules and not own and not made:
            continue
        new = [p for p in own if id(p) not in counted]
        counted |= {id(p) for p in own}
        results = list(tensors(call.output))
        outputs += sum(t.data.nbytes for t in results)
        shapes = ", ".join(str(t.shape[1:]) for t in results) or "-"
        size = sum(p.numel() for p in new)
        kind = type(call.module).__name__
        rows.append(_Row(call.name or "-", kind, shapes, size, bool(own and not new), made))
    called = {call.name for call in calls}
    for name, module in model.named_modules():
        if name not in called and (own := _own(module)):
            new = [p for p in own if id(p) not in counted]
            counted |= {id(p) for p in own}
            rows.append(_Row(name, type(module).__name__, "not run", sum(p.numel() for p in new), not new, 0))
    return rows, outputs


def _own(module: Module) -> list[Tensor]:
    return [p for p in module._parameters.values() if p is not None]


def _products(calls: list[Call]) -> list[int]:
    """The multiply-adds of each call's own: those on the tape between its inputs and its outputs.

    A module's parts begin after it, so in reverse order they claim theirs first.
    """
    claimed: set[int] = set()
    counts = []
    for call in reversed(calls):
        given = {id(t) for t in tensors(call.inputs)}
        seen = set(given)
        stack, count = list(tensors(call.output)), 0
        while stack:
            tensor = stack.pop()
            if id(tensor) not in seen and tensor._node is not None:
                seen.add(id(tensor))
                count += 0 if id(tensor) in claimed else _multiply_adds(tensor)
                stack.extend(tensor._node.inputs)
        claimed |= seen - given
        counts.append(count)
    return counts[::-1]


def _multiply_adds(y: Tensor) -> int:
    """Of the one op that made y: each of its values is a sum over one row of weights."""
    node = y._node
    assert node is not None
    if node.op.name == "matmul":
        return y.numel() * node.kept["x"].shape[-1]
    weight = node.kept.get("weight")
    if node.op.name == "conv_transpose2d":  # each value of its input, instead, goes into as many sums
        y = node.inputs[0]
    return y.numel() * weight[0].size if weight is not None and weight.ndim > 1 else 0


def _table(rows: list[_Row]) -> list[str]:
    """Left-aligned words, right-aligned numbers, rules above and below."""
    sums = (sum(row.parameters for row in rows), sum(row.products for row in rows))
    total = ("total", "", "", *map(_number, sums))
    lines = [_HEADS, *(row.cells() for row in rows), total]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADS))]
    text = [
        "  ".join(
            cell.rjust(width) if i > 2 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    rule = "-" * len(text[0])
    return [rule, text[0], rule, *text[1:-1], rule, text[-1], rule]


def _totals(model: Module, rows: list[_Row], outputs: int) -> list[str]:
    trained = count_parameters(model, trainable_only=True)
    buffers = {id(b): b.data.nbytes for b in model.buffers()}
    sizes = [
        ("parameters", sum(p.data.nbytes for p in model.parameters())),
        ("buffers", sum(buffers.values())),
        ("outputs", outputs),
    ]
    frozen = sum(row.parameters for row in rows) - trained
    return [
        f"trained {trained:,}, frozen {frozen:,} parameters",
        "memory  " + ", ".join(f"{name} {_bytes(size)}" for name, size in sizes) + " per sample",
    ]


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _bytes(size: float) -> str:
    """In powers of 1000, three digits."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            break
        size, unit = size / 1000, {"B": "kB", "kB": "MB", "MB": "GB"}[unit]
    return f"{size:.3g} {unit}"
