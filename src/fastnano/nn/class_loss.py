"""Losses between the probabilities given to the classes and those they should have.

Those of scores x put p = softmax(x) over the classes, axis 1 (or 0 of a single sample), beside target shares t: class
indices (N, d...) stand for 1 at the class and 0 elsewhere; floats of x's shape (N, C, d...) are t itself.  Each is one
value per sample and place, then reduced.
Source: K. Janocha, W. Czarnecki, "On Loss Functions for Deep Neural Networks in Classification", arXiv:1702.05659,
table 1, where log is CrossEntropyLoss and hinge, hinge², hinge³ are HingeLoss, SquaredHingeLoss, CubedHingeLoss.
"""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor
from . import functional as F
from .loss import _Loss

__all__ = [
    "CauchySchwarzLoss",
    "ChebyshevLoss",
    "DiceLoss",
    "ExpectationLoss",
    "RegularizedExpectationLoss",
    "SquaredLogLoss",
    "TanimotoLoss",
    "TverskyLoss",
]


class ExpectationLoss(_Loss):
    """Σ_c |p_c − t_c|, p = softmax(x): twice the probability of a wrong class.

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or t of x's shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, L1 ∘ σ.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.expectation_loss(input, target, self.reduction)


class RegularizedExpectationLoss(_Loss):
    """Σ_c (p_c − t_c)², p = softmax(x).

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or t of x's shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, L2 ∘ σ.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.regularized_expectation_loss(input, target, self.reduction)


class ChebyshevLoss(_Loss):
    """max_c |p_c − t_c|, p = softmax(x).

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or t of x's shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, L∞ ∘ σ.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.chebyshev_loss(input, target, self.reduction)


class SquaredLogLoss(_Loss):
    """Σ_c (t_c · log p_c)², p = softmax(x).

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or t of x's shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, log², but for the minus sign that it has there, with which
    it would have no minimum.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.squared_log_loss(input, target, self.reduction)


class TanimotoLoss(_Loss):
    """1 − Σ p t / (Σ p² + Σ t² − Σ p t), sums over classes, p = softmax(x).

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or t of x's shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, tan, where the 1 is not: it makes 0 the least, and leaves
    the gradient as it is.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.tanimoto_loss(input, target, self.reduction)


class CauchySchwarzLoss(_Loss):
    """−log(Σ p t / (‖p‖ · ‖t‖)), the Cauchy-Schwarz divergence, p = softmax(x), sums over classes.

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or t of x's shape.
    Source: K. Janocha, W. Czarnecki, arXiv:1702.05659, D_CS.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.cauchy_schwarz_loss(input, target, self.reduction)


class DiceLoss(_Loss):
    """1 − (2 Σ x t + smooth) / (Σ x + Σ t + smooth), sums over all that a sample holds.

    Shapes: probabilities x (N, ...), such as a sigmoid or softmax gives; target t of x's shape, or class
    indices (N, d...) for x (N, C, d...).
    Source: F. Milletari et al., "V-Net", arXiv:1606.04797, with plain sums below the line.
    """

    def __init__(self, smooth: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.smooth = smooth

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.dice_loss(input, target, self.smooth, self.reduction)


class TverskyLoss(_Loss):
    """1 − (c + smooth) / (c + α Σ x (1 − t) + β Σ (1 − x) t + smooth), c = Σ x t, sums over all that a sample holds.

    α weighs false positives, β false negatives; both ½ make it DiceLoss of twice the ``smooth``.
    Shapes: probabilities x (N, ...); target t of x's shape, or class indices (N, d...) for x (N, C, d...).
    Source: S. Salehi et al., "Tversky loss function for image segmentation", arXiv:1706.05721.
    """

    def __init__(
        self, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.alpha, self.beta, self.smooth = alpha, beta, smooth

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.tversky_loss(input, target, self.alpha, self.beta, self.smooth, self.reduction)
