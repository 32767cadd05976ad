"""Rows of a table as a function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._state import state
from ...autograd import OPS, Tensor, apply, as_tensor, examine
from ...functions.elementwise import where
from .._arguments import choice

__all__ = ["embedding", "embedding_bag"]


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """weight[x]: the rows of weight (V, E) that the integers x (...) name, (..., E); see ``nn.Embedding``.

    Raises TypeError where x holds no integers, IndexError for a number of no row.
    """
    refuse_unbuilt("embedding", scale_grad_by_freq, sparse)
    x, weight = as_tensor(input), as_tensor(weight)
    if weight.ndim != 2:
        raise ValueError(
            f"embedding: weight has shape {weight.shape}, expected (num_embeddings, embedding_dim)"
        )
    if x.dtype.kind not in "iu":
        raise TypeError(f"embedding: input must hold integers, got {x.dtype}; convert with .long()")
    padding_idx = -1 if padding_idx is None else row("embedding", padding_idx, weight.shape[0])

    def check(index: np.ndarray) -> None:
        wrong = (index < 0) | (index >= weight.shape[0])
        if wrong.any():
            raise IndexError(
                f"embedding: input holds {index[wrong].flat[0]}, expected rows from 0 to {weight.shape[0] - 1}"
            )

    examine(x.data, check)
    if max_norm is not None:
        _limit_norms(weight, x.data, float(max_norm), float(norm_type))
    index = x.long().reshape((len(x), math.prod(x.shape[1:])) if x.ndim else (1, 1))
    return apply(OPS["embedding"], index, weight, padding_idx=padding_idx).reshape(
        (*x.shape, weight.shape[1])
    )


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The mean, sum or maximum of the rows that each bag of integers names, (B, E); see ``nn.EmbeddingBag``.

    Raises ValueError for weights of another shape than the integers, or of another mode than "sum".
    """
    choice("embedding_bag", "mode", mode, ("sum", "mean", "max"))
    refuse_unbuilt("embedding_bag", scale_grad_by_freq, sparse)
    x, weight = as_tensor(input), as_tensor(weight)
    places, used = _bags(x, offsets, include_last_offset)
    index = x.data.reshape(-1)[places] if x.numel() else places
    rows = embedding(index, weight, padding_idx, max_norm if x.numel() else None, norm_type)
    if padding_idx is not None:
        used = used & (index != row("embedding_bag", padding_idx, weight.shape[0]))
    if mode == "max":
        found = where(used[..., None], rows, as_tensor(-np.inf, rows)).max(1).values
        return where(used.any(axis=1, keepdims=True), found, as_tensor(0.0, rows))
    share = used / np.maximum(used.sum(axis=1, keepdims=True), 1) if mode == "mean" else used
    scale = Tensor(share.astype(rows.dtype))
    if per_sample_weights is not None:
        given = as_tensor(per_sample_weights)
        if mode != "sum" or given.shape != x.shape:
            raise ValueError(
                f"embedding_bag: per_sample_weights of shape {given.shape} needs mode='sum' and the shape of input, "
                f"{x.shape}; mode is {mode!r}"
            )
        scale = given.reshape(-1)[places] * scale if x.numel() else scale
    return (rows * scale.unsqueeze(-1)).sum(1)


def _bags(x: Tensor, offsets: Any, include_last_offset: bool) -> tuple[np.ndarray, np.ndarray]:
    """The places in x of each bag's integers, and which it has: a shorter one is filled up with the first place."""
    if x.ndim == 2 and offsets is None:
        return np.arange(x.numel()).reshape(x.shape), np.ones(x.shape, np.bool_)
    if x.ndim != 1 or offsets is None:
        raise ValueError(f"embedding_bag: input has shape {x.shape}, expected (B, N), or (N,) with offsets")
    starts = np.asarray(as_tensor(offsets).data, np.int64)
    ends = starts[1:] if include_last_offset else np.append(starts[1:], len(x))
    starts = starts[: len(ends)]
    if starts.ndim != 1 or (starts[:1] != 0).any() or (ends < starts).any() or (ends > len(x)).any():
        raise ValueError(
            f"embedding_bag: offsets={starts.tolist()} must rise from 0 to at most the {len(x)} integers of input"
        )
    places = starts[:, None] + np.arange(max((ends - starts).max(initial=1), 1))
    used = places < ends[:, None]
    return np.where(used, places, 0), used


def refuse_unbuilt(name: str, scale_grad_by_freq: bool, sparse: bool) -> None:
    """Refuse PyTorch's arguments that are not built here."""
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
