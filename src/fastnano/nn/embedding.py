"""Tables of vectors, looked up by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._random import default_generator
from ..autograd import Tensor, as_tensor
from . import functional as F
from ._arguments import count
from .functional._embedding import refuse_unbuilt, row
from .module import Module, Parameter

__all__ = ["Embedding"]


class Embedding(Module):
    """y = weight[x]: for each integer of x its row of a table that is learned.

    Shapes: x (*) of integers from 0 to num_embeddings − 1, weight (num_embeddings, embedding_dim), y (*,
    embedding_dim).  The row ``padding_idx`` starts as zeros and gets no gradient.  With ``max_norm`` the rows in
    use that are longer, in the norm ``norm_type``, are first scaled down to it, in place.
    Initial weight: standard normal.  Raises IndexError for a number of no row.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
    ) -> None:
        super().__init__()
        refuse_unbuilt("Embedding", scale_grad_by_freq, sparse)
        self.num_embeddings = count("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = count("Embedding", "embedding_dim", embedding_dim)
        self.padding_idx = None if padding_idx is None else row("Embedding", padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            _weight = default_generator.rng.standard_normal(shape).astype(np.float32)
            if self.padding_idx is not None:
                _weight[self.padding_idx] = 0
        self.weight = Parameter(_weight, requires_grad=not _freeze)
        if self.weight.shape != shape:
            raise ValueError(f"Embedding: _weight has shape {self.weight.shape}, expected {shape}")

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer with the rows of ``embeddings`` (V, E), not to be learned unless ``freeze=False``."""
        shape = as_tensor(embeddings).shape
        if len(shape) != 2:
            raise ValueError(f"from_pretrained: embeddings has shape {shape}, expected two axes")
        return cls(
            *shape,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
            _weight=embeddings,
            _freeze=freeze,
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.embedding(x, self.weight, self.padding_idx, self.max_norm, self.norm_type)

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            parts.append(f"norm_type={self.norm_type}")
        return ", ".join(parts)
