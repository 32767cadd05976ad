"""Telling callbacks of a training, and stopping it by Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .callbacks import Callback

if TYPE_CHECKING:
    from .train import Trainer


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
