"""Pooling."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..autograd import Tensor
from . import functional as F
from ._arguments import count, sizes, window
from .module import Module, Parameter

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MixedPool2d",
]

Size = int | tuple[int, ...]


class _Pool(Module):
    """What poolings share: the checks of their windows."""

    dims: ClassVar[int]
    stride: Size | None

    def _window(
        self, kernel_size: Size, stride: Size | None, padding: Size = 0, as_tuples: bool = False
    ) -> None:
        """Check and keep the sizes, as they are given or as tuples."""
        checked = window(type(self).__name__, self.dims, kernel_size, stride, padding)
        given = kernel_size, kernel_size if stride is None else stride, padding
        self.kernel_size, self.stride, self.padding = checked if as_tuples else given

    def _call(self, function: str, *args: Any) -> Any:
        return getattr(F, f"{function}{self.dims}d")(*args)


class _MaxPool(_Pool):
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
        self._window(kernel_size, stride, padding)
        sizes(type(self).__name__, "dilation", dilation, self.dims)
        self.dilation, self.return_indices, self.ceil_mode = dilation, return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        window = self.kernel_size, self.stride, self.padding, self.dilation
        return self._call("max_pool", input, *window, self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """y[n,c,p] = the largest of x's window at p·stride.

    Shapes: x (N, C, L) or (C, L).  All else is as in ``MaxPool2d``.
    Source: D. Scherer, A. Müller, S. Behnke, "Evaluation of Pooling Operations in Convolutional Architectures for
    Object Recognition", 2010.
    """

    dims = 1


class MaxPool2d(_MaxPool):
    """y[n,c,p,q] = the largest of x's window at (p·stride, q·stride); the gradient goes to the first of
    equals.

    Shapes: x (N, C, H, W) or (C, H, W).  ``stride`` is kernel_size where None; ``padding`` (at most half the
    kernel) counts as −∞; ``ceil_mode`` rounds the output's size up; ``return_indices`` gives the pair (y,
    flat places).
    Source: D. Scherer, A. Müller, S. Behnke, "Evaluation of Pooling Operations in Convolutional Architectures for
    Object Recognition", 2010.
    """

    dims = 2


class MaxPool3d(_MaxPool):
    """y[n,c,d,p,q] = the largest of x's window at (d·stride, p·stride, q·stride).

    Shapes: x (N, C, D, H, W) or (C, D, H, W).  All else is as in ``MaxPool2d``.
    Source: D. Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", 2015.
    """

    dims = 3


class _AvgPool(_Pool):
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
        self._window(kernel_size, stride, padding, as_tuples=self.dims == 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        window = self.kernel_size, self.stride, self.padding, self.ceil_mode
        return self._call("avg_pool", input, *window, self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """y[n,c,p] = the mean of x's window at p·stride.

    Shapes: x (N, C, L) or (C, L).  All else is as in ``AvgPool2d``.
    Source: Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    dims = 1


