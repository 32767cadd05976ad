"""Compiled plans: one eager step, recorded, laid out and replayed by native code, epoch after epoch.

    plan = fastnano.compile(model, nn.CrossEntropyLoss(), optimizer, batch_size=64)
    plan.run_epoch(images, labels, order)     # {"loss": 0.21, "accuracy": 0.94}
    plan.predict(images)

The plan knows no layer: whatever is a row with a native kernel can be in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._kernels import _native
from .._state import no_grad, use_backend
from ..autograd import Tensor
from ..nn import Module, clip_grad_norm_, clip_grad_value_
from ..nn.module import evaluating
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .layout import Layout
from .lowering import Lowering, Value
from .recording import NotPlannable, record
from .schedule import Schedule

__all__ = ["NotPlannable", "Plan", "compile", "training_step"]

SLICE = 0.05  # seconds of native code between looks at signals and progress
_EVALUATION = 256  # samples of a batch that is only looked at


def training_step(
    model: Module,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Optimizer,
    x: Tensor,
    y: Any,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    check: Callable[[float], None] = lambda value: None,
) -> tuple[Tensor, Tensor]:
    """Forward, loss, backward, update; ``check`` sees the loss before anything is updated."""
    optimizer.zero_grad()
    output = model(x)
    value = loss(output, y)
    check(float(value.data))
    value.backward()
    if clip_norm is not None:
        clip_grad_norm_(model.parameters(), clip_norm)
    if clip_value is not None:
        clip_grad_value_(model.parameters(), clip_value)
    optimizer.step()
    return output, value


class Plan:
    """A model's training step as native code.

    Parameters stay in the model's own arrays: after an epoch the model is the trained one.  The step is recorded
    when data are first seen, and again where the model, its modes or the optimiser have changed since.  Raises NotPlannable, naming
    the op, where a step has no native form.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Tensor],
        optimizer: Optimizer,
        batch_size: int = 64,
        *,
        scheduler: LRScheduler | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
    ) -> None:
        self.model, self.loss, self.optimizer, self.scheduler = model, loss, optimizer, scheduler
        self.batch_size, self.clip_norm, self.clip_value = batch_size, clip_norm, clip_value
        self.mean, self.std = mean, std
        self._made: dict[str, _Replayed] = {}
        self._lock = threading.RLock()

    # Training

    def run_epoch(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        order: np.ndarray | None = None,
        poll: Callable[[np.ndarray], Any] | None = None,
        seconds: float = SLICE,
    ) -> dict[str, float]:
        with self._lock:
            made = self._ready("train", images, labels)
            samples = len(images) if order is None else len(order)
            made.bind(samples, [images, labels], order)
            try:
                made.run(self.scheduler, poll, seconds)
            finally:
                self._changed()
        return made.measures()

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        """One training step on a batch; returns its loss."""
        return self.run_epoch(x, y)["loss"]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The model's outputs in evaluation mode."""
        with self._lock:
            made = self._ready("predict", x)
            return made.outputs(x)

    def evaluate(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Mean loss and accuracy in evaluation mode."""
        with self._lock:
            made = self._ready("evaluate", images, labels)
            made.bind(len(images), [images, labels], None)
            made.run(None, None, SLICE)
            return made.measures()

    def explain(self) -> str:
        return "\n\n".join(f"{name}\n{made.explain()}" for name, made in self._made.items())

    # Making

    def _changed(self) -> None:
        for tensor in (*self.model.parameters(), *self.model.buffers()):
            tensor._version[0] += 1

    def _ready(self, what: str, *data: np.ndarray) -> _Replayed:
        key = self._fingerprint(what, data)
        made = self._made.get(what)
        if made is None or made.key != key or not made.holds_for(data):
            made = self._made[what] = self._make(what, key, data)
        return made

    def _fingerprint(self, what: str, data: tuple[np.ndarray, ...]) -> tuple:
        """What the recording depends on: addresses, modes, what is frozen, and all plain attributes of the layers."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        groups = self.optimizer.param_groups
        return (
            [(a.shape[1:], a.dtype.kind if a.dtype != np.uint8 else "f") for a in data],
            [(t.data.ctypes.data, t.shape, t.dtype, t.requires_grad) for t in tensors],
            [(type(m), _plain_attributes(m)) for m in self.model.modules()],
            [(self.optimizer.kernel(g), [id(p) for p in g["params"]], g.get("maximize")) for g in groups],
            [[id(a) for a in state.values()] for state in self.optimizer.state.values()],
            (self.clip_norm, self.clip_value) if what == "train" else (),
        )

    def _make(self, what: str, key: tuple, data: tuple[np.ndarray, ...]) -> _Replayed:
        batch = self.batch_size if what == "train" else _EVALUATION
        recordings, found = [], []
        with use_backend("cython"), self._untouched():
            for first, count in ((0, 3), (len(data[0]) - 2, 2)):
                samples = [self._sample(a, i, first, count) for i, a in enumerate(data)]
                whole = [s if i == 0 else _labels(a) for i, (s, a) in enumerate(zip(samples, data, strict=True))]
                with record(list(zip(samples, whole, strict=True))) as recording:
                    found.append(getattr(self, f"_record_{what}")(*samples))
                recordings.append(recording)
        first, second = recordings
        lowering = Lowering(first, second, _native.load(), _native.formulas())
        results = [lowering.value(array) for array in found[0]]
        wanted = tuple(results) if what == "predict" else ()
        schedule = Schedule(lowering.nodes, () if wanted else tuple(results), wanted)
        layout = Layout(schedule, batch, wanted)
        key = self._fingerprint(what, data)
        return _Replayed(key, self, schedule, layout, lowering, first.questions)

    @contextmanager
    def _untouched(self) -> Iterator[None]:
        """Gradients are put back as they were; all else is the recording's to put back."""
        grads = [(p, p.grad) for p in self.model.parameters()]
        try:
            yield
        finally:
            for p, grad in grads:
                p.grad = grad

    def _sample(self, array: np.ndarray, i: int, first: int, count: int) -> np.ndarray:
        index = np.arange(first, first + count) % len(array)
        return self.prepared(array[index]) if i == 0 else _labels(array[index])

    def prepared(self, x: np.ndarray) -> np.ndarray:
        if x.dtype != np.uint8:
            return np.ascontiguousarray(x, np.float32)
        scale, shift = self._affine(x.shape[1] if x.ndim == 4 else 1)
        x = x[:, None] if x.ndim == 3 else x
        y = x * scale.reshape(-1, 1, 1) + shift.reshape(-1, 1, 1) if x.ndim == 4 else x * scale + shift
        return np.ascontiguousarray(y, np.float32)

    def _affine(self, channels: int) -> tuple[np.ndarray, np.ndarray]:
        std = np.broadcast_to(np.asarray(self.std, np.float64), channels)
        mean = np.broadcast_to(np.asarray(self.mean, np.float64), channels)
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)

    # What is recorded

    def _record_train(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        output, loss = training_step(
            self.model, self.loss, self.optimizer, Tensor(x), y, self.clip_norm, self.clip_value
        )
        return [loss.data]

    def _record_predict(self, x: np.ndarray) -> list[np.ndarray]:
        with no_grad(), evaluating(self.model):
            return [self.model(Tensor(x)).data]

    def _record_evaluate(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        with no_grad(), evaluating(self.model):
            return [self.loss(self.model(Tensor(x)), y).data]


class _Replayed:
    """A recorded step in native form, and the data it runs on."""

    def __init__(
        self, key: tuple, plan: Plan, schedule: Schedule, layout: Layout, lowering: Lowering, questions: list
    ) -> None:
        self.key, self.plan, self.schedule, self.layout, self.questions = key, plan, schedule, layout, questions
        self.native = layout.replay(_native.packing())
        self._data: list[np.ndarray] = []

    def holds_for(self, data: tuple[np.ndarray, ...]) -> bool:
        """Whether these data answer the questions on which the step's course depends as the recorded ones did."""
        return all(question(_labels(data[i])) == answer for i, question, answer in self.questions)

    def bind(self, samples: int, data: list[np.ndarray], order: np.ndarray | None) -> None:
        data = [np.ascontiguousarray(data[0]), *map(_labels, data[1:])]
        self._data = [*data]
        for i, array in enumerate(data):
            features = int(np.prod(array.shape[1:]))
            kind = {1: 0, 4: 1, 8: 2}[array.dtype.itemsize]
            channels = array.shape[1] if array.ndim == 4 else 1
            scale, shift = self.plan._affine(channels)
            self._data += [scale, shift]
            self.native.set_input(
                i, array.ctypes.data, array.nbytes // max(len(array), 1), features, kind, features // channels,
                scale.ctypes.data, shift.ctypes.data,
            )
        order = None if order is None else np.ascontiguousarray(order, np.int64)
        self._data.append(order)
        self.native.start(samples, 0 if order is None else order.ctypes.data)
        self._samples = samples

    def run(self, scheduler: Any, poll: Any, seconds: float) -> None:
        steps = -(-self._samples // self.layout.batch)
        targets, table = np.zeros(0, np.uintp), np.zeros((steps, 0))
        step = 0
        while step < steps:
            step, fine = self.native.advance(step, targets, table, seconds, _native.get_num_threads())
            if not fine:
                raise FloatingPointError(f"the loss is {self.native.progress[4]} in step {step}")
            if poll is not None:
                poll(self.native.progress)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        (buffer,) = self.layout.outputs
        out = np.empty((len(x), *buffer.shape[1:]), np.float32)
        for begin in range(0, len(x), self.layout.batch):
            part = x[begin : begin + self.layout.batch]
            self.bind(len(part), [part], None)
            self.run(None, None, 60)
            out[begin : begin + len(part)] = buffer[: len(part)]
        return out

    def measures(self) -> dict[str, float]:
        steps, samples, loss, correct, _ = self.native.progress
        return {"loss": loss / max(samples, 1)}

    def explain(self) -> str:
        lines = []
        for step in sorted(self.schedule.steps, key=lambda s: s.position):
            lines.append(f"{step.position} {step.name}")
        return "\n".join(lines)


def _labels(y: np.ndarray) -> np.ndarray:
    y = np.asarray(y)
    return np.ascontiguousarray(y, np.float32 if y.dtype.kind == "f" else np.int64)


def _plain_attributes(module: Module) -> dict[str, Any]:
    kinds = (bool, int, float, str, tuple, type(None))
    return {name: value for name, value in vars(module).items() if isinstance(value, kinds)}


def compile(
    model: Module, loss: Callable[[Any, Any], Tensor], optimizer: Optimizer, batch_size: int = 64, **options: Any
) -> Plan:
    """A plan for training the model: see ``Plan``."""
    return Plan(model, loss, optimizer, batch_size, **options)
