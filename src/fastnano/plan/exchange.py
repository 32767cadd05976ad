"""A monotone function of what a window picks, rather than of all that it picks from: max(f(x)) = f(max(x)).

# Design: ReLU before a pooling of 2 x 2 has four times the elements that it has behind it; values and gradients are the
# same.  Rows say what they are (``monotone``, ``picks``), so that no layer is known here.  Rejected: a kernel that does
# both, for every activation and every pooling.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .._rows import Op
from ..ops import OPS
from .lowering import Node, Value

_PICKS = {op.forward.name: op for op in OPS.values() if op.picks}
_MONOTONE = {op.forward.name: op for op in OPS.values() if op.monotone}


def exchanged(nodes: Iterable[Node], wanted: Iterable[Value]) -> list[Node]:
    """The nodes, with each monotone function behind the pooling that follows it where nothing else reads its result."""
    found, kept = list(nodes), set(wanted)
    for node in found.copy():
        if node.name in _MONOTONE and _operand(node, _MONOTONE[node.name].output) not in kept:
            found = _behind_pooling(found, node)
    return found


def _behind_pooling(nodes: list[Node], function: Node) -> list[Node]:
    op = _MONOTONE[function.name]
    x, y = _operand(function, "x"), _operand(function, op.output)
    readers = _readers(nodes, y)
    pools = [n for n in readers if n.name in _PICKS]
    backward = [n for n in readers if _is_gradient(n, op)]
    if not y.batched or len(pools) != 1 or len(readers) != 1 + len(backward) or len(backward) > 1:
        return nodes
    (pool,) = pools
    pick = _PICKS[pool.name]
    z = _operand(pool, pick.output)
    picked = replace(z)  # what the window picks of x
    moved = [_renamed(pool, {y: x, z: picked}), _renamed(function, {x: picked, y: z})]
    if not backward:
        return [m for n in nodes if n is not function for m in (moved if n is pool else [n])]
    dy, dx = _operand(backward[0], f"d{op.output}"), _operand(backward[0], "dx")
    makers = [n for n in nodes if dy in n.writes]
    if len(makers) != 1 or not _is_gradient(makers[0], pick) or _readers(nodes, dy) != backward:
        return nodes
    dz, dpicked = _operand(makers[0], f"d{pick.output}"), replace(z)
    back = [
        _renamed(backward[0], {dy: dz, y: z, x: picked, dx: dpicked}),
        _renamed(makers[0], {dz: dpicked, dy: dx}),
    ]
    instead = {pool: moved, makers[0]: back, function: [], backward[0]: []}
    return [m for n in nodes for m in instead.get(n, [n])]


def _operand(node: Node, name: str) -> Value:
    return node.operands[[a.name for a in node.contract.arrays].index(name)]


def _is_gradient(node: Node, op: Op) -> bool:
    return node.name in [rule.name for rule in op.gradients]


def _readers(nodes: list[Node], value: Value) -> list[Node]:
    return [n for n in nodes if value in n.reads]


def _renamed(node: Node, names: dict[Value, Value]) -> Node:
    """The node on other values; an elementwise one on as many elements as they have."""
    operands = tuple(names.get(v, v) for v in node.operands)
    sizes = {letter: operands[-1].size if letter == "..." else size for letter, size in node.sizes.items()}
    return replace(node, operands=operands, sizes=sizes)
