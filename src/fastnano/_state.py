"""What is set per thread: whether a tape is recorded, and which back end runs the kernels."""

from __future__ import annotations

import os
import threading
from types import TracebackType

from . import _kernels


def _checked(source: str, name: str) -> str:
    if name not in _kernels.BACKENDS:
        raise ValueError(f"{source}={name!r} is unknown; choose one of {', '.join(_kernels.BACKENDS)}")
    return name


_default_backend = _checked("FASTNANO_BACKEND", os.environ.get("FASTNANO_BACKEND") or "cython")


class _State(threading.local):
    grad_enabled = True
    backend: str | None = None


state = _State()


def current_backend() -> str:
    """The back end that kernels run on in this thread."""
    return state.backend or _default_backend


class use_backend:
    """Choose the kernels: ``"cython"`` (native, the default), ``"numba"`` or ``"numpy"`` (the definition).

    Called, it holds for the whole process; as a context manager, for this thread inside the block::

        fastnano.use_backend("numba")
        with fastnano.use_backend("numpy"):
            ...

    float32 runs on the chosen back end; float64 runs on the NumPy reference under ``"cython"``.
    The environment variable ``FASTNANO_BACKEND`` names the one to start with.
    """

    def __init__(self, name: str) -> None:
        global _default_backend
        _kernels.load(_checked("use_backend: name", name))
        self._name, self._replaced_default = name, _default_backend
        _default_backend = name

    def __enter__(self) -> None:
        global _default_backend
        _default_backend = self._replaced_default
        self._outer, state.backend = state.backend, self._name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state.backend = self._outer


class _grad_mode:
    """Switch recording on or off in this thread; a context manager and a decorator."""

    enabled: bool

    def __init__(self) -> None:
        self._outer: list[bool] = []  # a block may be entered again inside itself

    def __enter__(self) -> None:
        self._outer.append(state.grad_enabled)
        state.grad_enabled = self.enabled

    def __exit__(self, *_: object) -> None:
        state.grad_enabled = self._outer.pop()

    def __call__(self, function):
        import functools

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with type(self)():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_grad_mode):
    """Record no tape inside the block: results do not require a gradient."""

    enabled = False


class enable_grad(_grad_mode):
    """Record the tape again, inside a ``no_grad`` block."""

    enabled = True