class AvgPool2d(_AvgPool):
    """y[n,c,p,q] = the mean of x's window at (p·stride, q·stride).

    Shapes: x (N, C, H, W) or (C, H, W).  ``count_include_pad``: the padding's zeros count as values;
    ``divisor_override``: divide by this number instead.
    Source: Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    dims = 2


class AvgPool3d(_AvgPool):
    """y[n,c,d,p,q] = the mean of x's window at (d·stride, p·stride, q·stride).

    Shapes: x (N, C, D, H, W) or (C, D, H, W).  All else is as in ``AvgPool2d``.
    Source: D. Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", 2015.
    """

    dims = 3


class _AdaptiveAvgPool(_Pool):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return self._call("adaptive_avg_pool", input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """y[n,c,p] = the mean of x from ⌊p·L/P⌋ to ⌈(p + 1)·L/P⌉ (without the last), P the ``output_size``.

    Shapes: x (N, C, L) or (C, L).
    Source of the windows: K. He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
    Recognition", 2014.
    """

    dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """y[n,c,p,q] = the mean of x's rows from ⌊p·H/P⌋ to ⌈(p + 1)·H/P⌉ (without the last) and columns likewise.

    Shapes: x (N, C, H, W) or (C, H, W).  ``output_size`` is (P, Q), or one number for both; None leaves an axis as it
    is.  1 is global average pooling (M. Lin, Q. Chen, S. Yan, "Network In Network", 2014).
    """

    dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """y[n,c,d,p,q] = the mean of x's slices from ⌊d·D/O⌋ to ⌈(d + 1)·D/O⌉ (without the last), rows and columns
    likewise.

    Shapes: x (N, C, D, H, W) or (C, D, H, W).  ``output_size`` is (O, P, Q), else as in ``AdaptiveAvgPool2d``.
    Source of the windows: K. He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
    Recognition", 2014.
    """

    dims = 3


class _AdaptiveMaxPool(_Pool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        return self._call("adaptive_max_pool", input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """y[n,c,p] = the largest of x from ⌊p·L/P⌋ to ⌈(p + 1)·L/P⌉ (without the last), P the ``output_size``.

    Shapes: x (N, C, L) or (C, L).  ``return_indices`` gives the pair (y, places).
    Source of the windows: K. He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
    Recognition", 2014.
    """

    dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """y[n,c,p,q] = the largest of x's rows from ⌊p·H/P⌋ to ⌈(p + 1)·H/P⌉ (without the last) and columns likewise.

    Shapes: x (N, C, H, W) or (C, H, W).  ``output_size`` is (P, Q), or one number for both; None leaves an axis as it
    is.  ``return_indices`` gives the pair (y, flat places).
    Source of the windows: K. He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
    Recognition", 2014.
    """

    dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """y[n,c,d,p,q] = the largest of x's slices from ⌊d·D/O⌋ to ⌈(d + 1)·D/O⌉ (without the last), rows and columns
    likewise.

    Shapes: x (N, C, D, H, W) or (C, D, H, W).  ``output_size`` is (O, P, Q), else as in ``AdaptiveMaxPool2d``.
    Source of the windows: K. He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
    Recognition", 2014.
    """

    dims = 3


class _LPPool(_Pool):
    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self._window(kernel_size, stride)
        self.norm_type, self.stride, self.ceil_mode = norm_type, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return self._call("lp_pool", input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """y[n,c,p] = (Σ xᵏ)^(1/k) over x's window at p·stride, with k the ``norm_type``.

    Shapes: x (N, C, L) or (C, L).  All else is as in ``LPPool2d``.
    Source: P. Sermanet, S. Chintala, Y. LeCun, "Convolutional Neural Networks Applied to House Numbers Digit
    Classification", 2012.
    """

    dims = 1


class LPPool2d(_LPPool):
    """y[n,c,p,q] = (Σ xᵏ)^(1/k) over x's window at (p·stride, q·stride), with k the ``norm_type``.

    Shapes: x (N, C, H, W) or (C, H, W).  1 is the sum, ∞ the maximum of |x|.  ``stride`` is kernel_size where None.
    Where the sum is 0 the gradient is 0; a sum below 0, as of an odd ``norm_type``, has no root: NaN.

    Source: P. Sermanet, S. Chintala, Y. LeCun, "Convolutional Neural Networks Applied to House Numbers Digit
    Classification", 2012.
    """

    dims = 2


class _MaxUnpool(_Pool):
    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self._window(kernel_size, stride, padding, as_tuples=True)

    def forward(self, input: Tensor, indices: Tensor, output_size: tuple[int, ...] | None = None) -> Tensor:
        return self._call(
            "max_unpool", input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """y[n,c,i] = x[n,c,p] where i = indices[n,c,p], and 0 elsewhere: the values put back where ``MaxPool1d`` found
    them.

    Shapes: x and indices (N, C, L) or (C, L).  All else is as in ``MaxUnpool2d``.
    Source: M. Zeiler, G. Taylor, R. Fergus, "Adaptive Deconvolutional Networks for Mid and High Level Feature
    Learning", 2011.
    """

    dims = 1


class MaxUnpool2d(_MaxUnpool):
    """y[n,c,i,j] = x[n,c,p,q] where i·W + j = indices[n,c,p,q], and 0 elsewhere: the values put back where
    ``MaxPool2d(..., return_indices=True)`` found them.

    Shapes: x and indices (N, C, P, Q) or (C, P, Q); y of (P − 1)·stride − 2·padding + kernel_size rows, or of the
    argument ``output_size`` of the call.  Raises ValueError for indices outside the output.

    Source: M. Zeiler, G. Taylor, R. Fergus, "Adaptive Deconvolutional Networks for Mid and High Level Feature
    Learning", 2011.
    """

    dims = 2


class MixedPool2d(_Pool):
    """y = a · maximum + (1 − a) · mean of x's window at (p·stride, q·stride), with a = 1 / (1 + e^−mixing) learned.

    Shapes: x (N, C, H, W) or (C, H, W).  ``mixing`` is one number for the layer, or with ``channels`` one for each; it
    begins at 0, halfway between both.  The padding counts as −∞ for the maximum, as in ``MaxPool2d``, and as zeros
    for the mean, unless ``count_include_pad`` is False.

    Source: C.-Y. Lee, P. Gallagher, Z. Tu, "Generalizing Pooling Functions in Convolutional Neural Networks: Mixed,
    Gated, and Tree", AISTATS 2016, where a is learned itself and not kept between 0 and 1.
    """

    dims = 2

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        self._window(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.channels = channels if channels is None else count("MixedPool2d", "channels", channels)
        self.mixing = Parameter(np.zeros((channels or 1, 1, 1), np.float32))

    def forward(self, input: Tensor) -> Tensor:
        window = self.kernel_size, self.stride, self.padding
        mean = F.avg_pool2d(input, *window, self.ceil_mode, self.count_include_pad)
        most = F.max_pool2d(input, *window, ceil_mode=self.ceil_mode)
        return mean + self.mixing.sigmoid() * (most - mean)

    def extra_repr(self) -> str:
        text = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return text if self.channels is None else f"{text}, channels={self.channels}"
