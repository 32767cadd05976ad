"""Activations."""

from __future__ import annotations

from ..autograd import Tensor
from . import functional as F
from .module import Module

__all__ = ["LeakyReLU", "LogSoftmax", "ReLU", "Sigmoid", "Softmax", "Tanh"]


class ReLU(Module):
    """y = max(x, 0).  V. Nair, G. Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines",
    2010."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class LeakyReLU(Module):
    """y = x where x > 0, else negative_slope · x.  A. Maas et al., "Rectifier Nonlinearities", 2013."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = float(negative_slope)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """y = 1 / (1 + e^−x)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


class Tanh(Module):
    """y = (e^x − e^−x) / (e^x + e^−x)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)


class Softmax(Module):
    """y_i = e^x_i / Σ_j e^x_j along the axis ``dim``.

    None takes axis 0 of arrays of 1 or 3 axes and axis 1 of others, as PyTorch does.
    """

    function = staticmethod(F.softmax)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """y_i = x_i − log Σ_j e^x_j along the axis ``dim``; see Softmax."""

    function = staticmethod(F.log_softmax)
