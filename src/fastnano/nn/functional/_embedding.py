"""Rows of a table as a function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._state import state
from ...autograd import OPS, Tensor, apply, as_tensor, examine

__all__ = ["embedding"]


def embedding(
    x: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """weight[x]: the rows of weight (V, E) that the integers x (*) name, (*, E); see ``nn.Embedding``."""
    refuse_unbuilt("embedding", scale_grad_by_freq, sparse)
    x, weight = as_tensor(x), as_tensor(weight)
    if weight.ndim != 2:
        raise ValueError(
            f"embedding: weight has shape {weight.shape}, expected (num_embeddings, embedding_dim)"
        )
    if x.dtype.kind not in "iu":
        raise TypeError(f"embedding: x must hold integers, got {x.dtype}; convert with .long()")
    padding_idx = -1 if padding_idx is None else row("embedding", padding_idx, weight.shape[0])

    def check(index: np.ndarray) -> None:
        wrong = (index < 0) | (index >= weight.shape[0])
        if wrong.any():
            raise IndexError(
                f"embedding: x holds {index[wrong].flat[0]}, expected rows from 0 to {weight.shape[0] - 1}"
            )

    examine(x.data, check)
    if max_norm is not None:
        _limit_norms(weight, x.data, float(max_norm), float(norm_type))
    index = x.long().reshape((len(x), math.prod(x.shape[1:])) if x.ndim else (1, 1))
    return apply(OPS["embedding"], index, weight, padding_idx=padding_idx).reshape(
        (*x.shape, weight.shape[1])
    )


def refuse_unbuilt(name: str, scale_grad_by_freq: bool, sparse: bool) -> None:
    for argument, value in (("scale_grad_by_freq", scale_grad_by_freq), ("sparse", sparse)):
        if value:
            raise NotImplementedError(f"{name}: {argument}=True is not built; gradients are plain and dense")


def row(name: str, padding_idx: int, rows: int) -> int:
    """padding_idx counted from the front."""
    if not -rows <= padding_idx < rows:
        raise ValueError(f"{name}: padding_idx={padding_idx} must name one of the {rows} rows")
    return padding_idx % rows


def _limit_norms(weight: Tensor, index: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the named rows that are longer than max_norm, in place."""
    if state.recording is not None:
        state.recording.python("embedding with max_norm")
    rows = np.unique(index)
    norms = np.linalg.norm(weight.data[rows], norm_type, axis=1, keepdims=True)
    weight.data[rows] *= np.where(norms > max_norm, max_norm / (norms + 1e-7), 1).astype(weight.dtype)
    weight._version[0] += 1
