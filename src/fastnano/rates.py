"""Which learning rate a model can be trained with.

found = fastnano.lr_find(model, nn.CrossEntropyLoss(), optimizer, data.load("mnist"))
found.suggestion                        # 0.0021
found.plot("rates.png")
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._training_data import Prepare, Transform, as_dataset, as_loader
from .autograd import Tensor
from .checkpoint import _generators
from .nn import Module
from .optim import Optimizer
from .plan import check_trains, training_step
from .train import Trainer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RateRange", "lr_find"]

KEEP = 0.8  # of the smoothed loss, at each step
FIRST = 5  # steps whose smoothed loss is too rough to go by
FLAT = 2.0, 1e-3  # a fall of so many deviations between two steps, or such a share of the loss, is none


@dataclass
class RateRange:
    """What a learning-rate range test saw: the rate of each step, its loss, the smoothed loss."""

    lrs: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def suggestion(self) -> float:
        """The rate at which the smoothed loss falls most steeply over the logarithm of the rate, before its lowest."""
        slopes = np.gradient(self.smoothed, np.log(self.lrs))
        return float(self.lrs[FIRST + slopes[FIRST : self._end].argmin()])

    @property
    def _end(self) -> int:
        """Where the smoothed loss is lowest, and one."""
        return max(int(self.smoothed.argmin()), FIRST) + 1

    @property
    def is_flat(self) -> bool:
        """Whether the smoothed loss falls no further than the losses of single steps scatter: no rate stands out."""
        start, scatter = self.smoothed[FIRST], np.median(np.abs(np.diff(self.losses[: self._end])))
        return bool(start - self.smoothed.min() <= max(FLAT[0] * scatter, FLAT[1] * abs(start)))

    def plot(self, path: Any = None) -> Figure:
        """Losses over rates, the suggestion marked, as a matplotlib figure; written where a path is given."""
        from .inspect import plot_rates

        return plot_rates(self, path)

    def __repr__(self) -> str:
        return f"RateRange({len(self.lrs)} steps up to {self.lrs[-1]:.3g}, suggestion={self.suggestion:.3g})"


def lr_find(
    model: Module,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Optimizer,
    data: Any,
    start_lr: float = 1e-7,
    end_lr: float = 10.0,
    num_iter: int = 100,
    *,
    batch_size: int = 64,
    seed: int = 0,
    transform: Transform | None = None,
    diverge: float = 4.0,
) -> RateRange:
    """Train for ``num_iter`` steps while the learning rate grows from ``start_lr`` to ``end_lr`` by the same factor at
    each, or until the smoothed loss is above ``diverge`` times its lowest; then put everything back: parameters,
    buffers, gradients, modes, the optimiser and the random numbers.

    The loss is smoothed by s = 0.8 s + 0.2 loss, divided by 1 − 0.8ᵗ.  Parameter groups keep the ratios of their rates.
    ``data``, ``batch_size``, ``seed`` and ``transform`` are as in ``Trainer.fit``; steps run layer by layer.

    Warns where the loss hardly falls, so that the suggestion is a guess (``is_flat``).  Raises ValueError for a range
    that is none, and FloatingPointError where the first losses are not finite.
    Source: L. Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186.
    """
    if not 0 < start_lr < end_lr:
        raise ValueError(f"lr_find: start_lr={start_lr} must be above 0 and below end_lr={end_lr}")
    if not isinstance(num_iter, (int, np.integer)) or num_iter <= 2 * FIRST:
        raise ValueError(f"lr_find: num_iter={num_iter!r} must be a whole number above {2 * FIRST}")
    if not diverge > 1:
        raise ValueError(f"lr_find: diverge={diverge} must be above 1")
    lrs = np.geomspace(start_lr, end_lr, num_iter)
    loader = as_loader(data, batch_size, True, seed)
    trainer = Trainer(model, loss, optimizer, transform=transform)
    check_trains("lr_find", model, loss, optimizer)
    smoothing = _Smoothing(diverge)
    with _restored(model, optimizer, loader):
        _train(trainer, loader, lrs, smoothing)
    count = len(smoothing.losses)
    if count <= FIRST:
        raise FloatingPointError(
            f"lr_find: the loss is {smoothing.last} at a learning rate of {lrs[count]:.3g}, after {count} steps; lower "
            "start_lr, or look for NaN in the data"
        )
    found = RateRange(lrs[:count], np.array(smoothing.losses), np.array(smoothing.smoothed))
    if found.is_flat:
        warnings.warn(
            f"lr_find: the loss hardly falls from {found.smoothed[FIRST]:.4g} between the rates {start_lr:.3g} and "
            f"{found.lrs[-1]:.3g}, so that the suggestion is a guess; widen start_lr to end_lr, or take more num_iter",
            stacklevel=2,
        )
    return found


class _Diverged(Exception):
    pass


class _Smoothing:
    """The losses so far, and their fading average."""

    def __init__(self, diverge: float) -> None:
        self.diverge, self.sum, self.last = diverge, 0.0, math.nan
        self.losses: list[float] = []
        self.smoothed: list[float] = []

    def add(self, loss: float) -> None:
        """Take a loss in, before its step is made, or end the test."""
        self.last = loss
        self.sum = KEEP * self.sum + (1 - KEEP) * loss
        smoothed = self.sum / (1 - KEEP ** (len(self.losses) + 1))
        lowest = min(self.smoothed, default=math.inf)
        if not math.isfinite(smoothed) or (
            len(self.losses) > FIRST and smoothed > self.diverge * abs(lowest)
        ):
            raise _Diverged
        self.losses.append(loss)
        self.smoothed.append(smoothed)


def _train(trainer: Trainer, loader: Any, lrs: np.ndarray, smoothing: _Smoothing) -> None:
    """A step at each rate, until one diverges; the groups' rates keep their ratios to that of the first."""
    groups = trainer.optimizer.param_groups
    rates = [group["lr"] for group in groups]
    ratios = [rate / rates[0] if rates[0] else 1.0 for rate in rates]
    trainer.model.train()
    for lr, batch in zip(lrs, _endless(trainer, loader), strict=False):
        for group, ratio in zip(groups, ratios, strict=True):
            group["lr"] = float(lr * ratio)
        try:
            training_step(trainer.model, trainer.loss, trainer.optimizer, *batch, check=smoothing.add)
        except _Diverged:
            return


def _endless(trainer: Trainer, loader: Any) -> Iterator[tuple[Tensor, Any]]:
    """Batches of one epoch after another, as the trainer feeds them."""
    prepare = trainer.transform or Prepare.of(as_dataset(loader), trainer.model)
    for epoch in range(2**31):
        loader.set_epoch(epoch)
        for x, y in loader:
            yield trainer._inputs(prepare(x), y)


@contextmanager
def _restored(model: Module, optimizer: Optimizer, loader: Any) -> Iterator[None]:
    """All that training changes is as before afterwards."""
    tensors = [*model.parameters(), *model.buffers()]
    values = [(t, t.data.copy(), t.grad) for t in tensors]
    modes = [(module, module.training) for module in model.modules()]
    states = [(g, g.state.copy(), g.rng.bit_generator.state) for _, g in _generators(model)]
    saved, epoch = optimizer.state_dict(), loader.epoch
    try:
        yield
    finally:
        for tensor, value, gradient in values:
            tensor.data[...] = value
            tensor._version[0] += 1
            tensor.grad = gradient
        for module, mode in modes:
            module.training = mode
        for generator, state, stream in states:
            generator.state[:] = state
            generator.rng.bit_generator.state = stream
        optimizer.load_state_dict(saved)
        loader.set_epoch(epoch)
