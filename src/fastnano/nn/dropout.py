"""Dropout."""

from __future__ import annotations

from .._random import Generator
from ..autograd import Tensor
from . import functional as F
from ._arguments import probability
from .module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, y = x / (1 − p) with probability 1 − p, else 0; in evaluation, y = x.

    The mask is a function of the generator's state and the element's place (see ``fastnano.manual_seed``).
    Source: N. Srivastava et al., "Dropout", JMLR 15, 2014.
    """

    def __init__(self, p: float = 0.5, *, generator: Generator | None = None) -> None:
        super().__init__()
        self.p = probability("Dropout", "p", p)
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training, self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace=False"
