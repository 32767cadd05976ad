"""Questions, answered yes or no: without gradients."""

import numpy as np

from .._rows import Expression

__all__ = ["ROWS"]

ROWS = (
    Expression("eq", lambda x, y: np.equal(x, y)),
    Expression("ne", lambda x, y: np.not_equal(x, y)),
    Expression("lt", lambda x, y: np.less(x, y)),
    Expression("le", lambda x, y: np.less_equal(x, y)),
    Expression("gt", lambda x, y: np.greater(x, y)),
    Expression("ge", lambda x, y: np.greater_equal(x, y)),
    Expression("logical_and", lambda x, y: np.logical_and(x, y)),
    Expression("logical_or", lambda x, y: np.logical_or(x, y)),
    Expression("logical_xor", lambda x, y: np.logical_xor(x, y)),
    Expression("logical_not", lambda x: np.logical_not(x)),
    Expression("bitwise_and", lambda x, y: np.bitwise_and(x, y)),
    Expression("bitwise_or", lambda x, y: np.bitwise_or(x, y)),
    Expression("bitwise_xor", lambda x, y: np.bitwise_xor(x, y)),
    Expression("bitwise_not", lambda x: np.invert(x)),
    Expression("isnan", lambda x: np.isnan(x)),
    Expression("isinf", lambda x: np.isinf(x)),
    Expression("isfinite", lambda x: np.isfinite(x)),
    Expression(
        "isclose",
        lambda x, y, *, rtol, atol, equal_nan: np.isclose(x, y, rtol, atol, equal_nan),
    ),
)
