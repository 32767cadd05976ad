"""Padding as a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import EXPRESSIONS, Tensor, apply, as_tensor
from .._arguments import choice
from ._images import take_places

__all__ = ["pad"]


# The places along an axis of a size that fill places before 0 and from size on.
_MODES = {
    "reflect": lambda i, size: size - 1 - np.abs(size - 1 - np.abs(i)),
    "replicate": lambda i, size: np.clip(i, 0, size - 1),
    "circular": lambda i, size: i % size,
}
_ROOM = {"reflect": -1, "replicate": 2**31, "circular": 0}  # padding beyond an axis' size
PADDING_MODES = ("constant", *_MODES)


def pad(input: Any, pad: tuple[int, ...], mode: str = "constant", value: float | None = None) -> Tensor:
    """Padding; ``pad`` counts from the last axis: (left, right, top, bottom, ...); sizes below 0 cut off.

    "constant" puts ``value`` (0) around any axes.  Of the last axes of (N, C, ...) or (C, ...), "reflect" mirrors the
    values at the border, "replicate" repeats the border, "circular" continues with the other side.

    Raises TypeError where ``pad`` holds no sizes, ValueError where it does not fit the axes, the mode or what may be
    cut off.
    """
    x = as_tensor(input)
    if not isinstance(pad, (tuple, list)):
        raise TypeError(f"pad: pad={pad!r} must be a tuple of sizes, (left, right, top, bottom, ...)")
    axes = len(pad) // 2
    if len(pad) % 2 or axes > x.ndim:
        raise ValueError(f"pad: pad={pad} must be pairs of sizes for at most the {x.ndim} axes of input")
    if not all(isinstance(side, (int, np.integer)) for side in pad):
        raise TypeError(f"pad: pad={pad} must hold whole numbers")
    sides = [(int(pad[2 * i]), int(pad[2 * i + 1])) for i in reversed(range(axes))]
    for size, (a, b) in zip(x.shape[x.ndim - axes :], sides, strict=True):
        if size + min(a, 0) + min(b, 0) < 0:
            raise ValueError(f"pad: pad={pad} cuts more than the shape {x.shape} of input has")
    if choice("pad", "mode", mode, PADDING_MODES) == "constant":
        return _constant(x, sides, 0.0 if value is None else value)
    if value:
        raise ValueError(f"pad: value={value} is for mode='constant', got mode={mode!r}")
    if x.ndim - axes not in (1, 2) or axes > 3:
        raise ValueError(
            f"pad: mode={mode!r} takes input of shape (N, C, ...) or (C, ...) and pad for all axes behind, "
            f"got shape {x.shape} and pad={pad}"
        )
    if x.ndim - axes == 1:
        return _filled(x.unsqueeze(0), sides, mode)[0]
    return _filled(x, sides, mode)


def _constant(x: Tensor, sides: list[tuple[int, int]], value: float) -> Tensor:
    x, sides = _cropped(x, sides)
    widths = [(0, 0)] * (x.ndim - len(sides)) + sides
    return apply(EXPRESSIONS["pad"], x, widths=tuple(widths), value=value)


def _cropped(x: Tensor, sides: list[tuple[int, int]]) -> tuple[Tensor, list[tuple[int, int]]]:
    """x without what sizes below 0 cut off, and the sizes that are left to fill."""
    if all(min(side) >= 0 for side in sides):
        return x, sides
    inner = zip(x.shape[x.ndim - len(sides) :], sides, strict=True)
    x = x[(..., *(slice(max(-a, 0), size - max(-b, 0)) for size, (a, b) in inner))]
    return x, [(max(a, 0), max(b, 0)) for a, b in sides]


def _filled(x: Tensor, sides: list[tuple[int, int]], mode: str) -> Tensor:
    if mode == "circular":  # of what is left; the others take values from beyond the cut
        x, sides = _cropped(x, sides)
    places = []
    for size, (a, b) in zip(x.shape[2:], sides, strict=True):
        if size < 1 or max(a, b) > size + _ROOM[mode]:
            raise ValueError(
                f"pad: {(a, b)} is more than mode={mode!r} can fill from an axis of {size} "
                f"(at most {max(size + _ROOM[mode], 0)})"
            )
        places.append(_MODES[mode](np.arange(-a, size + b), size))
    return take_places(x, *places)
