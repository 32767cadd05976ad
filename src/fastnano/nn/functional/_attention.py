"""Attention as a function."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ...autograd import Tensor, as_tensor, examine
from ...functions.elementwise import where
from ._activation import softmax
from ._dropout import dropout

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(scale · query keyᵀ + mask) value, the softmax over the keys.

    Shapes: query (*, L, E), key (*, S, E), value (*, S, V), y (*, L, V).  ``attn_mask``, of a shape that broadcasts
    to (*, L, S), is added if it is floating; if boolean, it is True where a query may look, and a query that may
    look nowhere gives 0.  ``is_causal`` lets query i look at keys up to i.  ``scale`` is 1 / √E by itself.
    Dropout acts on the softmax, in any mode.  Source: A. Vaswani et al., "Attention Is All You Need", arXiv:1706.03762.
    """
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    if is_causal:
        if attn_mask is not None:
            raise ValueError("scaled_dot_product_attention: give attn_mask or is_causal=True, not both")
        attn_mask = causal(query.shape[-2], key.shape[-2])
    return attend(query, key, value, attn_mask, dropout_p, scale)[0]


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Any, dropout_p: float, scale: float | None = None
) -> tuple[Tensor, Tensor]:
    """What the queries find, and how much of each value."""
    if min(query.ndim, key.ndim, value.ndim) < 2 or query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"scaled_dot_product_attention: query and key have shapes {query.shape} and {key.shape}, "
            f"expected (*, L, E) and (*, S, E)"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"scaled_dot_product_attention: key and value have shapes {key.shape} and {value.shape}, "
            f"expected (*, S, E) and (*, S, V)"
        )
    scores = query * (query.shape[-1] ** -0.5 if scale is None else scale) @ key.transpose(-2, -1)
    blind = None
    if mask is not None:
        mask = as_tensor(mask)
        if mask.dtype == np.bool_:
            blind = _blind(mask)
            mask = mask if blind is None else Tensor(mask.data | blind.data)
            mask = where(mask, as_tensor(0.0, scores), as_tensor(-math.inf, scores))
        scores = scores + mask
    weights = softmax(scores, -1)
    if blind is not None:
        weights = where(blind, as_tensor(0.0, weights), weights)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return weights @ value, weights


def _blind(mask: Tensor) -> Tensor | None:
    """Which queries may look nowhere, if any; they are let look, and what they find is dropped, to be spared NaN."""
    if not examine(mask.data, lambda allowed: not allowed.any(axis=-1).all()):
        return None
    return Tensor(~mask.data.any(axis=-1, keepdims=True))


@lru_cache(maxsize=64)
def causal(queries: int, keys: int) -> Tensor:
    """Where query i may look: at keys up to i."""
    return Tensor(np.tril(np.ones((queries, keys), np.bool_)))
