"""Ops of one's own, from a signature and kernels in plain Python, which Numba compiles.

# Design: such an op is a row as those of ``ops``, whose contracts carry their kernels with them; so it is checked,
# allocated, recorded, differentiated and explained by the same code.  Rejected: registering the kernels by name beside
# the library's, where a second definition of a name (in a notebook, say) would change what older ops do.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ._contract import Contract, Dims
from ._rows import Op
from ._state import current_backend
from .autograd import Tensor, apply, as_tensor
from .ops import CONTRACTS, FORMULAS

__all__ = ["OwnOp", "kernel"]

EXAMPLE = "'x[n,i] weight[o,i] -> y[n,o] ; slope'"
_ARRAY = re.compile(r"([+~]?)([^\W\d_]\w*)\[([^\]]+)\](?::(\w+))?")
_LETTER = re.compile(r"[A-Za-z]|\d+|\.\.\.")


Kernel = Callable[..., None]


class OwnKernel:
    """One kernel: plain Python under the NumPy back end, compiled under the others; its errors name it."""

    def __init__(self, name: str, function: Kernel, compiler: Callable[[], Kernel]) -> None:
        self.name, self.function, self.compiler = name, function, compiler
        self._compiled: Kernel | None = None

    def __call__(self, *arguments: Any) -> None:
        try:
            if current_backend() == "numpy":
                self.function(*arguments)
                return
            if self._compiled is None:
                self._compiled = self.compiler()
            self._compiled(*arguments)
        except Exception as error:
            raise RuntimeError(f"kernel {self.name}: {type(error).__name__}: {error}") from error


def _compiled(function: Kernel, cache: bool) -> Kernel:
    """By Numba: for one thread, and for all where it says ``prange``."""
    from ._kernels import _numba

    if "prange" in (*function.__code__.co_names, *function.__code__.co_freevars):
        return _numba.Kernel(function, 100_000, flat=False, cache=cache)
    return _numba.helper(function, cache=cache)


class OwnOp(Op):
    """What ``fastnano.kernel`` makes: a function of tensors, ``op(x, weight, slope=0.1)``."""

    def __init__(self, name: str, forward: str, gradients: tuple[str, ...], dims: Dims | None = None) -> None:
        if f"{name}_forward" in CONTRACTS or f"{name}_forward" in FORMULAS:
            raise ValueError(f"kernel {name}: fastnano has an op of this name; choose another")
        forward = _checked_forward(name, forward, dims)
        super().__init__(
            name, forward, *(_checked_rule(name, rule, forward) for rule in gradients), dims=dims
        )
        self.rules = dict(zip((g.name for g in self.gradients), gradients, strict=True))
        if len(self.rules) < len(gradients):
            raise ValueError(f"kernel {name}: two gradient rules write the same first, {sorted(self.rules)}")
        self.kernels: dict[str, OwnKernel] = {}
        self.forward = replace(self.forward, own=partial(self._run, self.forward.name))
        self.gradients = tuple(replace(g, own=partial(self._run, g.name)) for g in self.gradients)
        self.defaults: dict[str, Any] = {}
        self.cache = False
        self.__name__ = self.__qualname__ = name

    @classmethod
    def of_function(
        cls, function: Kernel, signature: str, gradients: tuple[str, ...], dims: Dims | None, cache: bool
    ) -> OwnOp:
        """The op whose forward kernel is a function, which gives it its name, docstring and the numbers' defaults."""
        if not inspect.isfunction(function):
            raise TypeError(f"kernel: decorates a function of arrays, got {type(function).__name__}")
        op = cls(function.__name__, signature, gradients, dims)
        op.cache = cache
        op._own(function, op.forward)
        parameters = inspect.signature(function).parameters
        op.defaults = {k: p.default for k, p in parameters.items() if p.default is not p.empty}
        op.__doc__, op.__module__ = function.__doc__, function.__module__
        op.__qualname__ = function.__qualname__
        return op

    def _run(self, name: str, *arguments: Any) -> None:
        if name not in self.kernels:
            raise NotImplementedError(
                f"kernel {self.name}: the rule {self.rules[name]!r} has no kernel yet: define a function {name} and "
                f"decorate it with @{self.name}.gradient"
            )
        self.kernels[name](*arguments)

    def _own(self, function: Kernel, contract: Contract) -> None:
        """Take a function for one of the kernels, if it has the parameters that the signature says."""
        parameters = inspect.signature(function).parameters
        if tuple(parameters) != contract.arguments:
            raise TypeError(
                f"kernel {self.name}: {function.__name__} takes ({', '.join(parameters)}), but its signature says "
                f"({', '.join(contract.arguments)}): what it reads, what it writes, then numbers"
            )
        self.kernels[contract.name] = OwnKernel(
            contract.name, function, partial(_compiled, function, self.cache)
        )

    def gradient(self, function: Kernel) -> Kernel:
        """Decorates the kernel of a gradient rule: the function named as the op and what it writes first, ``op_dx``."""
        contract = next((g for g in self.gradients if g.name == function.__name__), None)
        if contract is None:
            names = ", ".join(g.name for g in self.gradients) or "there are no rules"
            raise ValueError(
                f"kernel {self.name}: no gradient rule is named {function.__name__}; expected {names}"
            )
        self._own(function, contract)
        return function

    def __call__(self, /, *inputs: Any, **numbers: Any) -> Tensor:
        count, scalars = len(self.inputs), (*self.scalars, *self.forward.dims_scalars)
        if not count <= len(inputs) <= count + len(scalars):
            raise TypeError(
                f"{self.name}: takes ({', '.join([*self.inputs, *scalars])}), got {len(inputs)} arguments"
            )
        given = dict(zip(scalars, inputs[count:], strict=False))
        if given.keys() & numbers.keys():
            raise TypeError(f"{self.name}: {sorted(given.keys() & numbers.keys())} are given twice")
        return apply(self, *map(as_tensor, inputs[:count]), **{**self.defaults, **given, **numbers})

    def __repr__(self) -> str:
        return f"<kernel {self.name}: {', '.join(map(str, self.forward.reads))} -> {self.forward.writes[0]}>"

    def __reduce__(self) -> str:
        return self.__qualname__  # by name, as functions are pickled

    def __deepcopy__(self, memo: Any) -> OwnOp:
        return self


