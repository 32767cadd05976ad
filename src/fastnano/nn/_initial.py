"""Initial values of parameters, and what stands in for those that are not there."""

from functools import lru_cache

import numpy as np

from .._random import default_generator
from ..autograd import Tensor
from .module import Parameter


def uniform_fan_in(shape: tuple[int, ...], fan_in: float) -> Parameter:
    """Uniform in ±1/√fan_in, PyTorch's default for dense and convolution layers."""
    bound = fan_in**-0.5
    return Parameter(default_generator.rng.uniform(-bound, bound, shape).astype(np.float32))


@lru_cache(maxsize=64)
def constant(value: float, size: int, dtype: np.dtype) -> Tensor:
    """What stands in for a bias or weight that is not there, or a number that kernels read from an array: one array
    for each, made once."""
    return Tensor(np.full(size, value, dtype))
