"""Where in a step each call runs, and where in memory each value lies.

# Design: a phase has three parts: what one thread does alone, chains of calls split by rows, and calls block by block.
# Every call goes to the earliest part of its kind behind all that it depends on; what the threads sum over the
# batch is complete only behind the part that sums it.  LeNet's threads meet twice a step: behind the blocks, and behind
# the rows of the weight gradients and their updates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .._kernels._executor import Task
from .lowering import Node, Value
from .recording import NotPlannable

ALONE, ROWS, BLOCKS = range(3)  # the parts of a phase
SMALL = 256  # elements that are not worth a meeting of the threads
FAR = 1 << 20  # bytes of weights that are read once for the whole batch, rather than for every block


@dataclass(eq=False)
class Step:
    """A node, or what the plan puts between nodes, and its place in the order."""

    task: Any
    part: int
    reads: list[Value]
    writes: list[Value]
    node: Node | None = None
    position: int = -1  # three times the phase, and the part
    chain: Chain | None = None
    per_row: int = 1
    summed_in: Step | None = None  # whose sums a reduction takes

    @property
    def phase(self) -> int:
        """The phase the step runs in."""
        return self.position // 3

    @property
    def name(self) -> str:
        """The kernel it runs, or the task it does."""
        return self.node.name if self.node is not None and self.task is Task.RUN else self.task.name.lower()


@dataclass(eq=False)
class Chain:
    """Calls that can all be done on some rows before the next rows are begun."""

    rows: int
    steps: list[Step] = field(default_factory=list)


class Schedule:
    """Steps by phase; ``watched`` are the values (loss, right answers) that the plan adds up.

    ``together``: large weights may be taken to all blocks at once.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        watched: tuple[Value, ...],
        wanted: Iterable[Value] = (),
        together: bool = True,
    ) -> None:
        self.steps: list[Step] = []
        self._writer: dict[Value, Step] = {}
        self._readers: dict[Value, list[Step]] = {}
        self._watch: list[Step] = []
        self.counts = len(watched) > 1
        left = list(watched)
        for node in _needed(nodes, [*watched, *wanted]):
            step = self._add(_step_of(node, together))
            for value in node.sums:
                self._sum(step, value)
            left = [v for v in left if v not in self._writer]
            if watched and not left:
                self._watch.append(self._add(Step(Task.WATCH, ALONE, list(watched), [])))
                watched = ()
        self.phases = 1 + max((step.phase for step in self.steps), default=0)

    def part(self, phase: int, part: int) -> list[Step]:
        """The steps of one part of a phase."""
        return [step for step in self.steps if step.position == 3 * phase + part]

    def chains(self, phase: int) -> list[Chain]:
        """The chains of steps by rows of a phase, each once."""
        return list(dict.fromkeys(s.chain for s in self.part(phase, ROWS) if s.chain is not None))

    # Placing

    def _sum(self, step: Step, value: Value) -> None:
        """What adds the workers' sums of a value into one."""
        assert step.node is not None
        if step.node.kernel.merges:
            if value is step.node.sums[0]:
                self._add(Step(Task.MERGE, ALONE, [], step.node.sums, step.node, summed_in=step))
        else:
            part = ALONE if value.size <= SMALL else ROWS
            self._add(Step(Task.REDUCE, part, [], [value], step.node, summed_in=step))

    def _add(self, step: Step) -> Step:
        before = self._dependencies(step)
        if (
            step.part == ALONE
            and _splits(step)
            and before
            and max(before, key=lambda d: d.position).part == ROWS
        ):
            step.part, step.per_row = ROWS, 1  # small, but at the end of a chain
        step.position = max((_behind(d, step) for d in before), default=step.part)
        if step.part == ROWS:
            self._join(step, [d for d in before if d.position == step.position])
        self.steps.append(step)
        if step.task is Task.RUN and step.node is not None and step.node.contract.finite:
            self._watch.append(step)
        for value in step.reads:
            self._readers.setdefault(value, []).append(step)
        for value in step.writes:
            if step.summed_in is None and step.node is not None and value in step.node.sums:
                continue  # complete only when the sums are
            self._writer[value], self._readers[value] = step, []
        return step

    def _dependencies(self, step: Step) -> list[Step]:
        found = [self._writer[v] for v in (*step.reads, *step.writes) if v in self._writer]
        found += [reader for v in step.writes for reader in self._readers.get(v, ())]
        found += [self._gather(v) for v in step.reads if step.part == ROWS and v.input >= 0]
        if any(v.array is not None for v in step.writes):
            found += self._watch  # a loss or a gradient that is not finite must not reach the model
        return found + ([step.summed_in] if step.summed_in is not None else [])

    def _gather(self, value: Value) -> Step:
        """What brings in an input that no call takes block by block before."""
        if value not in self._writer and not any(s.part == BLOCKS for s in self._readers.get(value, ())):
            self._add(Step(Task.GATHER, BLOCKS, [], [value]))
        return self._writer.get(value) or self._readers[value][0]

    def _join(self, step: Step, beside: list[Step]) -> None:
        """Put a call behind those it depends on into one chain with them, or else one phase later."""
        chains = list(dict.fromkeys(d.chain for d in beside))
        rows = _rows(step)
        if len(chains) == 1 and chains[0] is not None:
            chain = chains[0]
            shared = {v for d in beside for v in (*d.writes, *d.reads) if v in (*step.reads, *step.writes)}
            if rows % chain.rows == 0 and all(_divided(step, v) for v in shared if self._changed(v, step)):
                step.chain, step.per_row = chain, rows // chain.rows
                chain.steps.append(step)
                return
        if chains:
            step.position += 3
            for chain in filter(None, chains):
                if self._serves_only(chain, step):  # so it can run where its results are taken up
                    for earlier in chain.steps:
                        earlier.position += 3
                    return self._join(step, chain.steps)
        step.chain = Chain(rows)
        step.chain.steps.append(step)

    def _serves_only(self, chain: Chain, step: Step) -> bool:
        """Whether a chain touches no state, and no other step has yet read what it writes."""
        written = {v for earlier in chain.steps for v in earlier.writes}
        touched = written | {v for earlier in chain.steps for v in earlier.reads if v in self._writer}
        readers = {reader for v in written for reader in self._readers.get(v, ())}
        return (
            not written.isdisjoint(step.reads)
            and readers.issubset(chain.steps)
            and all(v.array is None for v in touched)
        )

    def _changed(self, value: Value, step: Step) -> bool:
        writer = self._writer.get(value)
        return value in step.writes or (writer is not None and writer.position == step.position)


