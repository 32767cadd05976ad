"""A laid out step on data: binds arrays, unrolls schedules, runs, and tells what it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._kernels import _native
from .._kernels._executor import Task
from ..ops import OPS
from .layout import Layout
from .recording import Question
from .schedule import ALONE, BLOCKS, ROWS, Schedule, Step

CHANGES = {"shift": 2, "turn": 2, "flip": 1}  # of images, and the numbers that each takes: see augment.h
Change = tuple[str, np.ndarray]
_PLAIN = np.ones(1, np.float32), np.zeros(1, np.float32)  # scale and shift where there is nothing to scale
_NO_SCHEDULE = np.zeros(0, np.uintp), np.zeros((0, 0))


def as_labels(y: Any) -> np.ndarray:
    """Labels as kernels take them: float32, or int64."""
    y = np.asarray(y)
    return np.ascontiguousarray(y, np.float32 if y.dtype.kind == "f" else np.int64)


def is_whole(x: np.ndarray) -> bool:
    """Whether samples are made of numbers of rows of a table, rather than of pixels or measurements."""
    return x.dtype == np.int64


class Replayed:
    """A recorded step in native form."""

    def __init__(
        self,
        schedule: Schedule,
        layout: Layout,
        questions: list[Question],
        affine: Callable[..., Any],
        few: Replayed | None = None,
    ) -> None:
        self.schedule, self.layout, self.questions, self._affine = schedule, layout, questions, affine
        self.few = few  # the same for so few samples that they are no block
        self.native = layout.replay(_native.packing())
        self._data: list[Any] = []  # what the addresses in use belong to
        self._augmented = False
        self.takes_one = False  # whether it is known that the eager step takes a lone sample
        self._samples = 0

    @property
    def progress(self) -> np.ndarray:
        """Steps done, samples seen, the sum of their losses, right answers, the last loss; native code writes it."""
        return self.native.progress

    def holds_for(self, data: tuple[np.ndarray, ...]) -> bool:
        """Whether these data answer the questions on which the step's course depends as the recorded ones did."""
        return all(question(as_labels(data[i])) == answer for i, question, answer in self.questions)

    def bind(self, data: list[np.ndarray], order: np.ndarray | None, augment: Sequence[Change] = ()) -> None:
        """Take the data of an epoch; nothing is copied that has the right type."""
        kept = data[0].dtype.char == "B" or is_whole(data[0])
        images = np.ascontiguousarray(data[0], None if kept else np.float32)
        if images.dtype.char == "B" and not images.size:
            raise ValueError(f"images have shape {images.shape}, no pixels")
        arrays = [images, *map(as_labels, data[1:])]
        scale, shift = self._affine(images.shape) if images.dtype.char == "B" else _PLAIN
        for i, array in enumerate(arrays):
            self.native.set_input(i, array, scale, shift)
        if order is not None:
            if np.size(order) and (np.ndim(order) != 1 or np.asarray(order).dtype.kind not in "iu"):
                raise IndexError("order must be the numbers of samples, one after another")
            order = np.ascontiguousarray(order, np.int64)
            if order.size and not 0 <= order.min() <= order.max() < len(images):
                raise IndexError(
                    f"order names sample {order.max()} or {order.min()}, but there are {len(images)}"
                )
        self._data = [*arrays, scale, shift, order]
        self._samples = len(images) if order is None else len(order)
        self.native.start(self._samples, order)
        if augment or self._augmented:
            self._bind_changes(images, augment)

    def _bind_changes(self, images: np.ndarray, augment: Sequence[Change]) -> None:
        self._augmented = bool(augment)
        if augment and (images.dtype != np.uint8 or images.ndim not in (3, 4)):
            found = f"{images.dtype} {images.shape}"
            raise ValueError(f"augment: images are {found}, expected uint8 (N, H, W) or (N, C, H, W)")
        rows = []
        for name, drawn in augment:
            if name not in CHANGES:
                raise ValueError(f"augment: {name!r} is none of {', '.join(CHANGES)}")
            if drawn.shape != (shape := (self._samples, CHANGES[name])):
                raise ValueError(f"augment: {name!r} has numbers of shape {drawn.shape}, expected {shape}")
            drawn = np.ascontiguousarray(drawn, np.float32)
            self._data.append(drawn)
            rows.append((list(CHANGES).index(name), _address(drawn), CHANGES[name]))
        table = np.array(rows, np.int64)
        self._data.append(table)
        self.native.set_changes(0, _address(table), len(rows), *(1, 1, 1, *images.shape[1:])[-3:])

    def run(self, scheduler: Any, poll: Callable[[np.ndarray], Any] | None, seconds: float) -> None:
        """All steps, a slice of time after the other."""
        # Design: native code comes back to Python every 50 ms, at the end of a step, so that signals are handled by
        # the one thread that can.  Rejected: a second thread to run in, which Ctrl-C does not reach.
        steps, step, followed = -(-self._samples // self.layout.batch), 0, 0
        follow = scheduler if scheduler is not None and scheduler.per_batch else None
        targets, table = _unroll(follow, steps)
        try:
            while step < steps:
                step, fine = self.native.advance(step, targets, table, seconds, _native.get_num_threads())
                if not fine:
                    step -= 1
                    loss = self.progress[4]
                    what = "the gradients are not finite" if math.isfinite(loss) else f"the loss is {loss}"
                    raise FloatingPointError(f"{what} in step {step + 1}")
                followed = _follow(follow, followed, step)
                if poll is not None and poll(self.progress):
                    return
        finally:
            _follow(follow, followed, step)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The output for every sample, a batch at a time."""
        if self.few is not None and len(x) <= self.few.layout.batch:
            return self.few.outputs(x)
        (buffer,) = self.layout.outputs
        rows = len(buffer) // (self.layout.blocks * self.layout.lanes)  # of a sample
        out = np.empty((len(x) * rows, *buffer.shape[1:]), np.float32)
        for begin in range(0, len(x), self.layout.batch):
            part = x[begin : begin + self.layout.batch]
            self.bind([part], None)
            self.run(None, None, 1.0)
            out[begin * rows : (begin + len(part)) * rows] = buffer[: len(part) * rows]
        return out

    def measures(self) -> dict[str, float]:
        """Mean loss and, for classes, accuracy of the steps done."""
        _, samples, loss, correct, _ = self.progress.tolist()
        found = {"loss": loss / max(samples, 1)}
        if self.schedule.counts:
            found["accuracy"] = correct / max(samples, 1)
        return found

    # Telling

    @property
    def flop(self) -> int:
        """Floating point operations of the products of a full step."""
        return sum(_flop(step, self.layout.batch) for step in self.schedule.steps)

    @property
    def meetings(self) -> int:
        """Places of a step at which the threads wait for each other."""
        parts = {step.position for step in self.schedule.steps if step.part in (BLOCKS, ROWS)}
        return len(parts)

    def explain(self) -> str:
        """The calls, phase by phase, and what they need, as text."""
        layout, lines = self.layout, []
        lines.append(
            f"batch {layout.batch}, {len(self.schedule.steps)} calls in {self.schedule.phases} phases, "
            f"{self.meetings} barriers, {self.flop / 1e9:.3f} GFLOP a step"
        )
        lines.append(
            f"buffers: {layout.bytes:,} bytes, of which {layout.thread_bytes:,} for each thread's blocks of 16 samples"
        )
        titles = {ALONE: "one thread", ROWS: "by rows", BLOCKS: "block by block"}
        for phase in range(self.schedule.phases):
            for part, title in titles.items():
                steps = self.schedule.part(phase, part)
                if steps:
                    blocks = f" ({layout.arenas[phase].step} at a time)" if part == BLOCKS else ""
                    lines.append(f"phase {phase + 1}, {title}{blocks}:")
                    lines += [f"    {_describe(step)}{self._measured(step)}" for step in steps]
        return "\n".join(lines)

    def _measured(self, step: Step) -> str:
        """Microseconds of all threads together that a call took in a step, and its speed, if that was measured."""
        if self.native.spent is None or not self.progress[0] or step.part == ALONE:
            return ""
        spent = self.native.spent.sum(axis=0)
        own = sum(int(t) for t, owner in zip(spent, self.layout.owners, strict=True) if owner is step)
        flop = _flop(step, self.layout.batch)
        speed = f" {flop * self.progress[0] / max(own, 1):6.1f} GFLOP/s" if flop else ""
        return f"  {own / self.progress[0] / 1e3:8.1f} us {own / max(spent.sum(), 1):6.1%}{speed}"


def _describe(step: Step) -> str:
    def arrays(values: list[Any]) -> str:
        return " ".join(
            f"{'n,' if v.batched else ''}{','.join(map(str, v.shape))}".join("[]") for v in values
        )

    return f"{step.name:<28} {f'{arrays(step.reads)} -> {arrays(step.writes)}':<60}"


def _flop(step: Step, batch: int) -> int:
    if step.node is None or step.task is not Task.RUN:
        return 0
    op = next((op for op in OPS.values() if step.node.contract in (op.forward, *op.gradients)), None)
    letters = op.multiply_adds if op is not None else ""
    sizes = step.node.sizes | ({"n": batch * step.node.fold} if step.node.batched else {})
    return 2 * math.prod([sizes[letter] for letter in letters]) if letters else 0


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _follow(scheduler: Any, followed: int, step: int) -> int:
    """Let a schedule stand where so many steps have brought it, if it does not yet; returns their number."""
    if scheduler is not None and step > followed:
        scheduler.last_epoch += step - followed
        scheduler._set()
    return step


def _unroll(scheduler: Any, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The hyper-parameters of every step of an epoch, and the addresses they go to."""
    if scheduler is None:
        return _NO_SCHEDULE
    settings = [scheduler.values(scheduler.last_epoch + t) for t in range(steps)]
    columns: list[tuple[float, ...]] = []
    targets: list[int] = []
    for i, group in enumerate(scheduler.optimizer.param_groups):
        for name in dict.fromkeys(name for values in settings for name in values[i]):
            numbers = group.arrays[
                name
            ]  # what it was set to, perhaps by the user; it stays until a step sets it
            targets += [_address(numbers) + 8 * k for k in range(len(numbers))]
            held = [numbers.tolist()]
            for values in settings[1:]:
                held.append(np.ravel(values[i][name]).tolist() if name in values[i] else held[-1])
            columns += zip(*held, strict=True)
    return np.array(targets, np.uintp), np.array(columns, np.float64).reshape(len(targets), steps).T.copy()
