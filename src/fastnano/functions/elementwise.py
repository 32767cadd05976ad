"""Element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import EXPRESSIONS, OPS, apply, as_tensor, examine
from ._operands import as_float, binary, operands

if TYPE_CHECKING:
    from ..autograd import Tensor

__all__ = [
    *("absolute", "acos", "asin", "atan", "atan2", "clip", "divide", "erfc", "multiply", "nan_to_num"),
    *("negative", "subtract", "true_divide"),
    *("abs", "add", "addcdiv", "addcmul", "arccos", "arcsin", "arctan", "arctan2", "ceil", "clamp"),
    *("clamp_max", "clamp_min", "cos", "cosh", "div", "erf", "exp", "exp2", "expm1", "floor", "floor_divide"),
    *(
        "lerp",
        "log",
        "log10",
        "log1p",
        "log2",
        "maximum",
        "minimum",
        "mul",
        "neg",
        "pow",
        "reciprocal",
        "relu",
    ),
    *(
        "remainder",
        "round",
        "rsqrt",
        "sigmoid",
        "sign",
        "sin",
        "sinh",
        "sqrt",
        "square",
        "sub",
        "tan",
        "tanh",
    ),
    *("trunc", "where"),
]

# Arithmetic


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """x + alpha · y."""
    return binary("add", input, other if alpha == 1 else as_tensor(other) * alpha)


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """x − alpha · y."""
    return binary("sub", input, other if alpha == 1 else as_tensor(other) * alpha)


def mul(input: Any, other: Any) -> Tensor:
    """x · y."""
    return binary("mul", input, other)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """x / y; rounded down where ``rounding_mode="floor"``, towards zero where it is ``"trunc"``.

    Raises ValueError for another rounding mode.
    """
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode not in (None, "trunc"):
        raise ValueError(f"div: rounding_mode={rounding_mode!r} must be None, 'trunc' or 'floor'")
    x, y = operands("div", input, other)
    if rounding_mode == "trunc" and "f" not in x.dtype.kind + y.dtype.kind:
        below = floor_divide(x, y)
        return below + ((below < 0) & (below * y != x))
    z = binary("div", as_float(x) if y.dtype.kind != "f" else x, as_float(y) if x.dtype.kind != "f" else y)
    return z if rounding_mode is None else trunc(z)


def floor_divide(input: Any, other: Any) -> Tensor:
    """⌊x / y⌋; without a gradient.  RuntimeError where whole numbers are divided by 0."""
    return _quotient("floor_divide", input, other)


def remainder(input: Any, other: Any) -> Tensor:
    """x − y · ⌊x / y⌋, which has the sign of y.  RuntimeError where whole numbers are divided by 0."""
    return _quotient("remainder", input, other)


def _quotient(name: str, x: Any, y: Any) -> Tensor:
    x, y = operands(name, x, y)
    if "f" not in x.dtype.kind + y.dtype.kind and x.numel():
        examine(y.data, _refuse_zeros, otherwise=lambda _: None)
    return apply(EXPRESSIONS[name], x, y)


def _refuse_zeros(divisors: np.ndarray) -> None:
    if not divisors.all():
        raise RuntimeError(
            "ZeroDivisionError: whole numbers are divided by 0, which floats (.float()) can be"
        )


def pow(input: Any, exponent: Any) -> Tensor:
    """x^exponent."""
    return binary("pow", input, exponent)


def neg(input: Any) -> Tensor:
    """−x."""
    return apply(EXPRESSIONS["neg"], as_tensor(input))


def square(input: Any) -> Tensor:
    """x²."""
    return apply(EXPRESSIONS["square"], as_tensor(input))


def sqrt(input: Any) -> Tensor:
    """√x."""
    return apply(EXPRESSIONS["sqrt"], as_float(input))


def rsqrt(input: Any) -> Tensor:
    """1 / √x."""
    return apply(EXPRESSIONS["rsqrt"], as_float(input))


def reciprocal(input: Any) -> Tensor:
    """1 / x."""
    return apply(EXPRESSIONS["reciprocal"], as_float(input))


def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """x + weight · (end − x)."""
    x = as_tensor(input)
    return x + weight * (end - x)


# Exponentials and logarithms


def exp(input: Any) -> Tensor:
    """e^x."""
    return apply(EXPRESSIONS["exp"], as_float(input))


def exp2(input: Any) -> Tensor:
    """2^x."""
    return apply(EXPRESSIONS["exp2"], as_float(input))


def expm1(input: Any) -> Tensor:
    """e^x − 1, exact near 0."""
    return apply(EXPRESSIONS["expm1"], as_float(input))


def log(input: Any) -> Tensor:
    """Natural logarithm."""
    return apply(EXPRESSIONS["log"], as_float(input))


def log1p(input: Any) -> Tensor:
    """log(1 + x), exact near 0."""
    return apply(EXPRESSIONS["log1p"], as_float(input))


def log2(input: Any) -> Tensor:
    """Logarithm to base 2."""
    return apply(EXPRESSIONS["log2"], as_float(input))


def log10(input: Any) -> Tensor:
    """Logarithm to base 10."""
    return apply(EXPRESSIONS["log10"], as_float(input))


def erf(input: Any) -> Tensor:
    """The error function, 2/√π ∫₀ˣ e^(−t²) dt."""
    return apply(EXPRESSIONS["erf"], as_float(input))


# Angles


def sin(input: Any) -> Tensor:
    """Sine, x in radians."""
    return apply(EXPRESSIONS["sin"], as_float(input))


def cos(input: Any) -> Tensor:
    """Cosine, x in radians."""
    return apply(EXPRESSIONS["cos"], as_float(input))


def tan(input: Any) -> Tensor:
    """Tangent, x in radians."""
    return apply(EXPRESSIONS["tan"], as_float(input))


def arcsin(input: Any) -> Tensor:
    """The angle of −π/2 to π/2 whose sine is x."""
    return apply(EXPRESSIONS["arcsin"], as_float(input))


def arccos(input: Any) -> Tensor:
    """The angle of 0 to π whose cosine is x."""
    return apply(EXPRESSIONS["arccos"], as_float(input))


def arctan(input: Any) -> Tensor:
    """The angle of −π/2 to π/2 whose tangent is x."""
    return apply(EXPRESSIONS["arctan"], as_float(input))


def arctan2(input: Any, other: Any) -> Tensor:
    """The angle of −π to π of the point at (other, input)."""
    return binary("arctan2", as_float(input), other)


def sinh(input: Any) -> Tensor:
    """(e^x − e^−x) / 2."""
    return apply(EXPRESSIONS["sinh"], as_float(input))


def cosh(input: Any) -> Tensor:
    """(e^x + e^−x) / 2."""
    return apply(EXPRESSIONS["cosh"], as_float(input))


def tanh(input: Any) -> Tensor:
    """Hyperbolic tangent."""
    return apply(OPS["tanh"], as_float(input))


def sigmoid(input: Any) -> Tensor:
    """1 / (1 + e^−x)."""
    return apply(OPS["sigmoid"], as_float(input))


# Steps: their gradient is zero


def sign(input: Any) -> Tensor:
    """−1, 0 or 1."""
    return apply(EXPRESSIONS["sign"], as_tensor(input))


def floor(input: Any) -> Tensor:
    """The largest whole number that is not above x."""
    return apply(EXPRESSIONS["floor"], as_tensor(input))


def ceil(input: Any) -> Tensor:
    """The smallest whole number that is not below x."""
    return apply(EXPRESSIONS["ceil"], as_tensor(input))


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """The nearest whole number, or of so many decimals; halves go to the even one."""
    if not decimals:
        return apply(EXPRESSIONS["round"], as_tensor(input))
    return apply(EXPRESSIONS["round"], as_tensor(input) * 10.0**decimals) / 10.0**decimals


def trunc(input: Any) -> Tensor:
    """x without its fraction."""
    return apply(EXPRESSIONS["trunc"], as_tensor(input))


# Choices


def abs(input: Any) -> Tensor:
    """|x|; its gradient at 0 is 0."""
    return apply(EXPRESSIONS["abs"], as_tensor(input))


def relu(input: Any) -> Tensor:
    """max(x, 0)."""
    x = as_tensor(input)
    return clamp_min(x, 0) if x.dtype.kind in "iu" else apply(OPS["relu"], x)


def maximum(input: Any, other: Any) -> Tensor:
    """The larger of x and y, element by element; equal ones share the gradient."""
    return binary("maximum", input, other)


def minimum(input: Any, other: Any) -> Tensor:
    """The smaller of x and y, element by element; equal ones share the gradient."""
    return binary("minimum", input, other)


def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """min where x < min, max where x > max, else x; the bounds are numbers, tensors or None.

    At a bound the gradient is that of x.

    Raises ValueError where neither bound is given.
    """
    if min is None and max is None:
        raise ValueError("clamp: at least one of min and max must be given")
    low = input if min is None else clamp_min(input, min)
    return as_tensor(low) if max is None else clamp_max(low, max)


def clamp_min(input: Any, min: Any) -> Tensor:
    """max(x, min)."""
    x = as_tensor(input)
    if isinstance(min, (int, float)):
        return apply(EXPRESSIONS["clamp_min"], as_float(x) if isinstance(min, float) else x, min=min)
    x, min = operands("clamp_min", x, min)
    return where(x < min, min, x)


def clamp_max(input: Any, max: Any) -> Tensor:
    """min(x, max)."""
    x = as_tensor(input)
    if isinstance(max, (int, float)):
        return apply(EXPRESSIONS["clamp_max"], as_float(x) if isinstance(max, float) else x, max=max)
    x, max = operands("clamp_max", x, max)
    return where(x > max, max, x)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """x where condition holds, else y; of a condition alone, the indices at which it holds, axis by axis.

    Raises TypeError where the condition is not bool.
    """
    condition = as_tensor(condition)
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition.dtype != np.bool_:
        raise TypeError(f"where: condition must hold bool, got {condition.dtype}; compare, as in x != 0")
    return apply(EXPRESSIONS["where"], condition, *operands("where", input, other))


# Of three


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2."""
    return as_tensor(input) + as_tensor(tensor1) * tensor2 * value


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2."""
    return as_tensor(input) + as_tensor(tensor1) / tensor2 * value


def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with numbers in the place of NaN and of infinities: by default 0 and the largest and smallest there are."""
    x = as_tensor(input)
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    x = where(x.isnan(), 0.0 if nan is None else nan, x)
    x = where(x == np.inf, float(limits.max) if posinf is None else posinf, x)
    return where(x == -np.inf, float(limits.min) if neginf is None else neginf, x)


def erfc(input: Any) -> Tensor:
    """1 − erf(x)."""
    return 1 - erf(input)


# PyTorch's other names
absolute, negative, clip = abs, neg, clamp
subtract, multiply, divide, true_divide = sub, mul, div, div
asin, acos, atan, atan2 = arcsin, arccos, arctan, arctan2
