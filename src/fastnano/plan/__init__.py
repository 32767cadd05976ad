"""Compiled plans: one eager step, recorded, laid out, and replayed by native code epoch after epoch.

    plan = fastnano.compile(model, nn.CrossEntropyLoss(), optimizer, batch_size=64)
    plan.run_epoch(images, labels, order)     # {"loss": 0.21, "accuracy": 0.94}
    plan.predict(images)

The plan knows no layer: whatever is a row with a native kernel can be in it.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from .._kernels import _native
from .._kernels._executor import FEW
from .._state import no_grad, use_backend
from ..autograd import Tensor
from ..nn import Module
from ..nn.module import evaluating
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .contents import contents, layer_contents
from .exchange import exchanged
from .layout import Layout
from .lowering import Lowering
from .probing import two_batches, without_trace
from .recording import NotPlannable, Recording, States, nudged, record
from .replay import Change, Replayed, as_labels, is_whole
from .schedule import Schedule
from .snapshot import Snapshot
from .step import Loss, check_learner, check_trains, measured, training_step

__all__ = ["NotPlannable", "Plan", "check_learner", "check_trains", "compile", "measured", "training_step"]

SLICE = 0.05  # seconds of native code between two looks at signals and progress
EVALUATION = 256  # samples of a batch that is only looked at
_OF_THIS_PROCESS = ("_made", "_snapshot", "_lock", "_running")


def _check_data(what: str, data: tuple[Any, ...]) -> None:
    for name, array in zip(("images", "labels"), data, strict=False):
        if not isinstance(array, (np.ndarray, Tensor)) or not array.ndim or array.dtype.kind not in "fiub":
            got = (
                f"{array.dtype} of shape {np.shape(array)}"
                if hasattr(array, "dtype")
                else type(array).__name__
            )
            raise TypeError(
                f"{what}: {name} must be an array of numbers, got {got}; numpy.asarray makes one of a list"
            )


class Plan:
    """A model's training step, and its evaluation, as native code.

    ``loss`` maps (output, labels) to a scalar tensor; a ``scheduler`` that steps per batch is followed; gradients
    are clipped as ``Trainer`` does.  uint8 images are fed as (x / 255 − mean) / std, numbers or one per channel;
    floats as they are, and int64, the rows of a table.  Parameters stay in the model's own arrays: after an epoch the
    model is the trained one.

    The step is recorded when data are first seen, and again where the model, its modes or the optimiser have
    changed since, or what their Python code reads: attributes, closures and globals, and what is in them, but not what
    is in objects of other libraries.  For that moment the model's values are not its own, so that no other thread may
    use it.  Raises NotPlannable, naming the op, where a step has no native form.
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        batch_size: int = 64,
        *,
        scheduler: LRScheduler | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
    ) -> None:
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"compile: batch_size={batch_size!r} must be a whole number, at least 1")
        check_learner("compile", model, loss, optimizer, scheduler, clip_norm, clip_value)
        if not np.all(np.asarray(std) > 0):
            raise ValueError(f"compile: std={std} must be above 0")
        self.model, self.loss, self.optimizer, self.scheduler = model, loss, optimizer, scheduler
        self.batch_size, self.clip_norm, self.clip_value = int(batch_size), clip_norm, clip_value
        self.mean, self.std = mean, std
        self._begin()

    def _begin(self) -> None:
        """Nothing is recorded, and no epoch runs: of a new plan, of a copy, whose arrays lie elsewhere, and of one in a
        forked child, whose parent's other threads are not there."""
        self._made: dict[str, tuple[tuple, Replayed]] = {}
        self._snapshot: Snapshot | None = None  # of the model, when it last predicted
        self._lock = threading.RLock()  # one epoch at a time
        self._running = False
        _plans.add(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _OF_THIS_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    # Running

    def run_epoch(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        order: np.ndarray | None = None,
        poll: Callable[[np.ndarray], Any] | None = None,
        seconds: float = SLICE,
        augment: Sequence[Change] = (),
    ) -> dict[str, float]:
        """Train on every sample once, in the given order; returns the mean loss and, for classes, the accuracy.

        ``augment`` is what happens to uint8 images before, one thing after another, as pairs of a name and an array
        with the numbers for every place in the order (float32): "shift" (y, x: how far off a pixel's new value lies),
        "turn" (cosine, sine), "flip" (1 or 0); that is, what ``RandomShift.numbers`` of fastnano.data gives, and so on.
        ``poll`` is called every so many ``seconds`` (0: after each step) with ``plan.progress``; it may return true
        to stop.  Ctrl-C stops at the end of a step, with the model intact.  Raises FloatingPointError, naming the step,
        where the loss is NaN or infinite, before that step updates any weight.
        """
        with self._lock:
            if self._running:
                raise RuntimeError("run_epoch: poll may look at the model, but not train it")
            made = self.prepare(images, labels)
            self._try_one(made, images, labels, len(images) if order is None else math.prod(np.shape(order)))
            made.bind([images, labels], order, augment)
            self._running = True
            try:
                made.run(self.scheduler, poll, seconds)
            except FloatingPointError:
                self._ask_eager(images, labels, order, int(made.progress[0]))
                raise
            finally:
                self._running = False
                self._changed()
            return made.measures()

    def _try_one(self, made: Replayed, images: np.ndarray, labels: np.ndarray, samples: int) -> None:
        """Raise what the eager step would, if it refuses the lone sample that the last batch consists of."""
        if samples and (samples - 1) % self.batch_size == 0 and not made.takes_one:
            with self._gradients_kept():
                self._record("train", (images, labels), np.zeros(1, int))
            made.takes_one = True

    def _ask_eager(self, images: np.ndarray, labels: np.ndarray, order: Any, step: int) -> None:
        """Raise what the eager step would, if it refuses the labels of a batch: when all are ignored, say."""
        order = np.arange(len(images)) if order is None else np.asarray(order)
        batch = order[step * self.batch_size : (step + 1) * self.batch_size]
        with no_grad(), evaluating(self.model):
            measured(self.model, self.loss, Tensor(self.as_input(images[batch])), as_labels(labels[batch]))

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        """One training step on a batch of at most ``batch_size`` samples; returns its loss."""
        if np.shape(x)[:1] > (self.batch_size,):
            raise ValueError(f"step: {len(x)} samples, more than batch_size={self.batch_size}; use run_epoch")
        return self.run_epoch(x, y)["loss"]

    def evaluate(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Mean loss and, for classes, accuracy in evaluation mode; FloatingPointError where the loss is not finite."""
        with self._lock:
            made = self._ready("evaluate", images, labels)
            made.bind([images, labels], None)
            made.run(None, None, SLICE)
            return made.measures()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The model's outputs in evaluation mode."""
        with self._lock:
            if self._snapshot is None or not len(x) or not self._snapshot.holds_for(self.model, x):
                made = self._ready("predict", x)
                self._snapshot = Snapshot(self.model, x) if not made.questions else None
            return self._made["predict"][1].outputs(x)

    def prepare(self, images: np.ndarray, labels: np.ndarray) -> Replayed:
        """Record and lay out the training step for data like these, if that is not done yet."""
        with self._lock:
            return self._ready("train", images, labels)

    def profile(self, images: np.ndarray, labels: np.ndarray, order: np.ndarray | None = None) -> str:
        """Train for an epoch; returns what ``explain`` does, with the time that each call took."""
        with self._lock:
            made = self.prepare(images, labels)
            made.native.measure(_native.get_num_threads())
            try:
                self.run_epoch(images, labels, order)
                return made.explain()
            finally:
                made.native.measure(0)

    def is_current(self, images: np.ndarray, labels: np.ndarray) -> bool:
        """Whether the training step is recorded as the model, the loss and the optimiser are now."""
        known, _ = self._made.get("train", (None, None))
        return known == self._fingerprint("train", (images, labels))

    @property
    def progress(self) -> np.ndarray:
        """Of the training: steps done, samples seen, the sum of their losses, right answers, and the last loss."""
        return self._made["train"][1].progress if "train" in self._made else np.zeros(5)

    @property
    def counts(self) -> bool:
        """Whether right answers are counted: where the labels are classes."""
        return "train" in self._made and self._made["train"][1].schedule.counts

    def explain(self) -> str:
        """Calls, phases and buffers of what has been made so far."""
        if not self._made:
            return "nothing is recorded yet: plan.prepare(images, labels), or run an epoch"
        return "\n\n".join(f"{what}: {made.explain()}" for what, (_, made) in self._made.items())

    # Making

    def _changed(self) -> None:
        for tensor in self._tensors():
            tensor._version[0] += 1

    def _modules(self) -> list[Module]:
        """The layers, and the loss where it is a module."""
        return [m for top in (self.model, self.loss) if isinstance(top, Module) for m in top.modules()]

    def _tensors(self) -> list[Tensor]:
        """Parameters and buffers of the model and of the loss."""
        tops = [top for top in (self.model, self.loss) if isinstance(top, Module)]
        return [t for top in tops for t in (*top.parameters(), *top.buffers())]

    def _ready(self, what: str, *data: np.ndarray) -> Replayed:
        _check_data(what, data)
        if not len(data[0]):
            raise ValueError(f"{what}: there are no samples (shape {np.shape(data[0])})")
        if len({len(array) for array in data}) > 1:
            raise ValueError(f"{what}: {len(data[0])} samples but {len(data[1])} labels, expected as many")
        key = self._fingerprint(what, data)
        known, made = self._made.get(what, (None, None))
        if made is None or known != key or not made.holds_for(data):
            made = self._make(what, data)
            self._made[what] = self._fingerprint(what, data), made
        return made

    def _fingerprint(self, what: str, data: tuple[np.ndarray, ...]) -> tuple:
        """What a recording depends on: addresses, modes, what is frozen, and all attributes of the layers."""
        groups = self.optimizer.param_groups if what == "train" else []
        return (
            [(a.shape[1:], a.dtype.kind if is_whole(a) or a.dtype == np.uint8 else "f") for a in data[:1]],
            [(a.shape[1:], a.dtype.kind) for a in data[1:]],
            [
                (t.data.ctypes.data, t.shape, t.dtype, t.requires_grad, bool(t._hooks))
                for t in self._tensors()
            ],
            [layer_contents(m) for m in self._modules()],
            None if isinstance(self.loss, Module) else contents(self.loss),
            [(self.optimizer.rows(g), [id(p) for p in g["params"]], g.get("maximize")) for g in groups],
            [[id(a) for a in state.values()] for state in self.optimizer.state.values()] if groups else [],
            (self.clip_norm, self.clip_value, self.batch_size, _native.current()),
        )

    def _make(self, what: str, data: tuple[np.ndarray, ...]) -> Replayed:
        if what == "train":
            check_trains("compile", self.model, self.loss, self.optimizer)
        batch = self.batch_size if what == "train" else EVALUATION
        for tensor in self._tensors():
            if tensor.dtype == np.float64:
                raise NotPlannable(
                    f"the model has float64 tensors (shape {tensor.shape}); plans are float32 (model.float())"
                )
        arrays = [t.data for t in self._tensors()]
        with self._gradients_kept(), without_trace(self._modules(), self.loss, arrays) as held:
            some, others = two_batches(data, self.batch_size)
            first, results = self._record(what, data, some)
            with nudged(held) as states:
                second, _ = self._record(what, data, others, states)
            lowering = Lowering(first, second, _native.load(), _native.formulas())
            values = [lowering.value(array) for array in results]
        outputs = tuple(values) if what == "predict" else ()
        nodes = exchanged(lowering.nodes, values)
        schedule = Schedule(nodes, () if outputs else tuple(values), outputs)
        shapes = [a.shape[1:] for a in results]
        layout = Layout(schedule, batch, outputs, shapes)
        few = None
        if outputs:
            with suppress(NotPlannable):  # some op works on blocks only
                each = Schedule(nodes, (), outputs, together=False)
                few = Replayed(each, Layout(each, FEW, outputs, shapes, lanes=1), [], self._affine)
        return Replayed(schedule, layout, first.questions, self._affine, few)

    @contextmanager
    def _gradients_kept(self) -> Iterator[None]:
        """Native code, and afterwards the gradients that there were."""
        gradients = [(tensor, tensor.grad) for tensor in self._tensors()]
        try:
            with use_backend("cython"):
                yield
        finally:
            for p, gradient in gradients:
                p.grad = gradient

    def _record(
        self, what: str, data: tuple[np.ndarray, ...], index: np.ndarray, states: States = ()
    ) -> tuple[Recording, list[np.ndarray]]:
        """One step on a few samples: its calls, and its results (loss and right answers, or the output).

        The second time with other images, and ``states`` of the model that are not as they were.
        """
        for tensor in self._tensors():  # some may be no optimiser's, so that no zero_grad forgets theirs
            tensor.grad = None
        x = self.as_input(data[0][index])
        if states and not is_whole(x):
            x = x * np.float32(0.5) + np.float32(0.25)
        inputs = [
            (x, data[0] if is_whole(x) else x),
            *((as_labels(a[index]), as_labels(a)) for a in data[1:]),
        ]
        y = inputs[1][0] if len(inputs) > 1 else None
        with record(inputs, [t.data for t in self._tensors()], states) as recording:
            if what == "train":
                clip = self.clip_norm, self.clip_value
                return recording, training_step(self.model, self.loss, self.optimizer, Tensor(x), y, *clip)
            with no_grad(), evaluating(self.model):
                if what == "predict":
                    return recording, [self.model(Tensor(x)).data]
                value, *right = measured(self.model, self.loss, Tensor(x), y)
                return recording, [value.data, *right]

    def as_input(self, x: np.ndarray) -> np.ndarray:
        """What the model is fed: float32, images as (N, C, H, W); int64 are numbers of rows of a table, and stay."""
        if x.dtype != np.uint8:
            return np.ascontiguousarray(x, np.int64 if is_whole(x) else np.float32)
        x = x[:, None] if x.ndim == 3 else x
        scale, shift = (a.reshape(-1, *[1] * (x.ndim - 2)) for a in self._affine(x.shape))
        return np.ascontiguousarray(x * scale + shift, np.float32)

    def _affine(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Per channel, what a byte is multiplied by and what is added to it."""
        channels = shape[1] if len(shape) == 4 else 1
        std = np.broadcast_to(np.asarray(self.std, np.float64), channels)
        mean = np.broadcast_to(np.asarray(self.mean, np.float64), channels)
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)


_plans: weakref.WeakSet[Plan] = weakref.WeakSet()


def _begin_again() -> None:
    for plan in list(_plans):
        plan._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


def compile(model: Module, loss: Loss, optimizer: Optimizer, batch_size: int = 64, **options: Any) -> Plan:
    """A native plan of the training step: see ``Plan`` for the options and what it does."""
    return Plan(model, loss, optimizer, batch_size, **options)
