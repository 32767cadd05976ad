"""Penalties on weights, which are added to a loss, and constraints, which hold after each step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._state import no_grad, state
from ..autograd import Tensor
from .module import Module

__all__ = [
    "L1L2Penalty",
    "L1Penalty",
    "L2Penalty",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "PenalizedLoss",
    "UnitNorm",
]

Weights = Module | Tensor | Iterable[Tensor]


class _OfWeights:
    """What is about some weights: a tensor, several, or those of a module, that is, its parameters of two or more
    axes (no biases, no scales of a normalisation)."""

    def __init__(self, parameters: Weights) -> None:
        if not isinstance(parameters, (Module, Tensor)):
            parameters = list(parameters)
        self.parameters = parameters
        if not self.weights():
            raise ValueError(
                f"{type(self).__name__}: parameters={parameters!r:.200} has no weights, that is, parameters of two or "
                "more axes; name the tensors themselves"
            )

    def weights(self) -> list[Tensor]:
        if isinstance(self.parameters, Module):
            return [p for p in self.parameters.parameters() if p.ndim > 1]
        return [self.parameters] if isinstance(self.parameters, Tensor) else list(self.parameters)

    def _numbers(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "parameters"}

    def __repr__(self) -> str:
        shapes = ", ".join(str(w.shape) for w in self.weights())
        return (
            f"{type(self).__name__}({', '.join([shapes, *(f'{k}={v}' for k, v in self._numbers().items())])})"
        )


class _Penalty(_OfWeights):
    """A number to add to the loss, by hand or by ``PenalizedLoss``."""

    def __init__(self, parameters: Weights, **factors: float) -> None:
        super().__init__(parameters)
        for name, value in factors.items():
            if not 0 <= value < np.inf:
                raise ValueError(f"{type(self).__name__}: {name}={value} must be a number of at least 0")
        vars(self).update(factors)

    def of(self, weight: Tensor) -> Tensor:
        """The penalty of one weight, a tensor of one number."""
        raise NotImplementedError(f"{type(self).__name__}.of: define it, from a weight to a number")

    def __call__(self) -> Tensor:
        first, *others = (self.of(weight) for weight in self.weights())
        for number in others:
            first = first + number
        return first


class L1Penalty(_Penalty):
    """l1 · Σ |w|, which leads many weights to zero (Keras' ``regularizers.L1``)::

        loss = criterion(net(x), y) + nn.L1Penalty(net[0], 1e-4)()
        fastnano.Trainer(net, criterion, optimizer, penalties=[nn.L1Penalty(net[0], 1e-4)])

    ``parameters`` are a tensor, several, or a module: then its parameters of two or more axes, so no biases.
    Source: R. Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996.
    """

    def __init__(self, parameters: Weights, l1: float = 0.01) -> None:
        super().__init__(parameters, l1=l1)

    def of(self, weight: Tensor) -> Tensor:
        return weight.abs().sum() * self.l1  # type: ignore[attr-defined]


class L2Penalty(_Penalty):
    """l2 · Σ w² (Keras' ``regularizers.L2``); ``parameters`` as in L1Penalty.

    Under SGD the same as an optimiser's ``weight_decay`` of 2 · l2 for these weights.
    Source: A. Hoerl, R. Kennard, "Ridge Regression", 1970.
    """

    def __init__(self, parameters: Weights, l2: float = 0.01) -> None:
        super().__init__(parameters, l2=l2)

    def of(self, weight: Tensor) -> Tensor:
        return (weight * weight).sum() * self.l2  # type: ignore[attr-defined]


class L1L2Penalty(_Penalty):
    """l1 · Σ |w| + l2 · Σ w² (Keras' ``regularizers.L1L2``); ``parameters`` as in L1Penalty.

    Source: H. Zou, T. Hastie, "Regularization and Variable Selection via the Elastic Net", 2005.
    """

    def __init__(self, parameters: Weights, l1: float = 0.0, l2: float = 0.0) -> None:
        super().__init__(parameters, l1=l1, l2=l2)

    def of(self, weight: Tensor) -> Tensor:
        return (weight.abs() * self.l1 + weight * weight * self.l2).sum()  # type: ignore[attr-defined]


class PenalizedLoss(Module):
    """y = loss(output, target) + Σ penalty(): a loss to hand to ``Trainer`` or ``compile``.

    ``penalties`` are L1Penalty, L2Penalty, or any function of nothing that gives a tensor of one number.
    Shapes: output and target as ``loss`` takes them, (N, C) and (N,) for instance; y ().
    Source: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, equation 7.1.
    """

    def __init__(self, loss: Callable[[Any, Any], Tensor], *penalties: Callable[[], Tensor]) -> None:
        super().__init__()
        for penalty in penalties:
            if not callable(penalty):
                raise TypeError(f"PenalizedLoss: a penalty must be callable, got {type(penalty).__name__}")
        self.loss, self.penalties = loss, penalties

    def forward(self, output: Any, target: Any) -> Tensor:
        total = self.loss(output, target)
        for penalty in self.penalties:
            total = total + penalty()
        return total

    def extra_repr(self) -> str:
        return ", ".join(map(repr, self.penalties))


class _Constraint(_OfWeights):
    """Puts weights back where they are allowed, in place; called after each step of the optimiser."""

    def __init__(self, parameters: Weights, dim: int | tuple[int, ...] | None = None) -> None:
        super().__init__(parameters)
        self.dim = dim

    def project(self, weight: np.ndarray) -> np.ndarray:
        """The nearest weight that is allowed."""
        raise NotImplementedError(f"{type(self).__name__}.project: define it, from an array to an array")

    def __call__(self) -> None:
        if state.recording is not None:
            state.recording.python(type(self).__name__)
        with no_grad():
            for weight in self.weights():
                weight.copy_(self.project(weight.data))

    def _norms(self, weight: np.ndarray) -> np.ndarray:
        """The norms over ``dim``; where it is None, over all axes but the first, for each output unit."""
        axes = tuple(range(weight.ndim > 1, weight.ndim)) if self.dim is None else self.dim
        return np.sqrt(np.sum(weight * weight, axis=axes, keepdims=True))


def _scaled(weight: np.ndarray, norms: np.ndarray, wanted: np.ndarray | float) -> np.ndarray:
    """The weight with its norms as wanted; unchanged, bit for bit, where they are; zeros stay zeros."""
    factor = np.divide(wanted, norms, out=np.ones_like(norms), where=norms > 0)
    return weight * factor


class MaxNorm(_Constraint):
    """w ← w · min(1, max_value / ‖w‖), the norm over the incoming weights of each output unit, that is, over
    all axes but the first, or over ``dim``::

        constraint = nn.MaxNorm(net[0], 2.0)
        optimizer.step(); constraint()                                        # by hand, or
        fastnano.Trainer(net, criterion, optimizer, constraints=[constraint])

    ``parameters`` are a tensor, several, or a module: then its parameters of two or more axes, so no biases.
    Keras' ``constraints.MaxNorm``; source: N. Srivastava et al., "Dropout", JMLR 15, 2014.
    """

    def __init__(
        self, parameters: Weights, max_value: float = 2.0, dim: int | tuple[int, ...] | None = None
    ) -> None:
        super().__init__(parameters, dim)
        self.max_value = _least("MaxNorm", "max_value", max_value)

    def project(self, weight: np.ndarray) -> np.ndarray:
        norms = self._norms(weight)
        return _scaled(weight, norms, np.minimum(norms, self.max_value))


class MinMaxNorm(_Constraint):
    """w ← w · (rate · clip(‖w‖, min_value, max_value) + (1 − rate) · ‖w‖) / ‖w‖; else as MaxNorm.

    Source: F. Chollet et al., Keras, 2015 (``constraints.MinMaxNorm``).
    """

    def __init__(
        self,
        parameters: Weights,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        dim: int | tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(parameters, dim)
        self.min_value = _least("MinMaxNorm", "min_value", min_value)
        self.max_value = _least("MinMaxNorm", "max_value", max_value, min_value)
        self.rate = _least("MinMaxNorm", "rate", rate)

    def project(self, weight: np.ndarray) -> np.ndarray:
        norms = self._norms(weight)
        wanted = np.clip(norms, self.min_value, self.max_value)
        return _scaled(weight, norms, norms + (wanted - norms) * self.rate)


class UnitNorm(_Constraint):
    """w ← w / ‖w‖; zeros stay zeros; else as MaxNorm (Keras' ``constraints.UnitNorm``).

    Source: E. Oja, "A Simplified Neuron Model as a Principal Component Analyzer", 1982.
    """

    def project(self, weight: np.ndarray) -> np.ndarray:
        return _scaled(weight, self._norms(weight), 1.0)


class NonNeg(_Constraint):
    """w ← max(w, 0) (Keras' ``constraints.NonNeg``).

    Source: J. Chorowski, J. Zurada, "Learning Understandable Neural Networks With Nonnegative Weight Constraints",
    2015.
    """

    def __init__(self, parameters: Weights) -> None:
        super().__init__(parameters)
        del self.dim

    def project(self, weight: np.ndarray) -> np.ndarray:
        return np.maximum(weight, 0)


def _least(owner: str, name: str, value: float, least: float = 0.0) -> float:
    if not value >= least:
        raise ValueError(f"{owner}: {name}={value} must be at least {least}")
    return value
