"""Normalisation as functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._contract import ShapeError
from ..._errors import called
from ..._rows import compute, contiguous
from ...autograd import DEFAULT_DTYPE, EXPRESSIONS, OPS, Tensor, apply, as_tensor, launch
from ...ops import STEPS
from .._arguments import count
from .._initial import constant
from ._padding import pad
from ._pool import avg_pool2d

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]


def batch_norm(
    input: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    *,
    num_batches_tracked: Tensor | None = None,
) -> Tensor:
    """Normalise each channel of input (N, C, *); in training by the batch's statistics, updating the running
    ones and counting the batches; ``momentum=None`` keeps the average of all that were counted.

    Raises ValueError for other axes, one value per channel in training, or no running statistics outside it.
    """
    x = as_tensor(input)
    if x.ndim < 2:
        raise ValueError(f"batch_norm: input has shape {x.shape}, expected (N, C, *)")
    channels = x.shape[1]
    folded = x.reshape((x.shape[0], channels, math.prod(x.shape[2:])))
    w = constant(1, channels, x.dtype) if weight is None else as_tensor(weight)
    b = constant(0, channels, x.dtype) if bias is None else as_tensor(bias)
    try:
        if not training:
            if running_mean is None or running_var is None:
                raise ValueError("batch_norm: running_mean and running_var are needed when training=False")
            y = apply(OPS["batch_norm_inference"], folded, w, b, running_mean, running_var, eps=float(eps))
            return y.reshape(x.shape)
        if x.shape[0] * folded.shape[2] < 2:
            found = "one value" if x.numel() else "no value"
            raise ValueError(
                f"batch_norm: input of shape {x.shape} has {found} per channel; training needs at least two"
            )
        statistics = OPS["batch_statistics"].run([folded.data], {}, launch)
        mean, var = Tensor(statistics["mean"]), Tensor(statistics["var"])
        y = apply(OPS["batch_norm"], folded, w, b, mean, var, eps=float(eps))
        if running_mean is not None and running_var is not None:
            tracked = Tensor(np.zeros((), np.int64)) if num_batches_tracked is None else num_batches_tracked
            _update_running(statistics, momentum, running_mean, running_var, tracked)
        return y.reshape(x.shape)
    except ShapeError:
        raise _miscounted(
            x, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var
        ) from None


def _miscounted(x: Tensor, **per_channel: Any) -> ShapeError:
    """What is said where there is not one number for each channel of x."""
    shapes = {name: as_tensor(given).shape for name, given in per_channel.items() if given is not None}
    name, shape = next((name, shape) for name, shape in shapes.items() if shape != x.shape[1:2])
    return ShapeError(
        f"{called('batch_norm')}: input has shape {x.shape}, so {x.shape[1]} channels, but {name} has shape {shape}, "
        f"expected one number for each channel"
    )


def _update_running(statistics: dict[str, Any], momentum: float | None, *running: Tensor) -> None:
    """Moves running_mean, running_var and num_batches_tracked on by the statistics of a batch."""
    step, share = STEPS["running_statistics"], math.nan if momentum is None else float(momentum)
    env = statistics | {"momentum": constant(share, 1, np.dtype(np.float64)).data}
    env |= {written.name: t.data for written, t in zip(step.writes, running, strict=True)}
    step.bind(step.fetch(env), {})
    launch(step, env)
    for t in running:
        t._version[0] += 1


def layer_norm(
    input: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Normalise over the last axes of input, whose sizes are ``normalized_shape``; see ``nn.LayerNorm``."""
    x, rows = _rows("layer_norm", as_tensor(input), normalized_shape)
    weight = _stretch("layer_norm", "weight", weight, 1, rows, normalized_shape)
    bias = _stretch("layer_norm", "bias", bias, 0, rows, normalized_shape)
    return apply(OPS["layer_norm"], rows, weight, bias, eps=float(eps)).reshape(x.shape)


def rms_norm(
    input: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None
) -> Tensor:
    """Divide by the root mean square over the last axes of input; see ``nn.RMSNorm``."""
    x, rows = _rows("rms_norm", as_tensor(input), normalized_shape)
    weight = _stretch("rms_norm", "weight", weight, 1, rows, normalized_shape)
    if eps is None:
        eps = float(np.finfo(x.dtype if x.dtype.kind == "f" else DEFAULT_DTYPE).eps)
    return apply(OPS["rms_norm"], rows, weight, eps=float(eps)).reshape(x.shape)


