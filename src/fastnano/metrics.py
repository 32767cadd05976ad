"""Measures of classification, on NumPy arrays (or anything that becomes one)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def accuracy(predictions: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """The share of predictions that are right.

    Shapes: predictions (N, C) scores, of which the largest counts, or (N,) classes; labels (N,) integers.
    Raises ValueError for shapes that do not fit, no samples, or labels out of range.
    """
    predicted, labels = _classes("accuracy", predictions, labels)
    return float((predicted == labels).mean())


def top_k_accuracy(scores: npt.ArrayLike, labels: npt.ArrayLike, k: int = 5) -> float:
    """The share of samples whose label is among the k highest scores; of equal scores the first ones count.

    Shapes: scores (N, C), labels (N,).  Raises ValueError as ``accuracy``, and for k not in 1 to C.
    """
    scores, labels = _checked("top_k_accuracy", scores, labels)
    if scores.ndim != 2:
        raise ValueError(f"top_k_accuracy: scores have shape {scores.shape}, expected (N, C)")
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"top_k_accuracy: k={k} must be from 1 to {scores.shape[1]}, the number of classes")
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def confusion_matrix(
    predictions: npt.ArrayLike, labels: npt.ArrayLike, classes: int | None = None
) -> np.ndarray:
    """matrix[i, j]: how many samples of class i were taken for class j; int64 of shape (classes, classes).

    Shapes: as ``accuracy``.  ``classes`` is by default C of the scores, or the largest class seen plus one.
    """
    predicted, labels = _classes("confusion_matrix", predictions, labels)
    if classes is None:
        scores = np.asarray(predictions)
        classes = scores.shape[1] if scores.ndim == 2 else int(max(predicted.max(), labels.max())) + 1
    for name, values in (("predictions", predicted), ("labels", labels)):
        if values.min() < 0 or values.max() >= classes:
            wrong = values[(values < 0) | (values >= classes)][0]
            raise ValueError(
                f"confusion_matrix: {name} hold {wrong}, expected classes from 0 to {classes - 1}"
            )
    places = labels.astype(np.int64) * classes + predicted
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes)


def _classes(name: str, predictions: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Predicted classes (N,) and labels (N,)."""
    predicted, labels = _checked(name, predictions, labels)
    if predicted.ndim == 2:
        if labels.max() >= predicted.shape[1]:
            raise ValueError(
                f"{name}: labels hold {labels.max()}, expected classes from 0 to {predicted.shape[1] - 1}"
            )
        return predicted.argmax(axis=1), labels
    if predicted.ndim != 1 or predicted.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: predictions are {predicted.dtype} of shape {predicted.shape}, expected scores "
            "(N, C) or integer classes (N,)"
        )
    return predicted, labels


def _checked(name: str, predictions: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: labels are {labels.dtype} of shape {labels.shape}, expected integers of shape (N,)"
        )
    if predictions.ndim == 0 or len(predictions) != len(labels):
        raise ValueError(
            f"{name}: {np.shape(predictions)} predictions for {len(labels)} labels, expected as many"
        )
    if not len(labels):
        raise ValueError(f"{name}: there are no samples, expected at least one")
    if labels.min() < 0:
        raise ValueError(f"{name}: labels hold {labels.min()}, expected classes from 0")
    return predictions, labels
