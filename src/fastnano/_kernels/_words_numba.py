"""Formulas in Numba: their words (``_formula.WORDS``) on single numbers, and kernels made of them.

Where a word is an overload, the loop keeps to float32 and to vectors; the others call the C library.
"""

from __future__ import annotations

import inspect
import math
from types import ModuleType

import numpy as np

from . import _formula
from ._numba import Kernel, helper, prange
from ._numba import exp as _exp_of_negative

__all__ = ["WORDS", "kernels"]


@helper
def where(condition, x, y):
    return x if condition else y


@helper
def sigmoid(x):
    one = type(x)(1)
    e = _exp_of_negative(-abs(x))
    return (e if x < 0 else one) / (one + e)


@helper
def tanh(x):
    one = type(x)(1)
    e = _exp_of_negative(-abs(x + x))
    t = (one - e) / (one + e)
    return -t if x < 0 else t


WORDS = {word: getattr(np, word) for word in _formula.WORDS if hasattr(np, word)}
WORDS |= {"abs": abs, "erf": math.erf, "sigmoid": sigmoid, "tanh": tanh, "where": where, "prange": prange}


def kernels(module: ModuleType) -> dict[str, Kernel]:
    """The kernels of a module of formulas, by name; each is compiled at its first call."""
    source, path = inspect.getsource(module), inspect.getfile(module)
    return {formula.name: _kernel(formula, path) for formula in _formula.of_functions(source)}


def _kernel(formula: _formula.Parsed, path: str) -> Kernel:
    """The loop over a formula's elements; ``path`` is the file beside whose compiled form Numba keeps this one."""
    scope = {**WORDS, "__name__": f"{__package__}.elementwise"}
    exec(compile(_formula.loop(formula), path, "exec"), scope)
    return Kernel(scope[formula.name], 40_000 if formula.costly else 100_000, flat=True)
