"""Normalisation as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd import OPS, Tensor, apply, as_tensor, launch
from ...ops import STEPS
from .._initial import constant

__all__ = ["batch_norm"]


def batch_norm(
    x: Any,
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
    """Normalise each channel of x (N, C, *); in training by the batch's statistics, updating the running
    ones and counting the batches; ``momentum=None`` keeps the average of all that were counted."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"batch_norm: x has shape {x.shape}, expected (N, C, *)")
    channels = x.shape[1]
    folded = x.reshape((x.shape[0], channels, int(np.prod(x.shape[2:]))))
    weight = constant(1, channels, x.dtype) if weight is None else as_tensor(weight)
    bias = constant(0, channels, x.dtype) if bias is None else as_tensor(bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: running_mean and running_var are needed when training=False")
        y = apply(
            OPS["batch_norm_inference"], folded, weight, bias, running_mean, running_var, eps=float(eps)
        )
        return y.reshape(x.shape)
    values = x.shape[0] * folded.shape[2]
    if values < 2:
        found = "one value" if values else "no value"
        raise ValueError(
            f"batch_norm: x of shape {x.shape} has {found} per channel; training needs at least two"
        )
    statistics = OPS["batch_statistics"].run([folded.data], {}, launch)
    mean, var = Tensor(statistics["mean"]), Tensor(statistics["var"])
    y = apply(OPS["batch_norm"], folded, weight, bias, mean, var, eps=float(eps))
    if running_mean is not None and running_var is not None:
        tracked = Tensor(np.zeros((), np.int64)) if num_batches_tracked is None else num_batches_tracked
        _update_running(statistics, momentum, running_mean, running_var, tracked)
    return y.reshape(x.shape)


def _update_running(statistics: dict[str, Any], momentum: float | None, *running: Tensor) -> None:
    """Moves running_mean, running_var and num_batches_tracked on by the statistics of a batch."""
    step, share = STEPS["running_statistics"], math.nan if momentum is None else float(momentum)
    env = statistics | {"momentum": constant(share, 1, np.dtype(np.float64)).data}
    env |= {written.name: t.data for written, t in zip(step.writes, running, strict=True)}
    step.bind(step.fetch(env), {})
    launch(step, env)
    for t in running:
        t._version[0] += 1