def sizes(name: str, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The sizes of the axes that are normalised over."""
    one = isinstance(normalized_shape, int) or not hasattr(normalized_shape, "__iter__")
    given = (normalized_shape,) if one else tuple(normalized_shape)  # type: ignore[arg-type]
    if not given:
        raise ValueError(f"{name}: normalized_shape is empty, expected the sizes of the last axes of input")
    return tuple(count(name, "normalized_shape", size) for size in given)


def _rows(name: str, x: Tensor, normalized_shape: int | Sequence[int]) -> tuple[Tensor, Tensor]:
    """x, and x as rows over which to normalise."""
    last = sizes(name, normalized_shape)
    if x.shape[-len(last) :] != last:
        raise ValueError(f"{name}: input has shape {x.shape}, expected (*, {', '.join(map(str, last))})")
    return x, x.reshape((math.prod(x.shape[: -len(last)]), math.prod(last)))


def _stretch(
    name: str, what: str, given: Any, neutral: float, rows: Tensor, normalized_shape: int | Sequence[int]
) -> Tensor:
    """A weight or bias as one row; what changes nothing where there is none."""
    if given is None:
        return constant(neutral, rows.shape[1], rows.dtype)
    given, expected = as_tensor(given), sizes(name, normalized_shape)
    if given.shape != expected:
        raise ValueError(f"{name}: {what} has shape {given.shape}, expected {expected}")
    return given.reshape(rows.shape[1:])


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Normalise the channels of input (N, C, *) together in ``num_groups`` groups; see ``nn.GroupNorm``.

    Raises ValueError where num_groups does not divide C, or a group has one value.
    """
    x, groups = as_tensor(input), count("group_norm", "num_groups", num_groups)
    if x.ndim < 2:
        raise ValueError(f"group_norm: input has shape {x.shape}, expected (N, C, *)")
    if not x.shape[1] or x.shape[1] % groups:
        raise ValueError(f"group_norm: num_groups={groups} must divide the {x.shape[1]} channels of input")
    size = math.prod(x.shape[1:]) // groups
    if x.shape[0] * size == 1:
        raise ValueError(
            f"group_norm: input of shape {x.shape} has one value per group; it needs at least two"
        )
    y = layer_norm(x.reshape((x.shape[0] * groups, size)), size, eps=eps).reshape(x.shape)
    return _channelwise(y, weight, bias)


def instance_norm(
    input: Any,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample of input (N, C, *) by itself, or by the running statistics; see
    ``nn.InstanceNorm2d``."""
    x = as_tensor(input)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    if x.ndim < 3 or math.prod(x.shape[2:]) < 2:
        raise ValueError(
            f"instance_norm: input has shape {x.shape}, expected (N, C, *) with two values per channel"
        )
    n, c, values = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    y = layer_norm(x.reshape((n * c, values)), values, eps=eps).reshape(x.shape)
    if running_mean is not None and running_var is not None and n:
        # the means over the batch of what each sample has
        folded = contiguous(x.data.reshape((1, n * c, values)), launch)
        found = OPS["batch_statistics"].run([folded], {}, launch)
        mean = EXPRESSIONS["mean"].forward
        for name in ("mean", "var"):
            found[name] = compute(mean, launch, x=found[name].reshape(n, c), axis=0, keepdims=False)
        _update_running(found, momentum, running_mean, running_var, Tensor(np.zeros((), np.int64)))
    return _channelwise(y, weight, bias)


def _channelwise(x: Tensor, weight: Any, bias: Any) -> Tensor:
    """weight · x + bias, each channel with its own: normalisation by a mean of 0 and a variance of 1."""
    if weight is None and bias is None:
        return x
    mean, var = (constant(value, x.shape[1], x.dtype) for value in (0, 1))
    return batch_norm(x, mean, var, weight, bias, eps=0.0)


def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha · mean of x² over ``size`` channels)^beta; see ``nn.LocalResponseNorm``."""
    x, size = as_tensor(input), count("local_response_norm", "size", size)
    if x.ndim < 3:
        raise ValueError(
            f"local_response_norm: input has shape {x.shape}, expected (N, C, *) of at least 3 axes"
        )
    if not x.numel():
        return x
    squares = (x * x).reshape((x.shape[0], 1, x.shape[1], math.prod(x.shape[2:])))
    squares = pad(squares, (0, 0, size // 2, (size - 1) // 2))
    mean = avg_pool2d(squares, (size, 1), stride=1).reshape(x.shape)
    return x / (mean * alpha + k) ** beta


def normalize(input: Any, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖_p, eps), the norm being that of the vectors along ``dim``."""
    x = as_tensor(input)
    return x / x.norm(p, dim, keepdim=True).clamp_min(eps)
