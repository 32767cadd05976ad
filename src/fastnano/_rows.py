"""The kinds of row the table of operations is made of: kernel rows and expression rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ._contract import Argument, Contract, Dims

Environment = dict[str, Any]  # arrays and numbers of one call, by name
Launch = Callable[[Any, Environment], None]


class Op:
    """A forward kernel and the kernels of its gradients."""

    def __init__(self, name: str, forward: str, *gradients: str, dims: Dims | None = None) -> None:
        self.name = name
        self.forward = Contract.parse(f"{name}_forward", forward, dims)
        known = {a.name: a for a in self.forward.arrays}
        known |= {f"d{a.name}": Argument(f"d{a.name}", a.letters) for a in self.forward.arrays}
        self.gradients = tuple(self._gradient(rule, known) for rule in gradients)

    def _gradient(self, rule: str, known: dict[str, Argument]) -> Contract:
        reads, writes = (side.split() for side in rule.split("->"))
        marked = [Argument(w.lstrip("+"), known[w.lstrip("+")].letters, "+" if w[0] == "+" else "") for w in writes]
        return Contract(
            f"{self.name}_{marked[0].name}", tuple(known[r] for r in reads), tuple(marked), self.forward.scalars
        )

    def __repr__(self) -> str:
        return f"Op({self.name!r})"

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(a.name for a in self.forward.reads)

    @cached_property
    def output(self) -> str:
        """The differentiable output; further outputs are what backward or the caller needs beside it."""
        return self.forward.writes[0].name

    @cached_property
    def differentiable(self) -> frozenset[str]:
        """The inputs some rule gives a gradient."""
        return frozenset(w.name[1:] for rule in self.gradients for w in rule.writes)

    @cached_property
    def saves(self) -> frozenset[str]:
        """What backward needs kept alive: all that a gradient rule reads and no rule writes."""
        written = {w.name for rule in self.gradients for w in rule.writes}
        return frozenset(r.name for g in self.gradients for r in g.reads) - written - {f"d{self.output}"}

    def rules_for(self, wanted: frozenset[str]) -> tuple[Contract, ...]:
        """The gradient rules to run for the gradients of the wanted inputs, in order."""
        needed = {f"d{name}" for name in wanted}
        rules = []
        for rule in reversed(self.gradients):
            if needed & {w.name for w in rule.writes}:
                needed |= {r.name for r in rule.reads}
                rules.append(rule)
        return tuple(reversed(rules))

    def run(self, arrays: Sequence[np.ndarray], scalars: Mapping[str, Any], launch: Launch) -> Environment:
        """Check, allocate and launch; returns everything read and written, by name."""
        arrays = [a if a.flags.c_contiguous else np.ascontiguousarray(a) for a in arrays]
        sizes = self.forward.bind(arrays, scalars)
        env = dict(zip(self.inputs, arrays, strict=True)) | scalars
        env |= self.forward.allocate(sizes, arrays[0].dtype)
        launch(self.forward, env)
        return env

    def kept(self, env: Environment) -> Environment:
        """The part of a forward call that its backward needs."""
        kept = {name: env[name] for name in self.saves}
        kept |= {name: env[name] for name in self.forward.scalars}
        kept["shapes"] = {name: env[name].shape for name in self.differentiable}
        return kept

    def backpropagate(
        self, kept: Environment, dout: np.ndarray, wanted: frozenset[str], launch: Launch
    ) -> dict[str, np.ndarray]:
        """Gradients of the wanted inputs; a rule none of whose outputs is wanted does not run."""
        env = kept | {f"d{self.output}": np.ascontiguousarray(dout)}
        for rule in self.rules_for(wanted):
            for written in rule.writes:
                env[written.name] = np.empty(kept["shapes"][written.name[1:]], dout.dtype)
            launch(rule, env)
        return {name: env[f"d{name}"] for name in wanted}


@dataclass(frozen=True, eq=False)
class Formula:
    """One NumPy expression of a row: what it is called, what it computes, from which names."""

    name: str
    function: Callable[..., Any]
    output: str
    arguments: tuple[str, ...]


class Expression:
    """An op written as NumPy expressions: one for the result z, one per gradient; broadcast by the engine.

    Inputs are the positional parameters of ``forward``, numbers its keyword-only ones.
    """

    output = "z"

    def __init__(self, name: str, forward: Callable[..., Any], **gradients: Callable[..., Any]) -> None:
        self.name = name
        parameters = inspect.signature(forward).parameters.values()
        self.inputs = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.scalars = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.forward = Formula(
            f"{name}_forward", _by_position(forward, self.scalars), self.output, self.inputs + self.scalars
        )
        self.gradients = {
            d[1:]: Formula(f"{name}_{d}", f, d, tuple(inspect.signature(f).parameters)) for d, f in gradients.items()
        }
        self.differentiable = frozenset(self.gradients)
        self.saves = frozenset(a for g in self.gradients.values() for a in g.arguments) & {*self.inputs, "z"}

    def __repr__(self) -> str:
        return f"Expression({self.name!r})"

    def run(self, arrays: Sequence[np.ndarray], scalars: Mapping[str, Any], launch: Launch) -> Environment:
        env = dict(zip(self.inputs, arrays, strict=True)) | scalars
        launch(self.forward, env)
        env["z"] = np.asarray(env["z"])
        return env

    def kept(self, env: Environment) -> Environment:
        kept = {name: env[name] for name in (*self.saves, *self.scalars)}
        kept["shape"] = env[self.inputs[0]].shape
        kept["shapes"] = {name: env[name].shape for name in self.inputs}
        return kept

    def backpropagate(
        self, kept: Environment, dout: np.ndarray, wanted: frozenset[str], launch: Launch
    ) -> dict[str, np.ndarray]:
        env = kept | {"dz": dout}
        for name in wanted:
            launch(self.gradients[name], env)
        return {name: unbroadcast(np.asarray(env[f"d{name}"]), kept["shapes"][name]) for name in wanted}


def _by_position(function: Callable[..., Any], keywords: tuple[str, ...]) -> Callable[..., Any]:
    """The function with its keyword-only parameters taken last, by position."""
    if not keywords:
        return function
    count = len(keywords)
    return lambda *args: function(*args[:-count], **dict(zip(keywords, args[-count:], strict=True)))


def unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which its input of this shape was broadcast."""
    if gradient.shape == shape:
        return gradient
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    return gradient.sum(axis=stretched, keepdims=True) if stretched else gradient
