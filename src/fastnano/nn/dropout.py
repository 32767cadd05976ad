"""Dropout."""

from __future__ import annotations

from collections.abc import Callable

from .._random import Generator
from ..autograd import Tensor
from . import functional as F
from ._arguments import probability
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class Dropout(Module):
    """In training, y = x / (1 − p) with probability 1 − p, else 0; in evaluation, y = x.

    The mask is a function of the generator's state and the element's place (see ``fastnano.manual_seed``); the result
    is a new array, ``inplace`` or not.
    Source: N. Srivastava et al., "Dropout", JMLR 15, 2014.
    Shapes: x (*), y the same.
    """

    function: Callable[..., Tensor] = staticmethod(F.dropout)

    def __init__(self, p: float = 0.5, inplace: bool = False, *, generator: Generator | None = None) -> None:
        super().__init__()
        self.p = probability(type(self).__name__, "p", p)
        self.inplace, self.generator = inplace, generator

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Dropout of whole channels: in training, y[n,c] = x[n,c] / (1 − p) with probability 1 − p, else 0.

    Shapes: x (N, C, L) or (C, L), y the same.  Neighbouring values of a feature map are alike, so that dropping
    single ones hides little.
    Source: J. Tompson et al., "Efficient Object Localization Using Convolutional Networks", arXiv:1411.4280.
    """

    function = staticmethod(F.dropout1d)


class Dropout2d(Dropout):
    """Dropout of whole channels of images: in training, y[n,c] = x[n,c] / (1 − p) with probability 1 − p, else 0.

    Shapes: x (N, C, H, W), y the same; x of three axes is taken for (N, C, L), as PyTorch does.
    Source: J. Tompson et al., "Efficient Object Localization Using Convolutional Networks", arXiv:1411.4280.
    """

    function = staticmethod(F.dropout2d)


class Dropout3d(Dropout):
    """Dropout of whole channels of volumes: in training, y[n,c] = x[n,c] / (1 − p) with probability 1 − p, else 0.

    Shapes: x (N, C, D, H, W) or (C, D, H, W), y the same.
    Source: J. Tompson et al., "Efficient Object Localization Using Convolutional Networks", arXiv:1411.4280.
    """

    function = staticmethod(F.dropout3d)


class AlphaDropout(Dropout):
    """In training, y = a · x + b with probability 1 − p, else b − a · λ; λ = 1.7581 is how far below 0 SELU
    reaches, and a = ((1 − p)(1 + p λ²))^−½, b = a · p · λ keep a mean of 0 and a variance of 1.

    Source: G. Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.
    Shapes: x (*), y the same.
    """

    function = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(Dropout):
    """AlphaDropout of whole channels: in training, y[n,c] = a · x[n,c] + b with probability 1 − p, else b − a · λ.

    Shapes: x (N, C, *), y the same.  a, b and λ as in ``AlphaDropout``.
    Source: G. Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.
    """

    function = staticmethod(F.feature_alpha_dropout)
