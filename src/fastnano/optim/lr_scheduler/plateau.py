"""A schedule that looks at what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler, at_least

__all__ = ["ReduceLROnPlateau"]

STATE = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")


class ReduceLROnPlateau(LRScheduler):
    """lr = max(lr · factor, min_lr) when the metric given to ``step`` has not improved for more than ``patience``
    epochs in a row; then nothing is counted for ``cooldown`` epochs.

    Better is, in mode "min", below best · (1 − threshold), or, with threshold_mode="abs", below best − threshold; in
    mode "max" above best · (1 + threshold), or best + threshold.  Changes of ``eps`` or less are not made.  Trainer
    gives it the validation loss (accuracy in mode "max"), or the training's where there are no validation data.
    Source: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
    2012, section 5.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self._attach(optimizer)
        if not factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor={factor} must be below 1")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode={mode!r} must be 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"ReduceLROnPlateau: threshold_mode={threshold_mode!r} must be 'rel' or 'abs'")
        at_least(self, 0, patience=patience, cooldown=cooldown)
        self.mode, self.factor, self.patience, self.cooldown = mode, factor, patience, cooldown
        self.threshold, self.threshold_mode, self.eps = threshold, threshold_mode, eps
        self.min_lrs = self._for_groups("min_lr", min_lr)
        self.last_epoch, self.num_bad_epochs, self.cooldown_counter = 0, 0, 0
        self.best = math.inf if mode == "min" else -math.inf

    @property
    def in_cooldown(self) -> bool:
        """Whether bad epochs are not counted yet after the last reduction."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take the metric of an epoch."""
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        better = self._better(value)
        self.best = value if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _better(self, value: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        relative = self.threshold_mode == "rel"
        least = self.best * (1 + sign * self.threshold) if relative else self.best + sign * self.threshold
        return sign * value > sign * least

    def _reduce(self) -> None:
        for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            lr = max(group["lr"] * self.factor, least)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr

    def follow(self, record: Mapping[str, Any]) -> None:
        name = "loss" if self.mode == "min" else "accuracy"
        if name not in record:
            raise ValueError(
                f"ReduceLROnPlateau: mode='max' needs an accuracy, but there is {', '.join(record)}"
            )
        self.step(record.get(f"val_{name}", record[name]))

    def values(self, t: int) -> list[dict[str, Any]]:
        raise NotImplementedError(
            "ReduceLROnPlateau.values: it depends on what is measured, not on the step alone"
        )

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` needs to go on from here."""
        return {name: getattr(self, name) for name in STATE}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        for name in STATE:
            setattr(self, name, state_dict[name])
