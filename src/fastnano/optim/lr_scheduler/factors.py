"""Schedules that multiply the initial learning rate."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler, at_least

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]


class _Factor(LRScheduler):
    """lr = initial · factor(t)."""

    def factor(self, t: int) -> float:
        """What the initial rate is multiplied by at step t."""
        raise NotImplementedError(
            f"{type(self).__name__}.factor: define what the initial rate is multiplied by"
        )

    def lr(self, t: int, base: float) -> float:
        return base * self.factor(t)

    def after(self, t: int, lrs: list[float]) -> list[dict[str, Any]]:
        before, now = self.factor(t - 1) if t else 1.0, self.factor(t)
        return [{"lr": lr if now == before else lr * now / before} for lr in lrs]


class StepLR(_Factor):
    """lr = initial · gamma^⌊t / step_size⌋.

    Source: C. Szegedy et al., "Going Deeper with Convolutions", arXiv:1409.4842 (4 % less every 8 epochs).
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        at_least(self, 1, step_size=step_size)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(_Factor):
    """lr = initial · gamma^(number of milestones up to t).

    Source: K. He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385, section 4.2.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int) -> float:
        return self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(_Factor):
    """lr = initial · gammaᵗ.

    Source: C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", arXiv:1512.00567, section
    8.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int) -> float:
        return self.gamma**t


class ConstantLR(_Factor):
    """lr = initial · factor as long as t < total_iters, then initial.

    Source: P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", arXiv:1706.02677, section
    2.2 (constant warmup).
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor={factor} must be from 0 to 1")
        self._factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int) -> float:
        return self._factor if t < self.total_iters else 1.0


class LinearLR(_Factor):
    """lr = initial · (start_factor + (end_factor − start_factor) · min(t / total_iters, 1)).

    Source: P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", arXiv:1706.02677, section
    2.2 (gradual warmup).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor={start_factor} must be above 0 and at most 1")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor={end_factor} must be from 0 to 1")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int) -> float:
        share = min(t, self.total_iters) / self.total_iters if self.total_iters else 1.0
        return self.start_factor + (self.end_factor - self.start_factor) * share


class PolynomialLR(_Factor):
    """lr = initial · (1 − min(t / total_iters, 1))^power.

    Source: L.-C. Chen et al., "DeepLab", arXiv:1606.00915 ("poly").
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        at_least(self, 1, total_iters=total_iters)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def factor(self, t: int) -> float:
        return (1 - min(t, self.total_iters) / self.total_iters) ** self.power


class _Lambda(LRScheduler):
    """A function of the step for all groups, or one for each."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self._attach(optimizer)
        self.lr_lambdas: list[Any] = self._for_groups("lr_lambda", lr_lambda)
        super().__init__(optimizer, last_epoch)


class LambdaLR(_Lambda):
    """lr = initial · lr_lambda(t); one function, or one for each group.  ``state_dict`` does not hold the functions."""

    def values(self, t: int) -> list[dict[str, Any]]:
        return [{"lr": base * f(t)} for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(_Lambda):
    """lr = initial · lr_lambda(1) ⋯ lr_lambda(t); one function, or one for each group.  ``state_dict`` does not
    hold the functions."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self._products: list[list[float]] = [[1.0] * len(optimizer.param_groups)]  # up to each step
        super().__init__(optimizer, lr_lambda, last_epoch)

    def values(self, t: int) -> list[dict[str, Any]]:
        while len(self._products) <= t:
            factors = [f(len(self._products)) for f in self.lr_lambdas]
            self._products.append([a * b for a, b in zip(self._products[-1], factors, strict=True)])
        return [
            {"lr": base * product} for base, product in zip(self.base_lrs, self._products[t], strict=True)
        ]

    def after(self, t: int, lrs: list[float]) -> list[dict[str, Any]]:
        return [{"lr": lr * f(t) if t else lr} for lr, f in zip(lrs, self.lr_lambdas, strict=True)]
