"""Losses inside compiled steps: of class indices, of shares, of signs, of numbers."""

import numpy as np
import pytest

from fastnano import nn
from twins import MLP, Y, check

F = nn.functional
RNG = np.random.default_rng(0)
SHARES = RNG.random((61, 5)).astype(np.float32)
SHARES /= SHARES.sum(1, keepdims=True)
SIGNS = (2 * np.eye(5) - 1)[Y].astype(np.float32)
LISTS = np.where(np.arange(5) < 1 + Y[:, None] % 4, RNG.permuted(np.tile(np.arange(5), (61, 1)), axis=1), -1)
WEIGHT = [0.2, 1.5, 1.0, 0.7, 2.0]

LOSSES = [
    *((f"{name}Loss()", y) for name in ("Expectation", "SquaredLog", "Tanimoto") for y in (Y, SHARES)),
    ("RegularizedExpectationLoss(reduction='sum')", Y),
    ("CauchySchwarzLoss()", Y),
    ("ChebyshevLoss()", Y),
    ("SquaredHingeLoss()", Y),
    ("CubedHingeLoss(0.5)", SIGNS),
    ("SSELoss('mean')", SHARES),
    ("SmoothL1Loss(beta=0.3)", SHARES),
    ("HuberLoss(reduction='sum', delta=0.2)", SHARES),
    ("LogCoshLoss()", SHARES),
    ("BCEWithLogitsLoss()", SHARES),
    (f"BCEWithLogitsLoss(weight={WEIGHT}, pos_weight={WEIGHT})", SHARES),
    ("KLDivLoss(reduction='batchmean')", SHARES),
    ("PoissonNLLLoss()", SHARES),
    ("PoissonNLLLoss(full=True)", 4 * SHARES),
    ("SoftMarginLoss()", SIGNS),
    ("MultiLabelSoftMarginLoss()", SHARES),
    ("HingeEmbeddingLoss()", SIGNS),
    ("MultiLabelMarginLoss()", LISTS),
]


@pytest.mark.parametrize(("loss", "labels"), LOSSES, ids=lambda v: v if isinstance(v, str) else v.dtype.name)
def test_losses(loss, labels):
    check(MLP, loss, "SGD(p, lr=0.01)", y=labels)


@pytest.mark.parametrize(
    ("loss", "labels"),
    [("BCELoss()", SHARES), ("DiceLoss()", Y), ("TverskyLoss(0.3, 0.7)", SHARES)],
    ids=lambda v: v if isinstance(v, str) else v.dtype.name,
)
def test_losses_of_probabilities(loss, labels):
    check(f"{MLP}, Sigmoid()", loss, "SGD(p, lr=0.01)", y=labels)


def test_pixels_of_classes():
    pixels = RNG.integers(0, 4, (61, 7, 6))
    check("Conv2d(2, 4, 3, padding=1)", "ExpectationLoss()", "SGD(p, lr=0.01)", y=pixels)
    check("Conv2d(2, 4, 3, padding=1), Softmax(1)", nn.DiceLoss(), "SGD(p, lr=0.01)", y=pixels)


@pytest.mark.parametrize(
    "distance",
    [
        lambda o, y: (1 - F.cosine_similarity(o, y)).mean(),
        lambda o, y: F.pairwise_distance(o, y).mean(),
        lambda o, y: F.pairwise_distance(o, y, p=3).sum(),
        lambda o, y: F.triplet_margin_loss(o, y, o * 0.5, margin=2, swap=True),
    ],
    ids=["cosine", "euclidean", "cubic", "triplet"],
)
def test_distances(distance):
    check(MLP, distance, "SGD(p, lr=0.01)", y=SHARES)
