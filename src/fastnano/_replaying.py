"""An epoch of a training in native code, told to callbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._training_data import NATIVE, Transform, arrays_of, random_parts
from .data import DataLoader
from .plan import SLICE

if TYPE_CHECKING:
    from .train import Trainer


@dataclass
class Replay:
    """The steps of a trainer's epoch; ``looked_at``: callbacks are told of each, and may change anything.

    # Design: native code runs on from step to step, and begins anew behind one after which something has changed.
    # Rejected: a run for each step, which takes up the data every time (float64, 30,000 x 784: 29 ms a step).
    """

    trainer: Trainer
    loader: DataLoader
    prepare: Transform
    tell: Callable[..., None]
    looked_at: bool

    def run(self) -> None:
        """All steps that are left, unless the trainer is stopped."""
        loader, status = self.loader, self.trainer.status
        self.x, self.y, numbers = arrays_of(loader.dataset)
        order = loader.order(loader.epoch)[: len(loader) * loader.batch_size]
        parts = random_parts(loader)
        augment = [(NATIVE[type(t)], drawn) for t, drawn in zip(parts, loader.numbers(parts), strict=True)]
        samples = order if numbers is None else numbers[order]
        while status.step < status.steps and not self.trainer.stop:
            begin = status.step * loader.batch_size
            self._run(samples[begin:], [(name, drawn[begin:]) for name, drawn in augment])

    def _run(self, order: np.ndarray, augment: list[tuple[str, np.ndarray]]) -> None:
        trainer, status = self.trainer, self.trainer.status
        plan = self.plan = trainer._plan(self.loader, self.prepare)
        steps, images, loss_sum, correct = status.step, status.images, status.loss_sum, status.correct or 0

        def poll(progress: np.ndarray) -> bool:
            status.step, status.images = steps + int(progress[0]), images + int(progress[1])
            status.loss_sum = loss_sum + float(progress[2])
            status.correct = correct + int(progress[3]) if plan.counts else None
            settings = self._settings()
            self.tell("step_end")
            return bool(trainer.stop) or (self.looked_at and self._has_changed(settings))

        try:
            plan.run_epoch(self.x, self.y, order, poll, 0.0 if self.looked_at else SLICE, augment)
        except FloatingPointError:
            status.step = steps + int(plan.progress[0]) + 1
            trainer._check(plan.progress[4])
            raise

    def _has_changed(self, settings: Any) -> bool:
        """Whether a callback has left something other than the plan has it."""
        return (
            self.trainer._plan(self.loader, self.prepare) is not self.plan
            or not self.plan.is_current(self.x, self.y)
            or self._settings() != settings
        )

    def _settings(self) -> list[dict[str, Any]]:
        """The hyper-parameters that a schedule per batch goes on from; it is worked out ahead of the steps."""
        if self.trainer.scheduler is None or not self.trainer.scheduler.per_batch:
            return []
        groups = self.trainer.optimizer.param_groups
        return [{name: group[name] for name in group if name != "params"} for group in groups]
