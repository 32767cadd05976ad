"""The kinds of row the table of operations is made of: kernel rows and expression rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np

from ._contract import Argument, Contract, Dims
from ._errors import REFUSALS, reworded
from ._memory import empty

Environment = dict[str, Any]  # arrays and numbers of one call, by name
SHAPES = "shapes of what is written"  # in what an op keeps, under a name that no array can have
Launch = Callable[[Any, Environment], None]


class Reverse(NamedTuple):
    """What backward will do, given which inputs want a gradient; worked out once for each such choice of a
    row."""

    wanted: frozenset[str]
    rules: tuple[Any, ...]  # what to launch for them, in order
    keeps: tuple[str, ...]  # the arrays and numbers of the forward call that the rules read
    writes: tuple[tuple[str, str], ...]  # what the rules write, each beside the input whose shape it has
    watched: tuple[tuple[int, str], ...]  # which of (*inputs, output) must not change until then


class Row:
    """What the kinds of row share."""

    name: str
    inputs: tuple[str, ...]
    scalars: tuple[str, ...]
    output: str
    differentiable: frozenset[str]  # the inputs some rule gives a gradient

    def reverse(self, wants: tuple[bool, ...]) -> Reverse:
        """The reverse pass where these inputs, by position, want a gradient."""
        return _reverse(self, wants)

    @cached_property
    def saves(self) -> frozenset[str]:
        """What backward needs kept alive where every gradient is wanted."""
        return frozenset(self._saves(self.rules_for(self.differentiable)))

    def rules_for(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        """The gradient rules to run for the gradients of the wanted inputs, in order."""
        raise NotImplementedError

    def _saves(self, rules: tuple[Any, ...]) -> set[str]:
        raise NotImplementedError

    def _writes(self, rules: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
        return ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


@cache
def _reverse(row: Row, wants: tuple[bool, ...]) -> Reverse:
    wanted = (
        frozenset(name for name, want in zip(row.inputs, wants, strict=True) if want) & row.differentiable
    )
    rules = row.rules_for(wanted)
    saves = row._saves(rules)
    watched = tuple((i, name) for i, name in enumerate((*row.inputs, row.output)) if name in saves)
    return Reverse(wanted, rules, (*saves, *row.scalars), row._writes(rules), watched)


class Op(Row):
    """A forward kernel and the kernels of its gradients::

        Op("linear", "x[n,i] weight[o,i] bias[o] -> y[n,o]", "dy weight -> dx", "dy x -> +dweight +dbias")

    ``forward`` is a signature (see ``_contract``) whose first write is the op's result; what else it writes is
    for backward, or for the caller beside it.  Each further rule names what one gradient kernel, called after
    the first thing it writes (``linear_dx``), reads and writes; rules run in order and may read what an earlier
    one wrote.  ``dims`` computes the sizes that need arithmetic; the sizes of the letters ``multiply_adds`` multiply to
    the multiply-adds of each of its kernels; ``each`` is a letter whose places they work on one by one.  An op that is
    ``monotone`` never falls where x rises; one that ``picks`` gives the largest of some elements of x.
    """

    def __init__(
        self,
        name: str,
        forward: str,
        *gradients: str,
        dims: Dims | None = None,
        multiply_adds: str = "",
        each: str = "",
        monotone: bool = False,
        picks: bool = False,
    ) -> None:
        self.name, self.multiply_adds = name, multiply_adds
        self.monotone, self.picks = monotone, picks
        self.forward = Contract.parse(f"{name}_forward", forward, dims, each)
        known = {a.name: a for a in self.forward.arrays}
        known |= {f"d{a.name}": Argument(f"d{a.name}", a.letters) for a in self.forward.arrays}
        self.gradients = tuple(self._gradient(rule, known) for rule in gradients)
        self.inputs = tuple(a.name for a in self.forward.reads)
        self.scalars = self.forward.scalars
        self.output = self.forward.writes[0].name
        self.differentiable = frozenset(
            w.name[1:] for rule in self.gradients for w in rule.writes
        ).intersection(self.inputs)
        if monotone or picks:
            self._check_exchange()

    def _check_exchange(self) -> None:
        """Refuse what a plan could not exchange for another (see ``plan/exchange.py``)."""
        names = [a.name for a in self.forward.reads], [w.name for g in self.gradients for w in g.writes]
        if names != (["x"], ["dx"]):
            raise ValueError(f"{self.name}: monotone or picking rows have x and dx alone, not {names}")
        if self.monotone and any(a.letters != ("...",) for a in self.forward.arrays):
            raise ValueError(f"{self.name}: only what is elementwise, x[...] -> y[...], can be monotone")

    def _gradient(self, rule: str, known: dict[str, Argument]) -> Contract:
        reads, writes = (side.split() for side in rule.split("->"))
        marked = [
            Argument(w.lstrip("+"), known[w.lstrip("+")].letters, "+" if w[0] == "+" else "") for w in writes
        ]
        return Contract(
            f"{self.name}_{marked[0].name}",
            tuple(known[r] for r in reads),
            tuple(marked),
            self.forward.scalars,
            each=self.forward.each,
        )

    def rules_for(self, wanted: frozenset[str]) -> tuple[Contract, ...]:
        """The gradient kernels that the wanted inputs need, in the order they run in."""
        needed = {f"d{name}" for name in wanted}
        rules = []
        for rule in reversed(self.gradients):
            if needed & {w.name for w in rule.writes}:
                needed |= {r.name for r in rule.reads}
                rules.append(rule)
        return tuple(reversed(rules))

    def _saves(self, rules: tuple[Contract, ...]) -> set[str]:
        """All that the rules read and none of them writes."""
        written = {w.name for rule in rules for w in rule.writes}
        return {r.name for rule in rules for r in rule.reads} - written - {f"d{self.output}"}

    def _writes(self, rules: tuple[Contract, ...]) -> tuple[tuple[str, str], ...]:
        return tuple((w.name, w.name[1:]) for rule in rules for w in rule.writes)

    def run(self, arrays: Sequence[np.ndarray], scalars: Mapping[str, Any], launch: Launch) -> Environment:
        """Check, allocate and launch; returns everything read and written, by name."""
        outputs = self.forward.outputs(arrays, scalars)
        env = dict(scalars)
        for name, array in zip(self.inputs, arrays, strict=True):
            env[name] = contiguous(array, launch)
        for name, shape, dtype in outputs:
            env[name] = empty(shape, dtype)
        launch(self.forward, env)
        return env

    def kept(self, env: Environment, reverse: Reverse) -> Environment:
        """The part of a forward call that its backward needs."""
        kept = {name: env[name] for name in reverse.keeps}
        kept[SHAPES] = [env[name].shape for _, name in reverse.writes]
        return kept

    def backpropagate(
        self, kept: Environment, dout: np.ndarray, reverse: Reverse, launch: Launch
    ) -> dict[str, np.ndarray]:
        """Gradients of the wanted inputs; a rule none of whose outputs is wanted does not run."""
        env = {**kept, f"d{self.output}": contiguous(dout, launch)}
        for (name, _), shape in zip(reverse.writes, kept[SHAPES], strict=True):
            env[name] = empty(shape, dout.dtype)
        for rule in reverse.rules:
            launch(rule, env)
        return {name: env[f"d{name}"] for name in reverse.wanted}


@dataclass(frozen=True, eq=False)
class Formula:
    """One NumPy expression of a row: what it is called, what it computes, from which names."""

    name: str
    function: Callable[..., Any]
    output: str
    arguments: tuple[str, ...]
    moves: bool = False  # its result holds elements of its first argument, or zeros, and nothing else
    sums: bool = False  # its result holds sums of its first argument over axes
    numbers: tuple[str, ...] = ()  # the arguments that the function takes behind ``*``

    @cached_property
    def contract(self) -> Contract:
        """The signature of the formula as a native kernel, where it has one: arrays of one shape, then numbers."""
        reads = " ".join(f"{a}[...]" for a in self.arguments if a not in self.numbers)
        return Contract.parse(self.name, f"{reads} -> {self.output}[...] ; {' '.join(self.numbers)}")


class Expression(Row):
    """An op written as NumPy expressions: one for the result z, one per gradient; broadcast by the engine.

    Inputs are the positional parameters of ``forward`` (named by ``inputs`` where it takes any number), numbers its
    keyword-only ones.  ``moves`` names the formulas (forward, dx) that only put elements of their first argument
    elsewhere, ``sums`` those that add them up over axes.
    """

    output = "z"

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *,
        inputs: tuple[str, ...] = (),
        moves: tuple[str, ...] = (),
        sums: tuple[str, ...] = (),
        **gradients: Callable[..., Any],
    ) -> None:
        self.name = name
        positional, self.scalars = _parameters(forward)
        self.inputs = inputs or positional

        def formula(
            part: str, function: Callable[..., Any], output: str, given: tuple[str, ...] = ()
        ) -> Formula:
            arrays, numbers = _parameters(function)
            call = _by_position(function, numbers) if numbers else function
            names = (given or arrays) + numbers
            return Formula(f"{name}_{part}", call, output, names, part in moves, part in sums, numbers)

        self.forward = formula("forward", forward, self.output, inputs)
        self.gradients = {d[1:]: formula(d, f, d) for d, f in gradients.items()}
        self.differentiable = frozenset(self.gradients)

    def rules_for(self, wanted: frozenset[str]) -> tuple[Formula, ...]:
        """The formulas of the gradients of the wanted inputs."""
        return tuple(self.gradients[name] for name in self.inputs if name in wanted)

    def _saves(self, rules: tuple[Formula, ...]) -> set[str]:
        return {a for rule in rules for a in rule.arguments} & {*self.inputs, self.output}

    def run(self, arrays: Sequence[np.ndarray], scalars: Mapping[str, Any], launch: Launch) -> Environment:
        """The values of all names after the forward formula."""
        env = dict(scalars)
        for name, array in zip(self.inputs, arrays, strict=True):
            env[name] = array
        try:
            launch(self.forward, env)
        except REFUSALS as error:
            raise reworded(error, self.name, arrays) from None
        return env

    def kept(self, env: Environment, reverse: Reverse) -> Environment:
        """What backward needs of them: the arrays its formulas read, and the shapes of the inputs."""
        kept = {name: env[name] for name in reverse.keeps}
        kept["shape"] = env[self.inputs[0]].shape
        kept["shapes"] = {name: env[name].shape for name in self.inputs}
        return kept

    def backpropagate(
        self, kept: Environment, dout: np.ndarray, reverse: Reverse, launch: Launch
    ) -> dict[str, np.ndarray]:
        """The gradient of each wanted input from that of the output, in the input's own shape."""
        env = {**kept, "dz": dout}
        for rule in reverse.rules:
            launch(rule, env)
        return {name: unbroadcast(env[f"d{name}"], kept["shapes"][name], launch) for name in reverse.wanted}


