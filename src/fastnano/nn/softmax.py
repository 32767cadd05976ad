"""Activations along an axis."""

from __future__ import annotations

from ..autograd import Tensor
from . import functional as F
from .activation import _Activation
from .module import Module

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class Softmax(_Activation):
    """y_i = e^x_i / Σ_j e^x_j along the axis ``dim``.

    None takes axis 0 of arrays of 1 or 3 axes and axis 1 of others, as PyTorch does.
    Shapes: x (*), y the same.
    Source: J. Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990.
    """

    function, shown = staticmethod(F.softmax), ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """y_i = x_i − log Σ_j e^x_j along the axis ``dim``; see Softmax.

    Shapes: x (*), y the same.
    Source: P. Blanchard, D. Higham, N. Higham, "Accurately Computing the Log-Sum-Exp and Softmax Functions", 2021.
    """

    function = staticmethod(F.log_softmax)


class Softmin(Softmax):
    """y_i = e^−x_i / Σ_j e^−x_j along the axis ``dim``; see Softmax.

    Shapes: x (*), y the same.
    Source: J. Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990.
    """

    function = staticmethod(F.softmin)


class Softmax2d(Module):
    """y_c = e^x_c / Σ_d e^x_d over the channels of each place.

    Shapes: x (N, C, H, W) or (C, H, W), y the same.
    Source: J. Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: input has shape {input.shape}, expected (N, C, H, W) or (C, H, W)")
        return F.softmax(input, -3)
