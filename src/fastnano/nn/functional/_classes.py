"""Class indices as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import DEFAULT_DTYPE, EXPRESSIONS, OPS, Tensor, apply, as_tensor, examine
from .._initial import constant

__all__ = ["one_hot"]


def one_hot(input: Any, num_classes: int = -1) -> Tensor:
    """1 at the class and 0 elsewhere, (..., num_classes) int64 for classes (...); −1: as many as the largest needs.

    Raises TypeError where the input holds no integers, ValueError for classes beyond num_classes.
    """
    x = as_tensor(input)
    if x.dtype.kind not in "iu":
        raise TypeError(f"one_hot: input must hold integers, got {x.dtype}; convert with .long()")

    def classes(labels: np.ndarray) -> int:
        if not labels.size and num_classes < 1:
            raise ValueError(f"one_hot: input is empty and num_classes={num_classes}, expected at least 1")
        least, most = (labels.min(), labels.max()) if labels.size else (0, -1)
        if least < 0 or (most >= num_classes and num_classes != -1):
            wrong = least if least < 0 else most
            raise ValueError(
                f"one_hot: input holds {wrong}, expected classes from 0 to num_classes={num_classes} - 1"
            )
        return int(most) + 1 if num_classes == -1 else num_classes

    count = examine(x.data, classes)
    labels = Tensor(np.ascontiguousarray(x.data, np.int64)) if x.dtype != np.int64 else x
    found = apply(OPS["one_hot"], labels.reshape((x.numel(), 1)), constant(1, count, DEFAULT_DTYPE))
    return apply(EXPRESSIONS["cast"], found.reshape((*x.shape, count)), dtype=np.dtype(np.int64))
