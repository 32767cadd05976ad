"""Padding."""

from __future__ import annotations

from typing import ClassVar

from ..autograd import Tensor
from . import functional as F
from ._arguments import count
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ZeroPad1d",
    "ZeroPad2d",
]

Sides = int | tuple[int, ...]


class _Pad(Module):
    dims: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float = 0.0

    def __init__(self, padding: Sides) -> None:
        super().__init__()
        sides = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * (2 * self.dims)
        name = type(self).__name__
        if len(sides) != 2 * self.dims:
            raise ValueError(f"{name}: padding={padding!r} must be one integer or {2 * self.dims}")
        self.padding = tuple(count(name, "padding", side, least=-(2**31)) for side in sides)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value if self.mode == "constant" else None)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding: Sides, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """y[i] = x[i − left] where there is such an x, else ``value``.

    Shapes: x (N, C, L) or (C, L); ``padding`` is one number or (left, right), below 0 to cut off.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """y[i,j] = x[i − top, j − left] where there is such an x, else ``value``.

    Shapes: x (N, C, H, W) or (C, H, W); ``padding`` is one number or (left, right, top, bottom), below 0 to cut
    off.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims = 2


class ZeroPad1d(_Pad):
    """y[i] = x[i − left] where there is such an x, else 0.

    Shapes: x (N, C, L) or (C, L); ``padding`` is one number or (left, right), below 0 to cut off.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims = 1


class ZeroPad2d(_Pad):
    """y[i,j] = x[i − top, j − left] where there is such an x, else 0.

    Shapes: x (N, C, H, W) or (C, H, W); ``padding`` is one number or (left, right, top, bottom), below 0 to cut
    off.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims = 2


class ReflectionPad1d(_Pad):
    """y[i] = x[left − i] before x and x[2·(L − 1) − (i − left)] behind it: x mirrored at its first and last value.

    Shapes: x (N, C, L) or (C, L); ``padding`` is one number or (left, right), less than L.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """y[i,j] = x[r(i − top, H), r(j − left, W)] with r(i, n) = n − 1 − |n − 1 − |i||: x mirrored at its first and last
    rows and columns.

    Shapes: x (N, C, H, W) or (C, H, W); ``padding`` is one number or (left, right, top, bottom), less than x.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims, mode = 2, "reflect"


class ReplicationPad1d(_Pad):
    """y[i] = x[min(max(i − left, 0), L − 1)]: the first and the last value repeated.

    Shapes: x (N, C, L) or (C, L); ``padding`` is one number or (left, right).
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """y[i,j] = x[min(max(i − top, 0), H − 1), min(max(j − left, 0), W − 1)]: the first and last rows and columns
    repeated.

    Shapes: x (N, C, H, W) or (C, H, W); ``padding`` is one number or (left, right, top, bottom).
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims, mode = 2, "replicate"


class CircularPad1d(_Pad):
    """y[i] = x[(i − left) mod L]: x goes on with its other end.

    Shapes: x (N, C, L) or (C, L); ``padding`` is one number or (left, right), at most L.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """y[i,j] = x[(i − top) mod H, (j − left) mod W]: x goes on with its other side along rows and columns.

    Shapes: x (N, C, H, W) or (C, H, W); ``padding`` is one number or (left, right, top, bottom), at most x.
    Source: R. Szeliski, "Computer Vision: Algorithms and Applications", 2010, section 3.2.
    """

    dims, mode = 2, "circular"