def _needed(nodes: Iterable[Node], wanted: list[Value]) -> list[Node]:
    """Without those whose results nobody reads."""
    kept, alive = [], set(wanted)
    for node in reversed(list(nodes)):
        if any(v in alive or v.array is not None for v in node.writes):
            alive.update(node.reads)
            kept.append(node)
    return kept[::-1]


def _step_of(node: Node, together: bool) -> Step:
    mode, small = node.kernel.mode, max((v.size for v in node.operands), default=0) <= SMALL
    if node.batched and mode in ("blocks", "range"):
        part = ROWS if together and mode == "blocks" and _far(node) else BLOCKS
    elif node.batched and mode != "split":
        raise NotPlannable(f"{node.name} has no native form on a batch")
    else:
        part = ALONE if mode in ("once", "blocks") or (mode == "range" and small) else ROWS
    return Step(Task.RUN, part, node.reads, node.writes, node, per_row=_extent(node) if part == ALONE else 1)


def _far(node: Node) -> bool:
    """Whether all blocks of the batch are to be done together, split by rows, since the weights fill the cache."""
    shared = max((v.dtype.itemsize * v.size for v in node.operands if not v.batched), default=0)
    return bool(node.kernel.split) and shared >= FAR


def _splits(step: Step) -> bool:
    return step.task is Task.RUN and step.node is not None and step.node.kernel.mode == "range"


def _extent(node: Node) -> int:
    """Rows or elements that a call can be split into."""
    return node.sizes[node.kernel.split] if node.kernel.split else 1


def _rows(step: Step) -> int:
    assert step.node is not None
    return step.writes[0].size if step.task is Task.REDUCE else _extent(step.node)


def _divided(step: Step, value: Value) -> bool:
    """Whether a value is divided by rows in a call, rather than taken whole."""
    if step.task is Task.REDUCE:
        return True
    assert step.node is not None
    kernel = step.node.kernel
    return all(
        a.letters[:1] == (kernel.split,) and not v.batched
        for a, v in zip(step.node.contract.arrays, step.node.operands, strict=True)
        if v is value
    )


def _behind(before: Step, step: Step) -> int:
    """The first position of a step behind another."""
    if before.part == step.part:
        return before.position  # in order; rows are looked at more closely
    return before.position + (step.part - before.part) % 3
