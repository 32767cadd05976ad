"""Telling callbacks of a training, and stopping it by Ctrl-C."""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .callbacks import Callback

if TYPE_CHECKING:
    from .train import Trainer


_training: weakref.WeakSet[Trainer] = weakref.WeakSet()
_lock = threading.Lock()


@contextmanager
def alone(trainer: Trainer) -> Iterator[None]:
    """Refuse a second ``fit`` of a trainer while one goes on."""
    with _lock:
        if trainer in _training:
            raise RuntimeError(
                "fit: this Trainer is training already, in another thread or above a callback; wait for its end, or "
                "make another Trainer of another model"
            )
        _training.add(trainer)
    try:
        yield
    finally:
        _training.discard(trainer)


@contextmanager
def watched(trainer: Trainer, callbacks: Sequence[Callback]) -> Iterator[Callable[..., None]]:
    """A function that tells every callback of an event; they are told of the end even after an error."""

    def tell(event: str, *details: Any) -> None:
        for callback in callbacks:
            getattr(callback, f"on_{event}")(trainer, *details)

    try:
        yield tell
    finally:
        tell("fit_end")


@contextmanager
def interruptible(trainer: Trainer) -> Iterator[None]:
    """Ctrl-C asks the trainer to stop after its step; the second one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: Any) -> None:
        trainer.stop = "interrupted"
        signal.signal(signal.SIGINT, previous)

    previous = signal.getsignal(signal.SIGINT) or signal.SIG_DFL
    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
