"""What is set per thread: whether a tape is recorded, and which back end runs the kernels."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Any

from . import _kernels


def _checked(source: str, name: str) -> str:
    if name not in _kernels.BACKENDS:
        raise ValueError(f"{source}={name!r} is unknown; choose one of {', '.join(_kernels.BACKENDS)}")
    return name


_first_backend = _checked("FASTNANO_BACKEND", os.environ.get("FASTNANO_BACKEND") or "cython")
_newest_choice: use_backend | None = None


class _State(threading.local):
    grad_enabled = True
    backend: str | None = None
    recording: Any = None  # what notes the calls of a step, while a plan is made
    dropped: int | None = None  # how often dropout was applied, where it is in evaluation too


state = _State()


def current_backend() -> str:
    """The back end that kernels run on in this thread."""
    if state.backend is not None:
        return state.backend
    choice = _process_choice()
    return _first_backend if choice is None else choice._name


def _process_choice() -> use_backend | None:
    """The newest choice that holds for the process: one that did not turn out to be a context manager.

    # Design: a call cannot know whether ``with`` follows, so it counts until it is entered, and choices are linked
    # rather than a default saved and restored: two threads that do so in turns would leave the wrong one behind.
    """
    choice = _newest_choice
    while choice is not None and choice._entered:
        choice = choice._before
    return choice


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
        global _newest_choice
        _kernels.load(_checked("use_backend: name", name))
        self._name, self._entered, self._before = name, False, _process_choice()
        self._outer: list[str | None] = []  # a block may be entered again inside itself
        _newest_choice = self

    def __enter__(self) -> None:
        self._entered = True
        self._outer.append(state.backend)
        state.backend = self._name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state.backend = self._outer.pop()


class _grad_mode:
    """Switch recording on or off in this thread; a context manager and a decorator, with brackets or without."""

    enabled: bool

    def __new__(cls, function: Any = None, **_: Any) -> Any:
        return cls()(function) if callable(function) else super().__new__(cls)

    def __init__(self) -> None:
        self._outer: list[bool] = []  # a block may be entered again inside itself

    def __enter__(self) -> None:
        self._outer.append(state.grad_enabled)
        state.grad_enabled = self.enabled

    def __exit__(self, *_: object) -> None:
        state.grad_enabled = self._outer.pop()

    def __call__(self, function):
        import functools

        mode = enable_grad if self.enabled else no_grad

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with mode():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_grad_mode):
    """Record no tape inside the block: results do not require a gradient."""

    enabled = False


class enable_grad(_grad_mode):
    """Record the tape again, inside a ``no_grad`` block."""

    enabled = True


class inference_mode(_grad_mode):
    """``no_grad``, or ``enable_grad`` where ``mode`` is False."""

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.enabled = not mode


class set_grad_enabled(_grad_mode):
    """Record the tape from now on, or no longer; in a ``with`` statement, until its block ends."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.enabled, self._before = bool(mode), state.grad_enabled
        state.grad_enabled = self.enabled

    def __enter__(self) -> None:
        self._outer.append(self._before)
        state.grad_enabled = self.enabled

    def __call__(self, function):
        state.grad_enabled = self._before
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Whether the tape is recorded, in this thread."""
    return state.grad_enabled
