"""Convolution."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor
from . import functional as F
from ._arguments import choice, count, pair
from ._initial import uniform_fan_in
from .module import Module

__all__ = ["Conv2d"]


class Conv2d(Module):
    """y[n,o,p,q] = bias[o] + Σ_{c,k,l} weight[o,c,k,l] · x[n, c, p·stride + k·dilation − padding, q·… + l·…].

    Shapes: x (N, C, H, W) or (C, H, W); weight (out_channels, in_channels/groups, kernel_h, kernel_w);
    y (N, out_channels, P, Q) with P = ⌊(H + 2·padding − dilation·(kernel_h − 1) − 1) / stride⌋ + 1.
    ``padding`` may be "valid" (none) or "same" (P = H; stride 1 only).  ``algorithm`` is
    "direct", "im2col" or "winograd" (None: what is fastest for the back end and the sizes).  "winograd" needs 3 x 3
    kernels and stride, dilation and groups 1; in float32 its outputs are within 4e-6 of the largest, for up to 128
    channels, those of "direct" within 2e-6.  Initial values: uniform in ±1/√(C/groups · kernel_h · kernel_w).

    Sources: Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998; of "winograd":
    A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        algorithm: str | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = count("Conv2d", "in_channels", in_channels)
        self.out_channels = count("Conv2d", "out_channels", out_channels)
        self.kernel_size = pair("Conv2d", "kernel_size", kernel_size)
        self.stride = pair("Conv2d", "stride", stride)
        self.dilation = pair("Conv2d", "dilation", dilation)
        self.groups = count("Conv2d", "groups", groups)
        self.padding = self._padding(padding)
        self.algorithm = (
            algorithm if algorithm is None else choice("Conv2d", "algorithm", algorithm, F.ALGORITHMS)
        )
        if padding_mode != "zeros":
            raise NotImplementedError(f"Conv2d: padding_mode={padding_mode!r} is not built yet; use 'zeros'")
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d: groups={groups} must divide in_channels={in_channels} "
                f"and out_channels={out_channels}"
            )
        height, width = self.kernel_size
        fan_in = in_channels // groups * height * width
        self.weight = uniform_fan_in((out_channels, in_channels // groups, height, width), fan_in)
        self.register_parameter("bias", uniform_fan_in((out_channels,), fan_in) if bias else None)

    def _padding(self, padding: Any) -> str | tuple[int, int]:
        if not isinstance(padding, str):
            return pair("Conv2d", "padding", padding, least=0)
        if padding == "same" and self.stride != (1, 1):
            raise ValueError(f"Conv2d: padding='same' needs stride 1, got stride={self.stride}")
        return choice("Conv2d", "padding", padding, ("same", "valid"))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            algorithm=self.algorithm,
        )

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        for name, default in (("padding", (0, 0)), ("dilation", (1, 1)), ("groups", 1)):
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text + ("" if self.bias is not None else ", bias=False")
