"""Distances and angles of vectors."""

from __future__ import annotations

from ..autograd import Tensor
from . import functional as F
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """y = Σ x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along ``dim``.

    Shapes: x1 and x2 (*), or what broadcasts; y without the axis ``dim``.
    Source: G. Salton, A. Wong, C. Yang, "A Vector Space Model for Automatic Indexing", 1975.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """y = ‖x1 − x2 + eps‖_p over the last axis; p may be infinite, 0 or below.

    Shapes: x1 and x2 (N, D) or (D,), or what broadcasts; y (N,) or (), (N, 1) with ``keepdim``.
    Source: M. Deza, E. Deza, "Encyclopedia of Distances", 2009.
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
