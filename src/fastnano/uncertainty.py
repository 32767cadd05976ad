"""How sure a network is: dropout left on in prediction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ._state import no_grad, state
from ._training_data import Prepare
from .autograd import Tensor, as_tensor
from .nn import Module
from .nn import functional as F
from .nn.module import dtype_of, evaluating

__all__ = ["MCDropout", "mc_dropout"]


class MCDropout(NamedTuple):
    """What several passes with dropout gave, per sample."""

    mean: np.ndarray  # of the passes
    std: np.ndarray  # of the passes, around that mean
    entropy: np.ndarray | None  # of the mean's class probabilities, in nats; None where there are no classes


def mc_dropout(
    model: Module, x: Any, samples: int = 30, *, softmax: bool = True, batch_size: int = 256
) -> MCDropout:
    """Mean, spread and entropy of ``samples`` predictions, each with other units dropped.

    p̄ = 1/T Σ_t softmax(f(x, mask_t)), std of the same, H = −Σ_c p̄_c log p̄_c.  Only dropout is as in training, by
    layers and by ``F.dropout`` alike; batch norm and all else (dropout of attention's weights, too) are as in
    evaluation.  ``softmax=False`` takes the outputs as they are (regression, or a network that ends in Softmax), and
    gives no entropy.  x is an array or a tensor, as the network takes it, or uint8, scaled as the model was trained;
    the masks follow ``fastnano.manual_seed``.

    Raises ValueError where the model drops nothing, so that its passes would all be the same.
    Source: Y. Gal, Z. Ghahramani, "Dropout as a Bayesian Approximation", arXiv:1506.02142.
    """
    if samples < 1:
        raise ValueError(f"mc_dropout: samples={samples} must be at least 1")
    x = as_tensor(x)
    if not len(x):
        raise ValueError(f"mc_dropout: x has shape {x.shape}, expected at least one sample")
    if x.dtype == np.uint8:
        x = Tensor(Prepare.of(None, model)(x.data).astype(dtype_of(model), copy=False))
    with no_grad(), evaluating(model), _dropping():
        parts = [
            _passes(model, x[begin : begin + batch_size], samples, softmax)
            for begin in range(0, len(x), batch_size)
        ]
    mean, std = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if not softmax:
        return MCDropout(mean, std, None)
    return MCDropout(mean, std, -(mean * np.log(np.where(mean > 0, mean, 1))).sum(1))


@contextmanager
def _dropping() -> Iterator[None]:
    """Dropout in evaluation, too."""
    outer, state.dropped = state.dropped, 0
    try:
        yield
    finally:
        state.dropped = outer


def _passes(model: Module, x: Tensor, samples: int, softmax: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of one batch's passes, by Welford's sums in float64."""
    mean: Any = 0.0
    square: Any = 0.0
    for t in range(samples):
        y = model(x)
        if not state.dropped:
            raise ValueError(
                f"mc_dropout: {type(model).__name__} has no dropout with p above 0; put in a layer, nn.Dropout(0.5)"
            )
        value = (F.softmax(y, 1) if softmax else y).data
        step = value - mean
        mean = mean + step / (t + 1)
        square = square + step * (value - mean)
        if not t:
            mean, square = mean.astype(np.float64), square.astype(np.float64)
    return mean.astype(value.dtype), np.sqrt(square / samples).astype(value.dtype)
