"""Signatures of kernels: parse them, check arrays against them, size what they write.

    x[n,i] weight[o,i] bias[o] -> y[n,o] argmax[n,o]:i4 ; stride padding | ceil_mode

Each array names its axes by letters; equal letters have equal sizes, ``[...]`` is any shape.  A write is
overwritten, ``+dweight`` is one summed over the batch (letter ``n``), ``~param`` is updated in place.
``:i4`` fixes a dtype; all other arrays share one float dtype.  Names behind ``;`` are numbers handed to the
kernel, those behind ``|`` only to the row's ``dims`` function, which computes the sizes that need arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any

import numpy as np

from ._errors import called

Shape = tuple[int, ...]
Sizes = dict[str, Any]
Outputs = tuple[tuple[str, Shape, np.dtype], ...]  # name, shape and dtype of each array to allocate
Dims = Callable[..., Mapping[str, int]]

_ARRAY = re.compile(r"([+~]?)(\w+)\[([^\]]*)\](?::(\w+))?")
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class ShapeError(ValueError):
    """Arrays do not fit a signature."""


@dataclass(frozen=True)
class Argument:
    """One array of a signature."""

    name: str
    letters: tuple[str, ...]
    mark: str = ""
    dtype: np.dtype | None = None  # None: the float dtype the call runs in

    def __str__(self) -> str:
        return f"{self.name}[{','.join(self.letters)}]"

    def shape(self, sizes: Sizes) -> Shape:
        """The shape that the letters stand for."""
        if self.letters == ("...",):
            return tuple(sizes["..."])
        return tuple(int(letter) if letter.isdigit() else sizes[letter] for letter in self.letters)


@dataclass(frozen=True, eq=False)
class Contract:
    """What one kernel reads and writes, and how the shapes relate."""

    name: str
    reads: tuple[Argument, ...]
    writes: tuple[Argument, ...]
    scalars: tuple[str, ...] = ()
    dims_scalars: tuple[str, ...] = ()
    dims: Dims | None = None
    each: str = (
        ""  # a letter whose places are worked on one by one, so that some can be done before the others
    )
    own: Callable[..., None] | None = None  # its kernel, where that is not one of the back ends'
    finite: str = ""  # a number that must be finite, or else a compiled step ends here

    @classmethod
    def parse(
        cls, name: str, signature: str, dims: Dims | None = None, each: str = "", finite: str = ""
    ) -> Contract:
        """The contract that a signature such as "x[n,i] weight[o,i] -> y[n,o] ; alpha" stands for."""
        arrays, _, tail = signature.partition(";")
        scalars, _, dims_scalars = tail.partition("|")
        reads, _, writes = arrays.partition("->")
        return cls(
            name,
            _arguments(reads),
            _arguments(writes),
            tuple(scalars.split()),
            tuple(dims_scalars.split()),
            dims,
            each,
            finite=finite,
        )

    @cached_property
    def arrays(self) -> tuple[Argument, ...]:
        """All arrays, in the order of the kernel's arguments."""
        return self.reads + self.writes

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The kernel's parameters, in order: reads, writes, scalars."""
        return tuple(a.name for a in self.arrays) + self.scalars

    @cached_property
    def fetch(self) -> Callable[[Mapping[str, Any]], tuple]:
        """The kernel's arguments, in order, out of an environment."""
        if len(self.arguments) == 1:  # of one name, itemgetter gives the value alone
            (name,) = self.arguments
            return lambda env: (env[name],)
        return itemgetter(*self.arguments)

    @cached_property
    def given(self) -> tuple[Argument, ...]:
        """What a caller must bring: all that is read, and what is updated in place."""
        return self.reads + tuple(a for a in self.writes if a.mark == "~")

    @cached_property
    def float_argument(self) -> str:
        """An array of the float dtype that a call runs in; "": the row fixes every dtype."""
        return next((a.name for a in self.arrays if a.dtype is None), "")

    def bind(self, arrays: Sequence[np.ndarray], scalars: Mapping[str, Any]) -> Sizes:
        """Check the given arrays and scalars; return the size of every letter."""
        return _fit(self, tuple([(a.shape, a.dtype) for a in arrays]), tuple(scalars.items()))[0]

    def outputs(self, arrays: Sequence[np.ndarray], scalars: Mapping[str, Any]) -> Outputs:
        """The same checks; return what the kernel writes and no caller brings."""
        return _fit(self, tuple([(a.shape, a.dtype) for a in arrays]), tuple(scalars.items()))[1]

    def shown(self, argument: Argument) -> str:
        """The argument as its caller knows it: by name, ``input`` for a row's x, or as in a signature of one's own."""
        if self.own is not None:
            return str(argument)
        return "input" if argument.name == "x" else argument.name

    @property
    def caller(self) -> str:
        """Whom an error is about."""
        return called(self.name) if self.own is None else self.name

    def _outputs(self, sizes: Sizes, dtype: np.dtype) -> Outputs:
        return tuple((a.name, a.shape(sizes), a.dtype or dtype) for a in self.writes if a.mark != "~")


