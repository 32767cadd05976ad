"""One training step, layer by layer, which is what a plan records and what runs where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._rows import contiguous
from ..autograd import Tensor, launch
from ..nn import Module, clip_grad_norm_, clip_grad_value_
from ..nn._arguments import instance, positive
from ..ops import STEPS
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .replay import as_labels

Loss = Callable[[Any, Any], Tensor]


def check_learner(
    owner: str, model: Any, loss: Any, optimizer: Any, scheduler: Any, clip_norm: Any, clip_value: Any
) -> None:
    """Refuse what cannot take its part in a training."""
    instance(owner, "model", model, Module, "a Module")
    instance(owner, "loss", loss, Callable, "a function of outputs and labels")  # type: ignore[arg-type]
    instance(owner, "optimizer", optimizer, Optimizer, "an Optimizer")
    if scheduler is not None:
        instance(owner, "scheduler", scheduler, LRScheduler, "an LRScheduler")
    for name, value in (("clip_norm", clip_norm), ("clip_value", clip_value)):
        if value is not None:
            positive(owner, name, value)


def check_trains(owner: str, model: Module, loss: Loss, optimizer: Optimizer) -> None:
    """Refuse an optimiser that has nothing of the model or the loss, and would train nothing."""
    own = {id(p) for top in (model, loss) if isinstance(top, Module) for p in top.parameters()}
    if own.isdisjoint(map(id, optimizer.parameters())):
        kind = type(optimizer).__name__
        raise ValueError(
            f"{owner}: optimizer={kind}(...) has none of the {len(own)} parameters of {type(model).__name__} and the "
            f"loss, so that nothing would be trained; make it of them, {kind}(model.parameters())"
        )


def training_step(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    x: Tensor,
    y: Any,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    check: Callable[[float], None] | None = None,
) -> list[np.ndarray]:
    """Forward, loss, backward, update: the loss and, for classes, the number of right answers.

    The gradients that the optimiser takes up are clipped.  ``check`` sees the loss before anything is updated.
    """
    first: list[np.ndarray] = []

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        value, *right = measured(model, loss, x, y)
        if not first:  # some optimisers look more than once
            if check is not None:
                check(float(value.data))
            first.extend([value.data, *right])
        value.backward()
        if clip_norm is not None:
            clip_grad_norm_(optimizer.parameters(), clip_norm)
        if clip_value is not None:
            clip_grad_value_(optimizer.parameters(), clip_value)
        return value

    optimizer.step(evaluate)
    return first


def measured(model: Module, loss: Loss, x: Tensor, y: Any) -> tuple[Any, ...]:
    """The loss of a batch and, where y are classes (N, ...), how many of the highest scores (N, C, ...) are theirs."""
    output = model(x)
    value = loss(output, y)
    if not _are_scores(output, y):
        return (value,)
    n, places = len(output), math.prod(output.shape[2:])
    env = {
        "x": contiguous(output.data, launch).reshape(n, output.shape[1], places),
        "target": as_labels(y).reshape(n, places),
        "correct": np.zeros((), output.dtype),
    }
    launch(STEPS["count_correct"], env)
    return value, env["correct"]


def _are_scores(output: Tensor, y: Any) -> bool:
    """Whether outputs (N, C, ...) are scores of the classes y (N, ...)."""
    labels, shape = np.asarray(y), output.shape
    fit = len(shape) > 1 and labels.shape == (*shape[:1], *shape[2:])
    return fit and labels.dtype.kind in "iu" and output.dtype.kind == "f"
