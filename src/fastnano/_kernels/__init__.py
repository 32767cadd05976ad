"""Kernels: plain functions of arrays, written three times under one name.

``<family>.py`` is the definition, in NumPy; ``<family>_numba.py`` runs in parallel on any platform;
``<family>_cython.pxi`` is native.  Of a formula (``elementwise.py``) all three are derived.  A kernel allocates nothing
the caller sees, checks nothing, keeps nothing and never raises; it takes what its row in ``ops`` reads, then what it
writes, then its numbers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from ._families import FAMILIES, FORMULAS

BACKENDS = ("cython", "numba", "numpy")
Kernels = Mapping[str, Callable[..., None]]


@cache
def load(backend: str) -> Kernels:
    """Every kernel of one back end, by name."""
    if backend == "cython":
        from . import _native

        return _native.load()
    suffix = {"numpy": "", "numba": "_numba"}[backend]
    modules = [importlib.import_module(f"{__name__}.{family}{suffix}") for family in FAMILIES]
    kernels = {name: getattr(module, name) for module in modules for name in module.__all__}
    derive = importlib.import_module(f"{__name__}._words{suffix}").kernels
    for family in FORMULAS:
        kernels |= derive(importlib.import_module(f"{__name__}.{family}"))
    return kernels


def serving(backend: str, dtype: np.dtype) -> str:
    """The back end whose kernels serve a dtype: native code is float32 only, so float64 runs on the reference."""
    return "numpy" if backend == "cython" and dtype == np.float64 else backend


def select(backend: str, dtype: np.dtype) -> Kernels:
    """The kernels that serve a dtype."""
    return load(serving(backend, dtype))
