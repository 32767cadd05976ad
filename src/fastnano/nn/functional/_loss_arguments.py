"""What losses share: checks of their targets and weights, and the reduction of their values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd import EXPRESSIONS, OPS, Tensor, apply, as_tensor, examine, tensor
from .._arguments import choice
from .._initial import constant

__all__ = [
    "REDUCTIONS",
    "at_least",
    "cast",
    "check_weights",
    "class_indices",
    "class_shares",
    "class_weight",
    "ignored_by_kernels",
    "operands",
    "over_classes",
    "reduce_loss",
    "rescaled",
    "same_shape",
    "signs",
]

REDUCTIONS = ("mean", "sum", "none")
_IGNORED = -100  # the label that kernels ignore where the caller's does not fit their 32 bits


def reduce_loss(name: str, loss: Tensor, reduction: str) -> Tensor:
    """Mean, sum, or each value; the mean of nothing is refused."""
    if choice(name, "reduction", reduction, REDUCTIONS) == "none":
        return loss
    if not loss.numel() and reduction == "mean":
        raise ValueError(f"{name}: the batch is empty (shape {loss.shape}); a mean needs at least one sample")
    return loss.mean() if reduction == "mean" else loss.sum()


def at_least(x: Tensor, least: float) -> Tensor:
    """max(x, least), with the gradient of x itself: the limit is for the value only, as PyTorch has it."""
    return x + (x.clamp_min(least) - x).detach()


# Targets that are numbers


def cast(x: Tensor, dtype: np.dtype) -> Tensor:
    """x in another dtype, by an op that a plan can take over, where ``Tensor.to`` of a constant is none."""
    return x if x.dtype == dtype else apply(EXPRESSIONS["cast"], x, dtype=dtype)


def operands(name: str, x: Any, *others: Any) -> tuple[Tensor, ...]:
    """x and what it is compared with as tensors, whole numbers as floats, of shapes that broadcast."""
    x = as_tensor(x)
    found = [as_tensor(other, x) for other in others]
    try:
        np.broadcast_shapes(x.shape, *(other.shape for other in found))
    except ValueError:
        shapes = ", ".join(str(other.shape) for other in found)
        raise ValueError(f"{name}: shapes {x.shape} and {shapes} do not broadcast") from None
    return x, *(_as_float(other, x) for other in found)


def same_shape(name: str, x: Any, target: Any) -> tuple[Tensor, Tensor]:
    """x and target as tensors of one float dtype; ValueError where their shapes differ."""
    x = as_tensor(x)
    target = as_tensor(target, x)
    if x.shape != target.shape:
        raise ValueError(f"{name}: target has shape {target.shape}, expected that of the input, {x.shape}")
    return x, _as_float(target, x)


def _as_float(target: Tensor, x: Tensor) -> Tensor:
    whole = target.dtype.kind != "f" and x.dtype.kind == "f"
    return cast(target, x.dtype) if whole else target


def rescaled(name: str, what: str, weight: Any, x: Tensor) -> Tensor:
    """A weight that broadcasts to the shape of x, in its dtype."""
    weight = as_tensor(weight) if isinstance(weight, (Tensor, np.ndarray)) else tensor(weight, x.dtype)
    if weight.ndim > x.ndim or any(
        n not in (1, size) for n, size in zip(weight.shape[::-1], x.shape[::-1], strict=False)
    ):
        raise ValueError(
            f"{name}: {what} has shape {weight.shape}, expected one that broadcasts to that of the input, {x.shape}"
        )
    return _as_float(weight, x)


def signs(name: str, target: Any, x: Tensor) -> Tensor:
    """target in the dtype of x; each must be −1 or +1."""
    target = as_tensor(target, x)
    if not examine(target.data, lambda found: np.isin(found, (-1, 1)).all()):
        raise ValueError(f"{name}: target of shape {target.shape} must hold -1 and +1 only")
    return cast(target.detach(), x.dtype)


# Targets that are classes


def class_weight(name: str, weight: Any, classes: int, dtype: np.dtype) -> Tensor:
    """One weight per class, ones where there are none; ValueError for another shape and for what is not finite."""
    if weight is None:
        return constant(1, classes, dtype)
    weight = as_tensor(weight) if isinstance(weight, (Tensor, np.ndarray)) else tensor(weight, dtype)
    if weight.shape != (classes,):
        raise ValueError(
            f"{name}: weight has shape {weight.shape}, expected one weight per class, ({classes},)"
        )
    if not np.isfinite(weight.data).all():
        raise ValueError(
            f"{name}: weight={weight.tolist()} holds NaN or infinity; class weights must be finite"
        )
    return weight


def class_indices(
    name: str, target: Tensor, x: Tensor, ignore_index: int | None = None
) -> tuple[Tensor, bool]:
    """target as int64 labels of x's classes, itself where it is that already, and whether any is ignored.

    Each must be a class, or ignore_index, which becomes what ``ignored_by_kernels`` says.
    """
    labels = target.data
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: target must be integer class indices, got {labels.dtype}")
    expected = (*x.shape[:1], *x.shape[2:]) if x.ndim > 1 else ()
    if labels.shape != expected:
        raise ValueError(
            f"{name}: target has shape {labels.shape}, expected {expected} for scores of shape {x.shape}"
        )
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]

    def any_ignored(labels: np.ndarray) -> bool:
        outside = (labels < 0) | (labels >= classes)
        if not outside.any() and not (ignore_index is not None and 0 <= ignore_index < classes):
            return False
        ignored = labels == ignore_index
        wrong = outside & ~ignored
        if wrong.any():
            raise ValueError(
                f"{name}: target holds {labels[wrong].flat[0]}, expected classes from 0 to {classes - 1}"
            )
        return bool(ignored.any())

    found = examine(labels, any_ignored)
    indices = np.asarray(labels, np.int64, order="C")
    if found and ignore_index is not None and ignored_by_kernels(ignore_index) != ignore_index:
        indices = np.where(labels == ignore_index, _IGNORED, indices)
    return target if indices is labels else Tensor(indices), found


def ignored_by_kernels(ignore_index: int) -> int:
    """The class to ignore as int32; one that no label has where it is too large for that."""
    return ignore_index if -(2**31) <= ignore_index < 2**31 else _IGNORED


def over_classes(name: str, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Scores (N, C, d...) or (C,) as [n, c, s], and the shape of one loss per place."""
    if x.ndim == 0:
        raise ValueError(f"{name}: the scores are a single number, expected (N, C, ...) or (C,)")
    if x.ndim == 1:
        return x.reshape((1, x.shape[0], 1)), ()
    return x.reshape((x.shape[0], x.shape[1], math.prod(x.shape[2:]))), (x.shape[0], *x.shape[2:])


def check_weights(name: str, target: Tensor, weight: Tensor, ignore_index: int) -> None:
    """Refuse to divide by the weights of the targets where these add up to 0."""

    def total(labels: np.ndarray) -> float:
        return weight.data[labels[labels != ignore_index]].sum(dtype=np.float64)

    if examine(target.data, total) == 0:
        raise ValueError(
            f"{name}: the weights of all targets add up to 0 (all ignored?), so there is no mean"
        )


def class_shares(name: str, x: Tensor, target: Any) -> Tensor:
    """What each class should get, in the shape of x: target itself, or 1 at its class indices and 0 elsewhere."""
    target = as_tensor(target)
    if target.dtype.kind == "f":
        return same_shape(name, x, target)[1]
    folded, _ = over_classes(name, x)
    labels, _ = class_indices(name, target, x)
    places = labels.reshape((folded.shape[0], folded.shape[2]))
    return apply(OPS["one_hot"], places, constant(1, folded.shape[1], x.dtype)).reshape(x.shape)
