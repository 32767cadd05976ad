"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler, same_optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Combined(LRScheduler):
    """Steps after each batch where one of its parts does."""

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], last_epoch: int = -1) -> None:
        self._attach(optimizer)
        self._schedulers = same_optimizer(self, schedulers, optimizer)
        self.per_batch = any(part.per_batch for part in self._schedulers)
        super().__init__(optimizer, last_epoch)


class SequentialLR(_Combined):
    """One schedule after another: the first up to milestones[0], the next, from its beginning, up to milestones[1] …"""

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(milestones)} milestones for {len(schedulers)} schedulers, expected one less"
            )
        self._milestones = list(milestones)
        super().__init__(optimizer, schedulers, last_epoch)

    def values(self, t: int) -> list[dict[str, Any]]:
        i = bisect_right(self._milestones, t)
        return self._schedulers[i].values(t - self._milestones[i - 1] if i else t)


class ChainedScheduler(_Combined):
    """All schedules at every step, one on the result of the other: factors multiply."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise ValueError("ChainedScheduler: schedulers is empty; give at least one")
        optimizer = optimizer or schedulers[0].optimizer
        now = [
            {"lr": group["lr"]} for group in optimizer.param_groups
        ]  # the parts have made the first step themselves
        self._known: dict[int, list[dict[str, Any]]] = {0: now}  # by step; each follows from the one before
        super().__init__(optimizer, schedulers)

    def values(self, t: int) -> list[dict[str, Any]]:
        for step in range(max(self._known), t):
            self._known[step + 1] = self.after(step + 1, [values["lr"] for values in self._known[step]])
        return self._known[t]

    def after(self, t: int, lrs: list[float]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [{"lr": lr} for lr in lrs]
        for part in self._schedulers if t else ():
            found = [a | b for a, b in zip(found, part.after(t, [v["lr"] for v in found]), strict=True)]
        return found

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"first": [values["lr"] for values in self._known[0]]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._known = {0: [{"lr": lr} for lr in state_dict["first"]]}
        super().load_state_dict(state_dict)
