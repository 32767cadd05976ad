"""Dense layers, and the ones that only change shape."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Tensor
from . import functional as F
from ._arguments import count
from ._initial import empty, uniform_fan_in
from .module import Module

__all__ = ["Bilinear", "Dense", "Flatten", "Identity", "Linear", "Maxout", "Unflatten"]


class Linear(Module):
    """y = x weightᵀ + bias.

    Shapes: x (..., in_features), weight (out_features, in_features), bias (out_features,), y (..., out_features).
    Initial weight and bias: uniform in ±1/√in_features (Y. LeCun et al., "Efficient BackProp", 1998).
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = count("Linear", "in_features", in_features)
        self.out_features = count("Linear", "out_features", out_features)
        self.weight = empty(out_features, in_features)
        self.register_parameter("bias", empty(out_features) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        uniform_fan_in(self.in_features, self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )


Dense = Linear


class Bilinear(Module):
    """y_k = x1ᵀ weight_k x2 + bias_k.

    Shapes: x1 (..., in1_features), x2 (..., in2_features), weight (out_features, in1_features, in2_features), y (...,
    out_features).  Initial weight and bias: uniform in ±1/√in1_features.
    Source: J. Tenenbaum, W. Freeman, "Separating Style and Content with Bilinear Models", 2000.
    """

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in1_features = count("Bilinear", "in1_features", in1_features)
        self.in2_features = count("Bilinear", "in2_features", in2_features)
        self.out_features = count("Bilinear", "out_features", out_features)
        self.weight = empty(out_features, in1_features, in2_features)
        self.register_parameter("bias", empty(out_features) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        uniform_fan_in(self.in1_features, self.weight, self.bias)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Maxout(Linear):
    """y_i = max_j (weight_ij · x + bias_ij), the largest of ``pieces`` linear maps: a convex activation learned.

    Shapes: x (..., in_features), weight (out_features · pieces, in_features), those of one output side by side, y (...,
    out_features).  Source: I. Goodfellow et al., "Maxout Networks", arXiv:1302.4389.
    """

    def __init__(self, in_features: int, out_features: int, pieces: int = 2, bias: bool = True) -> None:
        maps = count("Maxout", "pieces", pieces)
        super().__init__(in_features, count("Maxout", "out_features", out_features) * maps, bias)
        self.out_features, self.pieces = out_features, maps

    def forward(self, input: Tensor) -> Tensor:
        return F.maxout(F.linear(input, self.weight, self.bias), self.pieces)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, pieces={self.pieces}"


class Flatten(Module):
    """y = x with the axes start_dim to end_dim joined into one.

    Shapes: x (N, C, H, W), for instance, y (N, C·H·W).
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """y = x with the axis ``dim`` split into axes of ``unflattened_size``, of which one may be −1, what is left.

    Shapes: x (N, C·H·W), for instance, with dim 1 and size (C, H, W), y (N, C, H, W).
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        if not -input.ndim <= self.dim < input.ndim:
            raise IndexError(f"Unflatten: dim={self.dim} is not an axis of shape {input.shape}")
        dim, sizes = self.dim % input.ndim, list(self.unflattened_size)
        if sizes.count(-1) == 1:
            place = sizes.index(-1)
            sizes[place] = input.shape[dim] // max(-math.prod(sizes), 1)
        if math.prod(sizes) != input.shape[dim] or min(sizes, default=1) < 0:
            raise ValueError(
                f"Unflatten: unflattened_size={self.unflattened_size} must multiply to the {input.shape[dim]} "
                f"of axis {dim}"
            )
        return input.reshape(*input.shape[:dim], *sizes, *input.shape[dim + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Identity(Module):
    """y = x; takes any arguments and ignores them.

    Shapes: x (*), y the same.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input