def kernel(
    signature: str, *gradients: str, dims: Dims | None = None, cache: bool = False
) -> Callable[[Kernel], OwnOp]:
    """Make an op of a kernel, a plain function of arrays that Numba compiles::

        @fastnano.kernel("x[n,i] centre[o,i] -> y[n,o] ; gamma", "dy x centre y -> dx", "dy x centre y -> +dcentre")
        def rbf(x, centre, y, gamma=1.0):
            for n in prange(len(x)):
                for o in range(len(centre)):
                    y[n, o] = np.exp(-gamma * ((x[n] - centre[o]) ** 2).sum())

        @rbf.gradient
        def rbf_dx(dy, x, centre, y, dx, gamma): ...

        @rbf.gradient
        def rbf_dcentre(dy, x, centre, y, dcentre, gamma): ...

        y = rbf(x, layer.centre, gamma=0.5)     # tensors in, tensor out, on the tape
        fastnano.gradcheck(rbf, [x.double(), centre.double()])

    The signature says what is read, what is written and the numbers: ``name[letters]``, equal letters being equal
    sizes, ``[...]`` any shape, ``n`` the batch; ``:i8`` fixes a dtype, all else shares float32 or float64.  Arrays
    are checked against it and what is written is allocated, not zeroed; the first of it is the result.  ``dims``
    computes sizes that need arithmetic, from a dictionary of letters and the numbers behind ``|``.  Each further rule
    says what one gradient kernel reads and writes (``d`` before a name is its gradient; ``+`` marks a sum over the
    batch); backward keeps what the rules read, and runs those whose gradients are wanted.

    Loops over ``prange`` (of numba) run on all threads where the first array is large.  Under
    ``use_backend("numpy")`` the functions run as they stand, for a debugger; Numba does not check that an index is in
    range.  ``cache`` keeps the compiled code beside the file (see ``numba.njit``).  Compiled steps have no native form
    of such an op: trainings with it run layer by layer.

    Raises ValueError or TypeError for a signature or function that does not fit; errors in a kernel name it.
    """

    return lambda function: OwnOp.of_function(function, signature, gradients, dims, cache)


