"""Learning-rate schedules: ``step()`` after each epoch, or, for OneCycleLR, after each batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .optimizer import Optimizer

Anneal = Callable[[float, float, float], float]


class LRScheduler:
    """The base: ``values(t)`` gives each group's hyper-parameters at step t, in closed form.

    # Design: a schedule is a function of the step, not a recurrence as PyTorch's are: it can be unrolled to a
    # table and resumed anywhere.  The numbers are the same as long as nobody else writes the learning rate.
    """

    per_batch = False  # whether step() follows each batch rather than each epoch

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: optimizer must be an Optimizer, got {type(optimizer).__name__}"
            )
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group["initial_lr"] = group["lr"]
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: last_epoch={last_epoch} needs 'initial_lr' in every group"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    def lr(self, t: int, base: float) -> float:
        raise NotImplementedError(f"{type(self).__name__}.lr: define the learning rate at step t")

    def values(self, t: int) -> list[dict[str, Any]]:
        """What each group is set to at step t."""
        return [{"lr": self.lr(t, base)} for base in self.base_lrs]

    def step(self) -> None:
        """Go to the next step of the schedule."""
        self.last_epoch += 1
        self._set()

    def _set(self) -> None:
        for group, values in zip(self.optimizer.param_groups, self.values(self.last_epoch), strict=True):
            for name, value in values.items():
                group[name] = value

    def get_last_lr(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        return {"last_epoch": self.last_epoch, "base_lrs": self.base_lrs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.last_epoch, self.base_lrs = state_dict["last_epoch"], list(state_dict["base_lrs"])
        self._set()


class StepLR(LRScheduler):
    """lr = initial · gamma^⌊t / step_size⌋."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if step_size < 1:
            raise ValueError(f"StepLR: step_size={step_size} must be at least 1")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def lr(self, t: int, base: float) -> float:
        return base * self.gamma ** (t // self.step_size)


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (initial − eta_min) · (1 + cos(π t / T_max)) / 2.

    Source: I. Loshchilov, F. Hutter, "SGDR", arXiv:1608.03983.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max={T_max} must be at least 1")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def lr(self, t: int, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _linear(start: float, end: float, share: float) -> float:
    return (end - start) * share + start


class OneCycleLR(LRScheduler):
    """From max_lr/div_factor up to max_lr, then down to that start / final_div_factor, over all batches of a
    training; momentum (or β₁) runs the other way.  Call ``step()`` after each batch.

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
        if total_steps < 1:
            raise ValueError(f"OneCycleLR: total_steps={total_steps} must be at least 1")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start={pct_start} must be from 0 to 1")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy={anneal_strategy!r} must be 'cos' or 'linear'")
        self.total_steps, self.anneal = total_steps, _cosine if anneal_strategy == "cos" else _linear
        groups = optimizer.param_groups
        peaks = list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr] * len(groups)
        if len(peaks) != len(groups):
            raise ValueError(f"OneCycleLR: {len(peaks)} values of max_lr for {len(groups)} parameter groups")
        self.peaks, self.div_factor, self.final_div_factor = peaks, div_factor, final_div_factor
        self.momenta = (base_momentum, max_momentum) if cycle_momentum else None
        rise = pct_start * total_steps
        self.ends = [rise - 1, total_steps - 1]
        if three_phase:
            self.ends = [rise - 1, 2 * rise - 2, total_steps - 1]
        super().__init__(optimizer, last_epoch)

    def _between(self, t: int, points: list[float]) -> float:
        """Anneal along the points, one more than there are phases."""
        start = 0.0
        for i, end in enumerate(self.ends):
            if t <= end or i == len(self.ends) - 1:
                return self.anneal(
                    points[i], points[i + 1], (t - start) / (end - start) if end != start else 1.0
                )
            start = end
        raise AssertionError("unreachable: there is at least one phase")

    def values(self, t: int) -> list[dict[str, Any]]:
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: step {t + 1} of a schedule of total_steps={self.total_steps}")
        results = []
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            first = peak / self.div_factor
            last = first / self.final_div_factor
            values: dict[str, Any] = {
                "lr": self._between(t, [first, peak, *[first] * (len(self.ends) - 2), last])
            }
            if self.momenta is not None:
                low, high = self.momenta
                momentum = self._between(t, [high, low, *[high] * (len(self.ends) - 1)])
                values |= (
                    {"betas": (momentum, group["betas"][1])} if "betas" in group else {"momentum": momentum}
                )
            results.append(values)
        return results
