"""What containers have in common that hold something by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .module import Module


class ByName(Module):
    """A dictionary of layers or of parameters."""

    @property
    def _held(self) -> dict[str, Any]:
        """What is held, by name."""
        raise NotImplementedError(f"{type(self).__name__}._held: say what the container holds")

    def __getitem__(self, name: str) -> Any:
        return self._held[name]

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def keys(self) -> Iterable[str]:
        """The names, in order."""
        return self._held.keys()

    def values(self) -> Iterable[Any]:
        """What is held, in order."""
        return self._held.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Pairs of name and what is held, in order."""
        return self._held.items()

    def pop(self, key: str) -> Any:
        """Take out what a name holds, and return it."""
        return self._held.pop(key)

    def clear(self) -> None:
        """Take all out."""
        self._held.clear()
