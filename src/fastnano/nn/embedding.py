"""Tables of vectors, looked up by number."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor, as_tensor
from . import functional as F
from . import init
from ._arguments import choice, count
from ._initial import empty
from .functional._embedding import refuse_unbuilt, row
from .module import Module, Parameter

__all__ = ["Embedding", "EmbeddingBag"]


class Embedding(Module):
    """y = weight[x]: for each integer of x its row of a table that is learned.

    Shapes: x (...) of integers from 0 to num_embeddings − 1, weight (num_embeddings, embedding_dim), y (...,
    embedding_dim).  The row ``padding_idx`` starts as zeros and gets no gradient.  With ``max_norm`` the rows in
    use that are longer, in the norm ``norm_type``, are first scaled down to it, in place.
    Initial weight: standard normal.  Raises IndexError for a number of no row.
    Source: Y. Bengio et al., "A Neural Probabilistic Language Model", 2003.
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
        name = type(self).__name__
        refuse_unbuilt(name, scale_grad_by_freq, sparse)
        self.num_embeddings = count(name, "num_embeddings", num_embeddings)
        self.embedding_dim = count(name, "embedding_dim", embedding_dim)
        self.padding_idx = None if padding_idx is None else row(name, padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        shape = (num_embeddings, embedding_dim)
        self.weight = Parameter(empty(*shape) if _weight is None else _weight, requires_grad=not _freeze)
        if self.weight.shape != shape:
            raise ValueError(f"{name}: _weight has shape {self.weight.shape}, expected {shape}")
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

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

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type)

    def extra_repr(self) -> str:
        return self._text("padding_idx", "max_norm", "norm_type")

    def _text(self, *names: str) -> str:
        """The sizes, and what of this is not as it is by itself."""
        own = {name: getattr(self, name) for name in names}
        changed = (
            f"{name}={value!r}"
            for name, value in own.items()
            if value != (2 if name == "norm_type" else None)
        )
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *changed])


class EmbeddingBag(Embedding):
    """y_b = the mean (``mode="mean"``), sum or maximum of weight[i] over the integers i of bag b; 0 for an empty one.

    Shapes: x (B, N), a bag in each row, or (N,) with ``offsets`` (B,), where each bag begins (and with
    ``include_last_offset`` where the last one ends); weight (num_embeddings, embedding_dim), y (B, embedding_dim).
    ``per_sample_weights``, of x's shape, weigh the rows of a sum.  Integers equal to ``padding_idx`` are left out.
    Source: A. Joulin et al., "Bag of Tricks for Efficient Text Classification", arXiv:1607.01759.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> None:
        super().__init__(
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight,
        )
        self.mode = choice("EmbeddingBag", "mode", mode, ("sum", "mean", "max"))
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A layer with the rows of ``embeddings`` (V, E), not to be learned unless ``freeze=False``."""
        rows, size = as_tensor(embeddings).shape
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse)
        layer = cls(rows, size, *options, embeddings, include_last_offset, padding_idx)
        layer.weight.requires_grad_(not freeze)
        return layer

    def forward(self, input: Tensor, offsets: Any = None, per_sample_weights: Any = None) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        return self._text("max_norm", "norm_type", "mode", "padding_idx")
