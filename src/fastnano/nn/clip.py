"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .._state import state
from ..autograd import Tensor, launch
from ..ops import STEPS
from ._initial import constant

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def _gradients(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    try:
        return [p.grad for p in parameters if p.grad is not None]
    except (AttributeError, TypeError):
        given = type(parameters).__name__
        raise TypeError(f"{name}: parameters must be tensors, got {given}; pass model.parameters()") from None


def _number(value: float) -> np.ndarray:
    """A number as the step kernels read it."""
    return constant(float(value), 1, np.dtype(np.float64)).data


def _change(step: str, gradient: np.ndarray, **numbers: np.ndarray) -> None:
    """Run a step on a gradient, in place whatever its layout."""
    plain = np.asarray(gradient, order="C")
    launch(STEPS[step], {"grad": plain, **numbers})
    if plain is not gradient:
        gradient[...] = plain


def _square_sum(gradients: list[Tensor]) -> np.ndarray:
    """The sum of the squares of all values, in float64."""
    total = np.empty(1)
    launch(STEPS["zero"], {"total": total})
    for gradient in gradients:
        launch(STEPS["square_sum"], {"grad": gradient.reshape(-1).data, "total": total})
    return total


def _norm(gradient: np.ndarray, kind: float) -> float:
    """Another norm than the 2-norm of all values, summed in float64."""
    if not gradient.size:
        return 0.0
    if kind == math.inf:
        return float(np.abs(gradient).max())
    return float(np.sum(np.abs(gradient) ** float(kind), dtype=np.float64)) ** (1 / kind)


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0) -> float:
    """Scale all gradients, in place, by min(1, max_norm / (norm + 1e-6)); returns the norm of all together.

    Source: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    2013.

    Raises ValueError for max_norm below 0, norm_type not above 0, or a norm that is not finite.
    """
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm_: max_norm={max_norm} must be at least 0")
    if not norm_type > 0:
        raise ValueError(
            f"clip_grad_norm_: norm_type={norm_type} must be above 0 (math.inf: the largest value)"
        )
    gradients = _gradients("clip_grad_norm_", parameters)
    factor = np.ones(1)
    if norm_type == 2:
        total = _square_sum(gradients)
        norm = math.sqrt(total[0])
        launch(STEPS["clip_factor"], {"total": total, "max_norm": _number(max_norm), "factor": factor})
    else:
        norms = [_norm(g.data, norm_type) for g in gradients]
        norm = float(np.linalg.norm(norms, norm_type)) if norms else 0.0
        factor[0] = min(max_norm / (norm + 1e-6), 1)
    if not math.isfinite(norm) and state.recording is None:
        raise ValueError(f"clip_grad_norm_: the gradients have norm {norm}; they cannot be scaled")
    for gradient in gradients:
        _change("scale_gradient", gradient.data, factor=factor)
    return norm


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of the gradients, in place, to ±clip_value.

    Raises ValueError for clip_value below 0.
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value={clip_value} must be at least 0")
    for gradient in _gradients("clip_grad_value_", parameters):
        _change("limit_gradient", gradient.data, limit=_number(clip_value))
