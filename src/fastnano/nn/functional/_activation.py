"""Activations as functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import OPS, Tensor, apply, as_tensor

__all__ = ["leaky_relu", "log_softmax", "relu", "sigmoid", "softmax", "tanh"]


def relu(x: Any) -> Tensor:
    """max(x, 0)."""
    return apply(OPS["relu"], as_tensor(x))


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x."""
    return apply(OPS["leaky_relu"], as_tensor(x), negative_slope=float(negative_slope))


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + e^−x)."""
    return apply(OPS["sigmoid"], as_tensor(x))


def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent."""
    return apply(OPS["tanh"], as_tensor(x))


def softmax(x: Any, dim: int | None = None) -> Tensor:
    """e^x_i / Σ_j e^x_j along ``dim``."""
    return _along("softmax", as_tensor(x), dim)


def log_softmax(x: Any, dim: int | None = None) -> Tensor:
    """x_i − log Σ_j e^x_j along ``dim``."""
    return _along("log_softmax", as_tensor(x), dim)


def _along(name: str, x: Tensor, dim: int | None) -> Tensor:
    """A row over axis c of [n, c, s], along any axis."""
    if dim is None:
        dim = 0 if x.ndim in (0, 1, 3) else 1
    if not -x.ndim <= dim < x.ndim:
        raise IndexError(f"{name}: dim={dim} is not an axis of shape {x.shape}")
    dim %= x.ndim
    before, after = x.shape[:dim], x.shape[dim + 1 :]
    folded = x.reshape((int(np.prod(before)), x.shape[dim], int(np.prod(after))))
    return apply(OPS[name], folded).reshape(x.shape)
