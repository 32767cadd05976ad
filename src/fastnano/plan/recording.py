"""One eager training step, noted call by call, and what makes the notes worth trusting.

# Design: arrays are known by where they lie in memory (address, shape, strides), and all of them are kept alive
# meanwhile, so that an address means one array.  A step is recorded twice, with other samples and another batch
# size, on the same state, whose values are nudged the second time; an array that is neither an input nor the result
# of a call must lie at the same place in both (state: parameters, buffers, hyper-parameters), which Python does not
# write to, or hold the same values (a constant).  All else was made by Python on the side and would be frozen: it is
# refused, and the op that reads it is named; and so is a step that leaves other traces (``probing``).
# Rejected: tracing with stand-ins for arrays, which any NumPy call in a user's loss breaks.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .._contract import Contract
from .._rows import Environment, Formula
from .._state import state

Place = tuple[int, tuple[int, ...], tuple[int, ...]]
States = Sequence[tuple[np.ndarray, np.ndarray]]  # arrays, and what they held
Question = tuple[int, Callable[[np.ndarray], Any], Any]  # of which input, and the answer
NUDGE = 2.0**-10  # enough to see what Python makes of a model's values, and too little to change a course


class NotPlannable(NotImplementedError):
    """A step that has no native plan; the message says which op stands in the way, and why."""


class Call(NamedTuple):
    """One launch: its rule, its arrays and numbers by name."""

    rule: Contract | Formula
    reads: dict[str, np.ndarray]
    writes: dict[str, np.ndarray]  # updated in place, or new
    numbers: dict[str, Any]


def place(array: np.ndarray) -> Place:
    """Where an array lies; its shape is no part of it where the values lie side by side."""
    address = array.__array_interface__["data"][0]
    if array.flags.c_contiguous:
        return address, (array.size,), (array.itemsize,)
    return address, array.shape, array.strides


def checksum(array: np.ndarray) -> int:
    """A number that tells whether an array still holds the values it did."""
    return zlib.adler32(np.ascontiguousarray(array).data)


class Recording:
    """The calls of one step; ``inputs`` maps each input array of the step to the whole data it is a part of, ``known``
    are arrays that only calls may change."""

    def __init__(
        self,
        inputs: list[tuple[np.ndarray, np.ndarray]],
        known: Sequence[np.ndarray] = (),
        states: States = (),
    ) -> None:
        self.inputs = [batch for batch, _ in inputs]
        self._whole = {place(batch): whole for batch, whole in inputs}
        self.calls: list[Call] = []
        self.questions: list[Question] = []
        self._before: list[tuple[np.ndarray, np.ndarray]] = []  # state that calls updated, as it was
        self.nudged = {place(array) for array, _ in states}
        # State before the first call that updated it, or before it was nudged.
        self._first: dict[Place, np.ndarray] = {place(array): values for array, values in states}
        # Every array known or met, with the sum of the values that it should have.
        self._sums: dict[Place, tuple[np.ndarray, int]] = {
            place(array): (array, checksum(array)) for array in (*self.inputs, *known)
        }
        self._met: dict[Place, int] = {}  # the sums when a call first read it
        self._filled: dict[Place, np.ndarray] = {}

    # Called by the engine

    def before(self, rule: Contract | Formula, env: Environment) -> None:
        """Note a call and what it reads, before it runs."""
        reads = {n: env[n] for n in _read_names(rule) if isinstance(env[n], np.ndarray)}
        for name, array in reads.items():
            self._expect(rule, name, array)
        if isinstance(rule, Contract):
            for written in rule.writes:
                if written.mark == "~":
                    array = env[written.name]
                    self._expect(rule, written.name, array)
                    self._before.append((array, array.copy()))
                    self._first.setdefault(place(array), self._before[-1][1])
        numbers = {n: env[n] for n in _number_names(rule) if not isinstance(env[n], np.ndarray)}
        self.calls.append(Call(rule, reads, {}, numbers))

    def after(self, rule: Contract | Formula, env: Environment) -> None:
        """Note what the call wrote."""
        names = [rule.output] if isinstance(rule, Formula) else [a.name for a in rule.writes]
        for name in names:
            self.calls[-1].writes[name] = env[name]
            self._sums[place(env[name])] = (env[name], checksum(env[name]))

    def examine(
        self,
        array: np.ndarray,
        question: Callable[[np.ndarray], Any],
        otherwise: Callable[[np.ndarray], Any] | None = None,
    ) -> Any:
        """The answer to a question about labels, asked of the whole data set's; NotPlannable for changed labels, if
        there is no other question to ask of them."""
        whole = self._whole.get(place(array))
        if whole is None and otherwise is not None:
            return otherwise(array)
        if whole is None:
            raise NotPlannable("the labels are changed by Python before the loss meets them")
        answer = question(whole)
        index = next(i for i, batch in enumerate(self.inputs) if place(batch) == place(array))
        self.questions.append((index, question, answer))
        return answer

    def fill(self, array: np.ndarray) -> None:
        """Note a new array of one number, which may be one for each sample of the batch."""
        self._filled[place(array)] = array

    def filled(self, array: np.ndarray) -> bool:
        """Whether an array was noted as such."""
        return array.ndim > 0 and place(array) in self._filled

    def python(self, name: str) -> None:
        """Says that a call of Python code took part, which only Python can repeat."""
        raise NotPlannable(f"{name} is Python code")

    # Trust

    def _expect(self, rule: Contract | Formula, name: str, array: np.ndarray) -> None:
        found = checksum(array)
        self._met.setdefault(place(array), found)
        if self._sums.setdefault(place(array), (array, found))[1] != found:
            raise NotPlannable(f"{rule.name}: Python changes {name} in place, beside the ops")

    def finish(self) -> None:
        """Refuse what Python did to the arrays after the last call that met them."""
        updated = [changed for changed, _ in self._before]
        own = {place(changed) for changed in updated}
        for at, (array, known) in self._sums.items():
            if not array.flags.writeable or checksum(array) == known:
                continue
            if at in own or not any(
                np.may_share_memory(array, changed) for changed in updated
            ):  # no view of state
                raise NotPlannable(f"Python changes an array of shape {array.shape} in place, beside the ops")

    def met(self, array: np.ndarray) -> int | None:
        """The checksum of what a call found in an array when one first read it."""
        return self._met.get(place(array))

    def first_values(self, array: np.ndarray) -> bytes:
        """What an array held when the step began."""
        return self._first.get(place(array), array).tobytes()

    def roll_back(self) -> None:
        """Undo what the step updated in place."""
        for array, values in reversed(self._before):
            array[...] = values


def _read_names(rule: Contract | Formula) -> tuple[str, ...]:
    return rule.arguments if isinstance(rule, Formula) else tuple(a.name for a in rule.reads)


def _number_names(rule: Contract | Formula) -> tuple[str, ...]:
    return rule.arguments if isinstance(rule, Formula) else rule.scalars


@contextmanager
def nudged(held: States) -> Iterator[States]:
    """The float arrays of these with values a little off, while it lasts, as pairs with what they held."""
    states = [(array, values) for array, values in held if array.dtype.kind == "f" and array.flags.writeable]
    try:
        for array, values in states:
            array[...] = values * values.dtype.type(1 + NUDGE) + values.dtype.type(NUDGE)
        yield states
    finally:
        for array, values in states:
            array[...] = values


@contextmanager
def record(
    inputs: list[tuple[np.ndarray, np.ndarray]], known: Sequence[np.ndarray] = (), states: States = ()
) -> Iterator[Recording]:
    """Note every call inside the block; what calls updated is as before afterwards.  ``states`` are nudged ones."""
    recording = Recording(inputs, known, states)
    outer, state.recording = state.recording, recording
    try:
        with np.errstate(all="ignore"):  # the few samples may have no finite loss
            yield recording
        state.recording = None
        recording.finish()
    finally:
        state.recording = outer
        recording.roll_back()
