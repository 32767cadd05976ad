"""The training loop: epochs of batches, what is measured, and what may stop it.

trainer = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()))
history = trainer.fit(data.load("mnist"), epochs=3)
trainer.evaluate(data.load("mnist", train=False))       # {"loss": 0.03, "accuracy": 0.991}
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._state import no_grad
from .autograd import Tensor
from .callbacks import Callback, ProgressBar
from .data import DataLoader, TensorDataset
from .data.transforms import Normalize
from .nn import Module, clip_grad_norm_, clip_grad_value_
from .nn.module import evaluating
from .optim import Optimizer
from .optim.lr_scheduler import LRScheduler

Record = dict[str, Any]
Transform = Callable[..., np.ndarray]


@dataclass
class History:
    """What a training gave: one record (a dict) per epoch that was completed.

    A record has epoch, loss, accuracy (of the batches as they were trained on), val_loss, val_accuracy (after
    the epoch, if there are validation data), lr, seconds, images_per_second; ``history["loss"]`` is a list.
    """

    dataset: str = ""  # the data set's name
    epochs: list[Record] = field(default_factory=list)
    stopped: str = ""  # why it ended early, if it did

    @property
    def last(self) -> Record:
        """The record of the last epoch; empty before the first."""
        return self.epochs[-1] if self.epochs else {}

    @property
    def seconds(self) -> float:
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
        return time.perf_counter() - self.started

    def measures(self) -> Record:
        return {"loss": self.loss} | ({} if self.accuracy is None else {"accuracy": self.accuracy})

    def add(self, loss: float, correct: int | None, images: int) -> None:
        self.images += images
        self.loss_sum += loss * images
        self.correct = None if self.correct is None or correct is None else self.correct + correct


class Prepare:
    """What a network is fed: (x / 255 − mean) / std of uint8, images as (N, C, H, W); floats as they are."""

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        self.mean, self.std = mean, std
        self._normalize = Normalize(mean, std)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if x.dtype != np.uint8:
            return x
        if x.ndim in (3, 4):
            return self._normalize(x)
        return ((x / np.float32(255) - np.float32(self.mean)) / np.float32(self.std)).astype(np.float32)

    @classmethod
    def of(cls, dataset: Any) -> Prepare:
        """With the mean and standard deviation that the data set (or the one it is a part of) gives."""
        origin = _origin(dataset)
        return cls(getattr(origin, "mean", 0.0), getattr(origin, "std", 1.0))

    def __repr__(self) -> str:
        return f"Prepare(mean={self.mean}, std={self.std})"


class Trainer:
    """Train, evaluate and apply a model.

    ``loss`` maps (output, labels) to a scalar tensor; ``scheduler`` is stepped after each batch or each
    epoch, as its class says (``per_batch``); gradients are clipped by their common norm (``clip_norm``) or
    element by element (``clip_value``); ``callbacks`` are told what happens, and may set ``trainer.stop`` to
    a reason to end; ``transform`` is as in ``fit``.

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
        callbacks: Sequence[Callback] = (),
        transform: Transform | None = None,
    ) -> None:
        for name, value in (("clip_norm", clip_norm), ("clip_value", clip_value)):
            if value is not None and not value > 0:
                raise ValueError(f"Trainer: {name}={value} must be above 0, or None not to clip")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"Trainer: optimizer must be an Optimizer, got {type(optimizer).__name__}")
        self.model, self.loss, self.optimizer, self.scheduler = model, loss, optimizer, scheduler
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.callbacks = list(callbacks)
        self.transform = transform
        self.history = History()
        self.status = Status()
        self.stop = ""

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
        progress: bool = True,
    ) -> History:
        """Train for some epochs more; returns the history of all so far.

        ``transform`` makes the network's input of a batch's first array, in training, evaluation and
        prediction alike (by default uint8 images are scaled and normalised with the data set's mean and std);
        ``augment`` comes before it, in training only.  The order of epoch e depends on (seed, e) alone.  A
        DataLoader keeps its own batch size, order and transform, which come before these.

        Raises FloatingPointError where the loss is NaN or infinite, before that step updates any weight.
        Ctrl-C stops at the end of a step, with ``history.stopped`` set; a second one at once.
        """
        if not isinstance(epochs, (int, np.integer)) or epochs < 1:
            raise ValueError(f"fit: epochs={epochs!r} must be a whole number, at least 1")
        self.transform = prepare = transform or self.transform or Prepare.of(_dataset(train))
        loader = _loader(train, batch_size, shuffle, seed, augment)
        self.history.dataset, self.history.stopped, self.stop = _name(train), "", ""
        callbacks = [*self.callbacks, *([ProgressBar()] if progress else [])]
        with _interruptible(self), _watched(self, callbacks) as tell:
            self.status = Status(self.epoch + epochs, len(loader))
            tell("fit_begin")
            while self.epoch < self.status.epochs and not self.stop:
                self._epoch(loader, prepare, validation, tell)
        self.history.stopped = self.stop
        return self.history

    def _epoch(
        self, loader: DataLoader, prepare: Transform, validation: Any, tell: Callable[..., None]
    ) -> None:
        """One epoch, and its record if it is not interrupted."""
        loader.set_epoch(self.epoch)
        self.status = Status(self.status.epochs, len(loader), self.epoch + 1, started=time.perf_counter())
        rate = self.optimizer.param_groups[0]["lr"]
        self.model.train()
        tell("epoch_begin")
        for self.status.step, (x, y) in enumerate(loader, 1):
            self._step(*self._inputs(prepare(x), y))
            tell("step_end")
            if self.stop and self.status.step < self.status.steps:
                return
        seconds = self.status.seconds
        if self.scheduler is not None and not self.scheduler.per_batch:
            self.scheduler.step()
        record: Record = {"epoch": self.status.epoch} | self.status.measures()
        if validation is not None:
            measured = self.evaluate(validation)
            record |= {f"val_{name}": value for name, value in measured.items()}
        record |= {
            "lr": rate,
            "seconds": seconds,
            "images_per_second": self.status.images / max(seconds, 1e-9),
        }
        self.history.epochs.append(record)
        tell("epoch_end", record)

    def _step(self, x: Tensor, y: np.ndarray) -> None:
        """Forward, loss, backward, update."""
        self.optimizer.zero_grad()
        output = self.model(x)
        loss = self.loss(output, y)
        value = float(loss.data)
        if not math.isfinite(value):
            raise FloatingPointError(
                f"fit: the loss is {value} in epoch {self.status.epoch}, step {self.status.step} (learning "
                f"rate {self.optimizer.param_groups[0]['lr']:.3g}); lower the learning rate, clip the "
                "gradients (clip_norm=1), or look for NaN in the data"
            )
        loss.backward()
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        if self.clip_value is not None:
            clip_grad_value_(self.model.parameters(), self.clip_value)
        self.optimizer.step()
        if self.scheduler is not None and self.scheduler.per_batch:
            self.scheduler.step()
        self.status.add(value, _correct(output.data, y), len(x))

    # Applying

    def evaluate(self, data: Any, batch_size: int = 256) -> dict[str, float]:
        """Mean loss and, for classes, accuracy over all of data, in evaluation mode; modes are restored."""
        total = Status()
        with no_grad(), evaluating(self.model):
            for batch in self._batches(data, batch_size):
                x, y = self._inputs(*batch)
                output = self.model(x)
                total.add(float(self.loss(output, y).data), _correct(output.data, y), len(x))
        return total.measures()

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """The model's outputs for an array of samples, or a data set, in evaluation mode, by batches."""
        data = (
            TensorDataset(x.data)
            if isinstance(x, Tensor)
            else TensorDataset(x)
            if isinstance(x, np.ndarray)
            else x
        )
        with no_grad(), evaluating(self.model):
            return np.concatenate(
                [self.model(self._inputs(*batch)[0]).data for batch in self._batches(data, batch_size)]
            )

    def _batches(self, data: Any, batch_size: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Batches in order, through the training's transform (these data's own, where there was none)."""
        transform = self.transform or Prepare.of(_dataset(data))
        return ((transform(x), *rest) for x, *rest in _loader(data, batch_size))

    def _inputs(self, x: np.ndarray, y: np.ndarray | None = None) -> tuple[Tensor, Any]:
        """A batch as the model takes it: floats in the dtype of its parameters."""
        dtype = next((p.dtype for p in self.model.parameters()), np.dtype(np.float32))
        if y is not None and y.dtype.kind == "f":
            y = y.astype(dtype, copy=False)
        return Tensor(x.astype(dtype, copy=False)), y


def _correct(output: np.ndarray, y: np.ndarray) -> int | None:
    """How many of the highest scores (N, C, ...) are at the labels (N, ...); None where y is not classes."""
    if np.asarray(y).dtype.kind not in "iu" or output.ndim != np.ndim(y) + 1:
        return None
    return int((output.argmax(1) == y).sum())


# Data


def _loader(
    data: Any, batch_size: int, shuffle: bool = False, seed: int = 0, augment: Transform | None = None
) -> DataLoader:
    if isinstance(data, DataLoader):
        return data
    return DataLoader(_dataset(data), batch_size, shuffle, seed, transform=augment)


def _dataset(data: Any) -> Any:
    """The data set behind whatever data were given."""
    if isinstance(data, DataLoader):
        return data.dataset
    if isinstance(data, (tuple, list)):
        if len(data) != 2:
            raise ValueError(
                f"data: a {type(data).__name__} of {len(data)} was given, expected the pair (x, y)"
            )
        return TensorDataset(*(part.data if isinstance(part, Tensor) else part for part in data))
    return data


def _origin(data: Any) -> Any:
    """The data set that loaders and subsets are of."""
    while hasattr(data, "dataset"):
        data = data.dataset
    return data


def _name(data: Any) -> str:
    return getattr(_origin(data), "name", "")


# Watching and stopping


@contextmanager
def _watched(trainer: Trainer, callbacks: Sequence[Callback]) -> Iterator[Callable[..., None]]:
    """A function that tells every callback of an event; they are told of the end even after an error."""

    def tell(event: str, *details: Any) -> None:
        for callback in callbacks:
            getattr(callback, f"on_{event}")(trainer, *details)

    try:
        yield tell
    finally:
        tell("fit_end")


@contextmanager
def _interruptible(trainer: Trainer) -> Iterator[None]:
    """Ctrl-C asks the trainer to stop after its step; the second one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: Any) -> None:
        trainer.stop = "interrupted"
        signal.signal(signal.SIGINT, previous)

    previous = signal.getsignal(signal.SIGINT) or signal.SIG_DFL
    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
