"""Convolution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..autograd import Tensor
from . import functional as F
from ._arguments import choice, count, sizes
from ._initial import empty, uniform_fan_in
from .functional._conv import ALGORITHMS
from .module import Module

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d"]

Size = int | tuple[int, ...]


class _Convolution(Module):
    """What all convolutions share: their sizes, weights and repr."""

    dims: ClassVar[int]
    transposed: ClassVar[bool] = False
    output_padding: tuple[int, ...]

    def _set_up(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Size | str,
        dilation: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        output_padding: Size = 0,
    ) -> None:
        name, dims = type(self).__name__, self.dims
        self.in_channels = count(name, "in_channels", in_channels)
        self.out_channels = count(name, "out_channels", out_channels)
        self.kernel_size = sizes(name, "kernel_size", kernel_size, dims)
        self.stride = sizes(name, "stride", stride, dims)
        self.dilation = sizes(name, "dilation", dilation, dims)
        self.groups = count(name, "groups", groups)
        self.padding = self._padding(padding)
        self.output_padding = sizes(name, "output_padding", output_padding, dims, least=0)
        modes = ("zeros",) if self.transposed else ("zeros", "reflect", "replicate", "circular")
        self.padding_mode = choice(name, "padding_mode", padding_mode, modes)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}"
            )
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = empty(first, second // groups, *self.kernel_size)
        self.register_parameter("bias", empty(out_channels) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        uniform_fan_in(math.prod(self.weight.shape[1:]), self.weight, self.bias)

    def _padding(self, padding: Any) -> str | tuple[int, ...]:
        name = type(self).__name__
        if not isinstance(padding, str):
            return sizes(name, "padding", padding, self.dims, least=0)
        if padding == "same" and max(self.stride) > 1:
            raise ValueError(f"{name}: padding='same' needs stride 1, got stride={self.stride}")
        return choice(name, "padding", padding, ("same", "valid"))

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._sides(), self.padding_mode), 0  # type: ignore[assignment]
        function = getattr(F, f"conv{self.dims}d")
        return function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups, **self._options()
        )

    def _options(self) -> dict[str, Any]:
        return {}

    def _sides(self) -> tuple[int, ...]:
        """The padding as ``F.pad`` takes it; where "same" padding is odd, the far side has more."""
        padding = self.padding
        if isinstance(padding, str):
            total = [
                d * (k - 1) * (padding == "same")
                for d, k in zip(self.dilation, self.kernel_size, strict=True)
            ]
            return tuple(side for t in reversed(total) for side in (t // 2, t - t // 2))
        return tuple(side for p in reversed(padding) for side in (p, p))

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        zero, one = (0,) * self.dims, (1,) * self.dims
        defaults = {"padding": zero, "dilation": one, "output_padding": zero, "groups": 1}
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        text += "" if self.bias is not None else ", bias=False"
        return text + ("" if self.padding_mode == "zeros" else f", padding_mode={self.padding_mode}")


class _Conv(_Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        )


class Conv1d(_Conv):
    """y[n,o,p] = bias[o] + Σ_{c,k} weight[o,c,k] · x[n, c, p·stride + k·dilation − padding].

    Shapes: x (N, C, L) or (C, L); weight (out_channels, in_channels/groups, kernel_size); y (N, out_channels, P).
    All else is as in ``Conv2d``.
    Source: A. Waibel et al., "Phoneme Recognition Using Time-Delay Neural Networks", 1989.
    """

    dims = 1


class Conv2d(_Conv):
    """y[n,o,p,q] = bias[o] + Σ_{c,k,l} weight[o,c,k,l] · x[n, c, p·stride + k·dilation − padding, q·… + l·…].

    Shapes: x (N, C, H, W) or (C, H, W); weight (out_channels, in_channels/groups, kernel_h, kernel_w);
    y (N, out_channels, P, Q) with P = ⌊(H + 2·padding − dilation·(kernel_h − 1) − 1) / stride⌋ + 1.
    ``padding`` may be "valid" (none) or "same" (P = H; stride 1 only); it is filled as ``padding_mode`` says: "zeros",
    "reflect", "replicate" or "circular" (see ``functional.pad``).  ``algorithm`` is
    "direct", "im2col" or "winograd" (None: what is fastest for the back end and the sizes).  "winograd" needs 3 x 3
    kernels and stride, dilation and groups 1; in float32 its outputs are within 4e-6 of the largest, for up to 128
    channels, those of "direct" within 2e-6.  Initial values: uniform in ±1/√(C/groups · kernel_h · kernel_w).

    Sources: Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998; of "winograd":
    A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016.
    """

    dims = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        algorithm: str | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        )
        self.algorithm = (
            algorithm if algorithm is None else choice("Conv2d", "algorithm", algorithm, ALGORITHMS)
        )

    def _options(self) -> dict[str, Any]:
        return {"algorithm": self.algorithm}


class Conv3d(_Conv):
    """y[n,o,d,p,q] = bias[o] + Σ_{c,j,k,l} weight[o,c,j,k,l] · x[n, c, d·stride + j·dilation − padding, p·…, q·…].

    Shapes: x (N, C, D, H, W) or (C, D, H, W); weight (out_channels, in_channels/groups, kernel_d, kernel_h,
    kernel_w).  All else is as in ``Conv2d``.  It runs as one convolution of images, for which every slice of x is
    copied for each place of the kernel's depth that meets it.
    Source: S. Ji et al., "3D Convolutional Neural Networks for Human Action Recognition", 2013.
    """

    dims = 3


class _ConvTranspose(_Convolution):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if isinstance(padding, str):
            raise TypeError(f"{name}: padding={padding!r} must be one integer or {self.dims}")
        numbers = stride, padding, dilation, groups, bias, padding_mode, output_padding
        self._set_up(in_channels, out_channels, kernel_size, *numbers)

    def forward(self, input: Tensor, output_size: tuple[int, ...] | None = None) -> Tensor:
        more = (
            self.output_padding if output_size is None else self._padding_for(input.shape, tuple(output_size))
        )
        function = getattr(F, f"conv_transpose{self.dims}d")
        return function(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )

    def _padding_for(self, shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
        """The output padding that leads to a size."""
        image = shape[len(shape) - self.dims :]
        assert not isinstance(self.padding, str)
        numbers = zip(image, self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in numbers]
        more = tuple(w - n for w, n in zip(wanted[-self.dims :], least, strict=False))
        given = len(wanted) - self.dims
        if given not in (0, len(shape) - self.dims) or not all(
            0 <= m < s for m, s in zip(more, self.stride, strict=True)
        ):
            most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
            raise ValueError(
                f"{type(self).__name__}: output_size={wanted} must be from {tuple(least)} to {tuple(most)} "
                f"for an input of {image}"
            )
        return more


class ConvTranspose1d(_ConvTranspose):
    """y[n,o,i] = bias[o] + Σ x[n,c,p] · weight[c,o,k] over the p and k with p·stride + k·dilation − padding = i.

    Shapes: x (N, C, L) or (C, L); weight (in_channels, out_channels/groups, kernel_size).  All else is as in
    ``ConvTranspose2d``.
    Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """

    dims = 1


class ConvTranspose2d(_ConvTranspose):
    """y[n,o,i,j] = bias[o] + Σ x[n,c,p,q] · weight[c,o,k,l] over the p, k with p·stride + k·dilation − padding = i,
    and q, l likewise: the transpose of the map that a ``Conv2d`` of the same numbers is.

    Shapes: x (N, C, P, Q) or (C, P, Q); weight (in_channels, out_channels/groups, kernel_h, kernel_w); y (N,
    out_channels, H, W) with H = (P − 1)·stride − 2·padding + dilation·(kernel_h − 1) + 1 + output_padding.  Of the
    ``stride`` sizes H from which a convolution makes P, ``output_padding`` chooses one, or the argument ``output_size``
    of the call.  Initial values: uniform in ±1/√(out_channels/groups · kernel_h · kernel_w).

    Source: M. Zeiler et al., "Deconvolutional Networks", 2010; V. Dumoulin, F. Visin, "A guide to convolution
    arithmetic for deep learning", 2016.
    """

    dims = 2
