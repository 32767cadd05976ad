"""Whether a model is still the one that was recorded: thoroughly, and in a few microseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from functools import partial
from inspect import unwrap
from operator import attrgetter, is_
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np

from .._kernels._executor import are_objects
from ..nn import Module

_DATA = attrgetter("data")
_PLAIN = (bool, int, float, str, frozenset, type(None))
_OF_ALL = frozenset(vars(Module())) - {"training"}  # they hold tensors and modules, looked at by themselves


class _Same:
    """Equal to what stands for the same object; holds on to it, so that no other takes its address."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


def contents(value: Any, within: tuple[Any, ...] = ()) -> Any:
    """What can be told of an object without asking it: plain values, and containers and functions by what is in them;
    all else by which object it is."""
    if isinstance(value, _PLAIN):
        return value
    parts = _parts(value)
    if parts is None or any(value is outer for outer in within):
        return _Same(value)
    return type(value), [contents(part, (*within, value)) for part in parts]


def _parts(value: Any) -> list[Any] | None:
    """What is in a container, or what a function has from elsewhere; None for all else."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, set):
        return [frozenset(value)]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, FunctionType):
        outer = [_filling(cell) for cell in value.__closure__ or ()]
        named = [value.__globals__.get(name) for name in value.__code__.co_names]
        outer += [v for v in named if v is not None and isinstance(v, (*_PLAIN, list, tuple, dict, set))]
        return [value.__code__, *outer] if outer else None
    return [vars(value)] if is_dataclass(value) and not isinstance(value, type) else None


def _filling(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing yet
        return None


def attributes(module: Module) -> list[Any]:
    """The contents of all attributes of a layer, and of its forward."""
    own = [(name, contents(value)) for name, value in vars(module).items() if name not in _OF_ALL]
    return [type(module), contents(_forward(module)), *own]


def loss_contents(loss: Callable[..., Any]) -> Any:
    """The contents of a loss that is no module: a function, or an object with attributes."""
    return contents(loss), contents(getattr(loss, "__dict__", None))


def _forward(module: Module) -> Callable[..., Any]:
    return unwrap(type(module).forward)


def _fixed(value: Any) -> bool:
    """Whether it differs only where it is another object."""
    parts = _parts(value)
    return parts is None or (isinstance(value, tuple) and all(map(_fixed, parts)))


class Snapshot:
    """Which objects a model is made of, and what kind of samples it was shown: the same ones take the same course.

    # Design: all attributes of all layers and the arrays of all tensors, compared as objects, since an equal array at
    # another place would not do, and the few containers and functions among them by what is in them; the objects are
    # kept alive, so that none takes the address of another.  Rejected: the values and addresses themselves, which for
    # LeNet take longer to read (250 us) than ten images through it.
    """

    def __init__(self, model: Module, x: np.ndarray) -> None:
        self._model, self._shape, self._dtype = model, x.shape[1:], x.dtype
        modules = list(model.modules())
        self._dicts = [d for m in modules for d in (vars(m), m._parameters, m._buffers, m._modules)]
        self._objects = [value for d in self._dicts for value in d.values()]
        self._tensors = [*model.parameters(), *model.buffers()]
        self._arrays = [t.data for t in self._tensors]
        own = [value for m in modules for name, value in vars(m).items() if name not in _OF_ALL]
        self._deep = [value for value in (*own, *map(_forward, modules)) if not _fixed(value)]
        self._contents = [contents(value) for value in self._deep]

    def holds_for(self, model: Module, x: np.ndarray) -> bool:
        """Whether nothing has been replaced, and these samples are like those."""
        return (
            model is self._model
            and x.shape[1:] == self._shape
            and x.dtype == self._dtype
            and are_objects(self._dicts, self._objects)
            and all(map(is_, map(_DATA, self._tensors), self._arrays))
            and [contents(value) for value in self._deep] == self._contents
        )
