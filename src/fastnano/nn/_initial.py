"""Initial values of parameters."""

import numpy as np

from .._random import default_generator
from .module import Parameter


def uniform_fan_in(shape: tuple[int, ...], fan_in: int) -> Parameter:
    """Uniform in ±1/√fan_in, PyTorch's default for dense and convolution layers."""
    bound = fan_in**-0.5
    return Parameter(default_generator.rng.uniform(-bound, bound, shape).astype(np.float32))
