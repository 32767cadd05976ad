"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..._state import no_grad
from ...autograd import Tensor, as_tensor
from ...functions.movement import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Their values one after another, on the tape."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Fill parameters with the values of a vector, which must be as many as they are."""
    vec, parameters = as_tensor(vec), list(parameters)
    sizes = [p.numel() for p in parameters]
    if vec.shape != (sum(sizes),):
        raise ValueError(f"vector_to_parameters: vec has shape {vec.shape}, expected ({sum(sizes)},)")
    with no_grad():
        for p, values in zip(parameters, vec.split(sizes), strict=True):
            p.copy_(values.reshape(p.shape))
