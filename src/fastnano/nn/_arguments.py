"""Checks of what users hand to layers; each error names the argument, its value and what was expected."""

from __future__ import annotations

import numbers
from typing import Any


def count(owner: str, name: str, value: Any, least: int = 1) -> int:
    """An integer of at least ``least``."""
    if type(value) is not int:  # asked first: an abstract class takes 20 times as long to ask
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TypeError(f"{owner}: {name}={value!r} must be an integer")
        value = int(value)
    if value < least:
        raise ValueError(f"{owner}: {name}={value} must be at least {least}")
    return value


def sizes(owner: str, name: str, value: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """One integer for all axes of an image, which may be alone in a tuple, or one for each."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    values *= dims if len(values) == 1 else 1
    if len(values) != dims:
        number = ("one integer", "one integer or two", "one integer or three")[dims - 1]
        raise ValueError(f"{owner}: {name}={value!r} must be {number}")
    return tuple([count(owner, name, each, least) for each in values])


def window(
    owner: str, dims: int, kernel_size: Any, stride: Any = None, padding: Any = 0
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Kernel, stride (the kernel's size where None) and padding of a pooling, one integer for each axis."""
    kernel = sizes(owner, "kernel_size", kernel_size, dims)
    step = kernel if stride is None or stride in ((), []) else sizes(owner, "stride", stride, dims)
    return kernel, step, sizes(owner, "padding", padding, dims, least=0)


def number(owner: str, name: str, value: Any) -> Any:
    """Any real number, as it is given."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{owner}: {name}={value!r} must be a number")
    return value


def positive(owner: str, name: str, value: Any) -> float:
    """A number above 0."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{owner}: {name}={value!r} must be a number above 0")
    if not float(value) > 0:
        raise ValueError(f"{owner}: {name}={value} must be above 0")
    return float(value)


def probability(owner: str, name: str, value: Any) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{owner}: {name}={value!r} must be a number from 0 to 1")
    if not 0 <= float(value) <= 1:
        raise ValueError(f"{owner}: {name}={value} must be from 0 to 1")
    return float(value)


def instance(owner: str, name: str, value: Any, kind: type, expected: str) -> None:
    """Refuse what is no object of a class, or is a class itself."""
    if isinstance(value, type):
        raise TypeError(f"{owner}: {name} must be {expected}, got the class; call it, {value.__name__}(...)")
    if not isinstance(value, kind):
        raise TypeError(f"{owner}: {name} must be {expected}, got {type(value).__name__}")


def choice(owner: str, name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if value not in choices:
        raise ValueError(f"{owner}: {name}={value!r} must be one of {', '.join(map(repr, choices))}")
    return value
