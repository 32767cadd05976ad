"""What functions of images share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ...autograd import as_tensor

__all__ = ["Size", "images", "per_axis"]


Size = int | tuple[int, int]


def images(name: str) -> Callable:
    """For functions of (N, C, H, W): take a single (C, H, W) too, and refuse anything else."""

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def wrapped(x: Any, *args: Any, **options: Any) -> Any:
            x = as_tensor(x)
            if x.ndim == 4:
                return function(x, *args, **options)
            if x.ndim != 3:
                raise ValueError(f"{name}: x has shape {x.shape}, expected (N, C, H, W) or (C, H, W)")
            y = function(x.unsqueeze(0), *args, **options)
            return tuple(part[0] for part in y) if isinstance(y, tuple) else y[0]

        return wrapped

    return decorate


def per_axis(**pairs: tuple[int, int]) -> dict[str, int]:
    """The numbers of a row: stride=(2, 3) as stride_h and stride_w."""
    return {f"{name}_{axis}": n for name, both in pairs.items() for axis, n in zip("hw", both, strict=True)}
