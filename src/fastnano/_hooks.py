"""Functions called along the way, until their handle is removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class RemovableHandle:
    """What registering a hook gives back: ``remove()`` ends it, and so does leaving a ``with`` block."""

    def __init__(self, hooks: dict[RemovableHandle, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks = hooks
        hooks[self] = hook

    def remove(self) -> None:
        """Take the hook off; once more does nothing."""
        self._hooks.pop(self, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
