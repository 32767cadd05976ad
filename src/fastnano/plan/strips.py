"""Calls that know no channel but their own go through a block one strip of channels after the other.

# Design: normalisation, ReLU and pooling of 16 x 26 x 26 in blocks write and read 700 kB each, which leaves the cache
# in between; on a strip of a few channels they find what the one before has just written: 7 % of the whole step of a
# network with batch normalisation.  Which calls may be cut follows from their rows (``each``), so that nothing is fused
# by hand.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass

from .._kernels._executor import BLOCK
from .lowering import Node, Value
from .schedule import Step

LARGE = 128 << 10  # bytes of a block's array from which strips are worth the further calls
STRIP = 16 << 10  # bytes of the largest array's strip, at least


@dataclass(eq=False)
class Strips:
    """Calls, one behind the other, that are done on one strip before the next is begun."""

    steps: list[Step]
    count: int

    @property
    def last(self) -> Step:
        """The step that ends them."""
        return self.steps[-1]


def strips_of(steps: Iterable[Step], plain: Container[Value]) -> dict[Step, Strips]:
    """The strips that each call is part of, if any; values wanted plain are unpacked whole."""
    found: dict[Step, Strips] = {}
    run: list[Step] = []
    channels = 0
    for step in [*steps, None]:
        size = _channels(step, plain) if step is not None else None
        if size is not None:
            run.append(step)  # type: ignore[arg-type]
            channels = math.gcd(channels, size)
            continue
        count = _count(run, channels)
        if count > 1:
            found |= dict.fromkeys(run, Strips(run, count))
        run, channels = [], 0
    return found


def _channels(step: Step, plain: Container[Value]) -> int | None:
    """How many channels a call can be cut into, 0 for as many as one likes; None: it must not be."""
    node = step.node
    if node is None or any(v.input >= 0 for v in step.reads) or any(v in plain for v in step.writes):
        return None
    if node.kernel.mode == "range":
        return 0
    each = node.contract.each
    return node.sizes[each] if each and node.fold == 1 and _leads(node, each) else None


def _leads(node: Node, each: str) -> bool:
    """Whether the letter comes first, behind the batch, wherever it is, and every sample's array has it."""
    for argument, value in zip(node.contract.arrays, node.operands, strict=True):
        letters = argument.letters[1:] if value.batched else argument.letters
        if each in letters[1:] or (value.batched and letters[:1] != (each,)):
            return False
    return True


def _count(run: list[Step], channels: int) -> int:
    """Into how many strips: the most that leave them large enough."""
    largest = max((4 * BLOCK * v.size for s in run for v in (*s.reads, *s.writes) if v.batched), default=0)
    if len(run) < 2 or channels < 2 or largest < LARGE:
        return 1
    return max(d for d in range(1, channels + 1) if channels % d == 0 and largest // d >= STRIP)
