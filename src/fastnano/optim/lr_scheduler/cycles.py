"""Schedules that go up and down."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler, at_least

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]

Anneal = Callable[[float, float, float], float]


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (initial − eta_min) · (1 + cos(π t / T_max)) / 2.

    Source: I. Loshchilov, F. Hutter, "SGDR", arXiv:1608.03983.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        at_least(self, 1, T_max=T_max)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def lr(self, t: int, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2

    def after(self, t: int, lrs: list[float]) -> list[dict[str, Any]]:
        if not t:
            return [{"lr": lr} for lr in lrs]
        before, now = (1 + math.cos(math.pi * step / self.T_max) for step in (t - 1, t))
        if (t - 1 - self.T_max) % (
            2 * self.T_max
        ) == 0:  # where the last step gave eta_min, whatever was before
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [
                {"lr": lr + (base - self.eta_min) * rise} for lr, base in zip(lrs, self.base_lrs, strict=True)
            ]
        return [{"lr": now / before * (lr - self.eta_min) + self.eta_min} for lr in lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (initial − eta_min) · (1 + cos(π u / T)) / 2, u steps after the last restart: the first T_0 steps
    have T = T_0, and every restart multiplies T by T_mult.  ``step(t)`` may be given a fraction of an epoch.

    Source: I. Loshchilov, F. Hutter, "SGDR", arXiv:1608.03983.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        at_least(self, 1, T_0=T_0, T_mult=T_mult)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def lr(self, t: float, base: float) -> float:
        length: float = self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t, length = t - length, length * self.T_mult
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / length)) / 2

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step of the schedule, or to a certain one, which may lie between two."""
        if epoch is not None and epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts.step: epoch={epoch} must be at least 0")
        t = self.last_epoch + 1 if epoch is None else epoch
        self.last_epoch = math.floor(t)
        self._write([{"lr": self.lr(t, base)} for base in self.base_lrs])


def _momentum(group: Any, momentum: float) -> dict[str, Any]:
    """The momentum of a group, or β₁ where it has betas."""
    return {"betas": (momentum, *group["betas"][1:])} if "betas" in group else {"momentum": momentum}


def _momenta(owner: LRScheduler, cycle: bool, base: Any, high: Any) -> list[Any]:
    """The lowest and highest momentum of each group, or nothing where the momentum does not cycle."""
    if not cycle:
        return []
    if not owner.optimizer.defaults.keys() & {"momentum", "betas"}:
        raise ValueError(
            f"{type(owner).__name__}: {type(owner.optimizer).__name__} has neither momentum nor betas; "
            "pass cycle_momentum=False"
        )
    pairs = owner._for_groups("base_momentum", base), owner._for_groups("max_momentum", high)
    return list(zip(*pairs, strict=True))


class CyclicLR(LRScheduler):
    """From base_lr up to max_lr in step_size_up steps, down again in step_size_down, and so on; momentum (or β₁) runs
    the other way.  Call ``step()`` after each batch.

    lr = base_lr + (max_lr − base_lr) · height · scale, height from 0 to 1 and back.  ``mode``: "triangular" has scale =
    1, "triangular2" 1 / 2^(cycle − 1), "exp_range" gammaᵗ; or scale_fn(x), x being the number of the cycle, from 1, or,
    with scale_mode="iterations", the step.  Source: L. Smith, "Cyclical Learning Rates", arXiv:1506.01186.
    """

    per_batch = True

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self._attach(optimizer)
        scales: dict[str, tuple[str, Callable[[float], float]]] = {
            "triangular": ("cycle", lambda _: 1.0),
            "triangular2": ("cycle", lambda x: 1 / 2.0 ** (x - 1)),
            "exp_range": ("iterations", lambda x: gamma**x),
        }
        if scale_fn is None and mode not in scales:
            raise ValueError(f"CyclicLR: mode={mode!r} must be one of {', '.join(scales)}, or give scale_fn")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"CyclicLR: scale_mode={scale_mode!r} must be 'cycle' or 'iterations'")
        down = step_size_up if step_size_down is None else step_size_down
        at_least(self, 1, step_size_up=step_size_up, step_size_down=down)
        self.scale_mode, self.scale_fn = scales[mode] if scale_fn is None else (scale_mode, scale_fn)
        self.total_size, self.step_ratio = (
            float(step_size_up + down),
            step_size_up / float(step_size_up + down),
        )
        self.max_lrs, bases = self._for_groups("max_lr", max_lr), self._for_groups("base_lr", base_lr)
        self.momenta = _momenta(self, cycle_momentum, base_momentum, max_momentum)
        if last_epoch == -1:
            self._write([{"lr": base} for base in bases])
        self._bases = bases
        super().__init__(optimizer, last_epoch)

    def values(self, t: int) -> list[dict[str, Any]]:
        cycle = math.floor(1 + t / self.total_size)
        x = 1 + t / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        found: list[dict[str, Any]] = [
            {"lr": low + (high - low) * height} for low, high in zip(self._bases, self.max_lrs, strict=True)
        ]
        for values, group, (low, high) in zip(found, self.optimizer.param_groups, self.momenta, strict=False):
            values |= _momentum(group, high - (high - low) * height)
        return found


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _linear(start: float, end: float, share: float) -> float:
    return (end - start) * share + start


class OneCycleLR(LRScheduler):
    """From max_lr / div_factor up to max_lr, then down to that start / final_div_factor, over all batches of a
    training; momentum (or β₁) runs the other way.  Call ``step()`` after each batch.

    Each way lr = end + (start − end) · (1 + cos(π s)) / 2, or, with "linear", start + (end − start) · s, s from 0
    to 1; up for ``pct_start`` of the steps.  With ``three_phase`` it goes down to the start as fast as up, and on
    from there.
    Source: L. Smith, N. Topin, "Super-Convergence", arXiv:1708.07120.
    """

    per_batch = True

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        at_least(self, 1, total_steps=total_steps)
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start={pct_start} must be from 0 to 1")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy={anneal_strategy!r} must be 'cos' or 'linear'")
        self.total_steps, self.anneal = total_steps, _cosine if anneal_strategy == "cos" else _linear
        self._attach(optimizer)
        self.peaks, self.div_factor = self._for_groups("max_lr", max_lr), div_factor
        self.final_div_factor = final_div_factor
        self.momenta = _momenta(self, cycle_momentum, base_momentum, max_momentum)
        rise = pct_start * total_steps
        self.ends = [rise - 1, total_steps - 1]
        if three_phase:
            self.ends = [rise - 1, 2 * rise - 2, total_steps - 1]
        super().__init__(optimizer, last_epoch)

    def _between(self, t: int, points: list[float]) -> float:
        """Anneal along the points, one more than there are phases."""
        phases = list(zip([0.0, *self.ends], self.ends, points, points[1:], strict=False))
        start, end, low, high = next((phase for phase in phases if t <= phase[1]), phases[-1])
        return self.anneal(low, high, (t - start) / (end - start) if end != start else 1.0)

    def values(self, t: int) -> list[dict[str, Any]]:
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: step {t + 1} of a schedule of total_steps={self.total_steps}")
        results: list[dict[str, Any]] = []
        for peak in self.peaks:
            first = peak / self.div_factor
            last = first / self.final_div_factor
            results.append({"lr": self._between(t, [first, peak, *[first] * (len(self.ends) - 2), last])})
        for values, group, (low, high) in zip(
            results, self.optimizer.param_groups, self.momenta, strict=False
        ):
            momentum = self._between(t, [high, low, *[high] * (len(self.ends) - 1)])
            values |= _momentum(group, momentum)
        return results
