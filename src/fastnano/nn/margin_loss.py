"""Losses of scores, or of distances, that should differ by a margin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd import Tensor
from . import functional as F
from ._arguments import positive
from .distance import PairwiseDistance
from .loss import _Loss, _WeightedLoss

__all__ = [
    "CosineEmbeddingLoss",
    "CubedHingeLoss",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "SoftMarginLoss",
    "SquaredHingeLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class HingeLoss(_Loss):
    """One-vs-rest hinge: max(0, margin − t · x)^p per element, p = 1, 2 or 3, reduced over all elements.

    Shapes: scores x (N, C) and class indices (N,), for which t = +1 for the class, −1 for the rest; or x (*) and t
    = ±1 of its shape.
    Sources: V. Vapnik, "The Nature of Statistical Learning Theory", 1995, whose margin of 1 is the usual one; for p
    = 2 and 3 K. Janocha, W. Czarnecki, arXiv:1702.05659, where the margin is ½ and classes are summed over: that is
    ``margin=0.5`` and C times the mean.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean", p: int = 1) -> None:
        super().__init__(reduction)
        if p not in (1, 2, 3):
            raise ValueError(f"HingeLoss: p={p} must be 1, 2 or 3")
        self.margin, self.p = float(margin), p

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.hinge_loss(input, target, self.margin, self.reduction, self.p)


class SquaredHingeLoss(HingeLoss):
    """max(0, margin − t · x)², t = ±1: ``HingeLoss`` with p = 2.

    Shapes: scores x (N, C) and class indices (N,), or x (*) and t of its shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, hinge², where the margin is ½; 1 is that of the other hinges
    here.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(margin, reduction, 2)


class CubedHingeLoss(HingeLoss):
    """max(0, margin − t · x)³, t = ±1: ``HingeLoss`` with p = 3.

    Shapes: scores x (N, C) and class indices (N,), or x (*) and t of its shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, hinge³, where the margin is ½; 1 is that of the other hinges
    here.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(margin, reduction, 3)


class MultiMarginLoss(_WeightedLoss):
    """Multi-class hinge: Σ_{c≠t} w_t · max(0, margin − x_t + x_c)^p / C per sample.

    Shapes: scores x (N, C) or (C,), target (N,) or ().  Source: K. Crammer, Y. Singer, JMLR 2, 2001.
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p={p} must be 1 or 2")
        self.p, self.margin = p, margin

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, self.reduction)


class SoftMarginLoss(_Loss):
    """log(1 + e^(−t · x)), t = ±1, without overflow.

    Shapes: x and t (*).
    Source: T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", 2009, table 12.1.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.soft_margin_loss(input, target, self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Σ_t Σ_{c no target} max(0, 1 − x_t + x_c) / C per sample.

    Shapes: scores x (N, C) or (C,); target of x's shape lists the classes t of a sample, −1 ends the list.
    Raises ValueError for classes out of range.
    Source: A. Elisseeff, J. Weston, "A Kernel Method for Multi-Labelled Classification", 2001, where each sum is
    divided by the number of its pairs instead.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.multilabel_margin_loss(input, target, self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """−Σ_c w_c · (t_c · log σ(x_c) + (1 − t_c) · log σ(−x_c)) / C per sample.

    Shapes: scores x and targets t, 0 or 1, (N, C) or (C,).  ``weight`` one per class.
    Source: M.-L. Zhang, Z.-H. Zhou, "A Review on Multi-Label Learning Algorithms", 2014 (binary relevance).
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, self.reduction)


class HingeEmbeddingLoss(_Loss):
    """y = x where t = +1, max(0, margin − x) where t = −1, for distances x.

    Shapes: x and t (*), or what broadcasts.  Raises ValueError for other targets.
    Source: R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006,
    where both terms are squared.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, self.reduction)


class MarginRankingLoss(_Loss):
    """max(0, margin − t · (x1 − x2)): t = +1 where x1 should be the larger, −1 where x2 should.

    Shapes: x1, x2 and t (*), or what broadcasts and has as many axes.
    Source: R. Herbrich, T. Graepel, K. Obermayer, "Large Margin Rank Boundaries for Ordinal Regression", 2000.
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Any) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, self.reduction)


class CosineEmbeddingLoss(_Loss):
    """1 − cos(x1, x2) where t = +1, max(0, cos(x1, x2) − margin) where t = −1.

    Shapes: x1 and x2 (N, D) and t (N,), or (D,) and ().  Raises ValueError for other targets.
    Source: R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006, with
    the cosine for a distance.
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Any) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class TripletMarginLoss(_Loss):
    """max(0, margin + d(anchor, positive) − d(anchor, negative)), d(a, b) = ‖a − b + eps‖_p over the last axis.

    Shapes: (N, D) or (D,) each.  ``swap`` takes the smaller of d(anchor, negative) and d(positive, negative).
    Source: V. Balntas et al., "Learning local feature descriptors with triplets", BMVC 2016.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.margin = positive("TripletMarginLoss", "margin", margin)
        self.p, self.eps, self.swap = p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )


class TripletMarginWithDistanceLoss(_Loss):
    """max(0, margin + d(anchor, positive) − d(anchor, negative)), d any function of two tensors.

    d gives one distance per sample; PairwiseDistance if none is given.  ``swap`` as in TripletMarginLoss.
    Shapes: anchor, positive and negative (N, *); y (N,), or () where it is reduced.
    Source: V. Balntas et al., "Learning local feature descriptors with triplets", BMVC 2016.
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = positive("TripletMarginWithDistanceLoss", "margin", margin)
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