# Signatures


def _sides(name: str, what: str, text: str) -> tuple[list[str], list[str]]:
    reads, arrow, writes = text.partition("->")
    if not arrow or "->" in writes or not reads.split() or not writes.split():
        raise ValueError(f"kernel {name}: the {what} {text!r} must be 'reads -> writes', such as {EXAMPLE}")
    return reads.split(), writes.split()


def _checked_forward(name: str, text: str, dims: Dims | None) -> str:
    """The signature with its spaces in order."""
    text = re.sub(r"\s*,\s*", ",", text)
    arrays, _, numbers = text.partition(";")
    reads, writes = _sides(name, "signature", arrays)
    for word in numbers.replace("|", " ").split():
        if not word.isidentifier():
            raise ValueError(f"kernel {name}: {word!r} in the signature {text!r} is no name of a number")
    names = [*numbers.replace("|", " ").split()]
    known: set[str] = set()
    for i, word in enumerate((*reads, *writes)):
        match = _ARRAY.fullmatch(word)
        if match is None:
            raise ValueError(
                f"kernel {name}: {word!r} in the signature is no array; write it as in {EXAMPLE}"
            )
        mark, array, axes, dtype = match.groups()
        letters = axes.split(",")
        _check_array(name, word, letters, dtype)
        if mark:
            raise ValueError(
                f"kernel {name}: {word!r}: marks are for gradient rules, and nothing is updated in place"
            )
        unknown = [x for x in letters if x not in known and not x.isdigit()]
        if i >= len(reads) and dims is None and unknown:
            raise ValueError(
                f"kernel {name}: the size {unknown[0]!r} of {word} is that of no array that is read; give dims="
            )
        known.update(letters)
        names.append(array)
    if len(set(names)) < len(names):
        raise ValueError(f"kernel {name}: a name is used twice in the signature {text!r}")
    for word in names:
        if word[0] == "d" and word[1:] in names:
            raise ValueError(
                f"kernel {name}: {word!r} in the signature {text!r} is the gradient of {word[1:]!r}; expected another "
                "name, call it otherwise"
            )
    return text


def _check_array(name: str, word: str, letters: list[str], dtype: str | None) -> None:
    if not all(_LETTER.fullmatch(letter) for letter in letters) or ("..." in letters and len(letters) > 1):
        raise ValueError(
            f"kernel {name}: the axes of {word!r} must be letters or numbers between commas, or '...' alone"
        )
    try:
        np.dtype(dtype)
    except TypeError:
        raise ValueError(f"kernel {name}: {dtype!r} in {word!r} is no dtype; such as i8, f8, u1") from None


def _checked_rule(name: str, rule: str, forward: str) -> str:
    reads, writes = _sides(name, "gradient rule", rule)
    before, _, after = forward.partition(";")[0].partition("->")
    inputs, outputs = ([m[1] for m in _ARRAY.findall(side)] for side in (before, after))
    readable = {*inputs, *outputs, *(f"d{x}" for x in (*inputs, *outputs[:1]))}
    for word in reads:
        if word not in readable:
            raise ValueError(
                f"kernel {name}: the rule {rule!r} reads {word!r}; there are {', '.join(sorted(readable))}"
            )
    for word in writes:
        if word.lstrip("+") not in {f"d{x}" for x in inputs}:
            raise ValueError(
                f"kernel {name}: the rule {rule!r} writes {word!r}; expected gradients of what is read, "
                f"{', '.join(f'd{x}' for x in inputs)}"
            )
    return rule
