"""Running a model while watching its layers, without changing it.

# Design: a copy of the modules that shares all tensors is put into evaluation mode and watched, so the model
# itself is never touched, and other threads may go on using (even training) it.  Rejected: hooks on the
# model, set and removed again, which every other thread would run through meanwhile.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor
from ..nn import Conv2d, ConvTranspose2d, Linear, Module, activation
from ..nn.module import dtype_of

CONVOLUTIONS = (Conv2d, ConvTranspose2d)
ACTIVATIONS = tuple(
    kind
    for kind in vars(activation).values()
    if isinstance(kind, type) and issubclass(kind, Module) and kind is not Module
)


@dataclass
class Call:
    """One call of one module; ``output`` is None until it returns."""

    name: str
    module: Module
    inputs: tuple[Any, ...]
    output: Any = None


class _Reached(Exception):
    """All that was to be seen has been seen."""


def checked_dtype(model: Module) -> np.dtype:
    """The dtype that a model computes in; TypeError for what is none."""
    if not isinstance(model, Module):
        raise TypeError(f"inspect: model must be a Module, got {type(model).__name__}")
    return dtype_of(model)


def frozen_copy(model: Module) -> Module:
    """The same modules once more, in evaluation mode, with the very same parameters and buffers."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared).eval()


def record(model: Module, x: Tensor, last: Callable[[Call], bool] | None = None) -> list[Call]:
    """The calls that ``model(x)`` makes, in the order they begin; ``last`` says after which to stop."""
    calls: list[Call] = []

    def watch(name: str, module: Module) -> None:
        forward = module.forward

        def watched(*inputs: Any, **options: Any) -> Any:
            call = Call(name, module, inputs)
            calls.append(call)
            call.output = forward(*inputs, **options)
            if last is not None and last(call):
                raise _Reached
            return call.output

        vars(module)["forward"] = watched

    network = frozen_copy(model)
    for name, module in network.named_modules():
        watch(name, module)
    with suppress(_Reached):
        network(x)
    return calls


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor of what a module takes or gives: a tensor, or tuples, lists and dicts of them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from tensors(part)


def weighted_layers(model: Module) -> list[tuple[str, Module]]:
    """The convolutions by name, in order; the dense layers where there is no convolution."""
    for kind in (CONVOLUTIONS, Linear):
        found: list[tuple[str, Module]] = [
            (name, module) for name, module in model.named_modules() if isinstance(module, kind)
        ]
        if found:
            return found
    return []


def find_layer(caller: str, model: Module, layer: int | str) -> tuple[str, Module]:
    """A layer by its place among the convolutions (dense layers, if there are none), or a module by name."""
    if not isinstance(model, Module):
        raise TypeError(f"{caller}: model must be a Module, got {type(model).__name__}")
    if isinstance(layer, str):
        modules = dict(model.named_modules())
        if layer not in modules:
            known = ", ".join(name for name in modules if name)
            raise KeyError(
                f"{caller}: layer={layer!r} is no module of {type(model).__name__}; it has {known}"
            )
        return layer, modules[layer]
    layers = weighted_layers(model)
    if not layers:
        raise ValueError(
            f"{caller}: {type(model).__name__} has no Conv2d, ConvTranspose2d or Linear; name a module as layer"
        )
    if not -len(layers) <= layer < len(layers):
        kind = type(layers[0][1]).__name__
        known = ", ".join(f"{i}: {name or kind}" for i, (name, _) in enumerate(layers))
        raise IndexError(
            f"{caller}: layer={layer} is out of range, as {type(model).__name__} has {len(layers)} {kind} "
            f"({known}); choose 0 to {len(layers) - 1}, or a module's name"
        )
    return layers[layer]


def label(name: str, module: Module) -> str:
    """A layer as titles name it: ``Conv2d conv1``."""
    return f"{type(module).__name__} {name}".rstrip()


def as_batch(caller: str, model: Module, images: npt.ArrayLike | Tensor) -> np.ndarray:
    """Images as the model takes them: (N, C, H, W), or (N, D) for a dense first layer of D inputs.

    From one image (H, W) or (C, H, W), or several, (N, H, W) or (N, C, H, W); uint8 is divided by 255.
    """
    x = np.asarray(images.data if isinstance(images, Tensor) else images)
    dtype = checked_dtype(model)
    x = x.astype(dtype) / dtype.type(255) if x.dtype == np.uint8 else x.astype(dtype)
    first = next((module for module in model.modules() if isinstance(module, (*CONVOLUTIONS, Linear))), None)
    if x.ndim == 2 and isinstance(first, Linear) and x.shape[1] == first.in_features:
        return x
    first = next((module for _, module in weighted_layers(model)), None)
    if x.ndim == 2:
        x = x[None]
    if x.ndim == 3:
        channels = first.in_channels if isinstance(first, CONVOLUTIONS) else 1
        x = x[None] if x.shape[0] == channels else x[:, None]
    if x.ndim != 4 or not x.size:
        raise ValueError(
            f"{caller}: images have shape {x.shape}, expected (N, C, H, W), (N, H, W), (C, H, W) or (H, W)"
        )
    return x
