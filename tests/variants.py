"""The kernels to test against the reference: every back end, and every way it may run on this machine."""

from __future__ import annotations

import pytest

from fastnano import _kernels


def _native_sets() -> tuple[str, ...]:
    try:
        from fastnano._kernels import _native
    except ImportError:
        return ("not built",)  # its tests then fail
    return _native.available()


NATIVE = [f"cython-{isa}" for isa in _native_sets()]
VARIANTS = ["numba-serial", "numba-parallel", *NATIVE]

every_variant = pytest.mark.parametrize("variant", VARIANTS)
every_numba_variant = pytest.mark.parametrize("variant", VARIANTS[:2])
every_native_variant = pytest.mark.parametrize("variant", NATIVE)


def load(variant: str) -> dict:
    """The kernels of a variant, by name."""
    backend, _, how = variant.partition("-")
    if backend == "cython":
        from fastnano._kernels import _native

        return _native.load(how)
    return {name: _numba(kernel, how) for name, kernel in _kernels.load(backend).items()}


def _numba(kernel, how: str):
    """A kernel as it runs for small or for large arrays; some have one way only."""
    return getattr(kernel, how) if getattr(kernel, "serial_below", 0) else kernel
