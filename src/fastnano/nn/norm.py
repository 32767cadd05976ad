"""Normalisation."""

from __future__ import annotations

import numpy as np

from ..autograd import Tensor
from . import functional as F
from ._arguments import count, probability
from .module import Module, Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class _BatchNorm(Module):
    axes: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = count(type(self).__name__, "num_features", num_features)
        if not eps >= 0:
            raise ValueError(f"{type(self).__name__}: eps={eps} must be at least 0")
        self.eps = eps
        self.momentum = None if momentum is None else probability(type(self).__name__, "momentum", momentum)
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", Parameter(np.ones(num_features, np.float32)) if affine else None)
        self.register_parameter(
            "bias", Parameter(np.zeros(num_features, np.float32)) if affine and bias else None
        )
        tracked = track_running_stats
        self.register_buffer("running_mean", Tensor(np.zeros(num_features, np.float32)) if tracked else None)
        self.register_buffer("running_var", Tensor(np.ones(num_features, np.float32)) if tracked else None)
        self.register_buffer("num_batches_tracked", Tensor(np.zeros((), np.int64)) if tracked else None)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in self.axes:
            expected = " or ".join(f"{n} axes" for n in self.axes)
            raise ValueError(f"{type(self).__name__}: x has shape {x.shape}, expected {expected}")
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self.momentum,
            self.eps,
            num_batches_tracked=self.num_batches_tracked,
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """y = weight · (x − mean) / √(var + eps) + bias per channel; mean and (biased) variance over batch and
    length.

    Shapes: x (N, C) or (N, C, L).  In training the batch's own statistics are used and running ones move
    towards them, running += momentum · (batch − running), the variance unbiased; in evaluation the running
    ones are used.
    ``momentum=None`` keeps the average of all batches.  Source: S. Ioffe, C. Szegedy, arXiv:1502.03167.
    """

    axes = (2, 3)


class BatchNorm2d(_BatchNorm):
    """BatchNorm1d for images: x (N, C, H, W), statistics over batch, height and width."""

    axes = (4,)
