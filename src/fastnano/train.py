"""The training loop: epochs of batches, what is measured, and what may stop it.

trainer = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()))
history = trainer.fit(data.load("mnist"), epochs=3)
trainer.evaluate(data.load("mnist", train=False))       # {"loss": 0.03, "accuracy": 0.991}
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _frozen
from ._replaying import Replay
from ._state import current_backend, no_grad
from ._training_data import (
    Prepare,
    Transform,
    arrays_of,
    as_dataset,
    as_loader,
    name_of,
    random_parts,
)
from ._watching import alone, interruptible, watched
from .autograd import Tensor
from .callbacks import NEVER, Callback, ProgressBar
from .data import DataLoader, TensorDataset
from .data.mixing import Mix
from .nn import Module, PenalizedLoss
from .nn._arguments import instance
from .nn.module import dtype_of, evaluating
from .optim import Optimizer
from .optim.lr_scheduler import LRScheduler
from .plan import (
    NotPlannable,
    Plan,
    as_labels,
    check_learner,
    check_trains,
    is_whole,
    measured,
    training_step,
)

Record = dict[str, Any]


@dataclass
class History:
    """What a training gave: one record (a dict) per epoch that was completed.

    A record has epoch, loss, accuracy (of the batches as they were trained on), val_loss, val_accuracy (after
    the epoch, if there are validation data), lr, seconds, images_per_second; ``history["loss"]`` is a list.
    """

    dataset: str = ""  # the data set's name
    epochs: list[Record] = field(default_factory=list)
    stopped: str = ""  # why it ended early, if it did
    cached: str = ""  # which frozen layers the last training left out, if it did
    eager: str = ""  # why the last training ran layer by layer rather than as a native plan, if it did

    @property
    def last(self) -> Record:
        """The record of the last epoch; empty before the first."""
        return self.epochs[-1] if self.epochs else {}

    @property
    def seconds(self) -> float:
        """The seconds that all epochs took together."""
        return sum(record["seconds"] for record in self.epochs)

    def __getitem__(self, name: str) -> list[Any]:
        return [record.get(name) for record in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)


@dataclass
class Status:
    """Where a training is; callbacks read it."""

    epochs: int = 0  # the number of the last epoch of this call of fit
    steps: int = 0  # per epoch
    epoch: int = 0  # from 1
    step: int = 0  # of this epoch, from 1
    started: float = 0.0
    images: int = 0  # of this epoch, so far
    loss_sum: float = 0.0
    correct: int | None = 0  # None where there are no classes
    validates: bool = False  # whether each epoch ends with validation data

    @property
    def loss(self) -> float:
        """The mean of this epoch so far."""
        return self.loss_sum / max(self.images, 1)

    @property
    def accuracy(self) -> float | None:
        """The share that was right in this epoch so far."""
        return None if self.correct is None else self.correct / max(self.images, 1)

    @property
    def seconds(self) -> float:
        """The seconds since the epoch began."""
        return time.perf_counter() - self.started

    def measures(self) -> Record:
        """Mean loss, and accuracy where it is measured, of the epoch so far."""
        return {"loss": self.loss} | ({} if self.accuracy is None else {"accuracy": self.accuracy})

    def add(self, loss: float, correct: int | None, images: int) -> None:
        """Count a batch: its mean loss, how many were right (None: not measured), how many there were."""
        self.images += images
        self.loss_sum += loss * images
        self.correct = None if self.correct is None or correct is None else self.correct + correct


class Trainer:
    """Train, evaluate and apply a model.

    ``loss`` maps (output, labels) to a scalar tensor; ``scheduler`` is stepped after each batch or each
    epoch, as its class says (``per_batch``), ReduceLROnPlateau by the validation loss; the gradients that the
    optimiser takes up are clipped by their common norm (``clip_norm``) or element by element (``clip_value``);
    ``penalties`` (``nn.L2Penalty(model[0], 1e-3)``) are added to the loss, in training and evaluation alike;
    ``constraints`` (``nn.MaxNorm(model[0], 2)``) hold after each step, which has then no native plan; ``callbacks``
    are told what happens, and may set ``trainer.stop`` to a reason to end; ``transform`` is as in ``fit``.

    Data are data sets, pairs (x, y) of arrays, or DataLoaders.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Tensor],
        optimizer: Optimizer,
        scheduler: LRScheduler | None = None,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        penalties: Sequence[Callable[[], Tensor]] = (),
        constraints: Sequence[Callable[[], None]] = (),
        callbacks: Sequence[Callback] = (),
        transform: Transform | None = None,
    ) -> None:
        check_learner("Trainer", model, loss, optimizer, scheduler, clip_norm, clip_value)
        for callback in callbacks:
            instance("Trainer", "callbacks", callback, Callback, "Callbacks")
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.loss = PenalizedLoss(loss, *penalties) if penalties else loss
        self.constraints = list(constraints)
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.callbacks = list(callbacks)
        self.transform = transform
        self.history = History()
        self.status = Status()
        self.stop = ""
        self._made: Plan | None = None
        self._trained: Module = model  # what steps run: the model, or its part behind frozen layers

    @property
    def epoch(self) -> int:
        """Epochs completed, over all calls of fit."""
        return len(self.history)

    # Training

    def fit(
        self,
        train: Any,
        validation: Any = None,
        epochs: int = 1,
        batch_size: int = 64,
        shuffle: bool = True,
        seed: int = 0,
        transform: Transform | None = None,
        augment: Transform | None = None,
        mix: Mix | None = None,
        progress: bool = True,
        compile: bool | str = "auto",
        cache_frozen: bool = False,
    ) -> History:
        """Train for some epochs more; returns the history of all so far.

        ``transform`` makes the network's input of a batch's first array, in training, evaluation and
        prediction alike (by default uint8 images are scaled and normalised with the data set's mean and std, and
        where it has none, with those that the model was last trained with, or loaded);
        ``augment`` comes before it, in training only, and then ``mix`` (``MixUp``, ``CutMix``), which changes labels
        too and gives the accuracy up.  The order of epoch e depends on (seed, e) alone.  A DataLoader keeps its own
        batch size, order, transform and mix.

        The step is compiled into a native plan (see ``fastnano.compile``) where it has one; else it runs layer by
        layer, and ``history.eager`` says why.  ``compile=True`` raises NotPlannable instead, ``compile=False`` never
        compiles.  A plan repeats the ops of a step, not what else Python does in ``forward``; of transforms it takes
        the random ones of ``fastnano.data``, for uint8 images, with the same draws and the same pixels.

        ``cache_frozen=True`` evaluates the frozen layers at the front of a Sequential once
        (``model[:4].requires_grad_(False)``) and keeps what they give of all data in memory, for the whole training;
        ``history.cached`` says which.  They must give the same in every epoch: no dropout, no batch statistics, no
        ``augment``; else ValueError.

        Raises FloatingPointError where the loss is NaN or infinite, before that step updates any weight; the running
        averages of a batch norm have met the batch by then, and may hold NaN.  Errors of shapes come from a sample, or
        the first batch where the model takes no lone sample, before anything is trained.
        Ctrl-C stops at the end of a step, with ``history.stopped`` set; a second one at once.
        """
        if not isinstance(epochs, (int, np.integer)) or epochs < 1:
            raise ValueError(f"fit: epochs={epochs!r} must be a whole number, at least 1")
        check_trains("fit", self.model, self.loss, self.optimizer)
        with alone(self):
            self.transform = prepare = (
                transform or self.transform or Prepare.of(as_dataset(train), self.model)
            )
            loader = as_loader(train, batch_size, shuffle, seed, augment, mix)
            self.history.dataset = name_of(train)
            self._trained, self.history.cached = self.model, ""
            self._note_scaling(prepare)
            if cache_frozen:
                loader, validation = self._behind_frozen(loader, validation, prepare)
                prepare = Prepare()
            lone = self._check_shapes(loader, prepare)
            self._compile(loader, prepare, compile, lone)
            self._run(epochs, loader, prepare, validation, compile, [ProgressBar()] if progress else [])
        return self.history

    def _run(
        self,
        epochs: int,
        loader: DataLoader,
        prepare: Transform,
        validation: Any,
        compile: bool | str,
        more: Sequence[Callback],
    ) -> None:
        """The epochs of fit, watched by the callbacks and some more, until one of them or Ctrl-C stops it."""
        callbacks = [*self.callbacks, *more]
        looked_at = any(
            type(c).on_step_end not in (Callback.on_step_end, ProgressBar.on_step_end) for c in callbacks
        )
        self.stop = self.history.stopped = ""
        with interruptible(self), watched(self, callbacks) as tell:
            self.status = Status(self.epoch + epochs, len(loader), validates=validation is not None)
            tell("fit_begin")
            while self.epoch < self.status.epochs and not self.stop:
                self._epoch(loader, prepare, validation, tell, compile, looked_at)
        self.history.stopped = self.stop

    def _note_scaling(self, prepare: Transform) -> None:
        """Let the model tell what it is fed, as ``Prepare.of`` and its file want to know."""
        mean, std = (prepare.mean, prepare.std) if isinstance(prepare, Prepare) else (0.0, 1.0)
        scaling = np.asarray(mean).tolist(), np.asarray(std).tolist()
        if getattr(self.model, "_scaling", None) != scaling:
            vars(self.model)["_scaling"] = scaling

    def _check_shapes(self, loader: DataLoader, prepare: Transform) -> str:
        """Run the model on one sample, so that an error names its layer before anything has begun; where it takes none
        alone, as on the nodes of a graph, on the first batch.  Returns why it takes none."""
        reason = ""
        try:
            self._try(loader, prepare, 1)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        if reason:
            self._try(loader, prepare, loader.batch_size)
        return reason

    def _try(self, loader: DataLoader, prepare: Transform, size: int) -> None:
        x, *rest = next(iter(DataLoader(loader.dataset, size, seed=0, transform=loader.transform)))
        if not rest:
            raise ValueError(f"fit: the data set {loader.dataset!r} has no labels, expected pairs (x, y)")
        with evaluating(self._trained), no_grad():
            self._trained(self._inputs(prepare(x), rest[0])[0])

    def _epoch(
        self,
        loader: DataLoader,
        prepare: Transform,
        validation: Any,
        tell: Callable[..., None],
        compile: bool | str,
        looked_at: bool,
    ) -> None:
        """One epoch, and its record if it is not interrupted."""
        loader.set_epoch(self.epoch)
        before = self.status
        self.status = Status(before.epochs, len(loader), self.epoch + 1, validates=before.validates)
        self.status.started = time.perf_counter()
        rate = self.optimizer.param_groups[0]["lr"]
        self.model.train()
        tell("epoch_begin")
        if not self.history.eager:
            try:
                Replay(self, loader, prepare, tell, looked_at).run()
            except NotPlannable as reason:  # of what a callback has changed
                self._refused(reason, compile)
        if self.history.eager:
            self._repeat(loader, prepare, tell)
        if self.stop and self.status.step < self.status.steps:
            return
        seconds = self.status.seconds
        record: Record = {"epoch": self.status.epoch} | self.status.measures()
        if validation is not None:
            measured = self._evaluate(self._trained, self._batches(validation, 256, prepare))
            record |= {f"val_{name}": value for name, value in measured.items()}
        if self.scheduler is not None and not self.scheduler.per_batch:
            self.scheduler.follow(record)
        record |= {
            "lr": rate,
            "seconds": seconds,
            "images_per_second": self.status.images / max(seconds, 1e-9),
        }
        self.history.epochs.append(record)
        tell("epoch_end", record)

    def _repeat(self, loader: DataLoader, prepare: Transform, tell: Callable[..., None]) -> None:
        """The steps of an epoch that are left, layer by layer."""
        done = self.status.step
        for step, (x, y) in enumerate(loader, 1):
            if self.stop:
                break
            if step > done:
                self.status.step = step
                self._step(*self._inputs(prepare(x), y))
                tell("step_end")

    def _step(self, x: Tensor, y: np.ndarray) -> None:
        """One step, layer by layer."""
        clip = self.clip_norm, self.clip_value
        value, *right = training_step(self._trained, self.loss, self.optimizer, x, y, *clip, self._check)
        for constraint in self.constraints:
            constraint()
        if self.scheduler is not None and self.scheduler.per_batch:
            self.scheduler.step()
        self.status.add(float(value), int(right[0]) if right else None, len(x))

    def _check(self, value: float) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"fit: the loss is {value} in epoch {self.status.epoch}, step {self.status.step} (learning "
                f"rate {self.optimizer.param_groups[0]['lr']:.3g}); lower the learning rate, clip the "
                "gradients (clip_norm=1), or look for NaN in the data"
            )

    def _behind_frozen(
        self, loader: DataLoader, validation: Any, prepare: Transform
    ) -> tuple[DataLoader, Any]:
        """Train and validation data as the frozen layers give them, which are then left out."""
        if loader.transform is not None or loader.mix is not None:
            raise ValueError(
                "cache_frozen: augment, mix or a loader's transform change the samples in each epoch"
            )
        plain = DataLoader(loader.dataset, _frozen.BATCH)
        first = self._inputs(prepare(next(iter(plain))[0][:32]))[0]
        front, self._trained, reason = _frozen.split(self.model, first)
        names = [f"{name} ({type(layer).__name__})" for name, layer in front.named_children()]
        self.history.cached = f"layers {', '.join(names)}; {reason}"

        def of(data: Any) -> TensorDataset:
            return _frozen.features(front, self._batches(data, _frozen.BATCH), lambda x: self._inputs(x)[0])

        return _frozen.loader_of(of(plain), loader), None if validation is None else of(validation)

    # As a native plan

    def _compile(self, loader: DataLoader, prepare: Transform, compile: bool | str, lone: str) -> None:
        """Make the plan of the training step, or note the reason in the history; ``lone`` is why the model takes no
        sample alone, if so."""
        if compile not in (True, False, "auto"):
            raise ValueError(f"fit: compile={compile!r} must be True, False or 'auto'")
        self.history.eager = "" if compile else NEVER
        if not compile:
            return
        try:
            if lone:
                raise NotPlannable(f"the model takes no sample alone ({lone})")
            plan = self._plan(loader, prepare)
            x, y, _ = arrays_of(loader.dataset)
            if is_whole(x):
                raise NotPlannable(f"the inputs are {x.dtype}, which the transform makes float32; give that")
            plan.prepare(x, y)
        except NotPlannable as reason:
            self._refused(reason, compile)

    def _refused(self, reason: NotPlannable, compile: bool | str) -> None:
        if compile is True:
            raise reason
        self.history.eager = str(reason)

    def _plan(self, loader: DataLoader, prepare: Transform) -> Plan:
        if current_backend() != "cython":
            raise NotPlannable(f"the {current_backend()} back end is in use, and plans are native")
        if not isinstance(prepare, Prepare):
            raise NotPlannable(f"transform={prepare!r} is Python code")
        if self.constraints:
            raise NotPlannable(f"{self.constraints[0]!r} is Python code")
        random_parts(loader)
        options: dict[str, Any] = {"model": self._trained, "loss": self.loss, "optimizer": self.optimizer}
        options |= {"batch_size": loader.batch_size, "scheduler": self.scheduler}
        options |= {"clip_norm": self.clip_norm, "clip_value": self.clip_value}
        options |= {"mean": prepare.mean, "std": prepare.std}
        if self._made is None or any(getattr(self._made, name) != value for name, value in options.items()):
            self._made = Plan(**options)
        return self._made

    # Applying

    def evaluate(self, data: Any, batch_size: int = 256) -> dict[str, float]:
        """Mean loss and, for classes, accuracy over all of data, in evaluation mode; modes are restored."""
        return self._evaluate(self.model, self._batches(data, batch_size))

    def _evaluate(self, model: Module, batches: Iterator[tuple[np.ndarray, ...]]) -> dict[str, float]:
        total = Status()
        with no_grad(), evaluating(self.model):
            for batch in batches:
                x, y = self._inputs(*batch)
                value, *right = measured(model, self.loss, x, y)
                total.add(float(value.data), int(right[0]) if right else None, len(x))
        return total.measures()

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """The model's outputs for an array of samples, or a data set, in evaluation mode, by batches."""
        x = x.data if isinstance(x, Tensor) else x
        data = TensorDataset(x) if isinstance(x, (np.ndarray, list)) else x
        with no_grad(), evaluating(self.model):
            return np.concatenate(
                [self.model(self._inputs(*batch)[0]).data for batch in self._batches(data, batch_size)]
            )

    def _batches(
        self, data: Any, batch_size: int, transform: Transform | None = None
    ) -> Iterator[tuple[np.ndarray, ...]]:
        """Batches in order, through the training's transform (these data's own, where there was none)."""
        transform = transform or self.transform or Prepare.of(as_dataset(data), self.model)
        return ((transform(x), *rest) for x, *rest in as_loader(data, batch_size))

    def _inputs(self, x: np.ndarray, y: np.ndarray | None = None) -> tuple[Tensor, Any]:
        """A batch as the model takes it: floats in the dtype of its parameters."""
        dtype = dtype_of(self.model)
        if y is not None and y.dtype.kind in "fb":
            y = y.astype(dtype, copy=False) if y.dtype.kind == "f" else as_labels(y)
        try:
            return Tensor(x.astype(dtype, copy=False, casting="same_kind")), y
        except TypeError:
            raise TypeError(f"the samples are {x.dtype}, expected real numbers, such as float32") from None


# Data
