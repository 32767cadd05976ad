"""What a layer has learned, and what it makes of an image."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .._state import no_grad
from ..autograd import Tensor
from ..nn import Conv2d, ConvTranspose2d, Linear, Module
from ._probe import ACTIVATIONS, CONVOLUTIONS, Call, as_batch, find_layer, record


def filters(model: Module, layer: int | str = 0) -> np.ndarray:
    """The weights of a convolution, a copy of shape (out_channels, in_channels/groups, kernel_h, kernel_w).

    Those of a transposed one, which lie as (in_channels, out_channels/groups, ...), come in that order too.
    ``layer`` counts convolutions, or is a module's name.  Where there is no convolution, the first dense layer's
    weights (out, in) are shown as images: (out, 1, √in, √in), or (out, 3, √(in/3), √(in/3)).
    """
    name, module = find_layer("filters", model, layer)
    if isinstance(module, Conv2d):
        return module.weight.data.copy()
    if isinstance(module, ConvTranspose2d):
        grouped = module.weight.data.reshape(module.groups, -1, *module.weight.shape[1:])
        return np.concatenate(grouped.swapaxes(1, 2))
    if not isinstance(module, Linear):
        raise TypeError(
            f"filters: layer {name!r} is a {type(module).__name__}, expected a Conv2d, ConvTranspose2d or Linear"
        )
    first = next(m for m in model.modules() if isinstance(m, (*CONVOLUTIONS, Linear)))
    size = module.in_features
    channels = next((c for c in (1, 3) if size % c == 0 and math.isqrt(size // c) ** 2 * c == size), None)
    if module is not first or channels is None:
        reason = "they fill no square" if module is first else "they are features, not pixels"
        raise ValueError(
            f"filters: layer {name!r} is dense, and its {size} inputs are no images, as {reason}; "
            "take the first layer, or read its .weight"
        )
    side = math.isqrt(size // channels)
    return module.weight.data.reshape(-1, channels, side, side).copy()


def responses(
    model: Module, images: npt.ArrayLike | Tensor, layer: int | str = 0, activation: bool = False
) -> np.ndarray:
    """The feature maps of images behind a layer: (N, out_channels, P, Q), or (N, out) if it is dense.

    ``layer`` counts convolutions (dense layers, where there are none), or is any module's name, for the
    output of its first call.  With ``activation``, what comes out of the next activation module behind it.

    Images: one, (H, W) or (C, H, W), or several, (N, H, W) or (N, C, H, W), scaled as in training; uint8 is
    divided by 255.  The model runs in evaluation mode, and only as far as needed: convolutions take any size.
    """
    name, _ = find_layer("responses", model, layer)
    seen: list[Call] = []

    def is_last(call: Call) -> bool:
        if not seen:
            if call.name == name:
                seen.append(call)
            return bool(seen) and not activation
        if isinstance(call.module, ACTIVATIONS):
            seen.append(call)
        return isinstance(call.module, (*ACTIVATIONS, *CONVOLUTIONS, Linear))

    with no_grad():
        record(model, Tensor(as_batch("responses", model, images)), is_last)
    if not seen:
        raise ValueError(f"responses: layer {name!r} was not called by {type(model).__name__}.forward")
    if activation and len(seen) < 2:
        raise ValueError(
            f"responses: activation=True, but no activation module follows layer {name!r} before the next; "
            "apply the function to responses(..., activation=False)"
        )
    output = seen[-1].output
    if not isinstance(output, Tensor):
        raise TypeError(f"responses: layer {name!r} gives a {type(output).__name__}, expected a tensor")
    return output.data.copy()
