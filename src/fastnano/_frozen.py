"""The frozen layers at the front of a network, evaluated once, and the rest trained on what they gave.

# Design: whether a layer gives the same in every epoch is found by running it (a copy, in training and in evaluation,
# whole and by halves), so that it holds for layers of one's own too.  Rejected: a list of safe layers, which forgets
# the next one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ._random import default_generator
from ._state import no_grad
from .autograd import Tensor
from .data import DataLoader, TensorDataset
from .nn import Module, Sequential
from .nn.module import evaluating

Batches = Iterable[tuple[Any, ...]]
BATCH = 256


def split(model: Module, x: Tensor) -> tuple[Sequential, Sequential, str]:
    """The layers whose outputs do not change while the others learn, the others, and why these begin where they do.

    Raises ValueError where there are none, naming the layer and the reason.
    """
    if type(model) is not Sequential:
        raise ValueError(f"cache_frozen: the model is a {type(model).__name__}, expected a Sequential")
    count, reason = 0, "every layer is frozen"
    for name, layer in model.named_children():
        if any(p.requires_grad for p in layer.parameters()):
            reason = f"layer {name}, {type(layer).__name__}, is not frozen"
        elif (y := _constant(layer, x)) is None:
            reason = f"layer {name}, {type(layer).__name__}, gives other values at other times (see its mode)"
        else:
            count, x = count + 1, y
            continue
        break
    front: Any = model[:count]
    if not any(True for _ in front.parameters()) or count == len(model):
        raise ValueError(
            f"cache_frozen: no frozen layers at the front to leave out: {reason}; freeze them with "
            "model[0].requires_grad_(False)"
        )
    rest: Any = model[count:]
    return front, rest, reason


def _constant(layer: Module, x: Tensor) -> Tensor | None:
    """What a layer gives, if that is the same in training and evaluation, for a batch and for its halves."""
    twin, random = copy.deepcopy(layer).eval(), default_generator
    state, stream = random.state.copy(), copy.deepcopy(random.rng)
    with no_grad():
        try:
            half = (len(x) + 1) // 2
            parts = [twin(x[:half]), twin(x[half:])] if len(x) > 1 else [twin(x)]
            y = twin.train()(x)
        finally:
            random.state[:], random.rng = state, stream
    if not all(isinstance(part, Tensor) for part in (y, *parts)):
        return None
    joined = np.concatenate([part.data for part in parts])
    same = joined.shape == y.shape and np.allclose(joined, y.data, rtol=1e-4, atol=1e-5, equal_nan=True)
    return y if same else None


def features(front: Module, batches: Batches, inputs: Callable[[Any], Tensor]) -> TensorDataset:
    """What the frozen layers give, as a data set in the order of the batches."""
    found = []
    with no_grad(), evaluating(front):
        for x, *labels in batches:
            found.append((front(inputs(x)).data, *labels))
    return TensorDataset(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))


def loader_of(data: TensorDataset, like: DataLoader) -> DataLoader:
    """A loader of the features in the same order, epoch by epoch, as another's of the samples."""
    return DataLoader(data, like.batch_size, like.shuffle, like.seed, like.drop_last)
