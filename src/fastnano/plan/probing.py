"""Running a step on a few samples, to see what it does, without leaving a trace."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._random import default_generator
from ..nn import Module
from .contents import contents, layer_contents, plain
from .recording import NotPlannable, States
from .replay import as_labels

MOST = 256  # samples of a probe, of which all arrays are kept for a while


def two_batches(data: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the samples of a full batch and of a small one, whose labels differ in mean and spread: what
    Python reads off the one is not by chance the same in the other."""
    size = min(max(size, 2), MOST)
    few = 2 if size > 2 else 3
    samples = np.arange(len(data[0]))
    if len(data) < 2:
        return np.resize(samples, size), np.resize(samples[::-1], few)
    labels = as_labels(data[1]).reshape(len(samples), -1).sum(1)
    samples = np.argsort(labels, kind="stable")
    upper = samples[len(samples) // 2 :]
    if labels[upper[0]] == labels[upper[-1]]:
        upper = samples
    spread = upper[np.linspace(len(upper) - 1, 0, min(size, len(upper))).astype(int)]
    return np.resize(spread, size), np.resize(samples, few)


@contextmanager
def without_trace(modules: Sequence[Module], loss: Any, arrays: Sequence[np.ndarray]) -> Iterator[States]:
    """Give everything back as it was; NotPlannable, where that took more than arrays, since a plan would not repeat
    what Python does on the side.  The arrays come as pairs with what they hold."""
    held = [(array, array.copy()) for array in arrays]
    attributes_before = [dict(vars(module)) for module in modules]
    before = [plain(layer_contents(module)) for module in modules]
    loss_before, chance = plain(contents(loss)), _chance()
    drawn = _told(chance)
    try:
        yield held
        if _told(_chance()) != drawn:
            raise NotPlannable("Python draws random numbers, with numpy.random, random or fastnano.rand")
        for module, found in zip(modules, before, strict=True):
            if plain(layer_contents(module)) != found:
                raise NotPlannable(
                    f"forward of {type(module).__name__} changes what the module holds, in Python"
                )
        if plain(contents(loss)) != loss_before:
            raise NotPlannable("the loss changes what it holds, in Python")
    finally:
        for module, own in zip(modules, attributes_before, strict=True):
            vars(module).clear()
            vars(module).update(own)
        for array, values in held:
            array[...] = values
        _restore(chance)


def _chance() -> tuple[Any, ...]:
    """The states of the streams that everybody shares."""
    return np.random.get_state(), random.getstate(), default_generator.rng.bit_generator.state


def _told(chance: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same in a form that can be compared."""
    numpy, python, own = chance
    return str(numpy), python, str(own)


def _restore(chance: tuple[Any, ...]) -> None:
    np.random.set_state(chance[0])
    random.setstate(chance[1])
    default_generator.rng.bit_generator.state = chance[2]