def _arguments(text: str) -> tuple[Argument, ...]:
    return tuple(
        Argument(name, tuple(axes.split(",")) if axes else (), mark, np.dtype(dtype) if dtype else None)
        for mark, name, axes, dtype in _ARRAY.findall(text)
    )


@lru_cache(maxsize=4096)  # a training loop asks the same few questions at every step
def _fit(
    contract: Contract, arrays: tuple[tuple[Shape, np.dtype], ...], scalars: tuple
) -> tuple[Sizes, Outputs]:
    values = dict(scalars)
    expected = {*contract.scalars, *contract.dims_scalars}
    if values.keys() != expected:
        raise TypeError(f"{contract.name}: takes the numbers {sorted(expected)}, got {sorted(values)}")
    if len(arrays) != len(contract.given):
        names = ", ".join(map(contract.shown, contract.given))
        raise TypeError(f"{contract.caller}: takes {len(contract.given)} arrays ({names}), got {len(arrays)}")
    dtype = _common_dtype(contract, [dtype for _, dtype in arrays])
    sizes: Sizes = {}
    for argument, (shape, _) in zip(contract.given, arrays, strict=True):
        if not _fits(argument, shape, sizes):
            raise _misfit(contract, argument, [shape for shape, _ in arrays])
    if contract.dims is not None:
        sizes.update(contract.dims(sizes, **values))
    return sizes, contract._outputs(sizes, dtype)


def _fits(argument: Argument, shape: Shape, sizes: Sizes) -> bool:
    """Whether an array has the sizes that are known; those of letters not met before are noted."""
    if argument.letters == ("...",):
        return sizes.setdefault("...", shape) == shape
    return len(shape) == len(argument.letters) and all(
        (int(letter) if letter.isdigit() else sizes.setdefault(letter, size)) == size
        for letter, size in zip(argument.letters, shape, strict=True)
    )


def _misfit(contract: Contract, argument: Argument, shapes: Sequence[Shape]) -> ShapeError:
    """The array that does not fit, and those because of which: the first of all, where it is one of the two, since the
    others are mostly a layer's own."""
    given = list(zip(contract.given, shapes, strict=False))
    at = contract.given.index(argument)
    wrong, others = given[at], given[:at]
    if others and _clash(others[0], wrong):
        wrong, others = others[0], [wrong]
    others = [other for other in others if {*other[0].letters} & {*wrong[0].letters}]
    known = {letter: size for other in others for letter, size in _sizes(*other).items()}
    expected = known.get("...") or tuple(known.get(letter, letter.upper()) for letter in wrong[0].letters)
    since = " and ".join(f"{contract.shown(a)} has shape {shape}" for a, shape in others)
    return ShapeError(
        f"{contract.caller}: {contract.shown(wrong[0])} has shape {wrong[1]}, expected {_shape(expected)}"
        + (f", since {since}" if since else "")
    )


def _clash(one: tuple[Argument, Shape], other: tuple[Argument, Shape]) -> bool:
    """Whether two arrays of as many axes as they should have differ in the size of a letter."""
    sizes = _sizes(*one)
    axes = all("..." in a.letters or len(a.letters) == len(shape) for a, shape in (one, other))
    return axes and any(sizes.get(letter, size) != size for letter, size in _sizes(*other).items())


def _sizes(argument: Argument, shape: Shape) -> Sizes:
    return (
        {"...": shape} if argument.letters == ("...",) else dict(zip(argument.letters, shape, strict=False))
    )


def _shape(sizes: Sequence[Any]) -> str:
    return f"({', '.join(map(str, sizes))}{',' * (len(sizes) == 1)})"


def _common_dtype(contract: Contract, dtypes: Sequence[np.dtype]) -> np.dtype:
    """The one float dtype of the given arrays."""
    common: tuple[Argument, np.dtype] | None = None
    for argument, dtype in zip(contract.given, dtypes, strict=True):
        if argument.dtype is not None:
            if dtype != argument.dtype:
                raise TypeError(
                    f"{contract.caller}: {contract.shown(argument)} must be {argument.dtype}, got {dtype}"
                )
        elif dtype not in FLOATS:
            raise TypeError(
                f"{contract.caller}: {contract.shown(argument)} must be float32 or float64, got {dtype}; "
                f"convert it (Tensor.float(), array.astype(numpy.float32))"
            )
        elif common is not None and dtype != common[1]:
            names = contract.shown(argument), contract.shown(common[0])
            raise TypeError(
                f"{contract.caller}: {names[0]} is {dtype} but {names[1]} is {common[1]}; convert one of them "
                f"(array.astype, Tensor.float() / .double(), Module.float() / .double())"
            )
        else:
            common = (argument, dtype)
    return common[1] if common else FLOATS[0]
