"""Initial values of parameters, and what stands in for those that are not there."""

from functools import lru_cache

import numpy as np

from ..autograd import Tensor
from . import init
from .module import Parameter


def empty(*shape: int) -> Parameter:
    """A parameter whose values ``reset_parameters`` fills in."""
    return Parameter(Tensor(np.empty(shape, np.float32)))


def uniform_fan_in(fan_in: float, *parameters: Parameter | None) -> None:
    """Fill with values uniform in ±1/√fan_in, PyTorch's default for dense and convolution layers."""
    bound = fan_in**-0.5
    for parameter in parameters:
        if parameter is not None:
            init.uniform_(parameter, -bound, bound)


@lru_cache(maxsize=64)
def constant(value: float, size: int, dtype: np.dtype) -> Tensor:
    """What stands in for a bias or weight that is not there, or a number that kernels read from an array: one array
    for each, made once."""
    return Tensor(np.full(size, value, dtype))
