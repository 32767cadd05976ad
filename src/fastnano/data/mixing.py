"""Transforms of whole batches, samples and labels: two samples in one, and a target with a share of each.

    loader = DataLoader(train, batch_size=64, shuffle=True, mix=MixUp(num_classes=10))
    trainer.fit(train, mix=CutMix(num_classes=10))

The targets are class probabilities (N, C), which cross entropy takes; the accuracy on such batches is not measured.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .transforms import Seed


class Mix:
    """A callable of samples and labels that mixes each sample with another of its batch; subclasses write
    ``blend``."""

    def __init__(self, alpha: float = 1.0, num_classes: int | None = None, seed: Seed = None) -> None:
        self.alpha, self.num_classes = alpha, num_classes
        self.rng = None if seed is None else np.random.default_rng(seed)
        if not alpha > 0:
            raise ValueError(f"{type(self).__name__}: alpha is {alpha}, expected a number above 0")

    def __call__(
        self, samples: ArrayLike, labels: ArrayLike, rng: np.random.Generator | None = None
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """The mixed samples, of the same dtype, and float32 targets (N, C)."""
        rng = self.rng or rng or np.random.default_rng()
        x, targets = np.asarray(samples), self._probabilities(np.asarray(labels))
        share, other = np.float32(rng.beta(self.alpha, self.alpha)), rng.permutation(len(x))
        mixed, share = self.blend(x, x[other], share, rng)
        return mixed, share * targets + (1 - share) * targets[other]

    def blend(
        self, x: NDArray[Any], other: NDArray[Any], share: np.float32, rng: np.random.Generator
    ) -> tuple[NDArray[Any], np.float32]:
        """x with a share of 1 − ``share`` of the others, and the share that x kept."""
        raise NotImplementedError(f"{type(self).__name__}: write blend(x, other, share, rng)")

    def _probabilities(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        name = type(self).__name__
        if labels.dtype.kind == "f" and labels.ndim == 2:
            return labels.astype(np.float32, copy=False)
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise ValueError(
                f"{name}: labels are {labels.dtype} of shape {labels.shape}, expected classes (N,) or their "
                "probabilities (N, C)"
            )
        if self.num_classes is None:
            raise ValueError(f"{name}: labels are classes; say how many there are, {name}(num_classes=10)")
        if len(labels) and not 0 <= labels.min() <= labels.max() < self.num_classes:
            raise ValueError(
                f"{name}: labels hold {labels.min()} to {labels.max()}, expected classes from 0 to "
                f"{self.num_classes - 1}, as num_classes says"
            )
        return np.eye(self.num_classes, dtype=np.float32)[labels]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self.alpha}, num_classes={self.num_classes})"


class MixUp(Mix):
    """x ← λ x + (1 − λ) x′, and the targets alike, with x′ another sample of the batch and λ ~ Beta(alpha, alpha),
    one for each batch.

    uint8 samples are rounded to uint8.  Source: H. Zhang et al., "mixup: Beyond Empirical Risk Minimization",
    arXiv:1710.09412.
    """

    def blend(
        self, x: NDArray[Any], other: NDArray[Any], share: np.float32, rng: np.random.Generator
    ) -> tuple[NDArray[Any], np.float32]:
        mixed = share * x + (1 - share) * other
        return (np.rint(mixed) if x.dtype.kind in "iu" else mixed).astype(x.dtype), share


class CutMix(Mix):
    """y = x′, another image of the batch, in a rectangle, else x: it is a share 1 − λ of the area, of the image's
    shape, around a pixel drawn at random, with λ ~ Beta(alpha, alpha), the same for all images of a batch.

    The targets are mixed by the areas; what of the rectangle lies outside counts for x.
    Source: S. Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers", arXiv:1905.04899.
    """

    def blend(
        self, x: NDArray[Any], other: NDArray[Any], share: np.float32, rng: np.random.Generator
    ) -> tuple[NDArray[Any], np.float32]:
        if x.ndim not in (3, 4):
            raise ValueError(
                f"CutMix: samples have shape {x.shape}, expected images (N, H, W) or (N, C, H, W)"
            )
        height, width = x.shape[-2:]
        y, x_centre = rng.integers(height), rng.integers(width)
        tall, wide = (int(size * np.sqrt(1 - share)) for size in (height, width))
        rows = slice(max(y - tall // 2, 0), min(y - tall // 2 + tall, height))
        columns = slice(max(x_centre - wide // 2, 0), min(x_centre - wide // 2 + wide, width))
        mixed = x.copy()
        mixed[..., rows, columns] = other[..., rows, columns]
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        return mixed, np.float32(1 - area / (height * width))
