"""Losses that are minus the log of a probability, or differ from it by a constant."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor, as_tensor
from . import functional as F
from ._arguments import probability
from .loss import _Loss, _WeightedLoss

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "KLDivLoss",
    "LogLoss",
    "NLLLoss",
    "PoissonNLLLoss",
]


class CrossEntropyLoss(_WeightedLoss):
    """−(1 − ε) · w_t · log softmax(x)_t − ε/C · Σ_c w_c · log softmax(x)_c, one fused kernel.

    Shapes: scores x (N, C, d...) or (C,); target class indices (N, d...) or (), or probabilities of x's
    shape.
    ``weight`` one per class; ``ignore_index`` marks targets that do not count; ε = ``label_smoothing``.
    The mean is over Σ w_t.  Raises ValueError for classes out of range and for an empty batch.
    Sources: C. Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.108; of ``label_smoothing`` C.
    Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", arXiv:1512.00567.
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = probability("CrossEntropyLoss", "label_smoothing", label_smoothing)

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


LogLoss = CrossEntropyLoss  # −Σ_c t_c · log softmax(x)_c: the "log" of arXiv:1702.05659, table 1


class NLLLoss(_WeightedLoss):
    """y = −w_t · x_t for log-probabilities x and classes t; see CrossEntropyLoss for the options.

    Shapes: x (N, C, d...) or (C,); target (N, d...) or ().
    Source: C. Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.108.
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(_WeightedLoss):
    """y = −w · (t · log x + (1 − t) · log(1 − x)) for probabilities x and t, logarithms not below −100.

    Shapes: x and t (*); ``weight`` broadcasts to that; the mean is over elements.  Raises ValueError for x or t
    outside 0 to 1.
    Source: C. Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.90.
    """

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """y = −w · (v · t · log σ(x) + (1 − t) · log(1 − σ(x))) for scores x and probabilities t.

    σ and log are one stable function.
    Shapes: x and t (*); ``weight`` w and ``pos_weight`` v (of positive targets, such as one per class) broadcast to
    that; the mean is over elements.
    Source: C. Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.90.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))
        self.register_buffer("pos_weight", None if pos_weight is None else as_tensor(pos_weight))

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class KLDivLoss(_Loss):
    """y = t · (log t − x), the Kullback-Leibler divergence of the probabilities t from e^x.

    x holds log-probabilities; target t, or log t with ``log_target``.
    Shapes: x and target (N, ...), or what broadcasts.  ``reduction="batchmean"``, the sum over N, is the divergence
    of a sample; "mean" is over elements.
    Source: S. Kullback, R. Leibler, "On Information and Sufficiency", 1951.
    """

    reductions = ("batchmean", *_Loss.reductions)

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return F.kl_div(input, target, self.reduction, self.log_target)


class PoissonNLLLoss(_Loss):
    """y = e^x − t · x for counts t and logs x of their means; without ``log_input``, x − t · log(x + eps) for means x.

    ``full`` adds Stirling's t · log t − t + ½ log 2πt where t > 1.
    Shapes: x and target (*), or what broadcasts.
    Source: P. McCullagh, J. Nelder, "Generalized Linear Models", 1989, chapter 6.
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Any) -> Tensor:
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, self.eps, self.reduction)


class GaussianNLLLoss(_Loss):
    """½ · (log v + (x − t)² / v) for means x and variances v = max(var, eps) of targets t.

    ``full`` adds ½ log 2π.
    Shapes: x and target (*); var of x's shape, or that without its last axis or with one axis of size 1, or a
    number.  Raises ValueError for negative var.
    Source: D. Nix, A. Weigend, "Estimating the mean and variance of the target probability distribution", 1994.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Any, var: Any) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
