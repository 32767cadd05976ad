"""What the Numba kernels share: how one is compiled and called, and an exponential that vectorises.

# Design: handing a loop to Numba's threads costs about 40 µs, as much as ReLU over 100,000 numbers takes, so
# a kernel is compiled twice from the same source and small calls run the serial one.  Rejected: explicit
# signatures, which compile every kernel at import; a kernel is compiled at its first call and kept on disk.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba import njit, prange
from numba.extending import overload

__all__ = ["exp", "helper", "kernel", "prange"]

config: Any = numba.config
if config.THREADING_LAYER == "default":  # a layer chosen by NUMBA_THREADING_LAYER stays
    config.THREADING_LAYER = "workqueue"  # always there, and survives fork, which GNU OpenMP does not

_compile: Any = functools.partial(
    njit,
    cache=True,
    nogil=True,
    error_model="numpy",  # no test for division by zero in the loops
    fastmath={"contract", "reassoc", "nsz"},  # sums may be reordered; NaN and infinity keep their meaning
)
_PRANGE_ONLY = {  # what Numba would make parallel beside the loops that say so only costs time to compile
    "prange": True,
    "comprehension": False,
    "reduction": False,
    "inplace_binop": False,
    "setitem": False,
    "numpy": False,
    "stencil": False,
    "fusion": False,
}
helper = _compile  # a function that kernels call


class Kernel:
    """A compiled kernel: ``serial`` where its first array is small, ``parallel`` on all threads elsewhere."""

    lock = threading.Lock()  # the workqueue layer aborts the process when two Python threads enter it

    def __init__(
        self, function: Callable[..., None], serial_below: int, flat: bool, cache: bool = True
    ) -> None:
        functools.update_wrapper(self, function)
        self.py_func, self.serial_below, self._flat = function, serial_below, flat
        self._serial = _compile(_twin(function, "serial"), cache=cache)
        self._parallel = _compile(_twin(function, "parallel"), parallel=_PRANGE_ONLY, cache=cache)

    def __call__(self, *arguments: Any) -> None:
        (self.serial if arguments[0].size < self.serial_below else self.parallel)(*arguments)

    def serial(self, *arguments: Any) -> None:
        self._serial(*self._flattened(arguments))

    def parallel(self, *arguments: Any) -> None:
        with Kernel.lock:
            self._parallel(*self._flattened(arguments))

    def _flattened(self, arguments: tuple) -> Any:
        if not self._flat:
            return arguments
        return [a.reshape(-1) if isinstance(a, np.ndarray) else a for a in arguments]


def _twin(function: Callable[..., None], suffix: str) -> Callable[..., None]:
    """The same function under another name: Numba's cache on disk tells functions apart by name alone."""
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, None, function.__closure__
    )
    twin.__qualname__, twin.__module__ = f"{function.__qualname__}_{suffix}", function.__module__
    return twin


def _renew_lock() -> None:
    Kernel.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)  # whoever held the lock is not in the child


def kernel(serial_below: int = 100_000, flat: bool = False) -> Callable[[Callable[..., None]], Kernel]:
    """Compile a function as a kernel; ``flat`` ones see arrays of any shape as one axis, and compile once."""
    return lambda function: Kernel(function, serial_below, flat)


def exp(x):
    """e^x for x ≤ 0, in float32 to 2e-7 of its value, without a call that keeps a loop from vectorising."""
    return np.exp(x)


@overload(exp, jit_options={"fastmath": {"contract", "nsz"}})  # "reassoc" would join the two parts of log(2)
def _exp(x):
    return _exp32 if x == numba.float32 else lambda x: np.exp(x)


def _exp32(x):
    """2^n · e^r with |r| ≤ log(2) / 2; the polynomial is S. Moshier's (Cephes, expf.c)."""
    least = np.float32(-87.3)  # below it 2^n is no normal number
    bounded = max(x, least)
    n = np.floor(bounded * np.float32(1.44269504) + np.float32(0.5))
    r = bounded - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + np.float32(1)
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return np.float32(0) if x < least else p * power
