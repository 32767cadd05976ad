"""Normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..autograd import Tensor
from . import functional as F
from . import init
from ._arguments import count, probability
from ._initial import empty
from .functional._norm import sizes
from .module import Module

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class _Norm(Module):
    """A layer with an ``eps``, and perhaps a weight of ones and a bias of zeros."""

    eps: float

    def _affine(self, shape: tuple[int, ...], eps: float, weight: bool, bias: bool) -> None:
        if not eps >= 0:
            raise ValueError(f"{type(self).__name__}: eps={eps} must be at least 0")
        self.eps = eps
        self.register_parameter("weight", empty(*shape) if weight else None)
        self.register_parameter("bias", empty(*shape) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1 and bias 0 again."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _ChannelNorm(_Norm):
    """What batch and instance normalisation share: an affine map and running statistics per channel."""

    axes: tuple[int, ...]  # how many x may have

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
        name = type(self).__name__
        self.num_features = count(name, "num_features", num_features)
        self.momentum = None if momentum is None else probability(name, "momentum", momentum)
        self.affine, self.track_running_stats = affine, track_running_stats
        tracked = track_running_stats
        self.register_buffer("running_mean", Tensor(np.zeros(num_features, np.float32)) if tracked else None)
        self.register_buffer("running_var", Tensor(np.ones(num_features, np.float32)) if tracked else None)
        self.register_buffer("num_batches_tracked", Tensor(np.zeros((), np.int64)) if tracked else None)
        self._affine((num_features,), eps, affine, affine and bias)

    def reset_running_stats(self) -> None:
        """Running mean 0, variance 1 and no batches again."""
        if self.running_mean is not None:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Weight 1, bias 0 and running statistics as at first again."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check(self, x: Tensor) -> None:
        if x.ndim not in self.axes:
            expected = " or ".join(f"{n} axes" for n in self.axes)
            raise ValueError(f"{type(self).__name__}: input has shape {x.shape}, expected {expected}")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self.momentum,
            self.eps,
            num_batches_tracked=self.num_batches_tracked,
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
    """y = weight · (x − mean) / √(var + eps) + bias per channel, statistics over batch, height and width.

    Shapes: x (N, C, H, W).  All else is as in ``BatchNorm1d``.  Source: S. Ioffe, C. Szegedy, arXiv:1502.03167.
    """

    axes = (4,)


class BatchNorm3d(_BatchNorm):
    """y = weight · (x − mean) / √(var + eps) + bias per channel, statistics over batch, depth, height and width.

    Shapes: x (N, C, D, H, W).  All else is as in ``BatchNorm1d``.  Source: S. Ioffe, C. Szegedy, arXiv:1502.03167.
    """

    axes = (5,)


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        if input.ndim == self.axes[0]:
            return self.forward(input.unsqueeze(0))[0]
        if input.shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: input of shape {input.shape} has {input.shape[1]} channels, "
                f"expected num_features={self.num_features}"
            )
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum or 0.0,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """y = weight · (x − mean) / √(var + eps) + bias; mean and (biased) variance of each channel of each sample.

    Shapes: x (N, C, L) or (C, L), L at least 2.  With ``track_running_stats`` the statistics' averages over the
    batch move running ones, running += momentum · (batch − running), which evaluation uses; else both modes
    are the same.  Source: D. Ulyanov, A. Vedaldi, V. Lempitsky, arXiv:1607.08022.
    """

    axes = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """y = weight · (x − mean) / √(var + eps) + bias per channel and sample, statistics over height and width.

    Shapes: x (N, C, H, W) or (C, H, W).  All else is as in ``InstanceNorm1d``.
    Source: D. Ulyanov, A. Vedaldi, V. Lempitsky, arXiv:1607.08022.
    """

    axes = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """y = weight · (x − mean) / √(var + eps) + bias per channel and sample, statistics over depth, height and width.

    Shapes: x (N, C, D, H, W) or (C, D, H, W).  All else is as in ``InstanceNorm1d``.
    Source: D. Ulyanov, A. Vedaldi, V. Lempitsky, arXiv:1607.08022.
    """

    axes = (4, 5)


class GroupNorm(_Norm):
    """y = weight · (x − mean) / √(var + eps) + bias; mean and (biased) variance of each sample over each group of
    num_channels / num_groups channels, weight and bias per channel.

    Shapes: x (N, num_channels, *).  Raises ValueError where num_groups does not divide num_channels.
    Source: Y. Wu, K. He, "Group Normalization", arXiv:1803.08494.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.num_groups = count("GroupNorm", "num_groups", num_groups)
        self.num_channels = count("GroupNorm", "num_channels", num_channels)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_groups={num_groups} must divide num_channels={num_channels}")
        self.affine = affine
        self._affine((num_channels,), eps, affine, affine and bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LayerNorm(_Norm):
    """y = weight · (x − mean) / √(var + eps) + bias; mean and (biased) variance over the last axes.

    Shapes: x (*, normalized_shape), weight and bias as normalized_shape, an integer or several.
    Source: J. Ba, J. Kiros, G. Hinton, "Layer Normalization", arXiv:1607.06450.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape = sizes("LayerNorm", normalized_shape)
        self.elementwise_affine = elementwise_affine
        self._affine(self.normalized_shape, eps, elementwise_affine, elementwise_affine and bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """y = weight · x / √(mean(x²) + eps), the mean over the last axes.

    Shapes: x (*, normalized_shape), weight as normalized_shape.  ``eps=None`` is the step from 1 to the next
    number of x's dtype.  Source: B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization", arXiv:1910.07467.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        super().__init__()
        if eps is not None and not eps >= 0:
            raise ValueError(f"RMSNorm: eps={eps} must be at least 0, or None")
        self.normalized_shape = sizes("RMSNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter("weight", empty(*self.normalized_shape) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1 again."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """y_c = x_c / (k + alpha / size · Σ x_d²)^beta, d the ``size`` channels around c, absent ones 0.

    Shapes: x (N, C, *).  Source: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep
    Convolutional Neural Networks", 2012 (whose alpha is not divided by the size).
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = count("LocalResponseNorm", "size", size)
        self.alpha, self.beta, self.k = alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
