"""Losses of numbers, and what all losses share."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor, as_tensor
from . import functional as F
from ._arguments import choice, positive
from .functional._loss_arguments import REDUCTIONS
from .module import Module

__all__ = ["HuberLoss", "L1Loss", "LogCoshLoss", "MSELoss", "SSELoss", "SmoothL1Loss"]


class _Loss(Module):
    reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = choice(type(self).__name__, "reduction", reduction, self.reductions)


class _WeightedLoss(_Loss):
    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))


class MSELoss(_Loss):
    """y = (x − target)², reduced over all elements.

    Shapes: x and target (...), y () or, with ``reduction="none"``, (...).
    Source: C. Bishop, "Pattern Recognition and Machine Learning", 2006, section 1.5.5.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """y = |x − target|, reduced over all elements.

    Shapes: x and target (...), y () or, with ``reduction="none"``, (...).
    Source: T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", 2009, section 10.6.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.l1_loss(input, target, self.reduction)


class SSELoss(_Loss):
    """Σ (x − target)², the sum of squared errors; shapes are equal.

    ``reduction``: "sum" over everything; "mean" over the samples, (N, ...), of what each holds; "none": one
    sum per sample.
    Source: C. Bishop, "Pattern Recognition and Machine Learning", 2006, equation 1.2 without its ½.
    """

    def __init__(self, reduction: str = "sum") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.sse_loss(input, target, self.reduction)


class SmoothL1Loss(_Loss):
    """d² / 2β where d = |x − target| < β, else d − β/2; with β = 0, L1Loss.

    Shapes: x and target (...), y () or, with ``reduction="none"``, (...).
    Source: R. Girshick, "Fast R-CNN", arXiv:1504.08083, equation 3, for β = 1.
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if beta < 0:
            raise ValueError(f"SmoothL1Loss: beta={beta} must be at least 0")
        self.beta = beta

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """d² / 2 where d = |x − target| < δ, else δ · (d − δ/2).

    Shapes: x and target (...), y () or, with ``reduction="none"``, (...).
    Source: P. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35, 1964.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = positive("HuberLoss", "delta", delta)

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)


class LogCoshLoss(_Loss):
    """log cosh(x − target), near d²/2 for small d = |x − target| and d − log 2 for large.

    Shapes: x and target (...), y () or, with ``reduction="none"``, (...).
    Source: R. Saleh, A. Saleh, "Statistical Properties of the log-cosh Loss Function", arXiv:2208.04564.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.log_cosh_loss(input, target, self.reduction)
