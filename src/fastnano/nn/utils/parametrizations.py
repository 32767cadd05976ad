"""Weights of a given norm: weight normalisation and spectral normalisation, under PyTorch's names."""

from __future__ import annotations

import numpy as np

from ..._random import default_generator
from ..._state import state
from ...autograd import Tensor
from ..module import Module
from .parametrize import register_parametrization

__all__ = ["spectral_norm", "weight_norm"]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """weight = g · v / ‖v‖: length g (``original0``) and direction v (``original1``) are learned apart.

    The norm is taken over all axes but ``dim``, for each of its places; over all axes where dim is None (or −1, as
    in PyTorch).
    Source: T. Salimans, D. Kingma, "Weight Normalization", arXiv:1602.07868.
    """
    return register_parametrization(module, name, _WeightNorm(dim))


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return v * (g / self._norm(v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return self._norm(weight), weight

    def _norm(self, v: Tensor) -> Tensor:
        if self.dim in (None, -1):
            return (v * v).sum().sqrt()
        others = tuple(axis for axis in range(v.ndim) if axis != self.dim)
        return ((v * v).sum(others, keepdim=True) if others else v * v).sqrt()  # no axes would be all axes


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """weight = W / σ(W), with σ the largest singular value of W, unfolded to a matrix whose rows are ``dim``
    (by default 0; 1 for transposed convolutions, whose output channels are there).

    σ = uᵀ W v, with vectors u and v that each forward pass in training brings nearer by
    u = W v / ‖W v‖, v = Wᵀ u / ‖Wᵀ u‖, ``n_power_iterations`` times.
    Source: T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957.
    """
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    return register_parametrization(
        module, name, _SpectralNorm(getattr(module, name), n_power_iterations, dim, eps)
    )


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim={dim} is not an axis of shape {weight.shape}")
        if n_power_iterations < 1:
            raise ValueError(f"spectral_norm: n_power_iterations={n_power_iterations} must be at least 1")
        self.n_power_iterations, self.dim, self.eps = n_power_iterations, dim % weight.ndim, eps
        if weight.ndim > 1:  # the only singular value of a vector is its norm
            matrix = self._matrix(weight.detach()).data
            for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                vector = np.asarray(default_generator.rng.standard_normal(size), matrix.dtype)
                self.register_buffer(name, Tensor(self._normal(vector)))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        if self.dim:
            weight = weight.permute(self.dim, *(d for d in range(weight.ndim) if d != self.dim))
        return weight.flatten(1)

    def _normal(self, vector: np.ndarray) -> np.ndarray:
        return vector / max(np.linalg.norm(vector), self.eps)

    def _iterate(self, matrix: np.ndarray, times: int) -> None:
        if state.recording is not None:
            state.recording.python("spectral_norm's power iteration")
        u, v = self._u.data, self._v.data
        with np.errstate(
            invalid="ignore"
        ):  # flagged by BLAS for what lies behind a short vector, now and then
            for _ in range(times):
                u = self._normal(matrix @ v)
                v = self._normal(matrix.T @ u)
        # New arrays: what an earlier forward pass used stays what it was.
        self._u, self._v = Tensor(u), Tensor(v)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return weight / (weight * weight).sum().sqrt().clamp_min(self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.data, self.n_power_iterations)
        return weight / (self._u @ (matrix @ self._v))
