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

    Shapes: query (..., L, E), key (..., S, E), value (..., S, V), y (..., L, V).  ``attn_mask``, of a shape that
    broadcasts to (..., L, S), is added if it is floating; if boolean, it is True where a query may look, and a
    query that may look nowhere gives 0.  ``is_causal`` lets query i look at keys up to i, and of these where the mask
    lets it.  ``scale`` is 1 / √E by itself.
    Dropout acts on the softmax, in any mode.  Source: A. Vaswani et al., "Attention Is All You Need",
    arXiv:1706.03762.
    """
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    if is_causal:
        ahead = causal(query.shape[-2], key.shape[-2], query.dtype)
        attn_mask = ahead if attn_mask is None else additive(as_mask(attn_mask), ahead) + ahead
    return attend(query, key, value, attn_mask, dropout_p, scale)[0]


def as_mask(mask: Any) -> Tensor:
    """A mask as a tensor; whole numbers could mean either kind."""
    mask = as_tensor(mask)
    if mask.dtype.kind not in "bf":
        raise TypeError(
            f"attention: a mask is boolean or floating, got {mask.dtype}; compare it (mask != 0) "
            f"or convert it (.float())"
        )
    return mask


def additive(mask: Tensor, like: Tensor) -> Tensor:
    """A mask to add; a boolean one, True where to look, as 0 and −∞."""
    return mask if mask.dtype != np.bool_ else where(mask, as_tensor(0.0, like), as_tensor(-math.inf, like))


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
    seeing = None
    if mask is not None:
        mask = as_mask(mask)
        if examine(mask.data, _leaves_some_blind, otherwise=lambda _: True):
            seeing = _allowed(mask).any(-1, keepdim=True)
        mask = additive(mask, scores)
        if (
            seeing is not None
        ):  # who may look nowhere is let look, to be spared NaN; what is found there is dropped
            mask = where(seeing, mask, as_tensor(0.0, mask))
        scores = scores + mask
    weights = softmax(scores, -1)
    if seeing is not None:
        weights = where(seeing, weights, as_tensor(0.0, weights))
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return weights @ value, weights


def _allowed(mask: Any) -> Any:
    """Where to look, by a boolean mask or one to be added, a tensor or an array."""
    return mask if mask.dtype == np.bool_ else mask > -math.inf


def _leaves_some_blind(mask: np.ndarray) -> bool:
    """Whether some query may look nowhere."""
    return not _allowed(mask).any(axis=-1).all()


@lru_cache(maxsize=64)
def causal(queries: int, keys: int, dtype: np.dtype) -> Tensor:
    """What is added to scores so that query i looks at keys up to i: −∞ beyond."""
    return Tensor(np.triu(np.full((queries, keys), -np.inf, dtype), 1))
