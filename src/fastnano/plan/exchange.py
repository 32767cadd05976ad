"""A monotone function of what a window picks, rather than of all that it picks from: max(f(x)) = f(max(x)).

# Design: ReLU before a pooling of 2 x 2 has four times the elements that it has behind it; values and gradients are the
# same.  Rows say what they are (``monotone``, ``picks``), so that no layer is known here.  Rejected: a kernel that does
# both, for every activation and every pooling.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..ops import OPS
from .lowering import Node, Value

_PICK = {f"{op.name}_forward" for op in OPS.values() if op.picks}
_MONOTONE = {f"{op.name}_forward" for op in OPS.values() if op.monotone}


def exchanged(nodes: Iterable[Node], wanted: Iterable[Value]) -> list[Node]:
    """The nodes, with each monotone function behind the pooling that follows it where nothing else reads its result."""
    found, kept = list(nodes), set(wanted)
    for node in found.copy():
        if node.name in _MONOTONE and node.writes[0] not in kept:
            found = _behind_pooling(found, node)
    return found


def _behind_pooling(nodes: list[Node], function: Node) -> list[Node]:
    (x,), (y,) = function.operands[:1], function.writes
    readers = [n for n in nodes if y in n.reads]
    pools = [n for n in readers if n.name in _PICK]
    backward = [n for n in readers if n.name == function.name.replace("_forward", "_dx")]
    if not y.batched or len(pools) != 1 or len(readers) != 1 + len(backward) or len(backward) > 1:
        return nodes
    (pool,), z = pools, pools[0].writes[0]
    picked = replace(z)  # what the window picks of x
    moved = [_renamed(pool, {y: x, z: picked}), _renamed(function, {x: picked, y: z})]
    if not backward:
        return [m for n in nodes if n is not function for m in (moved if n is pool else [n])]
    dy, (dx,) = backward[0].operands[0], backward[0].writes
    makers = [n for n in nodes if dy in n.writes]
    if [n.name for n in makers] != [pool.name.replace("_forward", "_dx")] or _readers(nodes, dy) != backward:
        return nodes
    dz, dpicked = makers[0].operands[0], replace(z)
    back = [
        _renamed(backward[0], {dy: dz, y: z, x: picked, dx: dpicked}),
        _renamed(makers[0], {dz: dpicked, dy: dx}),
    ]
    instead = {pool: moved, makers[0]: back, function: [], backward[0]: []}
    return [m for n in nodes for m in instead.get(n, [n])]


def _readers(nodes: list[Node], value: Value) -> list[Node]:
    return [n for n in nodes if value in n.reads]


def _renamed(node: Node, names: dict[Value, Value]) -> Node:
    """The node on other values; an elementwise one on as many elements as they have."""
    operands = tuple(names.get(v, v) for v in node.operands)
    sizes = {letter: operands[-1].size if letter == "..." else size for letter, size in node.sizes.items()}
    return replace(node, operands=operands, sizes=sizes)
