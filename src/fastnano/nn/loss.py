"""Losses."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor, as_tensor
from . import functional as F
from ._arguments import choice, probability
from .functional._loss import REDUCTIONS
from .module import Module

__all__ = ["CrossEntropyLoss", "HingeLoss", "L1Loss", "MSELoss", "MultiMarginLoss", "NLLLoss"]


class _Loss(Module):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = choice(type(self).__name__, "reduction", reduction, REDUCTIONS)


class _WeightedLoss(_Loss):
    def __init__(self, reduction: str, weight: Any) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))


class CrossEntropyLoss(_WeightedLoss):
    """−(1 − ε) · w_t · log softmax(x)_t − ε/C · Σ_c w_c · log softmax(x)_c, one fused kernel.

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or probabilities of x's
    shape.
    ``weight`` one per class; ``ignore_index`` marks targets that do not count; ε = ``label_smoothing``.
    The mean is over Σ w_t.  Raises ValueError for classes out of range and for an empty batch.
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction, weight)
        self.ignore_index = ignore_index
        self.label_smoothing = probability("CrossEntropyLoss", "label_smoothing", label_smoothing)

    def forward(self, x: Tensor, target: Any) -> Tensor:
        return F.cross_entropy(
            x, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_WeightedLoss):
    """−w_t · x_t for log-probabilities x (N, C, d...) and classes t; see CrossEntropyLoss for the options."""

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction, weight)
        self.ignore_index = ignore_index

    def forward(self, x: Tensor, target: Any) -> Tensor:
        return F.nll_loss(x, target, self.weight, self.ignore_index, self.reduction)


class MSELoss(_Loss):
    """(x − target)², reduced over all elements; shapes are equal."""

    def forward(self, x: Tensor, target: Any) -> Tensor:
        return F.mse_loss(x, target, self.reduction)


class L1Loss(_Loss):
    """|x − target|, reduced over all elements; shapes are equal."""

    def forward(self, x: Tensor, target: Any) -> Tensor:
        return F.l1_loss(x, target, self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """Multi-class hinge: Σ_{c≠t} w_t · max(0, margin − x_t + x_c)^p / C per sample.

    Shapes: scores x (N, C) or (C,), target (N,) or ().  Source: K. Crammer, Y. Singer, JMLR 2, 2001.
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction, weight)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p={p} must be 1 or 2")
        self.p, self.margin = p, margin

    def forward(self, x: Tensor, target: Any) -> Tensor:
        return F.multi_margin_loss(x, target, self.p, self.margin, self.weight, self.reduction)


class HingeLoss(_Loss):
    """One-vs-rest hinge: max(0, margin − t · x) per element, reduced over all elements.

    target holds t = ±1 in x's shape, or class indices (N,) for scores (N, C): t = +1 for the class, −1 for
    the rest.
    Source: V. Vapnik, "The Nature of Statistical Learning Theory", 1995.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = float(margin)

    def forward(self, x: Tensor, target: Any) -> Tensor:
        return F.hinge_loss(x, target, self.margin, self.reduction)