def _parameters(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the positional and of the keyword-only parameters; 30 times as fast as ``inspect.signature``."""
    code = function.__code__
    names, count = code.co_varnames, code.co_argcount
    return names[:count], names[count : count + code.co_kwonlyargcount]


def _by_position(function: Callable[..., Any], keywords: tuple[str, ...]) -> Callable[..., Any]:
    """The function with its keyword-only parameters taken last, by position."""
    count = len(keywords)
    return lambda *args: function(*args[:-count], **dict(zip(keywords, args[-count:], strict=True)))


def compute(formula: Formula, launch: Launch, **env: Any) -> np.ndarray:
    """What a formula gives of the arrays and numbers it names."""
    launch(formula, env)
    return env[formula.output]


def contiguous(array: np.ndarray, launch: Launch) -> np.ndarray:
    """The array with its values side by side, as kernels take it: itself, or a copy."""
    if array.flags.c_contiguous:
        return array
    return compute(COPY, launch, x=array)


def unbroadcast(gradient: np.ndarray, shape: tuple[int, ...], launch: Launch) -> np.ndarray:
    """A gradient for an input of this shape, which may have been broadcast."""
    if gradient.shape == shape:
        return gradient
    return compute(UNBROADCAST, launch, x=gradient, shape=shape)


def _sum_to(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The sum over the axes along which an array of this shape was broadcast to x."""
    x = np.asarray(x.sum(axis=tuple(range(x.ndim - len(shape)))))
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and x.shape[i] != 1)
    return x.sum(axis=stretched, keepdims=True) if stretched else x


# What the engine itself computes with, beside the rows.
COPY = Formula("copy", lambda x: x.copy(), "z", ("x",), moves=True)
UNBROADCAST = Formula("unbroadcast", _sum_to, "z", ("x", "shape"))
