"""Formulas in NumPy: their words (``_formula.WORDS``), and kernels made of them."""

import inspect
from collections.abc import Callable
from types import ModuleType

import numpy as np
from numpy import abs, arctan, exp, expm1, log, log1p, maximum, minimum, sign, sqrt, tanh

from .._erf import erf
from ._formula import Parsed, of_functions

__all__ = [
    "abs",
    "arctan",
    "erf",
    "exp",
    "expm1",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "sigmoid",
    "sign",
    "sqrt",
    "tanh",
    "where",
]


def sigmoid(x):
    """1 / (1 + e^−x), through e^−|x| so that nothing overflows."""
    e = exp(-abs(x))
    return where(x < 0, e, 1) / (1 + e)


def where(condition, x, y):
    """x where the condition holds, else y; by their bits, since ``numpy.where`` takes 6 ns where it cannot be
    foreseen."""
    dtype = np.result_type(x, y)
    if dtype.kind != "f":
        return np.where(condition, x, y)
    bits = np.dtype(f"i{dtype.itemsize}")
    x, y = (np.asarray(v, dtype).view(bits) for v in (x, y))
    return (y ^ ((x ^ y) & -condition.astype(bits))).view(dtype)


def kernels(module: ModuleType) -> dict[str, Callable[..., None]]:
    """The kernels of a module of formulas, by name."""
    return {f.name: kernel(f, getattr(module, f.name)) for f in of_functions(inspect.getsource(module))}


def kernel(formula: Parsed, function: Callable) -> Callable[..., None]:
    """A formula as a kernel, which writes its result."""
    count = len(formula.arrays)

    def run(*arguments):
        numbers = dict(zip(formula.numbers, arguments[count + 1 :], strict=True))
        with np.errstate(all="ignore"):  # where() takes both of its sides
            arguments[count][...] = function(*arguments[:count], **numbers)

    parameter = inspect.Parameter
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter(name, parameter.POSITIONAL_OR_KEYWORD) for name in formula.arguments]
    )
    run.__name__ = run.__qualname__ = formula.name
    return run
