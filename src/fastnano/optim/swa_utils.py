"""Averages of weights over a training: of its steps or epochs (SWA), or fading (EMA).

averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))
...                                     # after each optimizer.step():
averaged.update_parameters(model)
update_bn(loader, averaged)             # where there is batch norm, once at the end
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from .._state import no_grad
from ..autograd import Tensor, as_tensor
from ..nn import Module
from ..nn.norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .lr_scheduler import LRScheduler
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def _ema(decay: float, averaged: Tensor, current: Tensor, number: Any) -> Tensor:
    return averaged + (current - averaged) * (1 - decay)


def _swa(averaged: Tensor, current: Tensor, number: Any) -> Tensor:
    return averaged + (current - averaged) * (1 / (int(number) + 1))


def _all(average: Average, averaged: Sequence[Tensor], current: Sequence[Tensor], number: Any) -> None:
    with no_grad():
        for a, c in zip(averaged, current, strict=True):
            a.copy_(as_tensor(average(a, c, number).data.astype(a.dtype, copy=False)))


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """averaged = decay · averaged + (1 − decay) · current, for one tensor."""
    return _fading("get_ema_avg_fn", decay)


def _fading(owner: str, decay: float) -> Average:
    if not isinstance(decay, (int, float, np.number)) or not 0 <= decay <= 1:
        raise ValueError(f"{owner}: decay={decay!r} must be a number from 0 to 1")
    return partial(_ema, decay)


def get_swa_avg_fn() -> Average:
    """averaged += (current − averaged) / (number + 1), for one tensor."""
    return _swa


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """averaged = decay · averaged + (1 − decay) · current, in place, for lists of tensors."""
    return partial(_all, _fading("get_ema_multi_avg_fn", decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """averaged += (current − averaged) / (number + 1), in place, for lists of tensors."""
    return partial(_all, _swa)


class AveragedModel(Module):
    """A copy of a model, ``module``, whose parameters are averages of the model's at each ``update_parameters``.

    p̄ ← p̄ + (p − p̄) / (n + 1), the equal average of all (SWA), n updates having gone before, or what
    ``multi_avg_fn(averaged, current, n)`` makes of two lists of tensors, or ``avg_fn(averaged, current, n)`` of two
    tensors.  Buffers are the model's own, or, with ``use_buffers``, averaged too.  ``n_averaged`` counts the
    updates.

    Source: P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization",
    arXiv:1803.05407.
    """

    def __init__(
        self,
        model: Module,
        device: None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: give one of avg_fn and multi_avg_fn")
        if device is not None:
            raise ValueError(f"AveragedModel: device={device!r} must be None; there is only the CPU")
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", Tensor(np.zeros((), np.int64)))
        self.multi_avg_fn = multi_avg_fn or partial(_all, avg_fn or _swa)
        self.use_buffers = use_buffers

    def forward(self, *inputs: Any, **options: Any) -> Any:
        return self.module(*inputs, **options)

    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters, as they are now, into the average."""
        mine, its = ([list(m.parameters()), list(m.buffers())] for m in (self.module, model))
        if [len(part) for part in mine] != [len(part) for part in its]:
            raise ValueError("update_parameters: the model is another one than that given at first")
        averaged, current = (chain(*pair) if self.use_buffers else pair[0] for pair in (mine, its))
        copied = [] if self.use_buffers else list(zip(mine[1], its[1], strict=True))
        pairs = list(zip(averaged, current, strict=True))
        number = int(self.n_averaged.data)
        with no_grad():
            if number:
                self.multi_avg_fn([a.detach() for a, _ in pairs], [c.detach() for _, c in pairs], number)
            for a, c in copied if number else [*copied, *pairs]:
                a.copy_(c)
        self.n_averaged.copy_(as_tensor(number + 1))


def update_bn(loader: Iterable[Any], model: Module, device: str | None = None) -> None:
    """Work out the running statistics of all batch norms anew: the equal average over the batches of ``loader``,
    arrays or tensors, or tuples that begin with one; ``device`` may be None or "cpu"."""
    if device is not None and str(device) != "cpu":
        raise ValueError(f"update_bn: device={device!r} must be 'cpu', which is the one there is, or None")
    norms = [
        m
        for m in model.modules()
        if isinstance(m, (BatchNorm1d, BatchNorm2d, BatchNorm3d)) and m.running_mean is not None
    ]
    if not norms:
        return
    momenta, modes = [m.momentum for m in norms], [(m, m.training) for m in model.modules()]
    for norm in norms:
        for buffer, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
            getattr(norm, buffer).data[...] = value
        norm.momentum = None
    model.train()
    try:
        with no_grad():
            for batch in loader:
                model(as_tensor(batch[0] if isinstance(batch, (tuple, list)) else batch))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode


class SWALR(LRScheduler):
    """lr = start + (swa_lr − start) · (1 − cos(π s)) / 2, or, with "linear", start + (swa_lr − start) · s, where s =
    min(t / anneal_epochs, 1) and start is each group's learning rate when ``step`` is first called.

    Source: P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization",
    arXiv:1803.05407.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        self._attach(optimizer)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy={anneal_strategy!r} must be 'cos' or 'linear'")
        if not isinstance(anneal_epochs, (int, np.integer)) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs={anneal_epochs!r} must be a whole number, at least 0")
        self.swa_lrs = self._for_groups("swa_lr", swa_lr)
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def values(self, t: int) -> list[dict[str, Any]]:
        share = min(1.0, t / self.anneal_epochs) if self.anneal_epochs else 1.0
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        pairs = zip(self.base_lrs, self.swa_lrs, strict=True)
        return [{"lr": swa * share + base * (1 - share)} for base, swa in pairs]

    def after(self, t: int, lrs: list[float]) -> list[dict[str, Any]]:
        return [{"lr": lr} for lr in lrs] if not t and self.anneal_epochs else self.values(t)

    def step(self, epoch: int | None = None) -> None:
        if self.last_epoch == 0:  # another schedule may have been followed until now
            self.base_lrs = self.get_last_lr()
        super().step(epoch)
