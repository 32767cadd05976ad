"""Where each value of a schedule lies, and the entries of the native replay.

Values of a batch that live within one phase share a thread's arena, sized for a block or two; those that outlive it
have a stretch for every block of the batch.  What the threads sum has a copy for each virtual worker.  Where batches
are of a few samples only, a block is one sample as it is, so that a lone one does not cost sixteen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._kernels._executor import BLOCK, WORKERS, Home, Memory, Replay, Task, aligned
from .lowering import Node, Shape, Value
from .recording import NotPlannable
from .schedule import ALONE, BLOCKS, Chain, Schedule, Step
from .strips import Strips, strips_of

CACHE = 160 << 10  # bytes of a thread's blocks below which it takes two at a time
CHUNK = 8192  # elements of a chain's item, about
ITEMS = 16  # of a product over all blocks
TILE = 12  # rows of a chain's item are a multiple of this, which register tiles divide: 6 rows (AVX2), 4 (AVX-512)

Operand = tuple[int, int, int, int]  # home, address or offset, bytes per block (in an arena: whose), elements
_KINDS = {np.dtype(np.uint8): 0, np.dtype(np.float32): 1, np.dtype(np.int64): 2}


class Layout:
    """The native form of a schedule for batches of at most so many samples.

    ``outputs`` are values wanted after a step, in the plain layout, as arrays of samples of such shapes; ``lanes`` is
    how many samples a block has.
    """

    def __init__(
        self,
        schedule: Schedule,
        batch: int,
        outputs: tuple[Value, ...] = (),
        shapes: Sequence[Shape] = (),
        lanes: int = BLOCK,
    ) -> None:
        self.schedule, self.batch, self.lanes = schedule, batch, lanes
        self.blocks = -(-batch // lanes)
        self.arrays: list[np.ndarray] = []
        self._own_bytes = 0
        self.homes: dict[Value, Operand] = {}
        self.plain: dict[Value, Operand] = {}  # the same samples, not in blocks
        self.copies: dict[Value, int] = {}  # offsets of sums among a worker's
        self.copy_bytes = [0] * schedule.phases
        self.gathered: set[Value] = set()  # inputs that lie ready for all phases
        self.outputs = [self._plain_array(v).reshape(-1, *s) for v, s in zip(outputs, shapes, strict=False)]
        self._find_homes()
        self.arenas = [_Arena(self, phase) for phase in range(schedule.phases)]

    # Homes

    def _new(self, size: int, dtype: Any = np.float32) -> np.ndarray:
        """A new array, 64-byte aligned, that lives as long as the plan."""
        array = np.frombuffer(Memory(size * np.dtype(dtype).itemsize), dtype)
        self._own_bytes += array.nbytes
        self.arrays.append(array)
        return array

    def block_bytes(self, value: Value) -> int:
        """The bytes of one block of a value, all its lanes."""
        return 4 * self.lanes * value.size

    def _batch_array(self, value: Value) -> tuple[np.ndarray, Operand]:
        """Room for all blocks of a batch."""
        array = self._new(self.blocks * self.lanes * value.size)
        return array, (Home.BATCH, array.ctypes.data, self.block_bytes(value), value.size)

    def _plain_array(self, value: Value) -> np.ndarray:
        array, self.plain[value] = self._batch_array(value)
        if self.lanes == 1:
            self.homes[value] = self.plain[value]
        return array.reshape(-1, value.size)

    def _find_homes(self) -> None:
        phases: dict[Value, set[int]] = {}
        for step in self.schedule.steps:
            for value in (*step.reads, *step.writes):
                if not value.batched:
                    self._shared(step, value)
                elif step.part == BLOCKS:
                    phases.setdefault(value, set()).add(step.phase)
                elif not _in_blocks(step, value):
                    if value not in self.plain:
                        self._plain_array(value)
                else:
                    phases.setdefault(value, set()).update((-1, step.phase))  # of all blocks
        for value, used in phases.items():
            if len(used) > 1 and value not in self.homes:
                self.homes[value] = self._batch_array(value)[1]

    def _shared(self, step: Step, value: Value) -> None:
        if value not in self.homes:
            array = value.array if value.array is not None else self._new(value.size, value.dtype)
            if value.array is not None:
                self.arrays.append(array)
            self.homes[value] = (Home.FIXED, array.ctypes.data, 0, value.size)
        if step.part == BLOCKS and step.node is not None and value in step.node.sums:
            self.copies[value] = self.copy_bytes[step.phase]
            self.copy_bytes[step.phase] += aligned(4 * value.size)

    @property
    def bytes(self) -> int:
        """Of all buffers of the plan, those of one thread included."""
        copies = sum(self.copy_bytes) * min(self.blocks, WORKERS)
        return self._own_bytes + copies + self.thread_bytes

    @property
    def thread_bytes(self) -> int:
        """The bytes that each thread needs for its blocks."""
        return max((arena.bytes for arena in self.arenas), default=0)

    # Entries

    def replay(self, packing: tuple[int, ...]) -> Replay:
        """The native form; ``owners`` then has the step that each of its entries serves."""
        phases = []
        self.owners: list[Step] = []
        for phase in range(self.schedule.phases):
            arena = self.arenas[phase]
            alone = [self._entry(step) for step in self.schedule.part(phase, ALONE)]
            chains = [self._chain(chain) for chain in self.schedule.chains(phase)]
            self.owners += self.schedule.part(phase, ALONE)
            self.owners += [step for chain in self.schedule.chains(phase) for step in chain.steps]
            self.owners += arena.owners
            phases.append(
                (alone, chains, arena.entries, arena.step, self.copy_bytes[phase], arena.scratch_offset)
            )
        keep = [self.arrays, self.schedule]
        return Replay(phases, self.batch, self.lanes, self.thread_bytes, packing, keep)

    def _entry(self, step: Step) -> tuple:
        node = step.node
        if step.task is Task.WATCH:
            operands = [self.homes[v] for v in step.reads]
            return (Task.WATCH, None, operands, [], [], {})
        assert node is not None
        if step.task is Task.RUN:
            plain = node.kernel.plain if step.part != BLOCKS else (False,) * len(node.operands)
            operands = [
                self.plain[v] if v.batched and p else self.homes[v]
                for v, p in zip(node.operands, plain, strict=True)
            ]
            return _run(node, operands, per_row=step.per_row)
        assert step.summed_in is not None
        phase = step.summed_in.phase
        if step.task is Task.REDUCE:
            (value,) = step.writes
            rows = value.size if step.part == ALONE else step.per_row
            operands = [self.homes[value], (Home.WORKER, self.copies[value], 0, value.size)]
            return (Task.REDUCE, None, operands, [], [], {"phase": phase, "per_row": rows})
        operands = [
            (Home.FIXED, self.homes[v][1], self.copies[v], v.size) if v in self.copies else (0, 0, 0, v.size)
            for v in node.operands
        ]
        return (Task.MERGE, *_run(node, operands, phase=phase)[1:])

    def _chain(self, chain: Chain) -> tuple:
        entries = [self._entry(step) for step in chain.steps]
        if any(v.batched for v in chain.steps[0].writes):  # products of all blocks, all about as large
            return chain.rows, max(TILE, -(-chain.rows // ITEMS // TILE) * TILE), entries
        per_row = sum(s.per_row for s in chain.steps)
        for step in chain.steps:
            if step.node is not None and step.node.kernel.mode == "split" and step.task is Task.RUN:
                per_row = max(per_row, max(v.size for v in step.writes) // chain.rows)
        tile = TILE if per_row > 1 else 64
        chunk = max(tile, CHUNK // per_row // tile * tile)
        return chain.rows, chunk, entries


def _in_blocks(step: Step, value: Value) -> bool:
    """Whether a call by rows takes a value of the batch in blocks."""
    if step.node is None or step.task is not Task.RUN:
        return False
    plain = zip(step.node.operands, step.node.kernel.plain, strict=True)
    return any(v is value and not p for v, p in plain)


def _run(node: Node, operands: list[Operand], strips: Strips | None = None, **extra: Any) -> tuple:
    kernel = node.kernel
    divided = dict(node.sizes)
    if strips is not None:
        extra["strips"], extra["together"] = strips.count, len(strips.steps)
        each = node.contract.each
        if kernel.mode == "blocks":
            divided[each] //= strips.count
            size = [(4 * BLOCK if v.batched else 4) * v.size // strips.count for v in node.operands]
            letters = [a.letters for a in node.contract.arrays]
            extra["strip"] = [s if each in own else 0 for s, own in zip(size, letters, strict=True)]
    sizes = [divided.get(letter, 0) for letter in kernel.letters]
    if node.batched:
        extra["sized"], extra["fold"] = "n" in kernel.letters, node.fold
    else:
        extra["alone"] = kernel.mode == "blocks"
        names = [a.name for a in node.contract.arrays]
        extra["finite"] = names.index(node.contract.finite) if node.contract.finite else -1
    return (Task.RUN, kernel, operands, sizes, node.numbers, extra)


class _Arena:
    """The block part of a phase: its entries, and a thread's memory for them."""

    def __init__(self, layout: Layout, phase: int) -> None:
        self.layout = layout
        steps = layout.schedule.part(phase, BLOCKS)
        self._free: list[tuple[int, int]] = []  # offset, size
        self._size = 0
        self._taken: dict[Value, int] = {}
        self._dead: list[Value] = []
        self._last = {v: i for i, step in enumerate(steps) for v in (*step.reads, *step.writes) if v.batched}
        self._strips = strips_of(steps, layout.plain) if layout.lanes > 1 else {}
        drafts = [(step, entry) for i, step in enumerate(steps) for entry in self._draft(i, step)]
        self.owners = [step for step, _ in drafts]
        pairs = 0 < self._size <= CACHE and layout.blocks > 1 and layout.lanes > 1 and not self._strips
        self.step = 2 if pairs else 1
        self.scratch_offset = self._size * self.step
        nodes = [step.node for step in steps if step.node is not None]
        scratch = (_scratch(node, self.step if layout.lanes > 1 else 0) for node in nodes)
        self.bytes = self.scratch_offset + max(scratch, default=0)
        self.entries = [self._scale(entry) for _, entry in drafts]

    def _scale(self, entry: tuple) -> tuple:
        operands = [
            (home, base * self.step, stride, count) if home == Home.ARENA else (home, base, stride, count)
            for home, base, stride, count in entry[2]
        ]
        return (*entry[:2], operands, *entry[3:])

    def _draft(self, i: int, step: Step) -> Iterator[tuple]:
        """The entries of a step: samples that it is the first to want, its call, samples that are wanted plain."""
        node, layout = step.node, self.layout
        if node is None:
            (value,) = step.writes
            layout.gathered.add(value)
            yield self._gather(value)
            return
        for value in dict.fromkeys(step.reads):
            if value.input >= 0 and self._is_new(value):
                yield self._gather(value)
        found = {v: self._operand(node, v) for v in step.reads}
        dying = [
            v for v in dict.fromkeys(step.reads) if v.batched and self._last[v] == i and v in self._taken
        ]
        for value in step.writes:
            if value.batched and value not in layout.homes:
                heir = next((v for v in dying if node.kernel.mode == "range" and v.size == value.size), None)
                if heir is None:
                    self._take(value)
                else:  # in place
                    self._taken[value] = self._taken.pop(heir)
                    dying.remove(heir)
        found |= {v: self._operand(node, v) for v in step.writes}
        strips = self._strips.get(step)
        yield _run(node, [found[v] for v in node.operands], strips, features=node.sizes.get("...", 0))
        for value in step.writes:
            if value in layout.plain and layout.lanes > 1:
                operands = [self._place(value), layout.plain[value]]
                yield (Task.UNPACK, None, operands, [], [], {"features": value.size})
        self._dead += [*dying, *(v for v in step.writes if v.batched and self._last[v] == i)]
        if strips is None or strips.last is step:  # until then an earlier call may have strips of it to read
            for value in self._dead:
                if value in self._taken:
                    self._give_back(value, self._taken.pop(value))
            self._dead.clear()

    def _is_new(self, value: Value) -> bool:
        if value not in self.layout.homes:
            return value not in self._taken
        new = value not in self.layout.gathered  # of all blocks, where they are first wanted
        self.layout.gathered.add(value)
        return new

    def _gather(self, value: Value) -> tuple:
        if value.dtype not in _KINDS:
            raise NotPlannable(f"input {value.input} is {value.dtype}; plans take uint8, float32 and int64")
        if self.layout.lanes == 1 and _KINDS[value.dtype] == 2:
            raise NotPlannable(f"input {value.input} is {value.dtype}, which goes in blocks only")
        if value not in self.layout.homes:
            self._take(value)
        operands = [self._place(value)]
        if value in self.layout.plain:
            operands.append(self.layout.plain[value])
        elif _KINDS[value.dtype] != 2 and self.layout.lanes > 1:
            offset = self._room(self.layout.block_bytes(value))
            self._release(offset, self.layout.block_bytes(value))
            operands.append((Home.ARENA, offset, 0, value.size))
        return (Task.GATHER, None, operands, [], [], {"input": value.input})

    def _operand(self, node: Node, value: Value) -> Operand:
        if value in node.sums:
            return (Home.WORKER, self.layout.copies[value], 0, value.size)
        return self._place(value) if value.batched else self.layout.homes[value]

    def _place(self, value: Value) -> Operand:
        if value in self.layout.homes:
            return self.layout.homes[value]
        return (Home.ARENA, self._taken[value], id(value), value.size)

    # Room

    def _take(self, value: Value) -> None:
        self._taken[value] = self._room(aligned(self.layout.block_bytes(value)))

    def _give_back(self, value: Value, offset: int) -> None:
        self._release(offset, aligned(self.layout.block_bytes(value)))

    def _room(self, size: int) -> int:
        """The smallest stretch that fits, or more at the end."""
        fits = [(room, offset) for offset, room in self._free if room >= size]
        if not fits:
            self._size += size
            return self._size - size
        room, offset = min(fits)
        self._free.remove((offset, room))
        if room > size:
            self._free.append((offset + size, room - size))
        return offset

    def _release(self, offset: int, size: int) -> None:
        spans = sorted([*self._free, (offset, size)])
        self._free = spans[:1]
        for start, room in spans[1:]:
            last, length = self._free[-1]
            if last + length == start:
                self._free[-1] = (last, length + room)
            else:
                self._free.append((start, room))


def _scratch(node: Node, blocks: int) -> int:
    """Bytes that a call needs besides its arrays, for so many blocks, or (0) for one sample as it is."""
    kernel = node.kernel
    if not blocks and (node.sums or not kernel.single):
        raise NotPlannable(f"{node.name} has no form for one sample")
    found = kernel.scratch(
        [node.sizes.get(letter, 0) for letter in kernel.letters], node.numbers, blocks * node.fold
    )
    if found < 0:
        raise NotPlannable(f"{node.name}: a sample is too large for native code")
    return aligned(found)
