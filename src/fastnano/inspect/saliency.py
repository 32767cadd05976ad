"""Which pixels a score depends on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._state import enable_grad
from ..autograd import Tensor, backpropagate
from ..nn import Module
from ._probe import as_batch, frozen_copy


def saliency(model: Module, image: npt.ArrayLike | Tensor, target: npt.ArrayLike | None = None) -> np.ndarray:
    """|∂ score_target / ∂ image|, of the image's shape: how much each pixel matters to the score of a class.

    ``model`` gives scores (N, K), best those before a softmax, and runs in evaluation mode.  ``image`` is one
    or several, as ``responses`` takes them; ``target`` is a class or one per image, by default the one of the
    highest score.  Colour images are usually shown as the largest value over the channels.

    Source: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks", arXiv:1312.6034,
    section 3.
    """
    x = Tensor(as_batch("saliency", model, image), requires_grad=True)
    with enable_grad():
        scores = frozen_copy(model)(x)
    if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != len(x):
        found = scores.shape if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(f"saliency: the model gives {found}, expected scores of shape ({len(x)}, classes)")
    seed = _one_hot(scores.data, target)
    if not scores.requires_grad:
        raise ValueError(
            "saliency: the model's scores do not depend on the image through differentiable operations"
        )
    # Images do not mix in evaluation mode, so the sum over the batch has each image's own gradient.
    gradient = next((g for tensor, g in backpropagate(scores, seed) if tensor is x), np.zeros_like(x.data))
    return np.abs(gradient).reshape(np.shape(image.data if isinstance(image, Tensor) else image))


def _one_hot(scores: np.ndarray, target: npt.ArrayLike | None) -> np.ndarray:
    """∂ Σ_n scores[n, target_n] / ∂ scores."""
    n, k = scores.shape
    chosen = scores.argmax(axis=1) if target is None else np.asarray(target)
    if (
        chosen.dtype.kind not in "iu"
        or chosen.shape not in ((), (n,))
        or (chosen < 0).any()
        or (chosen >= k).any()
    ):
        raise ValueError(
            f"saliency: target={target!r} must be a class from 0 to {k - 1}, or one for each of {n} images"
        )
    seed = np.zeros_like(scores)
    seed[np.arange(n), chosen] = 1
    return seed
