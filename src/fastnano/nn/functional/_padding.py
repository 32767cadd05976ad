"""Padding as a function."""

from __future__ import annotations

from typing import Any

from ...autograd import EXPRESSIONS, Tensor, apply, as_tensor

__all__ = ["pad"]


def pad(x: Any, pad: tuple[int, ...], value: float = 0.0) -> Tensor:
    """Constant padding; ``pad`` counts from the last axis: (left, right, top, bottom, ...)."""
    x = as_tensor(x)
    if len(pad) % 2 or len(pad) > 2 * x.ndim or any(p < 0 for p in pad):
        raise ValueError(
            f"pad: pad={pad} must be pairs of sizes of at least 0 for at most the {x.ndim} axes of x"
        )
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    return apply(EXPRESSIONS["pad"], x, widths=tuple(widths), value=value)
