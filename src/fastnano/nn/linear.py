"""Dense layers, and the ones that only change shape."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor
from . import functional as F
from ._arguments import count
from ._initial import uniform_fan_in
from .module import Module

__all__ = ["Dense", "Flatten", "Identity", "Linear"]


class Linear(Module):
    """y = x weightᵀ + bias.

    Shapes: x (*, in_features), weight (out_features, in_features), bias (out_features,), y (*, out_features).
    Initial weight and bias: uniform in ±1/√in_features (Y. LeCun et al., "Efficient BackProp", 1998).
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = count("Linear", "in_features", in_features)
        self.out_features = count("Linear", "out_features", out_features)
        self.weight = uniform_fan_in((out_features, in_features), in_features)
        self.register_parameter("bias", uniform_fan_in((out_features,), in_features) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )


Dense = Linear


class Flatten(Module):
    """Join the axes start_dim to end_dim into one: (N, C, H, W) becomes (N, C·H·W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """y = x; takes any arguments and ignores them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x
