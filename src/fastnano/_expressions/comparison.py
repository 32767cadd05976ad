"""Questions, answered yes or no: without gradients."""

import math

import numpy as np

from .._rows import Expression

__all__ = ["ROWS"]

ROWS = (
    Expression("eq", lambda x, y: x == y),
    Expression("ne", lambda x, y: x != y),
    Expression("lt", lambda x, y: x < y),
    Expression("le", lambda x, y: x <= y),
    Expression("gt", lambda x, y: x > y),
    Expression("ge", lambda x, y: x >= y),
    Expression("logical_and", lambda x, y: (x != 0) & (y != 0)),
    Expression("logical_or", lambda x, y: (x != 0) | (y != 0)),
    Expression("logical_xor", lambda x, y: (x != 0) != (y != 0)),
    Expression("logical_not", lambda x: x == 0),
    Expression("bitwise_and", lambda x, y: x & y),
    Expression("bitwise_or", lambda x, y: x | y),
    Expression("bitwise_xor", lambda x, y: x ^ y),
    Expression("bitwise_not", lambda x: ~x),
    Expression("isnan", lambda x: x != x),
    Expression("isinf", lambda x: np.abs(x) == math.inf),
    Expression("isfinite", lambda x: np.abs(x) < math.inf),
    Expression(
        "isclose",
        lambda x, y, *, rtol, atol, equal_nan: np.isclose(x, y, rtol, atol, equal_nan),
    ),
)
