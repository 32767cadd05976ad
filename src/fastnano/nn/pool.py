"""Pooling."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor
from . import functional as F
from ._arguments import pair
from .module import Module

__all__ = ["AvgPool2d", "MaxPool2d"]

Size = int | tuple[int, int]


class MaxPool2d(Module):
    """y[n,c,p,q] = the largest of x's window at (p·stride, q·stride); the gradient goes to the first of
    equals.

    Shapes: x (N, C, H, W) or (C, H, W).  ``stride`` is kernel_size where None; ``padding`` (at most half the
    kernel) counts as −∞; ``ceil_mode`` rounds the output's size up; ``return_indices`` gives the pair (y,
    flat places).
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        pair("MaxPool2d", "kernel_size", kernel_size)
        pair("MaxPool2d", "stride", kernel_size if stride is None else stride)
        pair("MaxPool2d", "padding", padding, least=0)
        pair("MaxPool2d", "dilation", dilation)
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x: Tensor) -> Any:
        return F.max_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """y[n,c,p,q] = the mean of x's window at (p·stride, q·stride).

    Shapes: x (N, C, H, W) or (C, H, W).  ``count_include_pad``: the padding's zeros count as values;
    ``divisor_override``: divide by this number instead.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        pair("AvgPool2d", "kernel_size", kernel_size)
        pair("AvgPool2d", "stride", kernel_size if stride is None else stride)
        pair("AvgPool2d", "padding", padding, least=0)
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
