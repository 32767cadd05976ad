"""What a recorded step depends on beside its arrays, told without running it.

# Design: the attributes of layers and losses are compared by what is in them, and so is what their functions read from
# elsewhere: closures, globals, attributes of classes, as far as all this is the user's own code.  Objects of libraries
# count as unchanged while they are the same object, since what they hold (a progress bar's counter) changes for
# reasons of its own; so do arrays of more than 64 KB, which ops read where they lie.  Rejected: attributes alone, which
# misses a dictionary of settings, a global in a notebook, and a method that was defined anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from inspect import unwrap
from types import CellType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..nn import Module
from .recording import checksum

LIMIT, DEPTH = 1000, 50  # parts, and parts of parts of parts; what is behind them counts as unchanged
SMALL = 1 << 16  # bytes of an array that are looked at
_PACKAGE = __name__.partition(".")[0]
_PLAIN = (bool, int, float, complex, str, bytes, frozenset, type(None))
_OF_ALL = frozenset(vars(Module())) - {"training"}  # they hold tensors and modules


class Same:
    """Equal to what stands for the same object; holds on to it, so that no other takes its address."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value


class SameArray(Same):
    """The same array, and the same values where they are few."""

    def __init__(self, value: np.ndarray) -> None:
        super().__init__(value)
        self.sum = checksum(value) if value.nbytes <= SMALL and value.dtype != object else 0

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.sum == other.sum  # type: ignore[attr-defined]


def contents(value: Any) -> Any:
    """Plain values by themselves, containers, functions, classes and own objects by what is in them; all else by which
    object it is."""
    return _Walk().of(value)


def layer_contents(module: Module) -> list[Any]:
    """The contents of ``attributes``; most are plain, which is asked first, since a walk takes three times as long."""
    walk = _Walk()
    kind, *own = attributes(module)
    found = [walk.of(kind) if _is_own(kind.__module__) else Same(kind)]
    for name, value in own:
        found += (name, value if _is_plain(value) else walk.of(value))
    return found


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in _PLAIN or (kind is tuple and all(type(part) in _PLAIN for part in value))


class _Walk:
    def __init__(self) -> None:
        self.left = LIMIT
        self.within: list[Any] = []

    def of(self, value: Any) -> Any:
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, Tensor):
            return Same(value), Same(value.data)
        if isinstance(value, np.ndarray):
            return SameArray(value)
        if self.left <= 0 or len(self.within) == DEPTH or any(value is outer for outer in self.within):
            return Same(value)
        parts = _parts(value)
        if parts is None:
            return Same(value)
        self.left -= len(parts)
        self.within.append(value)
        found = type(value), [self.of(part) for part in parts]
        self.within.pop()
        return found


def _parts(value: Any) -> Sequence[Any] | None:
    """What an object is made of, or None where that is not for us to say."""
    match value:
        case list() | tuple():
            return value
        case dict():
            return [*value, *value.values()]
        case set():
            return [frozenset(value)]
        case partial():
            return [value.func, value.args, value.keywords]
        case MethodType():
            return [value.__func__, value.__self__]
        case staticmethod() | classmethod():
            return [value.__func__]
        case property():
            return [value.fget]
        case FunctionType():
            return _of_function(unwrap(value))
        case np.random.Generator():
            return [str(value.bit_generator.state)]
        case np.random.RandomState():
            return [str(value.get_state())]
        case Module():
            return [
                *attributes(value),
                *value._parameters.values(),
                *value._buffers.values(),
                *value._modules.values(),
            ]
        case SimpleNamespace():
            return [vars(value)]
        case type():
            return _of_class(value) if _is_own(value.__module__) else None
    return (
        [type(value), vars(value)] if _is_own(type(value).__module__) and hasattr(value, "__dict__") else None
    )


def _of_function(function: Callable[..., Any]) -> Sequence[Any] | None:
    """What it is, and what it has from elsewhere."""
    if not isinstance(function, FunctionType) or not _is_own(function.__module__):
        return None
    names, known = _names(function.__code__), function.__globals__
    parts = [function.__code__, function.__defaults__, function.__kwdefaults__, vars(function)]
    parts += [_filling(cell) for cell in function.__closure__ or ()]
    for value in [known[name] for name in names if name in known]:
        if isinstance(value, ModuleType):
            own = vars(value)
            parts += [own[name] for name in names if name in own and isinstance(own[name], _PLAIN)]
        else:
            parts.append(value)
    return parts


def _names(code: CodeType) -> list[str]:
    """The names that a function and the functions in it look up elsewhere, or ask of objects."""
    inner = [name for part in code.co_consts if isinstance(part, CodeType) for name in _names(part)]
    return list(dict.fromkeys([*code.co_names, *inner]))


def _of_class(kind: type) -> Sequence[Any]:
    named = [v for name, v in vars(kind).items() if not name.startswith("__") or name == "__call__"]
    return [*named, *kind.__bases__]


def _filling(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing yet
        return None


@cache
def _is_own(module: str) -> bool:
    """Whether code is the user's, and no library's."""
    root = module.partition(".")[0]
    if root == _PACKAGE or root in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return "site-packages" not in file and "dist-packages" not in file


def attributes(module: Module) -> list[Any]:
    """A layer's class, and its attributes beside parameters, buffers and layers."""
    own = [(name, value) for name, value in vars(module).items() if name not in _OF_ALL]
    return [type(module), *own]


def is_fixed(value: Any) -> bool:
    """Whether it differs only where it is another object."""
    if isinstance(value, (Tensor, np.ndarray)):
        return False
    parts = _parts(value)
    return parts is None or (isinstance(value, tuple) and all(map(is_fixed, parts)))


def plain(found: Any) -> Any:
    """Of contents what is told by value."""
    if isinstance(found, Same):
        return None
    return tuple(map(plain, found)) if isinstance(found, (tuple, list)) else found
