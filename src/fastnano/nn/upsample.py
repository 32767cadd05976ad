"""Images made larger or smaller, and windows as columns."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor
from . import functional as F
from ._arguments import count
from .module import Module

__all__ = [
    "ChannelShuffle",
    "Fold",
    "PixelShuffle",
    "PixelUnshuffle",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]

Size = int | tuple[int, ...]


class Upsample(Module):
    """y[n,c,p,q] = x at (p + ½)·H/P − ½ and (q + ½)·W/Q − ½, between its values (``functional.interpolate``).

    Shapes: x (N, C, L), (N, C, H, W) or (N, C, D, H, W); y of ``size``, or ⌊x's size · scale_factor⌋.  ``mode`` is
    "nearest", "linear" (of three axes), "bilinear" or "bicubic" (of four), "trilinear" (of five) or "area";
    ``align_corners`` lays the outermost values on each other.
    Sources: R. Gonzalez, R. Woods, "Digital Image Processing", 2018, section 2.4; of "bicubic" R. Keys, "Cubic
    Convolution Interpolation for Digital Image Processing", 1981, here with a = −¾.
    """

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        many = isinstance(scale_factor, (tuple, list))
        self.size = size
        self.scale_factor: Any = (
            tuple(map(float, scale_factor)) if many else scale_factor and float(scale_factor)  # type: ignore[arg-type]
        )
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        how = self.mode, self.align_corners, self.recompute_scale_factor
        return F.interpolate(input, self.size, self.scale_factor, *how)

    def extra_repr(self) -> str:
        by_factor = self.scale_factor is not None
        text = f"scale_factor={self.scale_factor!r}" if by_factor else f"size={self.size!r}"
        return f"{text}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """y[n,c,p,q] = x[n, c, ⌊p·H/P⌋, ⌊q·W/Q⌋]: ``Upsample`` with mode "nearest".

    Shapes: x (N, C, H, W); y of ``size`` (P, Q), or ⌊x's size · scale_factor⌋.
    Source: R. Gonzalez, R. Woods, "Digital Image Processing", 2018, section 2.4.
    """

    def __init__(
        self, size: Size | None = None, scale_factor: float | tuple[float, float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """y[n,c,p,q] = x at p·(H − 1)/(P − 1) and q·(W − 1)/(Q − 1): ``Upsample`` with mode "bilinear" and align_corners.

    Shapes: x (N, C, H, W); y of ``size`` (P, Q), or ⌊x's size · scale_factor⌋.
    Source: R. Gonzalez, R. Woods, "Digital Image Processing", 2018, section 2.4.
    """

    def __init__(
        self, size: Size | None = None, scale_factor: float | tuple[float, float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)


class PixelShuffle(Module):
    """y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w], with r the ``upscale_factor``.

    Shapes: x (..., C·r², H, W), y (..., C, H·r, W·r).

    Source: W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network", 2016.
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = count("PixelShuffle", "upscale_factor", upscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """y[n, c·r² + i·r + j, h, w] = x[n, c, h·r + i, w·r + j], with r the ``downscale_factor``.

    Shapes: x (..., C, H·r, W·r), y (..., C·r², H, W).  The reverse of ``PixelShuffle``.
    Source: W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", 2016.
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = count("PixelUnshuffle", "downscale_factor", downscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class Unfold(Module):
    """y[n, (c·K + k)·L + l, p·Q + q] = x[n, c, p·stride + k·dilation − padding, q·… + l·…]: windows as columns.

    Shapes: x (N, C, H, W) or (C, H, W); y (N, C·K·L, P·Q), P and Q as in ``Conv2d``.
    Source: K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural Networks for Document
    Processing", 2006.
    """

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Module):
    """y[n, c, i, j] = Σ x[n, (c·K + k)·L + l, p·Q + q] over what ``Unfold`` takes from (i, j): the transpose of it.

    Shapes: x (N, C·K·L, P·Q) or (C·K·L, P·Q); y (N, C, H, W) or (C, H, W), (H, W) the ``output_size``.
    Source: K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural Networks for Document
    Processing", 2006.
    """

    def __init__(
        self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__()
        self.output_size, self.kernel_size, self.dilation = output_size, kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class ChannelShuffle(Module):
    """y[n, c·g + k] = x[n, k·C/g + c]: channels dealt in turn from g = ``groups`` groups.

    Shapes: x (N, C, *), y the same.
    Source: X. Zhang et al., "ShuffleNet", arXiv:1707.01083.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = count("ChannelShuffle", "groups", groups)

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
